"""`zab bugs`: bugs that ZooKeeper had, found again and shown as space-time diagrams.

The time in the last column of the table is the shortest that others have published for TLC, the model checker
of TLA+: see `zabcheck.models.zab.catalogue.published`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from zabcheck.cli import check
from zabcheck.cli.arguments import Parser, UsageError, number
from zabcheck.cli.output import say, say_kept, width
from zabcheck.cli.series import in_turn, say_interrupted
from zabcheck.explorer.model import Model
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.models import registry
from zabcheck.models.mutant import Mutant
from zabcheck.models.registry import build, instance_of
from zabcheck.models.zab.catalogue.bugs import BUGS, BY_NAME
from zabcheck.models.zab.catalogue.history import HISTORY, Past
from zabcheck.models.zab.catalogue.published import PUBLISHED, Published
from zabcheck.report.progress import in_words, progress, seconds
from zabcheck.report.table import Columns
from zabcheck.suggestions import unknown
from zabcheck.traces.files import Expect, check_writable, save

JIRA = "ZOOKEEPER-"
CODES = {Outcome.VIOLATED: 0, Outcome.OUT_OF_BUDGET: 2}
"""Exit codes: 0 if the bug is found, which is what was asked for; 1 for any other outcome."""


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser: Parser = commands.add_parser(
        "bugs",
        description="Lists bugs that ZooKeeper had. Given a name, finds the shortest run to that bug, tells "
        "its story and draws the run. Exit code: 0 found, 1 not found, 2 undecided.",
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="a name listed by `zab bugs`, or the number of an issue: 3911"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="find all of them, and print a table; its last column is the time published for TLC",
    )
    parser.add_argument(
        "--history", action="store_true", help="list what went wrong over the years: found here, or why not"
    )
    parser.add_argument(
        "--workers", type=number, default=1, metavar="N", help="number of processes (default: 1)"
    )
    parser.add_argument("--traces", type=Path, metavar="DIR", help="keep each run here (default: nowhere)")


def run(arguments: argparse.Namespace) -> int:
    """Lists bugs or finds them, and returns the exit code.

    Raises:
        UsageError: there is no such bug, or the arguments do not fit together.
        TraceError: a trace could not be kept.
    """
    name: str | None = arguments.name
    for asked in ("all", "history"):
        if name is not None and getattr(arguments, asked):
            raise UsageError(f"zab bugs: --{asked}, or {name}, but not both")
    if arguments.all and arguments.history:
        raise UsageError("zab bugs: --all, or --history, but not both")
    bug = None if name is None else _named(name)
    if arguments.traces is not None:
        check_writable(arguments.traces)
    options = Options(workers=arguments.workers)
    if bug is not None:
        return _show(bug, options, arguments.traces)
    if arguments.all:
        return _show_all(options, arguments.traces)
    if arguments.history:
        for past in HISTORY:
            _tell_past(past)
        return 0
    for each in BUGS:
        say(f"{each.name}: caught by {each.caught_by}")
        say(each.story, 4, 4)
    return 0


def _named(name: str) -> Mutant:
    """Returns the bug of a name, or of the number of its issue.

    Raises:
        UsageError: there is none.
    """
    full = f"{JIRA}{name}" if name.isdecimal() else name
    by_name = {each.lower(): bug for each, bug in BY_NAME.items()}
    bug = by_name.get(full.lower())
    if bug is not None:
        return bug
    digits = full.upper().removeprefix(JIRA)
    for past in HISTORY:
        if digits.isdecimal() and int(digits) in past.issues:
            where = f"zab mutants {past.found[0]}" if past.found else "zab bugs --history"
            told = "is found as a mutant" if past.found else "is not found here"
            raise UsageError(f"zab bugs: {JIRA}{digits} {told}: see `{where}`")
    raise UsageError(f"zab bugs: {unknown('bug', full, BY_NAME, 'zab bugs')}")


def _show(bug: Mutant, options: Options, directory: Path | None) -> int:
    """Finds one bug, tells everything about it, and returns the exit code."""
    with progress(sys.stderr, bug.name) as show:
        model, verdict = _find(bug, options, show)
    say(bug.name)
    say(bug.story, 4, 4)
    print()
    if verdict.trace is not None:
        print(check.picture_of(model, verdict.trace, Expect.VIOLATED), end="\n\n")
    for indent, text in _told(bug, verdict):
        say(text, indent)
    if verdict.trace is not None and directory is not None:
        say_kept(save(verdict.trace, directory))
    return CODES.get(verdict.outcome, 1)


def _show_all(options: Options, directory: Path | None) -> int:
    """Finds all bugs, prints a row for each as it is found, and returns the exit code."""
    names, properties = max(len(bug.name) for bug in BUGS), max(len(bug.caught_by) for bug in BUGS)
    columns = Columns((names, properties, 5, 9, 11, 10), words=2, width=width())
    print(columns.row(("bug", "found by", "steps", "states", "time", "TLC's time")), flush=True)
    codes = []
    searched = in_turn(BUGS, lambda bug: bug.name, lambda bug, show: _find(bug, options, show)[1])
    for bug, verdict in searched:
        print(columns.row(_row(bug, verdict)), flush=True)
        codes.append(CODES.get(verdict.outcome, 1))
        if verdict.trace is not None and directory is not None:
            save(verdict.trace, directory)
    print(f"\n{codes.count(0)} of {len(BUGS)} bugs found")
    if len(codes) < len(BUGS):
        return say_interrupted(len(BUGS) - len(codes), len(BUGS), "bugs")
    return 1 if 1 in codes else max(codes)


def _find(bug: Mutant, options: Options, show: Callable[[Counts], None]) -> tuple[Model, Verdict]:
    model = build(instance_of(bug.name, (bug.caught_by,)))
    return model, search(model, options, show)


def _tell_past(past: Past) -> None:
    """Prints what went wrong once, and whether it is found here."""
    numbers = ", ".join(map(str, past.issues))
    found = f"found as {', '.join(past.found)}" if past.found else "not found here"
    say(f"{JIRA}{numbers}: {found}")
    for text in (past.mechanism, past.why_not):
        if text:
            say(text, 4, 4)


def _told(bug: Mutant, verdict: Verdict) -> Iterator[tuple[int, str]]:
    """Yields how the search ended, and what others have published, each with its indentation."""
    bounds = registry.in_words(replace(instance_of(bug.name), mutant=None))
    if verdict.outcome == Outcome.OUT_OF_BUDGET:
        yield 0, f"OUT OF BUDGET: {bug.name}; {bounds}"
        yield 2, f"Undecided whether {bug.caught_by} is violated: {verdict.note}"
    elif verdict.trace is None:
        yield 0, f"NOT FOUND: {bug.name}; {bounds}"
        yield 2, f"{bug.caught_by} is violated by no run within these bounds"
    else:
        yield 0, f"FOUND: {bug.name}; {bounds}"
        steps = len(verdict.trace.steps) - 1
        yield 2, f"{verdict.property} is violated after {steps} steps, and no shorter run does it"
        if bug.begun:
            yield 2, "counted from where one transaction is delivered and another one proposed"
    yield 2, in_words(verdict.counts)
    for each in PUBLISHED.get(bug.name, ()):
        yield 2, f"published for TLC: {_figure(each)}"


def _figure(published: Published) -> str:
    return (
        f"{seconds(published.seconds)}, {published.states:,} states, depth {published.depth}, "
        f"{published.violated} ({published.source})"
    )


def _row(bug: Mutant, verdict: Verdict) -> tuple[str, ...]:
    found = {Outcome.VIOLATED: verdict.property, Outcome.OUT_OF_BUDGET: "UNDECIDED"}
    steps = "-" if verdict.trace is None else str(len(verdict.trace.steps) - 1)
    published = PUBLISHED.get(bug.name, ())
    return (
        bug.name,
        found.get(verdict.outcome, f"NOT BY {bug.caught_by}"),
        steps,
        f"{verdict.counts.distinct:,}",
        seconds(verdict.counts.seconds),
        "-" if not published else seconds(min(each.seconds for each in published)),
    )
