"""ZAB 1.0 with quorums that are majorities of weight, explored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exploring import check_passed, explored, short, tell
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import breadth_first
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome
from zabcheck.models.registry import Instance, build
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.model import model, quorums
from zabspec.quorums import smallest, weight

HEAVY = "2,1,1"
"""The first server and one of the others: two of them are nothing without it."""

WEIGHTLESS = "1,0,0/0,1,0"
"""Two groups of one server each, which are both needed; the third follows, and weighs nothing."""

GROUPS = "1,1,1,0/0,0,0,1"
"""Two of the first three servers, and the fourth."""


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (HEAVY, [(0, 1), (0, 2)]),
        (WEIGHTLESS, [(0, 1)]),
        (GROUPS, [(0, 1, 3), (0, 2, 3), (1, 2, 3)]),
        ("", [(0, 1), (0, 2), (1, 2)]),
    ],
)
def test_weights_are_written_by_server_and_by_group(weights: str, expected: list[tuple[int, ...]]) -> None:
    servers = 4 if weights == GROUPS else 3
    assert list(smallest(quorums(Bounds(servers, weights=weights)))) == expected


def test_a_server_of_weight_0_is_not_elected() -> None:
    start = model(Bounds(3, weights=WEIGHTLESS))
    assert weight(start.initial.protocol.quorums, 2) == 0  # type: ignore[arg-type]
    elected = {
        step.arguments
        for step in start.steps
        if step.action == "server_is_elected" and step.apply(start.initial, *step.arguments) is not None
    }
    assert elected == {(0,), (1,)}


@pytest.mark.parametrize(
    ("bounds", "fewer"),
    [
        (Bounds(3, 0, 0, 0, epochs=1, weights=HEAVY), 2),
        (Bounds(3, 0, 0, 0, epochs=1, weights=WEIGHTLESS), 1),
        (Bounds(3, 0, 0, 0, epochs=1), 6),
    ],
    ids=lambda value: value.weights or "alike" if isinstance(value, Bounds) else "",
)
def test_symmetry_is_among_servers_of_the_same_weight(bounds: Bounds, fewer: int) -> None:
    """The plain search and the fast one find the same states, with symmetry and without."""
    asked = build(Instance("zab", bounds, properties=("prefix_consistency",)))
    distinct = []
    for symmetry in (True, False):
        options = Options(symmetry=symmetry)
        fast, plain = search(asked, options), breadth_first(asked, options)
        assert fast.outcome == plain.outcome == Outcome.PASSED
        counts = fast.counts, plain.counts
        assert counts[0].distinct == counts[1].distinct
        assert counts[0].generated == counts[1].generated
        distinct.append(fast.counts.distinct)
    with_it, without = distinct
    assert without <= fewer * with_it
    assert without > (fewer - 1) * with_it


SHALLOW = [
    (Bounds(3, 1, 1, 0, epochs=1, weights=HEAVY), (80_479, 236_366, 45)),
    (Bounds(3, 1, 1, 0, epochs=1, weights=WEIGHTLESS), (86_198, 255_289, 45)),
]
DEEP = [
    (Bounds(3, 1, 0, 1, epochs=2, weights=HEAVY), (113_780, 305_102, 54)),
    (Bounds(3, 1, 1, 0, epochs=2, weights=WEIGHTLESS), (121_982, 342_081, 53)),
    (Bounds(4, 1, 0, 0, epochs=1, weights=GROUPS), (38_606, 118_663, 49)),
    (Bounds(3, 1, 0, 0, epochs=2, partitions=1, weights=HEAVY), (455_816, 1_544_088, 59)),
]


@pytest.mark.spec
@pytest.mark.parametrize(
    ("bounds", "counts"),
    [*SHALLOW, *(pytest.param(*row, marks=pytest.mark.deep) for row in DEEP)],
    ids=lambda value: short(value) if isinstance(value, Bounds) else "",
)
def test_all_that_is_within_bounds_is_right(
    bounds: Bounds,
    counts: tuple[int, int, int],
    progress: Callable[[Counts], None],
    proved: Callable[[str], None],
    tmp_path: Path,
) -> None:
    found = explored(Instance("zab", bounds), progress)
    check_passed(found, tmp_path)
    assert {"committed_is_kept", "refines_broadcast", "everyone_delivers"} <= set(found.verdict.checked)
    assert found.counts == counts
    tell(proved, found.line)
