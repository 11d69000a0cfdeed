"""Each property of ZAB 1.0 is broken by a mistake, and each rule about what is on disk first is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bugs_found import FOUND
from places import DOCS
from zabcheck.cli import main as cli
from zabcheck.cli import order
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.models.mutant import Mutant, apply
from zabcheck.models.registry import MISTAKES, OWNERS, SPECS, Instance, build, property_names
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.catalogue.bugs import BUGS
from zabcheck.models.zab.catalogue.disk_order import RULES, Rule
from zabcheck.models.zab.entry import REACHED_WITHIN
from zabcheck.models.zab.file_mutants import LOG_READ_ACROSS_SNAPSHOT
from zabcheck.models.zab.mutants import HARMLESS, ZAB_MUTANTS
from zabcheck.models.zab.quorum_mutants import QUORUM_MUTANTS
from zabspec import zab
from zabspec.zab.properties import SOMETIMES

CAUGHT = {
    "promised-epoch-counts-again": (619, 11),
    "earlier-epoch-promised": (2_883, 19),
    "leader-not-compared": (30_550, 29),
    "only-new-sent": (11_718, 33),
    "only-new-sent-by-primary": (11_718, 33),
    "written-backwards": (29_313, 37),
    "trunc-ignored": (95_600, 28),
    "deliver-without-quorum": (59_324, 25),
    "propose-to-acknowledged": (4_324, 24),
    "leader-reads-its-log": (924, 13),
    "tree-behind-log": (63, 3),
    "initial-history-acknowledged": (1_618, 14),
    "promise-never-written": (296, 9),
    "ackepoch-before-promise": (561, 11),
    "promise-lost": (1_663, 11),
    "newleader-acknowledged-before-epoch": (1_375, 10),
    "newleader-acknowledged-before-epoch-twice": (39_098, 27),
    "leader-epoch-lost": (1_273, 10),
    "leader-epoch-lost-twice": (415_829, 34),
    "ack-before-writing": (264, 16),
}
"""How many states are found before the mistake is, and how many steps the shortest way to it has."""


@pytest.mark.parametrize("mutant", ZAB_MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_of_zab_is_caught(mutant: Mutant, proved: Callable[[str], None]) -> None:
    instance = Instance("zab", mutant.bounds, mutant=mutant.name, properties=(mutant.caught_by,))
    verdict = search(build(instance), Options())
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, mutant.caught_by)
    assert verdict.trace is not None
    assert (verdict.counts.distinct, len(verdict.trace.steps) - 1) == CAUGHT[mutant.name]


def test_every_property_of_zab_is_broken_by_some_mutant() -> None:
    sometimes = {each.__name__ for each in SOMETIMES}
    caught = {mutant.caught_by for mutant in (*ZAB_MUTANTS, *QUORUM_MUTANTS, *BUGS)}
    assert caught == set(property_names("zab")) - sometimes


TOO_SMALL: dict[str, Bounds] = {
    name: Bounds(least.servers, least.transactions, 0, 0, epochs=least.epochs - 1)
    if least.epochs > 1
    else Bounds(least.servers, least.transactions - 1, 0, 0, epochs=1)
    if least.transactions
    else Bounds(least.servers - 1, 1, 0, 0, epochs=1)
    for name, least in ((situation.__name__, least) for situation, least in REACHED_WITHIN.items())
}
"""For each `sometimes`, a model in which it never comes up."""


def test_every_sometimes_of_zab_has_a_model_too_small_for_it() -> None:
    assert set(TOO_SMALL) == {each.__name__ for each in SOMETIMES}


@pytest.mark.parametrize("name", TOO_SMALL)
def test_a_model_that_is_too_small_does_not_reach_a_situation(name: str) -> None:
    verdict = search(build(Instance("zab", TOO_SMALL[name], properties=(name,))), Options())
    assert (verdict.outcome, verdict.property) == (Outcome.VACUOUS, name)


def test_a_mutant_of_zab_replaces_actions_of_the_spec_under_their_names() -> None:
    for mutant in (*ZAB_MUTANTS, *HARMLESS):
        assert set(mutant.replaces) <= set(zab.NEXT)
        actions = apply(mutant, zab.NEXT)
        changed = [new.__name__ for new, old in zip(actions, zab.NEXT, strict=True) if new is not old]
        assert set(changed) == {action.__name__ for action in mutant.replaces}


def test_names_of_mistakes_are_unique() -> None:
    assert len({each.name for each in (*ZAB_MUTANTS, *HARMLESS, *BUGS)}) == len(ZAB_MUTANTS) + len(
        HARMLESS
    ) + len(BUGS)
    harmless = {each.name for each in SPECS["zab"].harmless}
    assert harmless == {each.name for each in (*HARMLESS, LOG_READ_ACROSS_SNAPSHOT)}
    assert {OWNERS[each.name].name for each in HARMLESS} == {"zab"}


# The order on disk.


def test_every_rule_is_broken_by_name_and_every_harmless_one_is_in_a_rule() -> None:
    named = [name for rule in RULES for name in rule.without]
    assert len(set(named)) == len(named)
    assert set(named) <= set(MISTAKES)
    assert {each.name for each in HARMLESS} <= set(named)


@pytest.mark.spec
@pytest.mark.parametrize(
    ("faults", "distinct"), [((0, 1, 2), 54_635), pytest.param((1, 1, 3), 966_834, marks=pytest.mark.deep)]
)
def test_what_is_written_a_little_late_breaks_nothing(
    faults: tuple[int, int, int], distinct: int, proved: Callable[[str], None]
) -> None:
    [mutant] = HARMLESS
    timeouts, restarts, epochs = faults
    further = replace(mutant.bounds, timeouts=timeouts, restarts=restarts, epochs=epochs)
    model = build(Instance("zab", further, mutant=mutant.name))
    verdict = search(replace(model, sometimes=()), Options())
    assert verdict.outcome == Outcome.PASSED, verdict.property
    assert set(verdict.checked) == set(property_names("zab")) - {each.__name__ for each in SOMETIMES}
    assert verdict.counts.distinct == distinct
    proved(f"PASSED  {mutant.name} breaks nothing: {verdict.counts.distinct:,} distinct states")


def test_a_harmless_mutant_is_run_with_every_property_that_must_always_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    monkeypatch.setattr(order, "search", lambda model, *_: asked.append(model))
    order.without(HARMLESS[0].name, Options())
    [model] = asked
    assert model.sometimes == ()
    assert {each.name for each in model.always} | {each.name for each in model.every_step} == set(
        property_names("zab")
    ) - {each.__name__ for each in SOMETIMES}


def test_the_table_in_the_document_is_what_is_found() -> None:
    """The steps and states are those that the tests pin; the stories are those of the rules."""
    text = (DOCS / "disk-order.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]
    expected = [row_of(rule, name) for rule in RULES for name in rule.without]
    assert rows == expected
    told = " ".join(text.split())
    for rule in RULES:
        assert f"**{rule.first.capitalize()}, before {rule.then}.** {rule.story}" in told


def row_of(rule: Rule, name: str) -> list[str]:
    mutant = MISTAKES[name]
    if not mutant.caught_by:
        return [rule.first, rule.then, name, f"nothing within {order.short(mutant.bounds)}", "-", "54,635"]
    states, steps = {**CAUGHT, **FOUND}[name]
    return [rule.first, rule.then, name, mutant.caught_by, str(steps), f"{states:,}"]


def test_zab_order_prints_what_comes_of_each_rule(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = tuple(rule for rule in RULES if rule.without[0] in ("promise-lost", "ack-before-writing"))
    monkeypatch.setattr(order, "RULES", quick)
    assert cli.main(["order"]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    for rule, title, line in zip(quick, lines[::2], lines[1::2], strict=True):
        assert title == f"{rule.first}, before {rule.then}:"
        states, steps = CAUGHT[rule.without[0]]
        caught_by = MISTAKES[rule.without[0]].caught_by
        assert line.split()[:4] == [rule.without[0], caught_by, str(steps), f"{states:,}"]
    assert cli.main(["order", "--list"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert all(rule.story in told for rule in quick)


@pytest.mark.parametrize(
    ("name", "outcome", "code"),
    [
        ("promise-lost", Outcome.PASSED, 1),
        ("promise-lost", Outcome.OUT_OF_BUDGET, 2),
        ("leaderinfo-before-promise", Outcome.VIOLATED, 1),
    ],
)
def test_a_mutant_that_is_not_caught_as_stated_is_no_success(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    outcome: Outcome,
    code: int,
) -> None:
    monkeypatch.setattr(order, "RULES", [rule for rule in RULES if name in rule.without])
    monkeypatch.setattr(order, "search", lambda *_: Verdict(outcome, Counts(12, 34, 5), "agreement"))
    assert cli.main(["order"]) == code
    assert name in capsys.readouterr().out
