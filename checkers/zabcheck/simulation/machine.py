"""State machines for Hypothesis: ensembles, and everything that may happen to them.

Each rule is a kind of event. A number drawn by Hypothesis seeds the choices within the rule, so that an
example stays small while it does much. After the last rule the faults end, and the ensemble must recover.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, ClassVar

from hypothesis import event
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from zabcheck.simulation import choosing
from zabcheck.simulation.choosing import Choice, Scenario
from zabcheck.simulation.events import Event
from zabcheck.simulation.judging import Violation
from zabcheck.simulation.run import Run
from zabcheck.simulation.setting import Setting

SEEDS = some.integers(0, (1 << 16) - 1)


class Machine(RuleBasedStateMachine):
    """An ensemble under Hypothesis; subclasses set its size.

    Attributes:
        voters, observers, joiners: how many servers there are of each kind (`Setting`).
        mistake: the name of the mistake put into the cores; "" for none.
        seen: in how many runs of this machine each thing came up that runs count (`Run.seen`).
        failure: the setting and the events of the last run that violated a property, and the violation.
    """

    voters: ClassVar[int] = 3
    observers: ClassVar[int] = 0
    joiners: ClassVar[int] = 0
    mistake: ClassVar[str] = ""
    seen: ClassVar[Counter[str]]
    failure: ClassVar[tuple[Setting, tuple[Event, ...], Violation] | None] = None
    _is_broken = False

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Gives each machine its own counts."""
        super().__init_subclass__(**arguments)
        cls.seen = Counter()

    @initialize(hiscenario=some.sampled_from((2, 4, 500)), factor=some.sampled_from((0.33, -1.0, 100.0)))
    def all_start(self, hiscenario: int, factor: float) -> None:
        """All servers start for the first time."""
        self.run = Run(Setting(self.voters, self.observers, hiscenario, factor, self.mistake, self.joiners))

    @rule(seed=SEEDS, times=some.integers(10, 60))
    def anything_happens(self, seed: int, times: int) -> None:
        """Any events happen, as often as `choosing.WEIGHTS` says."""
        self._choose(seed, choosing.choose, times)

    @rule(seed=SEEDS, times=some.integers(1, 30))
    def much_arrives(self, seed: int, times: int) -> None:
        """Messages arrive in any order, whole or in parts, and logs are synced."""
        self._choose(seed, choosing.drift, times)

    @rule(seed=SEEDS, times=some.integers(1, 8))
    def clients_ask(self, seed: int, times: int) -> None:
        """Clients send requests."""
        self._choose(seed, choosing.ask, times)

    @rule(seed=SEEDS, times=some.integers(1, 3))
    def clients_connect(self, seed: int, times: int) -> None:
        """Clients connect, or move to other servers."""
        self._choose(seed, choosing.connect, times)
        self._choose(seed, choosing.drift, 10)

    @rule(seed=SEEDS)
    def time_passes(self, seed: int) -> None:
        """Time passes, a little or much."""
        self._choose(seed, choosing.tick)

    @rule(seed=SEEDS)
    def all_is_calm(self, seed: int) -> None:
        """Time passes without new faults."""
        self._choose(seed, choosing.calm)

    @rule(seed=SEEDS)
    def elections_end(self, seed: int) -> None:
        """A server starts, and time passes without new faults: elections end often enough."""
        self._choose(seed, choosing.start)
        self._choose(seed, choosing.calm)
        self._choose(seed, choosing.connect, 3)
        self._choose(seed, choosing.settle)

    @rule(seed=SEEDS)
    def a_server_crashes(self, seed: int) -> None:
        """A server crashes and loses what it has not synced; it may restart later."""
        self._choose(seed, Random(seed).choice((choosing.crash, choosing.fuse)))

    @rule(seed=SEEDS, times=some.integers(1, 3))
    def servers_start(self, seed: int, times: int) -> None:
        """Servers that are down start."""
        self._choose(seed, choosing.start, times)

    @rule(seed=SEEDS)
    def the_network_breaks(self, seed: int) -> None:
        """Messages are blocked or lost, or connections break."""
        harm = choosing.isolate, choosing.block, choosing.reset, choosing.forget
        self._choose(seed, Random(seed).choice(harm))

    @rule()
    def the_network_heals(self) -> None:
        """The network delivers everything again."""
        self._choose(0, choosing.heal)

    @rule(seed=SEEDS)
    def a_snapshot_is_taken(self, seed: int) -> None:
        """A server writes a snapshot."""
        self._choose(seed, choosing.snapshot)

    @rule(seed=SEEDS)
    def clients_keep_their_sessions(self, seed: int) -> None:
        """Faults end for a while, and clients keep their sessions."""
        self._choose(seed, choosing.live)

    @rule(seed=SEEDS)
    def a_leader_is_left_alone(self, seed: int) -> None:
        """A leader is cut off, and proposes what no other server receives."""
        self._play(seed, choosing.left_alone)

    @rule(seed=SEEDS)
    def a_client_overtakes_its_request(self, seed: int) -> None:
        """A client sends its next request to another server while one is in flight."""
        self._play(seed, choosing.overtaken)

    @rule(seed=SEEDS)
    def a_server_is_synchronized_late(self, seed: int) -> None:
        """A server restarts while clients write."""
        self._play(seed, choosing.joined_by_late)

    @rule(seed=SEEDS)
    def an_election_goes_wrong(self, seed: int) -> None:
        """Elections end with any voter, not the same one at all servers."""
        self._play(seed, choosing.misled)

    @rule(seed=SEEDS)
    def a_leader_tries_in_vain(self, seed: int) -> None:
        """A leader accepts epochs that no quorum has promised."""
        self._play(seed, choosing.in_vain)

    def teardown(self) -> None:
        """Lets the ensemble recover, and checks what it has kept."""
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

    def _play(self, seed: int, scenario: Scenario) -> None:
        for event_ in scenario(self.run, Random(seed)):
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
        """The ensemble is reconfigured while some servers receive nothing from the leader."""
        self._play(seed, choosing.moved_apart)
