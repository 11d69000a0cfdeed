"""A state machine for Hypothesis: an ensemble, and all that may befall it.

Each rule is a kind of event; a number drawn by Hypothesis seeds what is chosen within it, so that an example
stays small while it does much. After the last rule all is repaired, and the ensemble must recover.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, ClassVar

from hypothesis import event
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from zabcheck.simulation import choosing
from zabcheck.simulation.choosing import Choice, Story
from zabcheck.simulation.events import Event
from zabcheck.simulation.judging import Violation
from zabcheck.simulation.run import Run
from zabcheck.simulation.setting import Setting

SEEDS = some.integers(0, (1 << 16) - 1)


class Machine(RuleBasedStateMachine):
    """An ensemble under Hypothesis; subclasses say of how many.

    Attributes:
        voters, observers, joiners: how many servers there are of each kind (`Setting`).
        mistake: the one put into the cores; "" for none.
        seen: of all runs of this machine together, in how many what came up.
        failure: the last run that broke a property.
    """

    voters: ClassVar[int] = 3
    observers: ClassVar[int] = 0
    joiners: ClassVar[int] = 0
    mistake: ClassVar[str] = ""
    seen: ClassVar[Counter[str]]
    failure: ClassVar[tuple[Setting, tuple[Event, ...], Violation] | None] = None
    _is_broken = False

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Each machine counts for itself."""
        super().__init_subclass__(**arguments)
        cls.seen = Counter()

    @initialize(history=some.sampled_from((2, 4, 500)), factor=some.sampled_from((0.33, -1.0, 100.0)))
    def all_start(self, history: int, factor: float) -> None:
        """An ensemble that has never run starts."""
        self.run = Run(Setting(self.voters, self.observers, history, factor, self.mistake, self.joiners))

    @rule(seed=SEEDS, times=some.integers(10, 60))
    def anything_happens(self, seed: int, times: int) -> None:
        """Whatever may, each as often as `choosing.WEIGHTS` has it."""
        self._choose(seed, choosing.choose, times)

    @rule(seed=SEEDS, times=some.integers(1, 30))
    def much_arrives(self, seed: int, times: int) -> None:
        """Messages arrive in any order, whole or in pieces, and disks are synced."""
        self._choose(seed, choosing.drift, times)

    @rule(seed=SEEDS, times=some.integers(1, 8))
    def clients_ask(self, seed: int, times: int) -> None:
        """Clients ask for this and that."""
        self._choose(seed, choosing.ask, times)

    @rule(seed=SEEDS, times=some.integers(1, 3))
    def clients_connect(self, seed: int, times: int) -> None:
        """Clients connect, and move."""
        self._choose(seed, choosing.connect, times)
        self._choose(seed, choosing.drift, 10)

    @rule(seed=SEEDS)
    def time_passes(self, seed: int) -> None:
        """A little or much."""
        self._choose(seed, choosing.tick)

    @rule(seed=SEEDS)
    def all_is_calm(self, seed: int) -> None:
        """Nothing new happens for a while."""
        self._choose(seed, choosing.calm)

    @rule(seed=SEEDS)
    def all_is_calm_again(self, seed: int) -> None:
        """Often enough for elections to end."""
        self._choose(seed, choosing.start)
        self._choose(seed, choosing.calm)
        self._choose(seed, choosing.connect, 3)
        self._choose(seed, choosing.settle)

    @rule(seed=SEEDS)
    def a_member_is_gone(self, seed: int) -> None:
        """With what it had not synced; it may come back."""
        self._choose(seed, Random(seed).choice((choosing.crash, choosing.fuse)))

    @rule(seed=SEEDS, times=some.integers(1, 3))
    def members_start(self, seed: int, times: int) -> None:
        """Those that are gone."""
        self._choose(seed, choosing.start, times)

    @rule(seed=SEEDS)
    def the_network_breaks(self, seed: int) -> None:
        """At one place or another."""
        harm = choosing.isolate, choosing.block, choosing.reset, choosing.forget
        self._choose(seed, Random(seed).choice(harm))

    @rule()
    def the_network_heals(self) -> None:
        """As a whole."""
        self._choose(0, choosing.heal)

    @rule(seed=SEEDS)
    def a_snapshot_is_taken(self, seed: int) -> None:
        """By a member that serves."""
        self._choose(seed, choosing.snapshot)

    @rule(seed=SEEDS)
    def clients_hold_on(self, seed: int) -> None:
        """While all is repaired."""
        self._choose(seed, choosing.live)

    @rule(seed=SEEDS)
    def a_leader_is_left_alone(self, seed: int) -> None:
        """And proposes what nobody hears of."""
        self._tell(seed, choosing.left_alone)

    @rule(seed=SEEDS)
    def a_client_overtakes_its_request(self, seed: int) -> None:
        """By another member."""
        self._tell(seed, choosing.overtaken)

    @rule(seed=SEEDS)
    def a_member_joins(self, seed: int) -> None:
        """While clients write."""
        self._tell(seed, choosing.joined_by_late)

    @rule(seed=SEEDS)
    def an_election_goes_wrong(self, seed: int) -> None:
        """Whoever comes out of it."""
        self._tell(seed, choosing.misled)

    @rule(seed=SEEDS)
    def a_leader_tries_in_vain(self, seed: int) -> None:
        """And promises more than others have."""
        self._tell(seed, choosing.in_vain)

    def teardown(self) -> None:
        """The ensemble recovers."""
        if not hasattr(self, "run"):
            return
        if not self._is_broken:
            self._judged(self.run.finish)
        for name in sorted(self.run.seen):
            event(name)
            type(self).seen[name] += 1

    def _choose(self, seed: int, choice: Choice, times: int = 1) -> None:
        random = Random(seed)
        for _ in range(times):
            chosen = choice(self.run, random)
            if chosen is not None:
                self._judged(lambda chosen=chosen: self.run.do(chosen))

    def _tell(self, seed: int, story: Story) -> None:
        for event_ in story(self.run, Random(seed)):
            self._judged(lambda event_=event_: self.run.do(event_))

    def _judged(self, what: Any) -> None:
        try:
            what()
        except Violation as violation:
            self._is_broken = True
            type(self).failure = self.run.setting, tuple(self.run.events), violation
            raise


class ReconfiguredMachine(Machine):
    """An ensemble whose members change: there are servers that may join."""

    joiners: ClassVar[int] = 2

    @rule(seed=SEEDS)
    def members_change(self, seed: int) -> None:
        """A client asks for another ensemble, and time passes without new faults."""
        self._choose(seed, choosing.connect)
        self._choose(seed, choosing.settle)
        self._choose(seed, choosing.reconfigure)
        self._choose(seed, choosing.calm)

    @rule(seed=SEEDS)
    def members_change_apart(self, seed: int) -> None:
        """The leader moves the ensemble while some servers hear nothing of it."""
        self._tell(seed, choosing.moved_apart)
