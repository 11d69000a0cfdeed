"""`zab myth`: what is said of ZooKeeper and is not so, refuted by the shortest run that there is."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from zabcheck.cli import check
from zabcheck.cli.arguments import Parser, UsageError
from zabcheck.myths.case import Myth, refutation
from zabcheck.myths.claims import BY_NAME, MYTHS, table
from zabcheck.report.progress import in_words
from zabcheck.traces.files import Expect


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser: Parser = commands.add_parser(
        "myth",
        help="what is said of ZooKeeper and is not so, refuted by a run",
        description="Lists claims about ZooKeeper that are false or not quite true, or refutes one by the "
        "shortest run. Exit code: 0 refuted, or listed; 1 not refuted; 2 there is no such myth.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="one of those listed; none to list them")
    parser.add_argument("--all", action="store_true", help="refute all of them, without pictures")
    parser.add_argument("--table", action="store_true", help="all claims, as in docs/myths.md")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Lists or refutes, and returns the exit code.

    Raises:
        UsageError: there is no such myth.
    """
    if arguments.table:
        print("\n".join(table()))
        return 0
    if arguments.all:
        return max(_refuted(each) for each in MYTHS)
    if arguments.name is None:
        for each in MYTHS:
            print(f"{each.name}\n  {each.claim}")
        return 0
    if arguments.name not in BY_NAME:
        raise UsageError(f"zab myth: no myth {arguments.name!r}: `zab myth` lists them")
    return _drawn(BY_NAME[arguments.name])


def _refuted(myth: Myth) -> int:
    _, verdict = refutation(myth)
    if verdict.trace is None:
        print(f"NOT REFUTED  {myth.name}")
        return 1
    print(f"refuted  {myth.name}: {len(verdict.trace.steps)} steps, {verdict.counts.distinct:,} states")
    return 0


def _drawn(myth: Myth) -> int:
    model, verdict = refutation(myth)
    print(f"It is said: {myth.claim}\n")
    if verdict.trace is None:
        print(f"NOT REFUTED: {in_words(verdict.counts)}")
        return 1
    trace = replace(verdict.trace, settings=model.settings)
    print(check.picture_of(model, trace, Expect.VIOLATED), end="\n\n")
    print(f"It is so: {myth.truth}")
    print(f"  The shortest run that shows it has {len(trace.steps)} steps; {in_words(verdict.counts)}")
    return 0
