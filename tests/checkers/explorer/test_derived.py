"""Derived columns: a function of the state that a property reads, before a step or after it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from zabcheck.explorer.derived import derived
from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.fast.explore import explore
from zabcheck.explorer.model import Model, Property, Step
from zabcheck.explorer.options import Options
from zabcheck.explorer.verdicts import Outcome
from zabspec.parts import replace


@dataclass(frozen=True, slots=True)
class Lamp:
    plugged: int
    on: int
    light: int


@dataclass(frozen=True, slots=True)
class World:
    protocol: Lamp


def plug(world: World) -> World | None:
    if world.protocol.plugged or world.protocol.on:
        return None
    return replace(world, protocol=replace(world.protocol, plugged=1))


def switch(world: World) -> World | None:
    if world.protocol.on:
        return None
    return replace(world, protocol=replace(world.protocol, on=1, light=1))


@derived
def brightness(lamp: Lamp) -> int:
    return 10 * lamp.light if lamp.plugged else 0


def stays_dark(before: Lamp, after: Lamp) -> bool:
    return before.on == after.on or brightness(after) == 0


def test_one_that_reads_more_after_a_step_is_of_the_world_after_it() -> None:
    # Switched without a plug, the lamp shows that its brightness depends on the plug. Only then is it
    # switched with one, and depends on the light as well.
    steps = (Step("switch", (), switch), Step("plug", (), plug))
    model = Model("lamp", World(Lamp(0, 0, 0)), steps, 1, every_step=(Property("stays_dark", stays_dark),))

    verdict = explore(model, Options(symmetry=False))

    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, "stays_dark")


def test_only_the_state_as_it_was_has_derived_columns() -> None:
    def dims(world: World) -> World | None:
        lamp = replace(world.protocol, light=0)
        return replace(world, protocol=replace(lamp, light=brightness(lamp)))

    with pytest.raises(SpecError, match="brightness: derived of the state as it was"):
        explore(Model("lamp", World(Lamp(0, 0, 0)), (Step("dims", (), dims),), 1), Options(symmetry=False))


def test_a_part_of_the_state_is_not_compared_as_a_whole() -> None:
    def idles(world: World) -> World | None:
        return None if world.protocol == Lamp(0, 0, 0) else world

    with pytest.raises(SpecError, match="compared as a whole"):
        explore(Model("lamp", World(Lamp(0, 0, 0)), (Step("idles", (), idles),), 1), Options(symmetry=False))


def test_with_a_real_state_the_function_is_what_it_was() -> None:
    assert brightness(Lamp(1, 1, 1)) == 10
