"""`zabspec.zab_elected` within bounds: those of `zabcheck.models.zab.model`, and on rounds and hasty
decisions.

Rounds go up each time that a server goes back to election, so they are bounded too: a server at the highest
round allowed stays where it is. Server ids decide who is elected, so the model is explored without symmetry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from zabcheck.explorer.model import Model, Step
from zabcheck.models.zab import model as zab
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.fairness import ASSUMPTIONS
from zabspec import fast_election, zab_elected
from zabspec.fast_election.state import Mode
from zabspec.parts import Sid
from zabspec.zab.liveness import EVENTUALLY

Action = Callable[..., "zab_elected.State | None"]

BEGINNING = (
    action.__name__
    for action in (fast_election.server_starts, fast_election.server_looks_again, *zab_elected.LEAVING)
)
"""The actions by which a server begins a round, the first of their arguments."""

DECIDING = tuple(
    action.__name__
    for action in (
        fast_election.server_weighs_report,
        fast_election.server_decides,
        fast_election.server_decides_early,
    )
)
"""The actions by which a server may decide who leads."""


@dataclass(frozen=True, slots=True)
class ElectedBudget(zab.ZabBudget):
    """What has been used of the bounds, hasty decisions among them."""

    early: int = 0


@dataclass(frozen=True, slots=True)
class World:
    """A state of the protocol, and how it stands with the bounds."""

    protocol: zab_elected.State
    budget: ElectedBudget


def model(bounds: Bounds, actions: Sequence[Action] = zab_elected.NEXT) -> Model:
    """The spec within `bounds`, without properties."""
    start = zab_elected.initial(bounds.servers, zab.quorums(bounds), zab.observers(bounds))
    world = World(start, ElectedBudget())
    return Model(
        "zab",
        world,
        tuple(steps(bounds, actions)),
        bounds.servers,
        eventually=EVENTUALLY,
        fairness=ASSUMPTIONS,
    )


def steps(bounds: Bounds, actions: Sequence[Action] = zab_elected.NEXT) -> Iterator[Step]:
    """Every action of the spec with every choice of different servers for its arguments, in NEXT's order."""
    for step in zab.steps(bounds, actions):
        if step.action in BEGINNING:
            yield replace(step, apply=partial(_begin, step.apply, bounds))
        elif step.action in DECIDING:
            yield replace(step, apply=partial(_decide, step.apply, bounds))
        else:
            yield step


def _begin(apply: Callable[..., Any], bounds: Bounds, world: Any, server: Sid, *others: int) -> Any:
    """A step by which a server may begin a round, if it is not too high."""
    after = apply(world, server, *others)
    if after is None or after.protocol.election.servers[server].round > bounds.rounds:
        return None
    return after


def _decide(apply: Callable[..., Any], bounds: Bounds, world: Any, server: Sid, *others: Sid) -> Any:
    """A decision; to lead, only while the server has not promised as high an epoch as allowed."""
    after = apply(world, server, *others)
    if after is None or after.protocol.election.servers[server].mode != Mode.LEADING:
        return after
    return None if after.protocol.servers[server].accepted_epoch >= bounds.epochs else after
