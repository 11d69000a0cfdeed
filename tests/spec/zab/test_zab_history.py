"""Which of ZooKeeper's protocol bugs are found is known; docs/bugs.md says the same."""

from __future__ import annotations

import pytest

from bugs_found import FOUND
from places import DOCS
from zabcheck.cli import main as cli
from zabcheck.models.registry import MUTANTS
from zabcheck.models.zab.catalogue.bugs import BUGS
from zabcheck.models.zab.catalogue.history import HISTORY
from zabcheck.models.zab.catalogue.published import PUBLISHED
from zabcheck.report.progress import seconds

DOCUMENT = DOCS / "bugs.md"

KNOWN = {
    *(335, 582, 962, 1081, 1082, 1154, 1156, 1192, 1277, 1319, 1367, 1549, 1653, 1732, 1805, 2325, 2355),
    *(2678, 2832, 2845, 2959, 3023, 3104, 3526, 3642, 3781, 3911, 4269, 4352, 4394, 4502, 4541, 4643, 4646),
    *(4685, 4712, 4785, 4882, 4925, 5094),
}
"""The known issues about the protocol, its disks and its epochs."""


def rows(heading: str) -> list[list[str]]:
    """Returns the cells of the table with this heading."""
    lines = iter(DOCUMENT.read_text(encoding="utf-8").splitlines())
    assert any(line.startswith(f"| {heading} |") for line in lines)
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def test_every_known_issue_is_in_the_history_once() -> None:
    issues = [number for past in HISTORY for number in past.issues]
    assert sorted(issues) == sorted(KNOWN)


def test_each_bug_of_the_history_names_what_finds_it_or_says_why_nothing_does() -> None:
    for past in HISTORY:
        assert bool(past.found) != bool(past.why_not), past
        assert set(past.found) <= set(MUTANTS)


def test_every_bug_is_in_the_history() -> None:
    found = {name for past in HISTORY for name in past.found}
    named = {bug.name for bug in BUGS if bug.name.startswith("ZOOKEEPER-")}
    assert named == {name for name in found if name.startswith("ZOOKEEPER-")}


def test_the_history_in_the_document_is_that_of_the_code() -> None:
    expected = [
        [", ".join(map(str, past.issues)), past.mechanism, ", ".join(past.found) or past.why_not]
        for past in HISTORY
    ]
    assert rows("Issues") == expected


def test_the_bugs_in_the_document_are_those_that_are_found() -> None:
    """All but the times, which are those of one run."""
    expected = [
        [
            *(bug.name, bug.caught_by, str(FOUND[bug.name][1]), f"{FOUND[bug.name][0]:,}"),
            " or ".join(seconds(each.seconds) for each in PUBLISHED.get(bug.name, ())) or "-",
        ]
        for bug in BUGS
    ]
    assert [[*row[:4], row[5]] for row in rows("Bug")] == expected
    assert all(row[4].endswith(" s") for row in rows("Bug"))


def test_the_history_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bugs", "--history"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for past in HISTORY:
        assert f"ZOOKEEPER-{', '.join(map(str, past.issues))}: " in told
        assert past.mechanism in told
        assert past.why_not in told


@pytest.mark.parametrize("arguments", [["--history", "--all"], ["--history", "ZOOKEEPER-3911"]])
def test_history_goes_with_nothing_else(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bugs", *arguments]) == 2
    assert "but not both" in capsys.readouterr().err
