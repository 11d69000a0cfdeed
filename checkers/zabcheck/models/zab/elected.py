"""`zabspec.zab_elected` within the bounds of `zabcheck.models.zab.model`, and bounds on rounds and early
decisions.

The round grows each time that a server goes back to election, so rounds are bounded too: a server at the
highest round allowed stays in its role. Server ids decide who is elected, so the model is explored without
symmetry.
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

BEGINNING = tuple(
    action.__name__
    for action in (fast_election.server_starts, fast_election.server_looks_again, *zab_elected.LEAVING)
)
"""The names of the actions by which a server begins a round; the server is the first argument."""

DECIDING = tuple(
    action.__name__
    for action in (
        fast_election.server_weighs_report,
        fast_election.server_decides,
        fast_election.server_decides_early,
    )
)
"""The names of the actions by which a server may decide who leads."""


@dataclass(frozen=True, slots=True)
class ElectedBudget(zab.ZabBudget):
    """What has been used of the bounds, early decisions among them."""

    early: int = 0


@dataclass(frozen=True, slots=True)
class World:
    """A state of the protocol, with what has been used of the bounds."""

    protocol: zab_elected.State
    budget: ElectedBudget


def model(bounds: Bounds, actions: Sequence[Action] = zab_elected.NEXT) -> Model:
    """Returns the spec within `bounds`, without properties."""
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
    """Yields every action with every choice of different servers as its arguments, in NEXT's order."""
    for step in zab.steps(bounds, actions):
        if step.action in BEGINNING:
            yield replace(step, apply=partial(_begin, step.apply, bounds))
        elif step.action in DECIDING:
            yield replace(step, apply=partial(_decide, step.apply, bounds))
        else:
            yield step


def _begin(apply: Callable[..., Any], bounds: Bounds, world: Any, server: Sid, *others: int) -> Any:
    """Takes a step by which a server may begin a round, unless the round is too high."""
    after = apply(world, server, *others)
    if after is None or after.protocol.election.servers[server].round > bounds.rounds:
        return None
    return after


def _decide(apply: Callable[..., Any], bounds: Bounds, world: Any, server: Sid, *others: Sid) -> Any:
    """Takes a decision; a server may decide to lead only while it may still propose a higher epoch."""
    after = apply(world, server, *others)
    if after is None or after.protocol.election.servers[server].mode != Mode.LEADING:
        return after
    return None if after.protocol.servers[server].accepted_epoch >= bounds.epochs else after
