"""`zabspec.broadcast` within bounds: so many servers, transactions, epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, get_type_hints

from zabcheck.explorer.model import Model, Step
from zabcheck.models.bounds import Budget, by_name, spending, unbounded
from zabcheck.models.broadcast.bounds import Bounds
from zabspec import broadcast
from zabspec.parts import Sid, replace

Action = Callable[..., "broadcast.State | None"]


@dataclass(frozen=True, slots=True)
class World:
    """A state of atomic broadcast, with what has been used of the bounds."""

    protocol: broadcast.State
    budget: Budget


def model(bounds: Bounds, actions: Sequence[Action] = broadcast.NEXT) -> Model:
    """Returns the spec within `bounds`, without properties."""
    world = World(broadcast.initial(bounds.servers), Budget())
    return Model("broadcast", world, tuple(steps(bounds, actions)), bounds.servers, symmetry=True)


def steps(bounds: Bounds, actions: Sequence[Action] = broadcast.NEXT) -> Iterator[Step]:
    """Yields every action with every server and every epoch for its arguments, in NEXT's order."""
    for action in actions:
        choices: list[range] = []
        are_ids: tuple[bool, ...] = ()
        for name, hint in get_type_hints(action).items():
            if hint is Sid:
                choices.append(range(bounds.servers))
                are_ids += (True,)
            elif name == "epoch":
                choices.append(range(1, bounds.epochs + 1))
                are_ids += (False,)
        wrapped = partial(_WRAPPED.get(action.__name__, unbounded), action, bounds)
        for arguments in product(*choices):
            yield Step(action.__name__, arguments, wrapped, are_ids=are_ids)


def _request(action: Action, bounds: Bounds, world: Any, *arguments: int) -> Any:
    """Broadcasts a transaction while fewer were broadcast than the bounds allow."""
    used = world.budget.requests + 1
    if used > bounds.transactions:
        return None
    after = action(world.protocol, *arguments, used if bounds.numbered else 0)
    if after is None:
        return None
    return replace(world, protocol=after, budget=replace(world.budget, requests=used))


_WRAPPED: dict[str, Callable[..., Any]] = by_name(
    {
        broadcast.primary_resigns: spending("timeouts"),
        broadcast.server_restarts: spending("restarts"),
        broadcast.primary_broadcasts: _request,
    }
)
