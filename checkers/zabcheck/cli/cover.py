"""`zab coverage`: what of a spec ever happens, in which instance."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from zabcheck.cli.arguments import Parser
from zabcheck.models.coverage import COVERED, Coverage, coverage
from zabcheck.models.happenings import Group
from zabcheck.models.registry import Instance, in_words
from zabcheck.report.progress import progress, seconds
from zabcheck.report.table import aligned

HEADINGS = {
    Group.ACTION: "actions",
    Group.MESSAGE: "messages",
    Group.DECISION: "decisions how to synchronize",
    Group.RECOVERY: "ways back to election",
    Group.SITUATION: "situations",
    Group.ENDING: "ends of an election",
}


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser: Parser = commands.add_parser(
        "coverage",
        help="show what of a spec ever happens",
        description="Explores a spec within several bounds, and shows which actions are ever taken, which "
        "messages sent, which decisions made and which ways of recovery gone. Exit code: 0 if all that can "
        "happen does, 1 otherwise, 2 nobody knows.",
    )
    parser.set_defaults(run=run)
    parser.add_argument("spec", nargs="?", default="zab", choices=COVERED, help="default: zab")


def run(arguments: argparse.Namespace) -> int:
    """Explores, prints a table, and returns the exit code."""
    spec: str = arguments.spec
    columns: list[Coverage] = []
    for number, extent in enumerate(COVERED[spec].extents, 1):
        title = in_words(Instance(spec, extent.bounds))
        if extent.begun:
            title += ", from where one transaction is delivered and another one proposed"
        with progress(sys.stderr, title) as show:
            found = coverage(spec, extent, progress=show)
        columns.append(found)
        print(f"{number}: {title}: {found.counts.distinct:,} states, {seconds(found.counts.seconds)}")
        if not found.is_complete:
            print(f"OUT OF BUDGET: {number} was not explored to its end: nobody knows")
            return 2
    print("", *_table(spec, columns), "", sep="\n")
    return _judged(spec, columns)


def _table(spec: str, columns: list[Coverage]) -> list[str]:
    """A row for all that should happen, under the heading of its group."""
    table = [("", *map(str, range(1, len(columns) + 1)))]
    groups = dict.fromkeys(group for group, _ in COVERED[spec].everything)
    for group in groups:
        table.append((HEADINGS[group], *[""] * len(columns)))
        for row in COVERED[spec].everything:
            if row[0] == group:
                table.append((f"  {row[1]}", *("x" if row in each.happened else "-" for each in columns)))
    return list(aligned(table, words=1))


def _judged(spec: str, columns: list[Coverage]) -> int:
    """Says what never happened, and returns the exit code."""
    happened = frozenset[tuple[Group, str]]().union(*(each.happened for each in columns))
    missing = [row for row in COVERED[spec].everything if row not in happened]
    print(f"{len(COVERED[spec].everything) - len(missing)} of {len(COVERED[spec].everything)} happen")
    for row in missing:
        print(f"never: {row[1]}: {COVERED[spec].unreached.get(row, 'and it should')}")
    return 0 if all(row in COVERED[spec].unreached for row in missing) else 1
