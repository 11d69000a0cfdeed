"""`zabspec.fast_election` within bounds: the ensemble, what its servers have on disk, and the faults allowed.

Server ids decide who is elected, so servers are not alike: the model is explored without symmetry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from typing import Any, get_type_hints

from zabcheck.explorer.model import Model, Property, Step, as_property
from zabcheck.models.bounds import by_name
from zabcheck.models.fast_election.bounds import Bounds
from zabcheck.models.fast_election.fairness import ASSUMPTIONS
from zabspec import fast_election
from zabspec.fast_election import properties
from zabspec.fast_election.liveness import EVENTUALLY
from zabspec.fast_election.state import OnDisk
from zabspec.histories import ZERO, Zxid
from zabspec.parts import Sid, replace
from zabspec.quorums import Quorums

Action = Callable[..., "fast_election.State | None"]

ONLY_UNDISTURBED = ("counted_votes_were_cast", "agreement")
"""The properties that may fail once a server has crashed; `agreement` may also fail after a decision that
came too early.
"""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The servers of an election, and how far to explore.

    Attributes:
        disks: what each server has on disk.
        quorums: the quorums; None for majorities of the voters.
        capacity: how many notifications a channel keeps.
        crashes: how many servers may crash; a server that is down may start at any time.
        again: how often a leader without followers, or a follower without a leader, may look again.
        early: how many servers may decide while a better vote is in flight to them.
    """

    disks: tuple[OnDisk, ...]
    quorums: Quorums | None = None
    capacity: int = 1
    crashes: int = 0
    again: int = 0
    early: int = 0

    @property
    def is_undisturbed(self) -> bool:
        """True if no server crashes or decides too early."""
        return not self.crashes and not self.early


@dataclass(frozen=True, slots=True)
class Budget:
    """What has been used of the bounds."""

    crashes: int = 0
    again: int = 0
    early: int = 0


@dataclass(frozen=True, slots=True)
class World:
    """A state of the protocol, with what has been used of the bounds."""

    protocol: fast_election.State
    budget: Budget


def alike(size: int) -> tuple[OnDisk, ...]:
    """Returns disks of servers that have logged nothing: the highest id wins the election."""
    return (OnDisk(0, ZERO),) * size


def unlike(size: int) -> tuple[OnDisk, ...]:
    """Returns disks of servers of which each has logged more than the next: the lowest id wins the
    election.
    """
    return tuple(OnDisk(1, Zxid(1, size - sid)) for sid in range(size))


def with_observer(voting: Sequence[OnDisk]) -> tuple[OnDisk, ...]:
    """Returns the disks, and after them that of an observer that has logged more than any voter."""
    return (*voting, OnDisk(9, Zxid(9, 9), is_voter=False))


def ensemble(bounds: Bounds) -> Ensemble:
    """Returns the ensemble that bounds describe: a restart is a crash, and a timeout makes a server look
    again.
    """
    voters = bounds.servers - bounds.observers
    disks = unlike(voters) if bounds.unlike else alike(voters)
    for _ in range(bounds.observers):
        disks = with_observer(disks)
    weights = (int(bounds.weightless <= sid < voters) for sid in range(bounds.servers))
    return Ensemble(
        disks,
        (tuple(weights),),
        capacity=bounds.capacity,
        crashes=bounds.restarts,
        again=bounds.timeouts,
        early=bounds.early,
    )


def model(
    ensemble: Ensemble,
    actions: Sequence[Action] = fast_election.NEXT,
    sometimes: Sequence[Callable[..., bool]] = (),
) -> Model:
    """Returns the spec within bounds, with every property that holds there.

    Args:
        ensemble: the servers and the bounds.
        actions: the spec's actions, or those of a mutant.
        sometimes: the members of `properties.SOMETIMES` that must come up.
    """
    size = len(ensemble.disks)
    quorums = ensemble.quorums or (tuple(int(disk.is_voter) for disk in ensemble.disks),)
    world = World(fast_election.initial(ensemble.disks, quorums, ensemble.capacity), Budget())
    return Model(
        "fast_election",
        world,
        tuple(steps(ensemble, actions)),
        size,
        always=_held(properties.ALWAYS, ensemble),
        every_step=_held(properties.EVERY_STEP, ensemble),
        sometimes=tuple(as_property(each) for each in sometimes),
        eventually=EVENTUALLY,
        fairness=ASSUMPTIONS,
    )


def steps(ensemble: Ensemble, actions: Sequence[Action] = fast_election.NEXT) -> Iterator[Step]:
    """Yields every action with every choice of different servers as its arguments, in NEXT's order."""
    budgets = by_name(
        {
            fast_election.server_crashes: ("crashes", ensemble.crashes),
            fast_election.server_looks_again: ("again", ensemble.again),
            fast_election.server_decides_early: ("early", ensemble.early),
        }
    )
    for action in actions:
        wrapped = partial(_unbounded, action)
        if action.__name__ in budgets:
            wrapped = partial(_budgeted, action, *budgets[action.__name__])
        arity = sum(hint is Sid for hint in get_type_hints(action).values())
        for arguments in permutations(range(len(ensemble.disks)), arity):
            yield Step(action.__name__, arguments, wrapped)


def _held(predicates: Sequence[Callable[..., bool]], ensemble: Ensemble) -> tuple[Property, ...]:
    return tuple(
        as_property(each)
        for each in predicates
        if ensemble.is_undisturbed or each.__name__ not in ONLY_UNDISTURBED
    )


def _unbounded(action: Action, world: Any, *arguments: Sid) -> Any:
    """Takes an action as the spec has it."""
    after = action(world.protocol, *arguments)
    return None if after is None else replace(world, protocol=after)


def _budgeted(action: Action, name: str, allowed: int, world: Any, *arguments: Sid) -> Any:
    """Takes an action while there is budget for it."""
    used = getattr(world.budget, name)
    if used >= allowed:
        return None
    after = action(world.protocol, *arguments)
    if after is None:
        return None
    return replace(world, protocol=after, budget=replace(world.budget, **{name: used + 1}))
