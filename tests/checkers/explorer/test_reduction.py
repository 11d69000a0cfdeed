"""Partial-order reduction against the plain search: the same verdicts, from fewer states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from zabcheck.explorer.fast.explore import explore
from zabcheck.explorer.model import Local, Model, Property, Step, as_property
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import breadth_first
from zabcheck.explorer.verdicts import Outcome
from zabcheck.models.paper import model as paper
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.registry import Instance, build
from zabspec.paper import properties
from zabspec.parts import replace as changed

REDUCED = Options(reduce=True)


@pytest.mark.parametrize(
    ("bounds", "all_states", "fewer"),
    [
        (Bounds(2, 2, 2, 0), 2_001, 1_968),
        (Bounds(3, 1, 1, 0), 3_646, 3_053),
        (Bounds(3, 2, 1, 0), 22_839, 15_792),
    ],
    ids=str,
)
def test_fewer_states_are_enough(bounds: Bounds, all_states: int, fewer: int) -> None:
    model = paper.model(bounds)

    assert explore(model, Options()).counts.distinct == all_states
    assert explore(model, REDUCED).counts.distinct == fewer


@pytest.mark.parametrize("witness", properties.SOMETIMES, ids=lambda witness: witness.__name__)
@pytest.mark.parametrize("bounds", [Bounds(2, 1, 1, 1), Bounds(3, 1, 1, 0)], ids=str)
def test_what_comes_up_comes_up_still(bounds: Bounds, witness: Callable[..., bool]) -> None:
    there = as_property(witness)
    never = Property("never", lambda *parts: not witness(*parts), there.arity)
    model = replace(paper.model(bounds), always=(never,))

    assert explore(model, REDUCED).outcome == breadth_first(model, Options()).outcome


@pytest.mark.parametrize("delivered", range(3))
@pytest.mark.parametrize("logged", range(3))
def test_what_servers_may_have_delivered_and_logged_is_the_same(delivered: int, logged: int) -> None:
    def never(state: Any, one: int, other: int) -> bool:
        return (state.servers[one].committed, len(state.servers[other].history)) != (delivered, logged)

    model = replace(paper.model(Bounds(2, 2, 1, 0)), always=(Property("never", never, 2),))

    assert explore(model, REDUCED).outcome == breadth_first(model, Options()).outcome


@pytest.mark.parametrize("name", [each.__name__ for each in (*properties.ALWAYS, *properties.EVERY_STEP)])
def test_each_property_holds_with_it_too(name: str) -> None:
    model = build(Instance(bounds=Bounds(3, 1, 1, 0), properties=(name,)))

    assert explore(model, REDUCED).outcome == Outcome.PASSED


@dataclass(frozen=True, slots=True)
class Two:
    mine: int
    yours: int


@dataclass(frozen=True, slots=True)
class World:
    protocol: Two


def i_move(world: World) -> World | None:
    return None if world.protocol.mine else changed(world, protocol=changed(world.protocol, mine=1))


def you_move(world: World) -> World | None:
    moved = world.protocol.yours + 1
    return None if moved > 2 else changed(world, protocol=changed(world.protocol, yours=moved))


def i_am_not_behind(state: Two) -> bool:
    return state.yours < 2 or state.mine == 1


def test_a_property_that_reads_more_later_starts_it_again() -> None:
    # The property reads the first counter only after the second has moved twice. Until then, the step of the
    # first was assumed to be seen by no property.
    local = Local(
        calm=lambda world: True,
        places=lambda step: (("protocol", "mine"),) if step.action == "i_move" else None,
    )
    steps = (Step("i_move", (), i_move), Step("you_move", (), you_move))
    model = Model("two", World(Two(0, 0)), steps, 1, local=local)

    assert explore(model, REDUCED).counts.distinct == 4
    behind = replace(model, always=(Property("i_am_not_behind", i_am_not_behind),))
    assert explore(behind, REDUCED).outcome == Outcome.VIOLATED


def test_a_model_that_says_nothing_of_its_steps_is_refused() -> None:
    mutant = build(Instance(bounds=Bounds(2, 1, 0, 0), mutant="own-history"))

    with pytest.raises(ValueError, match="partial-order reduction"):
        explore(mutant, REDUCED)
