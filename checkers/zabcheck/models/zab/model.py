"""`zabspec.zab` within bounds: so many servers, transactions, timeouts, crashes, epochs.

The spec has no bounds. Here some of its actions are wrapped, as in `zabcheck.models.paper.model`: a fault is
allowed while there is budget for it, a request while there were fewer than allowed, an epoch while it is not
too high. An end of a connection that a partition cuts may time out at no cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, permutations
from typing import Any, get_type_hints

from zabcheck.explorer.model import Model, Step
from zabcheck.models.bounds import Budget, by_name, spending, unbounded
from zabcheck.models.zab.bounds import DISKS, Bounds
from zabcheck.models.zab.fairness import ASSUMPTIONS
from zabspec import fast_election, zab
from zabspec.parts import Sid, replace
from zabspec.quorums import Quorums, majority, smallest
from zabspec.zab.liveness import EVENTUALLY
from zabspec.zab.network import is_reachable
from zabspec.zab.state import Disk, Role

Action = Callable[..., "zab.State | None"]

WORKING = tuple(
    action.__name__
    for action in zab.NEXT[
        zab.NEXT.index(zab.leader_processes_followerinfo) : zab.NEXT.index(zab.follower_notices)
    ]
    if action is not zab.leader_proposes
)
"""The actions by which the protocol goes on by itself: no faults, no elections, no requests."""


@dataclass(frozen=True, slots=True)
class ZabBudget(Budget):
    """What has been used of the bounds, partitions among them."""

    partitions: int = 0


@dataclass(frozen=True, slots=True)
class World:
    """A state of the protocol, with what has been used of the bounds."""

    protocol: zab.State
    budget: ZabBudget


def model(bounds: Bounds, actions: Sequence[Action] = zab.NEXT) -> Model:
    """Returns the spec within `bounds`, without properties; a mutant comes with actions of its own."""
    world = World(zab.initial(bounds.servers, quorums(bounds), observers(bounds), disk(bounds)), ZabBudget())
    if bounds.give_up and actions is zab.NEXT:
        actions = zab.NEXT_LIVE

    def is_at_bound(world: World) -> bool:
        return any(server.accepted_epoch >= bounds.epochs for server in world.protocol.servers)

    return Model(
        "zab",
        world,
        tuple(steps(bounds, actions)),
        bounds.servers,
        symmetry=True,
        is_at_bound=is_at_bound,
        eventually=EVENTUALLY,
        fairness=ASSUMPTIONS,
    )


def observers(bounds: Bounds) -> frozenset[Sid]:
    """Returns the servers that observe."""
    return frozenset(map(Sid, range(bounds.servers - bounds.observers, bounds.servers)))


def disk(bounds: Bounds) -> Disk:
    """Returns what a disk consists of."""
    return Disk(DISKS.index(bounds.disk))


def quorums(bounds: Bounds) -> Quorums:
    """Returns the quorums.

    Raises:
        ValueError: there are too many observers; or the weights give no quorum, or one of a single server, or
            an observer has a weight; one line that says so.
    """
    size, voters = bounds.servers, bounds.servers - bounds.observers
    if bounds.observers and voters < 2:
        raise ValueError(f"{size} servers, {bounds.observers} of them observers: two must vote")
    if not bounds.weights:
        return majority(size, [Sid(sid) for sid in range(voters, size)])
    groups = [group.split(",") for group in bounds.weights.split("/")]
    if not all(len(group) == size and all(map(str.isdecimal, group)) for group in groups):
        raise ValueError(f"weights {bounds.weights!r}: not {size} whole numbers in each group, such as 2,1,1")
    found = tuple(tuple(map(int, group)) for group in groups)
    if any(any(group[voters:]) for group in found):
        raise ValueError(f"weights {bounds.weights!r}: an observer weighs nothing")
    if any(sum(group[sid] > 0 for group in found) > 1 for sid in range(size)):
        raise ValueError(f"weights {bounds.weights!r}: a server is in one group")
    least = min(map(len, smallest(found)), default=0)
    if least < 2 <= voters:
        raise ValueError(
            f"weights {bounds.weights!r}: " + ("one server is a quorum" if least else "no quorum")
        )
    return found


def begun(model: Model) -> Model:
    """Returns the model from where server 0 leads all others, one transaction is delivered, and one is
    proposed.

    The NJU group's specifications for single bugs begin there, so what is found from there compares with
    theirs.
    """
    world = model.initial
    followers = range(1, model.size)
    world = _take(model, world, zab.server_is_elected, 0)
    for follower in followers:
        world = _take(model, world, zab.server_follows_leader, follower, 0)
    world = _settled(model, world)
    world = _settled(model, _take(model, world, zab.leader_proposes, 0))
    return replace(model, initial=_take(model, world, zab.leader_proposes, 0))


def _take(model: Model, world: World, action: Action, *arguments: int) -> World:
    for step in model.steps:
        if (step.action, step.arguments) == (action.__name__, arguments):
            after: World | None = step.apply(world, *arguments)
            if after is not None:
                return after
    raise ValueError(f"{model.name} cannot begin with {action.__name__}{arguments}: the bounds are too small")


def _settled(model: Model, world: World) -> World:
    """Returns the world after every message was processed and every write synced, and nothing else was
    done.
    """
    working = [step for step in model.steps if step.action in WORKING]
    while True:
        following = (step.apply(world, *step.arguments) for step in working)
        found = next((each for each in following if each is not None), None)
        if found is None:
            return world
        world = found


def steps(bounds: Bounds, actions: Sequence[Action] = zab.NEXT) -> Iterator[Step]:
    """Yields every action with every choice of different servers as its arguments, in NEXT's order."""
    for action in actions:
        wrapped = partial(_WRAPPED.get(action.__name__, unbounded), action, bounds)
        for arguments in _choices(action, bounds):
            are_ids = (True,) * (len(arguments) - 1) + (False,) if "kept" in get_type_hints(action) else None
            yield Step(action.__name__, arguments, wrapped, are_ids=are_ids)


def _choices(action: Action, bounds: Bounds) -> Iterator[tuple[int, ...]]:
    """Yields every choice of arguments of an action."""
    hints = get_type_hints(action)
    if "side" in hints:
        for count in range(1, bounds.servers // 2 + 1):
            yield from combinations(range(bounds.servers), count)
        return
    arity = sum(hint is Sid for hint in hints.values())
    for arguments in permutations(range(bounds.servers), arity):
        if "kept" in hints:
            yield from ((*arguments, kept) for kept in range(bounds.transactions + 1))
        else:
            yield arguments


def _time_out(action: Action, bounds: Bounds, world: Any, one: Sid, other: Sid) -> Any:
    """Lets an end of a connection time out while there is budget for it; across a partition at no cost."""
    allow = spending("timeouts") if is_reachable(world.protocol, one, other) else unbounded
    return allow(action, bounds, world, one, other)


def _request(action: Action, bounds: Bounds, world: Any, leader: Sid) -> Any:
    """Takes a client's request while there were fewer than the bounds allow."""
    used = world.budget.requests
    if used >= bounds.transactions:
        return None
    after = action(world.protocol, leader, used if bounds.numbered else 0)
    if after is None:
        return None
    return replace(world, protocol=after, budget=replace(world.budget, requests=used + 1))


def _elect(action: Action, bounds: Bounds, world: Any, server: Sid) -> Any:
    """Elects a server while it may still propose a higher epoch."""
    if world.protocol.servers[server].role != Role.LOOKING:
        return None
    if world.protocol.servers[server].accepted_epoch >= bounds.epochs:
        return None
    return unbounded(action, bounds, world, server)


def _inform(action: Action, bounds: Bounds, world: Any, leader: Sid, follower: Sid) -> Any:
    """Processes FOLLOWERINFO, unless the leader would have to propose a higher epoch than allowed."""
    after = action(world.protocol, leader, follower)
    if after is None or after.servers[leader].proposing_epoch > bounds.epochs:
        return None
    return replace(world, protocol=after)


_WRAPPED: dict[str, Callable[..., Any]] = by_name(
    {
        zab.server_is_elected: _elect,
        zab.server_is_elected_late: _elect,
        zab.server_leads_unelected: _elect,
        zab.leader_processes_followerinfo: _inform,
        zab.follower_times_out: _time_out,
        zab.leader_drops_follower: _time_out,
        zab.server_restarts: spending("restarts"),
        zab.network_splits: spending("partitions"),
        fast_election.server_decides_early: spending("early"),
        zab.leader_proposes: _request,
    }
)
