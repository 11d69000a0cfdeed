"""Fingerprints: the same for worlds that are renamings of each other, and different for all others."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from zabcheck.explorer.fast.compiled import Compiled
from zabcheck.explorer.fast.explore import explore
from zabcheck.explorer.fast.visited import prints_of
from zabcheck.explorer.model import Model, Step
from zabcheck.explorer.options import Options
from zabspec.parts import Row, Sid, replace


@dataclass(frozen=True, slots=True)
class Pair:
    first: int
    second: int
    third: int


@dataclass(frozen=True, slots=True)
class World:
    protocol: Pair


def step(world: World, place: int) -> World | None:
    name = ("first", "second", "third")[place]
    value = getattr(world.protocol, name) + 1
    return None if value > 3 else replace(world, protocol=replace(world.protocol, **{name: value}))


@pytest.mark.parametrize("seed", range(5))
def test_the_same_value_in_another_column_is_another_world(seed: int) -> None:
    # A regression: without symmetry, the two sums of the first two columns used to be equal, only swapped.
    steps = tuple(
        Step(f"step{place}", (), lambda world, place=place: step(world, place)) for place in range(3)
    )
    model = Model("pair", World(Pair(0, 0, 0)), steps, 1)

    assert explore(model, Options(symmetry=False, seed=seed)).counts.distinct == 4**3


@dataclass(frozen=True, slots=True)
class Servers:
    value: Row[int]
    friend: Row[Sid]


@dataclass(frozen=True, slots=True)
class Friends:
    protocol: Servers


@pytest.mark.parametrize("symmetry", [True, False])
def test_worlds_share_a_fingerprint_where_a_renaming_makes_one_of_the_other(symmetry: bool) -> None:
    start = Friends(Servers(Row([0, 0, 0]), Row([Sid(0)] * 3)))
    compiled = Compiled(Model("friends", start, (), 3), symmetry=symmetry)
    worlds = [
        Friends(Servers(Row(values), Row(map(Sid, friends))))
        for values in product(range(2), repeat=3)
        for friends in product(range(3), repeat=3)
    ]
    rows = [compiled.layout.ids(world) for world in worlds]
    compiled.settle()
    prints = prints_of(np.array([compiled.sums(row) for row in rows]))
    found = set(zip(prints.keys.tolist(), prints.checks.tolist(), strict=True))

    orbits = {
        _least(values, friends)
        for values in product(range(2), repeat=3)
        for friends in product(range(3), repeat=3)
    }
    assert len(found) == (len(orbits) if symmetry else len(worlds))


def _least(values: tuple[int, ...], friends: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the least of all renamings of a world, computed by hand."""
    renamed = []
    for names in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        back = [names.index(sid) for sid in range(3)]
        renamed.append((tuple(values[old] for old in back), tuple(names[friends[old]] for old in back)))
    return min(renamed)
