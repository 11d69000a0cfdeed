"""`zabspec.broadcast` within bounds: so many servers, transactions, epochs.

Of `Bounds`, `timeouts` says here how many primaries may resign, and `epochs` defaults to 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, get_type_hints

from zabcheck.explorer.model import Model, Step
from zabcheck.models.bounds import Bounds, Budget
from zabspec import broadcast
from zabspec.parts import Sid, replace

EPOCHS = 2


@dataclass(frozen=True, slots=True)
class World:
    """A state of atomic broadcast, and how it stands with the bounds."""

    protocol: broadcast.State
    budget: Budget


def model(bounds: Bounds) -> Model:
    """The spec within `bounds`, without properties."""
    world = World(broadcast.initial(bounds.servers), Budget())
    return Model("broadcast", world, tuple(steps(bounds)), bounds.servers, symmetry=True)


def steps(bounds: Bounds) -> Iterator[Step]:
    """Every action of the spec with every server and every epoch for its arguments, in NEXT's order."""
    last = EPOCHS if bounds.epochs is None else bounds.epochs
    for action in broadcast.NEXT:
        choices: list[range] = []
        are_ids: tuple[bool, ...] = ()
        for name, hint in get_type_hints(action).items():
            if hint is Sid:
                choices.append(range(bounds.servers))
                are_ids += (True,)
            elif name == "epoch":
                choices.append(range(1, last + 1))
                are_ids += (False,)
        for arguments in product(*choices):
            yield Step(action.__name__, arguments, partial(_bounded, action, bounds), are_ids=are_ids)


def _bounded(action: Callable[..., Any], bounds: Bounds, world: Any, *arguments: int) -> Any:
    """The action, while its bound lasts."""
    budget = world.budget
    match action.__name__:
        case "primary_resigns" if budget.timeouts >= bounds.timeouts:
            return None
        case "primary_resigns":
            budget = replace(budget, timeouts=budget.timeouts + 1)
        case "server_restarts" if budget.restarts >= bounds.restarts:
            return None
        case "server_restarts":
            budget = replace(budget, restarts=budget.restarts + 1)
        case "primary_broadcasts":
            if budget.requests >= bounds.transactions:
                return None
            budget = replace(budget, requests=budget.requests + 1)
            arguments = (*arguments, budget.requests if bounds.numbered else 0)
    after = action(world.protocol, *arguments)
    return None if after is None else replace(world, protocol=after, budget=budget)
