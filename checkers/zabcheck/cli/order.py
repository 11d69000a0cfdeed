"""`zab order`: what goes wrong without each of ZooKeeper's rules about what must be on disk before what."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from zabcheck.cli.arguments import number
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Outcome, Verdict
from zabcheck.models.registry import MISTAKES, build, in_words, instance_of
from zabcheck.models.zab.catalogue.disk_order import RULES, Rule
from zabcheck.report.progress import progress, seconds
from zabcheck.report.table import aligned

HEADING = ("rule", "without it", "violates", "steps", "states", "time")
WIDTH = 99


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser = commands.add_parser(
        "order",
        help="show what goes wrong if something is said before it is on disk",
        description="Takes one rule after the other of those that ZooKeeper keeps about what is on disk "
        "before what is said, and finds the shortest run that breaks a property without it. Exit code: 0 if "
        "all is as it is said to be, 1 otherwise, 2 nobody knows.",
    )
    parser.set_defaults(run=run)
    parser.add_argument("--list", action="store_true", help="tell the stories, and run nothing")
    parser.add_argument("--workers", type=number, default=1, metavar="N", help="processes (default: 1)")


def run(arguments: argparse.Namespace) -> int:
    """Prints the rules, or does without each, and returns the exit code."""
    if arguments.list:
        print("\n".join(line for rule in RULES for line in _told(rule)))
        return 0
    table: list[tuple[str, ...]] = [HEADING]
    codes = []
    for rule in RULES:
        for name in rule.without:
            verdict = without(name, Options(workers=arguments.workers))
            table.append(row(rule, name, verdict))
            codes.append(_code(name, verdict))
    print("\n".join(aligned(table, words=3)))
    return max(codes)


def without(name: str, options: Options) -> Verdict:
    """What comes of a mutant: of one that breaks nothing, all properties are asked."""
    mutant = MISTAKES[name]
    asked = (mutant.caught_by,) if mutant.caught_by else None
    instance = instance_of(name, asked)
    model = build(instance)
    if asked is None:
        model = replace(model, sometimes=())  # that it reaches everything is not the question
    with progress(sys.stderr, in_words(instance)) as show:
        return search(model, options, show)


def row(rule: Rule, name: str, verdict: Verdict) -> tuple[str, ...]:
    """A line of the table."""
    found = {
        Outcome.VIOLATED: verdict.property,
        Outcome.PASSED: f"nothing within {short(MISTAKES[name].bounds)}",
    }
    steps = "-" if verdict.trace is None else str(len(verdict.trace.steps) - 1)
    return (
        f"{rule.first}, before {rule.then}",
        name,
        found.get(verdict.outcome, "NOBODY KNOWS"),
        steps,
        f"{verdict.counts.distinct:,}",
        seconds(verdict.counts.seconds),
    )


def short(bounds: Any) -> str:
    """`(3,1,0,1), 2 epochs`: servers, transactions, timeouts, restarts."""
    numbers = (bounds.servers, bounds.transactions, bounds.timeouts, bounds.restarts)
    return f"({','.join(map(str, numbers))}), {bounds.epochs} epochs"


def _code(name: str, verdict: Verdict) -> int:
    if verdict.outcome == Outcome.OUT_OF_BUDGET:
        return 2
    expected = Outcome.VIOLATED if MISTAKES[name].caught_by else Outcome.PASSED
    return int(verdict.outcome != expected)


def _told(rule: Rule) -> Iterator[str]:
    yield f"{rule.first}, before {rule.then}: {', '.join(rule.without)}"
    yield from textwrap.wrap(rule.story, WIDTH, initial_indent="    ", subsequent_indent="    ")
