"""`zab myth`: false claims about ZooKeeper, each refuted by the shortest run that there is."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from zabcheck.cli import check
from zabcheck.cli.arguments import Parser, UsageError
from zabcheck.cli.output import say
from zabcheck.myths.case import Myth, refutation
from zabcheck.myths.claims import BY_NAME, MYTHS, table
from zabcheck.report.progress import in_words
from zabcheck.suggestions import unknown
from zabcheck.traces.files import Expect


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser: Parser = commands.add_parser(
        "myth",
        description="Lists claims about ZooKeeper that are false or not quite true. Given a name, refutes "
        "that claim by the shortest run, and draws the run. Exit code: 0 refuted, or listed; 1 not refuted.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="which claim (default: list all)")
    parser.add_argument("--all", action="store_true", help="refute all of them, without pictures")
    parser.add_argument("--table", action="store_true", help="print all claims, as in docs/myths.md")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Lists claims or refutes them, and returns the exit code.

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
            say(each.name)
            say(each.claim, 4, 4)
        return 0
    if arguments.name not in BY_NAME:
        raise UsageError(f"zab myth: {unknown('myth', arguments.name, BY_NAME, 'zab myth')}")
    return _drawn(BY_NAME[arguments.name])


def _refuted(myth: Myth) -> int:
    _, verdict = refutation(myth)
    if verdict.trace is None:
        say(f"NOT REFUTED  {myth.name}")
        return 1
    say(f"refuted  {myth.name}: {len(verdict.trace.steps)} steps, {verdict.counts.distinct:,} states")
    return 0


def _drawn(myth: Myth) -> int:
    model, verdict = refutation(myth)
    say(f"It is said: {myth.claim}")
    print()
    if verdict.trace is None:
        say(f"NOT REFUTED: {in_words(verdict.counts)}")
        return 1
    trace = replace(verdict.trace, settings=model.settings)
    print(check.picture_of(model, trace, Expect.VIOLATED), end="\n\n")
    say(f"It is so: {myth.truth}")
    say(f"The shortest run that shows this has {len(trace.steps)} steps; {in_words(verdict.counts)}", 2)
    return 0
