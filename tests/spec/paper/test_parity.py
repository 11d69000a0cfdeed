"""The parity instance against TLC on Apache's `Zab.tla`: the same counts and the same depth.

Two programs that share no line, one of them interpreting TLA+, count the same states of what should be the
same protocol. There is hardly better evidence that it is.

The counts are those of TLC 2.15; the authors of `Zab.tla` have published some of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from exploring import check_passed, explored, short, tell
from zabcheck.explorer.model import Model, World
from zabcheck.explorer.plain import successors
from zabcheck.explorer.verdicts import Counts
from zabcheck.models.paper import zab_tla
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.registry import Instance


@dataclass(frozen=True, slots=True)
class ByTlc:
    """The counts of TLC within some bounds."""

    bounds: Bounds
    distinct: int
    generated: int
    depth: int
    symmetry: bool = True

    def __str__(self) -> str:
        """Returns an id for pytest."""
        return short(self.bounds) + ("" if self.symmetry else "-nosymmetry")


SHALLOW = [
    ByTlc(Bounds(2, 1, 1, 0), 355, 402, 24),
    ByTlc(Bounds(2, 1, 1, 1), 5_110, 6_708, 33),
    ByTlc(Bounds(2, 2, 2, 0, epochs=2), 7_703, 10_194, 33),
    ByTlc(Bounds(2, 2, 2, 0), 15_497, 19_980, 38),
    ByTlc(Bounds(2, 2, 2, 0), 30_993, 39_957, 38, symmetry=False),
    ByTlc(Bounds(2, 2, 0, 2), 18_626, 25_959, 38),
    ByTlc(Bounds(2, 2, 1, 1), 19_572, 26_865, 38),
    ByTlc(Bounds(2, 3, 2, 0), 50_747, 72_364, 43),
    ByTlc(Bounds(2, 3, 1, 1), 63_672, 94_087, 43),
    ByTlc(Bounds(2, 2, 2, 1), 206_578, 293_270, 47),
    ByTlc(Bounds(2, 1, 2, 2), 355_962, 546_237, 49),
    ByTlc(Bounds(3, 1, 1, 0), 24_045, 47_689, 34),
    ByTlc(Bounds(3, 1, 0, 1), 73_987, 139_708, 41),
    ByTlc(Bounds(3, 1, 2, 0, epochs=2), 189_140, 371_471, 41),
    ByTlc(Bounds(3, 2, 1, 0), 251_332, 610_035, 43),
    ByTlc(Bounds(3, 2, 0, 1), 848_734, 1_902_139, 50),
]
DEEP = [
    ByTlc(Bounds(3, 2, 1, 0), 1_507_798, 3_659_611, 43, symmetry=False),
    # Published without the number of distinct states, which we counted.
    ByTlc(Bounds(2, 3, 2, 2), 6_669_149, 10_370_967, 60),
    ByTlc(Bounds(4, 2, 1, 0), 6_634_696, 21_393_294, 64),
    ByTlc(Bounds(3, 2, 2, 0), 10_984_272, 26_126_204, 54),
    ByTlc(Bounds(3, 2, 1, 1), 38_178_237, 84_543_312, 61),
    ByTlc(Bounds(3, 2, 0, 2), 113_155_782, 245_606_642, 68),
]


@pytest.mark.spec
@pytest.mark.parametrize(
    "row", [*SHALLOW, *(pytest.param(row, marks=pytest.mark.deep) for row in DEEP)], ids=str
)
def test_counts_are_those_of_tlc(
    row: ByTlc,
    progress: Callable[[Counts], None],
    proved: Callable[[str], None],
    tmp_path: Path,
) -> None:
    instance = Instance(bounds=replace(row.bounds, bookkeeping=True), properties=())
    found = explored(instance, progress, symmetry=row.symmetry)
    check_passed(found, tmp_path)
    assert found.counts == (row.distinct, row.generated, row.depth)
    tell(proved, f"{found.line}; as many as TLC")


def counts(bounds: Bounds) -> tuple[int, int, int]:
    return explored(Instance(bounds=replace(bounds, bookkeeping=True), properties=())).counts


# Apache's Zab.tla lets a server restart only while a timeout is left, NJU's at any time. TLC ran on NJU's.


@pytest.mark.spec
@pytest.mark.parametrize("calm", [Bounds(2, 2, 0, 0), Bounds(3, 1, 0, 0)], ids=short)
def test_without_timeouts_there_are_no_restarts_as_apache_has_it(calm: Bounds) -> None:
    assert counts(replace(calm, restarts=2, restart_needs_timeout=True)) == counts(calm)
    assert counts(replace(calm, restarts=1)) > counts(calm)


@pytest.mark.spec
def test_restarts_beyond_the_timeouts_change_nothing_as_apache_has_it() -> None:
    """Each restart uses up a timeout, so there are never more restarts than timeouts."""
    bounds = Bounds(2, 2, 1, 1, restart_needs_timeout=True)
    assert counts(bounds) == counts(replace(bounds, restarts=3))
    assert counts(replace(bounds, restarts=0)) < counts(bounds) < counts(Bounds(2, 2, 1, 1))


@pytest.mark.spec
@pytest.mark.parametrize("bounds", [Bounds(2, 1, 1, 1), Bounds(2, 0, 2, 1)], ids=short)
def test_apache_reaches_what_nju_reaches_without_overdrawing_the_timeouts(bounds: Bounds) -> None:
    """The budget only shrinks: a run to a state in which T timeouts are used never used more on the way."""
    apache = steps_of(zab_tla.model(replace(bounds, restart_needs_timeout=True)))
    nju = steps_of(zab_tla.model(bounds))
    within = {
        world: [after for after in following if after.budget.timeouts <= bounds.timeouts]
        for world, following in nju.items()
        if world.budget.timeouts <= bounds.timeouts
    }
    assert apache == within
    assert len(apache) < len(nju)


def steps_of(model: Model) -> dict[World, list[World]]:
    """Yields every world that can be reached, and the worlds a step away from it."""
    found: dict[World, list[World]] = {}
    waiting = [model.initial]
    while waiting:
        world = waiting.pop()
        if world not in found:
            found[world] = [after for _, after in successors(model, world)]
            waiting += found[world]
    return found
