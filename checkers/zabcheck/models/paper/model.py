"""`zabspec.paper` within bounds: so many servers, transactions, timeouts, restarts.

The spec has no bounds. Here some of its actions are wrapped: a fault is allowed while there is budget for it,
a request while no history is longer than the bounds allow. What has been used stands beside the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from typing import Any, get_type_hints

from zabcheck.explorer.model import Local, Model, Step
from zabcheck.models.bounds import Budget, by_name, spending, unbounded
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.paper.fairness import ASSUMPTIONS
from zabspec import paper
from zabspec.paper.liveness import EVENTUALLY
from zabspec.parts import Sid, replace

Action = Callable[..., "paper.State | None"]

FOR_LIVENESS = tuple(
    action.__name__
    for action in (paper.leader_gives_up, paper.follower_gives_up, paper.leader_commits_proposal)
)
"""The names of the actions that Zab.tla does not have; see `docs/deviations.md`, D18 and D22."""


@dataclass(frozen=True, slots=True)
class World:
    """A state of the protocol, with what has been used of the bounds."""

    protocol: paper.State
    budget: Budget


def model(bounds: Bounds, actions: Sequence[Action] = paper.NEXT) -> Model:
    """Returns the spec within `bounds`, without properties; a mutant comes with actions of its own."""
    world = World(paper.initial(bounds.servers), Budget())
    local = _local(bounds) if actions is paper.NEXT else None
    return Model(
        "paper",
        world,
        tuple(steps(bounds, actions)),
        bounds.servers,
        local=local,
        symmetry=True,
        eventually=EVENTUALLY,
        fairness=ASSUMPTIONS,
    )


def steps(bounds: Bounds, actions: Sequence[Action] = paper.NEXT) -> Iterator[Step]:
    """Yields every action with every choice of different servers as its arguments, in NEXT's order."""
    for action in actions:
        if action.__name__ in FOR_LIVENESS and not bounds.give_up:
            continue
        wrapped = partial(_WRAPPED.get(action.__name__, unbounded), action, bounds)
        arity = sum(hint is Sid for hint in get_type_hints(action).values())
        for arguments in permutations(range(bounds.servers), arity):
            yield Step(action.__name__, arguments, wrapped)


def _local(bounds: Bounds) -> Local | None:
    """Returns which steps of a connected follower no other step interferes with; None if that is not known.

    Once no connection can be lost, only the follower takes messages from the channel from its leader, and no
    other server reads its promise, its phase, or what it has delivered. Others do read its history: a request
    asks for the longest of all. With a bound on epochs, or requests numbered, others read more; and a leader
    that gives up is a fault.
    """
    if bounds.epochs is not None or bounds.numbered or bounds.give_up:
        return None

    def calm(world: Any) -> bool:
        no_timeouts: bool = world.budget.timeouts >= bounds.timeouts
        return no_timeouts and world.budget.restarts >= bounds.restarts

    def places(step: Step) -> tuple[tuple[str | int, ...], ...] | None:
        if not step.action.startswith("follower_processes_"):
            return None
        follower, leader = step.arguments
        own = [("protocol", "servers", follower, name) for name in ("accepted_epoch", "phase", "committed")]
        return (*own, ("protocol", "network", leader, follower), ("protocol", "network", follower, leader))

    return Local(calm, places)


def _restart(action: Action, bounds: Bounds, world: Any, *arguments: Sid) -> Any:
    """Restarts a server while there is budget for that; a restart also counts as a timeout."""
    restarts, timeouts = world.budget.restarts, world.budget.timeouts
    if restarts >= bounds.restarts or (bounds.restart_needs_timeout and timeouts >= bounds.timeouts):
        return None
    after = action(world.protocol, *arguments)
    if after is None:
        return None
    used = timeouts + 1 if bounds.numbered else min(timeouts + 1, bounds.timeouts)
    return replace(world, protocol=after, budget=replace(world.budget, restarts=restarts + 1, timeouts=used))


def _request(action: Action, bounds: Bounds, world: Any, leader: Sid) -> Any:
    """Accepts a request while no history was as long as allowed when the last request came."""
    if world.budget.longest >= bounds.transactions:
        return None
    number = world.budget.requests if bounds.numbered else 0
    after = action(world.protocol, leader, number)
    if after is None:
        return None
    longest = max(len(after.servers[Sid(i)].history) for i in range(bounds.servers))
    used = replace(world.budget, longest=longest)
    if bounds.numbered:
        used = replace(used, requests=number + 1)
    return replace(world, protocol=after, budget=used)


def _process_cepoch(action: Action, bounds: Bounds, world: Any, leader: Sid, follower: Sid) -> Any:
    """Processes a CEPOCH while no server has promised the highest epoch allowed."""
    if bounds.epochs is None and not bounds.numbered:
        return unbounded(action, bounds, world, leader, follower)
    if bounds.epochs is not None and world.budget.highest_epoch >= bounds.epochs:
        return None
    after = action(world.protocol, leader, follower)
    if after is None:
        return None
    highest = max(after.servers[Sid(i)].accepted_epoch for i in range(bounds.servers))
    return replace(world, protocol=after, budget=replace(world.budget, highest_epoch=highest))


_WRAPPED: dict[str, Callable[..., Any]] = by_name(
    {
        paper.connection_times_out: spending("timeouts"),
        paper.server_restarts: _restart,
        paper.leader_accepts_request: _request,
        paper.leader_processes_cepoch: _process_cepoch,
    }
)
