"""`zab coverage`: which actions, messages and situations of a spec ever come up, within which bounds."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from zabcheck.cli.arguments import Parser
from zabcheck.cli.output import say, width
from zabcheck.models.coverage import COVERED, Coverage, coverage
from zabcheck.models.happenings import Group
from zabcheck.models.registry import Instance, in_words
from zabcheck.report.progress import progress, seconds
from zabcheck.report.table import Columns
from zabcheck.report.width import wrapped

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
        description="Explores a spec within several bounds, and shows for each of its actions, messages, "
        "decisions and ways of recovery within which bounds it comes up. Exit code: 0 if everything that can "
        "come up does, 1 if not, 2 undecided.",
    )
    parser.set_defaults(run=run)
    parser.add_argument("spec", nargs="?", default="zab", choices=COVERED, help="which spec (default: zab)")


def run(arguments: argparse.Namespace) -> int:
    """Explores, prints a table, and returns the exit code."""
    spec: str = arguments.spec
    columns: list[Coverage] = []
    for number, extent in enumerate(COVERED[spec].extents, 1):
        title = in_words(Instance(spec, extent.bounds))
        if extent.begun:
            title += ", from where one transaction is delivered and another one proposed"
        with progress(sys.stderr, f"{number} of {len(COVERED[spec].extents)}, {title}") as show:
            found = coverage(spec, extent, progress=show)
        columns.append(found)
        say(f"{number}: {title}: {found.counts.distinct:,} states, {seconds(found.counts.seconds)}", 0, 3)
        if not found.is_complete:
            print(f"OUT OF BUDGET: {number} was not explored to its end, so the rest is undecided")
            return 2
    print("", *_table(spec, columns), "", sep="\n")
    return _judged(spec, columns)


def _table(spec: str, columns: list[Coverage]) -> list[str]:
    """Returns a row for everything that should come up, under the heading of its group."""
    everything = COVERED[spec].everything
    names = max(len(name) for _, name in everything) + 2
    layout = Columns((names, *[1] * len(columns)), words=1, width=width())
    lines = [layout.row(("", *map(str, range(1, len(columns) + 1))))]
    for group in dict.fromkeys(group for group, _ in everything):
        lines.append(HEADINGS[group])
        for row in everything:
            if row[0] == group:
                marks = ("x" if row in each.happened else "-" for each in columns)
                *above, last = wrapped(row[1], layout.widths[0], 2, 4)
                lines += [*above, layout.row((last, *marks))]
    return lines


def _judged(spec: str, columns: list[Coverage]) -> int:
    """Prints what never comes up, and returns the exit code."""
    everything = COVERED[spec].everything
    happened = frozenset[tuple[Group, str]]().union(*(each.happened for each in columns))
    missing = [row for row in everything if row not in happened]
    print(f"{len(everything) - len(missing)} of {len(everything)} come up")
    for row in missing:
        say(f"never: {row[1]}: {COVERED[spec].unreached.get(row, 'and it should')}")
    return 0 if all(row in COVERED[spec].unreached for row in missing) else 1
