"""Compares two runs of one test suite, against two servers: `python -m zabcheck.bench.suite_table`.

Reads two files that `pytest --junitxml` has written. Prints Markdown: a table of test classes with counts, a
table of the tests that did not pass against both servers, and the number of tests that pass against the first
server only. Exit code: 0 if there are none, 1 if there are some, 2 if a file cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from xml.etree import ElementTree


class Outcome(IntEnum):
    """The result of a test."""

    PASSED = 0
    FAILED = 1
    SKIPPED = 2
    MISSING = 3


@dataclass(frozen=True, order=True)
class Test:
    """A test.

    Attributes:
        group: the name of its class, or of its module.
        name: its own name.
    """

    group: str
    name: str


Run = Mapping[Test, Outcome]


def read_run(path: Path) -> Run:
    """Reads the result of each test from a file that `pytest --junitxml` has written.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not XML, or has no tests.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{path}: {error}") from None
    found = {}
    for case in root.iter("testcase"):
        group = case.get("classname", "").removeprefix("kazoo.tests.")
        if case.find("failure") is not None or case.find("error") is not None:
            outcome = Outcome.FAILED
        else:
            outcome = Outcome.SKIPPED if case.find("skipped") is not None else Outcome.PASSED
        found[Test(group, case.get("name", ""))] = outcome
    if not found:
        raise ValueError(f"{path}: no tests")
    return found


def table(names: tuple[str, str], runs: tuple[Run, Run]) -> str:
    """Returns both runs as Markdown.

    Args:
        names: the names of the two servers.
        runs: the results against each of them.
    """
    tests = sorted({*runs[0], *runs[1]})
    groups = sorted({test.group for test in tests})
    lines = [f"| test class | {names[0]} | {names[1]} |", "|---|---|---|"]
    for group in [*groups, ""]:
        of_group = [test for test in tests if group in ("", test.group)]
        cells = [_counts([run.get(test, Outcome.MISSING) for test in of_group]) for run in runs]
        lines.append(f"| {f'`{group}`' if group else '**all**'} | {cells[0]} | {cells[1]} |")
    lines += ["", f"| not passed by both | {names[0]} | {names[1]} |", "|---|---|---|"]
    for test in tests:
        both = [run.get(test, Outcome.MISSING) for run in runs]
        if both != [Outcome.PASSED, Outcome.PASSED]:
            lines.append(f"| `{test.group}.{test.name}` | {' | '.join(each.name.lower() for each in both)} |")
    lost = lost_passes(*runs)
    lines += ["", f"Passed by {names[0]}, and not by {names[1]}: {len(lost)} of {len(tests)}."]
    return "\n".join(lines)


def lost_passes(first: Run, second: Run) -> list[Test]:
    """Returns the tests that pass in the first run and not in the second."""
    passed = [test for test, outcome in first.items() if outcome == Outcome.PASSED]
    return sorted(test for test in passed if second.get(test) != Outcome.PASSED)


def _counts(outcomes: Sequence[Outcome]) -> str:
    counted = Counter(outcomes)
    return ", ".join(f"{counted[each]} {each.name.lower()}" for each in Outcome if counted[each])


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the comparison, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m zabcheck.bench.suite_table", description=__doc__)
    parser.add_argument("first", type=Path, help="results against the first server, from `pytest --junitxml`")
    parser.add_argument("second", type=Path, help="results against the second server")
    parser.add_argument(
        "--names", nargs=2, default=["Apache 3.8.0", "Zabkit"], help="names of the two servers"
    )
    arguments = parser.parse_args(argv)
    try:
        runs = read_run(arguments.first), read_run(arguments.second)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(table((arguments.names[0], arguments.names[1]), runs))
    return 1 if lost_passes(*runs) else 0


if __name__ == "__main__":
    sys.exit(main())
