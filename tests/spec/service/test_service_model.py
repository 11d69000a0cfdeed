"""What a client may see, explored exhaustively in small scenarios; counts are pinned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exploring import check_passed, explored, tell
from zabcheck.explorer.fast.explore import Explorer
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import breadth_first
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome
from zabcheck.models.mutant import Mutant
from zabcheck.models.registry import Instance, build, property_names
from zabcheck.models.service import model as service
from zabcheck.models.service.bounds import Bounds
from zabcheck.models.service.mutants import SERVICE_MUTANTS
from zabcheck.models.service.scenarios import SCENARIOS
from zabspec.service import NEXT

SHALLOW = {
    "data": (16_298, 50_031, 24),
    "older": (2_445, 6_628, 18),
    "back": (3_730, 9_989, 23),
    "away": (130_910, 395_097, 25),
    "children": (97_319, 292_305, 24),
    "lasting": (125_931, 378_112, 26),
    "own": (89_131, 278_707, 25),
    "sync": (76_963, 253_481, 22),
    "busy": (820, 1_831, 19),
    "multi": (9_696, 21_822, 27),
    "halves": (980, 2_374, 15),
    "refused": (35_225, 63_961, 19),
    "removal": (73_403, 199_739, 20),
    "sessions": (9_521, 21_635, 19),
    "session": (275_156, 1_036_347, 28),
    "three": (218_380, 863_058, 26),
}
"""By scenario: states, generated, depth."""

DEEP = {"wide": (2_913_379, 12_279_728, 33)}

MUST = {each.name for each in (*service.ALWAYS, *service.EVERY_STEP)}


@pytest.mark.spec
@pytest.mark.parametrize("name", [*SHALLOW, *(pytest.param(name, marks=pytest.mark.deep) for name in DEEP)])
def test_all_that_clients_may_see_is_right(
    name: str, progress: Callable[[Counts], None], proved: Callable[[str], None], tmp_path: Path
) -> None:
    found = explored(Instance("service", Bounds(scenario=name)), progress)
    check_passed(found, tmp_path)
    assert set(found.verdict.checked) == MUST | set(SCENARIOS[name].sometimes)
    assert found.counts == (SHALLOW | DEEP)[name]
    tell(proved, found.line)


def test_every_scenario_is_explored() -> None:
    assert set(SHALLOW) | set(DEEP) == set(SCENARIOS)


def test_every_witness_is_reached_in_a_scenario() -> None:
    """A scenario that names a situation has a verdict only if the situation is reached there."""
    shown = {name for each in SCENARIOS.values() for name in each.sometimes}
    assert shown == {each.name for each in service.SOMETIMES}


def test_every_action_is_a_step_and_every_step_an_action() -> None:
    for scenario in SCENARIOS.values():
        found = [*dict.fromkeys(step.action for step in service.steps(scenario))]
        assert found == [each.__name__ for each in NEXT]


def test_every_action_is_taken_in_some_scenario() -> None:
    taken: set[str] = set()
    for name in ("older", "halves", "sessions", "sync"):
        explorer = Explorer(build(Instance("service", Bounds(scenario=name))), Options())
        assert explorer.run().outcome == Outcome.PASSED
        taken |= {learned.step.action for learned in explorer.compiled.steps if learned.outcomes}
    assert taken == {each.__name__ for each in NEXT}


def test_counts_do_not_depend_on_hashes(same_output: Callable[[str], str]) -> None:
    said = same_output(
        "from zabcheck.models.service.bounds import Bounds\n"
        "from zabcheck.models.registry import Instance, build\n"
        "from zabcheck.explorer.options import Options\n"
        "from zabcheck.explorer.search import search\n"
        "for mutant in (None, 'watch-stays'):\n"
        "    instance = Instance('service', Bounds(scenario='older'), mutant=mutant)\n"
        "    verdict = search(build(instance), Options())\n"
        "    steps = verdict.trace.steps if verdict.trace else ()\n"
        "    print(verdict.property, verdict.counts.distinct, [step.action for step in steps])"
    )
    assert "2445" in said


@pytest.mark.parametrize("mutant", SERVICE_MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_is_caught(mutant: Mutant) -> None:
    instance = Instance("service", mutant.bounds, mutant=mutant.name, properties=(mutant.caught_by,))
    verdict = search(build(instance), Options())
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, mutant.caught_by)


def test_every_property_is_broken_by_some_mutant() -> None:
    assert {mutant.caught_by for mutant in SERVICE_MUTANTS} == MUST
    assert set(property_names("service")) > MUST


@pytest.mark.parametrize("name", ["older", "back", "busy", "halves"])
def test_the_plain_search_finds_the_same(name: str) -> None:
    model = build(Instance("service", Bounds(scenario=name)))
    fast, plain = search(model, Options()), breadth_first(model, Options())
    assert fast.outcome == plain.outcome == Outcome.PASSED
    for each in ("distinct", "generated", "depth"):
        assert getattr(fast.counts, each) == getattr(plain.counts, each)


@pytest.mark.parametrize("mutant", SERVICE_MUTANTS[::6], ids=lambda mutant: mutant.name)
def test_the_plain_search_finds_as_short_a_run(mutant: Mutant) -> None:
    instance = Instance("service", mutant.bounds, mutant=mutant.name, properties=(mutant.caught_by,))
    fast, plain = (find(build(instance), Options()) for find in (search, breadth_first))
    assert fast.trace is not None
    assert plain.trace is not None
    assert fast.property == plain.property == mutant.caught_by
    assert len(fast.trace.steps) == len(plain.trace.steps)
