"""Two runs of one test suite, against two servers, side by side: `python -m zabcheck.bench.suite_table`.

Both are read from the files that `pytest --junitxml` writes. What is printed is Markdown: a table of test
classes with counts, then every test that did not pass against both, and whether all that passes against the
first passes against the second: if not, the exit code is 1.
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
    """What became of a test."""

    PASSED = 0
    FAILED = 1
    SKIPPED = 2
    MISSING = 3


@dataclass(frozen=True, order=True)
class Test:
    """Which one: its class, or its module, and its name."""

    group: str
    name: str


Run = Mapping[Test, Outcome]


def read_run(path: Path) -> Run:
    """What became of each test.

    Args:
        path: as `pytest --junitxml` writes it.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is none.
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
    """Both runs as Markdown.

    Args:
        names: of the servers.
        runs: against them.
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
    """The tests that pass in the first run, and not in the second."""
    passed = [test for test, outcome in first.items() if outcome == Outcome.PASSED]
    return sorted(test for test in passed if second.get(test) != Outcome.PASSED)


def _counts(outcomes: Sequence[Outcome]) -> str:
    counted = Counter(outcomes)
    return ", ".join(f"{counted[each]} {each.name.lower()}" for each in Outcome if counted[each])


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; 0 where nothing is lost, 1 where something is, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m zabcheck.bench.suite_table", description=__doc__)
    parser.add_argument("first", type=Path, help="junit.xml of the run to compare with")
    parser.add_argument("second", type=Path, help="junit.xml of the run that is compared")
    parser.add_argument("--names", nargs=2, default=["Apache 3.8.0", "Zabkit"], help="of the servers")
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
