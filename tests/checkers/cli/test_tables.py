"""Tables that grow row by row, and what an interrupt leaves of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from zabcheck.cli import bugs, coverage, mutants, order
from zabcheck.cli import main as cli
from zabcheck.cli.series import in_turn
from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.models.coverage import COVERED, Coverage
from zabcheck.models.registry import MUTANTS
from zabcheck.models.zab.catalogue.disk_order import RULES
from zabcheck.report import progress
from zabcheck.report.table import Columns

Search = Callable[..., Verdict]


def verdict(outcome: Outcome = Outcome.VIOLATED, note: str = "") -> Verdict:
    """Returns a verdict with large counts."""
    return Verdict(outcome, Counts(1_234_567, 3_456_789, 12, 0, 3599.0), "some_property", note=note)


def interrupted_after(number: int, *, in_the_model: bool) -> Search:
    """Returns a search that ends so many times, and is interrupted then: in the explorer or before it."""
    asked = 0

    def search(*_: object) -> Verdict:
        nonlocal asked
        asked += 1
        if asked <= number:
            return verdict()
        if in_the_model:
            raise KeyboardInterrupt
        return verdict(Outcome.OUT_OF_BUDGET, "interrupted")

    return search


@pytest.mark.parametrize("in_the_model", [False, True])
def test_an_interrupt_leaves_the_rows_found_so_far(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], in_the_model: bool
) -> None:
    chosen = ("epoch-from-own-promise", "zxid-used-twice", "old-leader-leads-on")
    monkeypatch.setattr(mutants, "search", interrupted_after(2, in_the_model=in_the_model))
    assert cli.main(["mutants", *chosen]) == 2
    heading, *rows, _, caught, _, interrupted = capsys.readouterr().out.splitlines()
    assert heading.split() == ["mutant", "caught", "by", "steps", "states", "time"]
    assert [row.split()[0] for row in rows] == [*chosen[:2]]
    assert caught == "2 of 3 mutants caught"
    assert interrupted == "INTERRUPTED: 1 of 3 mutants not run, or not to the end"


def test_an_interrupt_ends_the_rules_and_the_bugs_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(order, "search", interrupted_after(1, in_the_model=False))
    assert cli.main(["order"]) == 2
    assert capsys.readouterr().out.count("INTERRUPTED: ") == 1
    monkeypatch.setattr(bugs, "search", interrupted_after(1, in_the_model=False))
    assert cli.main(["bugs", "--all"]) == 2
    assert "1 of 17 bugs found\n\nINTERRUPTED: 16 of 17 bugs not run" in capsys.readouterr().out


@pytest.mark.parametrize("outcome", [Outcome.VIOLATED, Outcome.PASSED])
@pytest.mark.parametrize("command", [["mutants"], ["order"], ["bugs", "--all"]])
def test_no_line_of_a_table_is_wider_than_the_page(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    outcome: Outcome,
) -> None:
    for module in (mutants, order, bugs):
        monkeypatch.setattr(module, "search", lambda *_: verdict(outcome))
    monkeypatch.setattr(mutants, "check_liveness", lambda *_: verdict(outcome))
    cli.main(command)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) > 10


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        *[[name, "--help"] for name in cli.OURS],
        ["mutants", "--list"],
        ["order", "--list"],
        ["bugs"],
        ["bugs", "--history"],
        ["myth"],
        *[["properties", spec] for spec in ("paper", "zab", "service")],
    ],
    ids=" ".join,
)
def test_lists_and_help_fit_a_page(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert cli.main(command) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_the_table_of_coverage_fits_a_page() -> None:
    columns = [Coverage(Counts(1, 1, 1), True, frozenset(COVERED[spec].everything)) for spec in ["zab"] * 7]
    lines = coverage._table("zab", columns)
    assert max(map(len, lines)) <= 80
    assert sum("x  x  x  x  x  x  x" in line for line in lines) == len(COVERED["zab"].everything)


def test_progress_names_the_search_and_how_many_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def search(_: object, __: object, show: Callable[[Counts], None]) -> Verdict:
        show(Counts(1000, 2000, 3, 4, progress.EVERY))
        return verdict()

    monkeypatch.setattr(mutants, "search", search)
    cli.main(["mutants", "zxid-used-twice", "own-history"])
    titles = [line for line in capsys.readouterr().err.splitlines() if not line.startswith(" ")]
    assert titles == ["1 of 2, zxid-used-twice:", "2 of 2, own-history:"]
    assert {"zxid-used-twice", "own-history"} <= set(MUTANTS)


def test_rows_come_as_they_are_found() -> None:
    searched = []

    def search(item: int, _: object) -> Verdict:
        searched.append(item)
        return verdict()

    for item, _ in in_turn([1, 2, 3], str, search):
        assert searched[-1] == item
    assert len(RULES) < sum(len(rule.without) for rule in RULES)


def test_a_text_wider_than_its_column_takes_its_line() -> None:
    columns = Columns((6, 5, 5), words=2, width=40)
    assert columns.row(("abc", "def", "12")) == "abc     def       12"
    assert columns.row(("abcdefgh", "def", "12")) == "abcdefgh\n        def       12"
    assert columns.row(("abc", "defghijk", "12")) == "abc     defghijk\n                  12"


def test_columns_of_words_are_made_narrower_until_the_table_fits() -> None:
    assert Columns((40, 30, 5, 10), words=2, width=60).widths == (19, 20, 5, 10)
