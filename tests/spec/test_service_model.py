"""What a client may see, explored exhaustively in small scenarios; counts are pinned."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exploring import tell
from zabcheck.model.options import Options
from zabcheck.model.search import search
from zabcheck.model.service import asked
from zabcheck.model.service_scenarios import SCENARIOS
from zabcheck.verdicts import Counts, Outcome

SHALLOW = {
    "data": (16_298, 50_031, 24),
    "older": (2_445, 6_628, 18),
    "away": (130_910, 395_097, 25),
    "children": (97_319, 292_305, 24),
    "lasting": (125_931, 378_112, 26),
    "own": (89_131, 278_707, 25),
    "sync": (76_963, 253_481, 22),
}


@pytest.mark.spec
@pytest.mark.parametrize("name", SHALLOW)
def test_all_that_clients_may_see_is_right(
    name: str, progress: Callable[[Counts], None], proved: Callable[[str], None]
) -> None:
    verdict = search(asked(SCENARIOS[name]), Options(symmetry=False), progress)
    assert verdict.outcome == Outcome.PASSED, verdict.property
    counts = verdict.counts
    assert (counts.distinct, counts.generated, counts.depth) == SHALLOW[name]
    tell(proved, f"PASSED  service, {name}: {counts.distinct:,} distinct states, depth {counts.depth}")
