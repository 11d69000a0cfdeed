"""`zab bugs`: bugs that ZooKeeper had, found again live and told with a space-time diagram."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from zabcheck.cli import check
from zabcheck.cli.arguments import Parser, UsageError, number
from zabcheck.explorer.model import Model
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Outcome, Verdict
from zabcheck.models import registry
from zabcheck.models.mutant import Mutant
from zabcheck.models.registry import build, instance_of
from zabcheck.models.zab.catalogue.bugs import BUGS, BY_NAME
from zabcheck.models.zab.catalogue.history import HISTORY, Past
from zabcheck.models.zab.catalogue.published import PUBLISHED, Published
from zabcheck.report.progress import in_words, progress, seconds
from zabcheck.report.table import aligned
from zabcheck.traces.files import Expect, check_writable, save

WIDTH = 99

CODES = {Outcome.VIOLATED: 0, Outcome.OUT_OF_BUDGET: 2}
"""Exit codes: 0 if the bug is found, for that is what is asked for; 1 for any other outcome."""


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser: Parser = commands.add_parser(
        "bugs",
        help="find bugs again that ZooKeeper had",
        description="Lists bugs that ZooKeeper had; given a name, finds the shortest run to that bug again, "
        "tells its story and draws the run. Exit code: 0 found, 1 not found, 2 nobody knows.",
    )
    parser.set_defaults(run=run)
    parser.add_argument("name", nargs="?", metavar="NAME", help="one of those listed by `zab bugs`")
    parser.add_argument("--all", action="store_true", help="find them all, and print a table")
    parser.add_argument(
        "--history", action="store_true", help="list what went wrong over the years: found here, or why not"
    )
    parser.add_argument("--workers", type=number, default=1, metavar="N", help="processes (default: 1)")
    parser.add_argument("--traces", type=Path, metavar="DIR", help="keep each run here (default: nowhere)")


def run(arguments: argparse.Namespace) -> int:
    """Lists or finds, and returns the exit code.

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
    if name is not None and name not in BY_NAME:
        raise UsageError(f"zab bugs: no bug {name!r}: one of {', '.join(BY_NAME)}")
    if arguments.traces is not None:
        check_writable(arguments.traces)
    options = Options(workers=arguments.workers)
    if name is not None:
        return _show(BY_NAME[name], options, arguments.traces)
    if arguments.all:
        return _show_all(options, arguments.traces)
    if arguments.history:
        print("\n".join(line for past in HISTORY for line in _past(past)))
        return 0
    print(
        "\n".join(line for bug in BUGS for line in (f"{bug.name}: caught by {bug.caught_by}", *_story(bug)))
    )
    return 0


def _show(bug: Mutant, options: Options, directory: Path | None) -> int:
    """Finds one bug and tells everything about it."""
    model, verdict = _find(bug, options)
    print("\n".join((bug.name, *_story(bug))), end="\n\n")
    if verdict.trace is not None:
        print(check.picture_of(model, verdict.trace, Expect.VIOLATED), end="\n\n")
    print("\n".join(_told(bug, verdict)))
    if verdict.trace is not None and directory is not None:
        print(f"  kept as {save(verdict.trace, directory)}; `zab replay` runs it again")
    return CODES.get(verdict.outcome, 1)


def _show_all(options: Options, directory: Path | None) -> int:
    """Finds all bugs, until one is interrupted, and prints a table."""
    table: list[tuple[str, ...]] = [("bug", "found by", "steps", "states", "time", "published for TLC")]
    codes = []
    for bug in BUGS:
        _, verdict = _find(bug, options)
        table.append(_row(bug, verdict))
        codes.append(CODES.get(verdict.outcome, 1))
        if verdict.trace is not None and directory is not None:
            save(verdict.trace, directory)
        if verdict.outcome == Outcome.OUT_OF_BUDGET:
            break
    print("\n".join(aligned(table, words=2)))
    print(f"\n{codes.count(0)} of {len(BUGS)} bugs found")
    return 1 if 1 in codes else max(codes)


def _find(bug: Mutant, options: Options) -> tuple[Model, Verdict]:
    instance = instance_of(bug.name, (bug.caught_by,))
    model = build(instance)
    with progress(sys.stderr, f"{bug.name}: {registry.in_words(replace(instance, mutant=None))}") as show:
        return model, search(model, options, show)


def _past(past: Past) -> Iterator[str]:
    """What went wrong once, and what has come of it here."""
    numbers = ", ".join(map(str, past.issues))
    found = f"found as {', '.join(past.found)}" if past.found else "not at this grain"
    yield f"ZOOKEEPER-{numbers}: {found}"
    for text in (past.mechanism, past.why_not):
        yield from textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _story(bug: Mutant) -> list[str]:
    return textwrap.wrap(bug.story, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _told(bug: Mutant, verdict: Verdict) -> Iterator[str]:
    """How it went, and how it went for others."""
    bounds = registry.in_words(replace(instance_of(bug.name), mutant=None))
    if verdict.outcome == Outcome.OUT_OF_BUDGET:
        yield f"OUT OF BUDGET: {bug.name}; {bounds}"
        yield f"  Nobody knows whether {bug.caught_by} is violated: {verdict.note}"
    elif verdict.trace is None:
        yield f"NOT FOUND: {bug.name}; {bounds}"
        yield f"  {bug.caught_by} is violated by no run within these bounds"
    else:
        yield f"FOUND: {bug.name}; {bounds}"
        steps = len(verdict.trace.steps) - 1
        yield f"  {verdict.property} is violated after {steps} steps, and no shorter run does it"
        if bug.begun:
            yield "  counted from where one transaction is delivered and another one proposed"
    yield f"  {in_words(verdict.counts)}"
    for each in PUBLISHED.get(bug.name, ()):
        yield f"  published for TLC: {_figure(each)}"


def _figure(published: Published) -> str:
    return (
        f"{seconds(published.seconds)}, {published.states:,} states, depth {published.depth}, "
        f"{published.violated} ({published.source})"
    )


def _row(bug: Mutant, verdict: Verdict) -> tuple[str, ...]:
    found = {Outcome.VIOLATED: verdict.property, Outcome.OUT_OF_BUDGET: "NOBODY KNOWS"}
    steps = "-" if verdict.trace is None else str(len(verdict.trace.steps) - 1)
    return (
        bug.name,
        found.get(verdict.outcome, f"NOT BY {bug.caught_by}"),
        steps,
        f"{verdict.counts.distinct:,}",
        seconds(verdict.counts.seconds),
        " or ".join(seconds(each.seconds) for each in PUBLISHED.get(bug.name, ())) or "-",
    )
