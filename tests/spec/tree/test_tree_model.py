"""All short sequences of operations on a small tree: counts are pinned, every property can fail."""

from __future__ import annotations

from typing import Any

import pytest

from zabcheck.models.mutant import FunctionMutant
from zabcheck.models.tree.model import Functions, Scope, explored
from zabcheck.models.tree.mutants import MUTANTS
from zabspec.tree.properties import EVERY_WRITE, restored_tree_is_the_same

SHORT = Scope(length=3, snapshots=True)


@pytest.mark.spec
@pytest.mark.parametrize(
    ("scope", "counts"),
    [
        (SHORT, (436, 1_883, 4_168)),
        (Scope(length=4), (3_072, 14_402, 0)),
        pytest.param(Scope(length=5), (20_221, 101_470, 0), marks=pytest.mark.deep),
        pytest.param(Scope(length=4, snapshots=True), (3_072, 14_402, 50_913), marks=pytest.mark.deep),
    ],
    ids=lambda each: f"{each.length}{'-fuzzy' * each.snapshots}" if isinstance(each, Scope) else "counts",
)
def test_all_short_sequences_are_right(scope: Scope, counts: tuple[int, int, int]) -> None:
    found = explored(Functions(), scope)
    assert (found.broken, found.never) == ({}, ())
    assert (found.trees, found.written, found.restored) == counts


@pytest.mark.spec
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mistake_in_the_tree_is_caught(mutant: FunctionMutant[Any]) -> None:
    is_replay = mutant.functions.replayed is not None
    found = explored(mutant.functions, Scope(length=3, snapshots=is_replay))
    assert mutant.caught_by in found.broken


def test_every_property_of_the_tree_has_a_mutant() -> None:
    asked = {each.__name__ for each in (*EVERY_WRITE, restored_tree_is_the_same)}
    assert asked == {each.caught_by for each in MUTANTS}
