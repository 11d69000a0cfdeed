"""The table of ZAB 1.0 shows counts on which two searches agree."""

from __future__ import annotations

import pytest

from zabcheck.bench import zab as zab_bench
from zabcheck.models.zab.bounds import Bounds

SMALL = Bounds(2, 1, 1, 0, epochs=2)


def test_a_row_has_a_cell_for_each_heading_and_says_what_was_found() -> None:
    cells = zab_bench.row(SMALL)
    assert len(cells) + 1 == len(zab_bench.HEADINGS)
    assert cells[:5] == ("2", "PASSED", "332", "564", "32")
    assert float(cells[-1]) > 0


def test_the_plain_search_is_left_out_for_large_instances() -> None:
    assert zab_bench.row(SMALL, slow=10)[-2:] == ("", "")


def test_searches_that_disagree_end_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zab_bench, "_counts", id)
    with pytest.raises(SystemExit, match="the plain search counts"):
        zab_bench.row(SMALL)
