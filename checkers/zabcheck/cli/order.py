"""`zab order`: what goes wrong without each of ZooKeeper's rules about what must be on disk before what."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from zabcheck.cli.arguments import number
from zabcheck.cli.output import say, width
from zabcheck.cli.series import in_turn, say_interrupted
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.models.registry import MISTAKES, build, instance_of
from zabcheck.models.zab.catalogue.disk_order import RULES, Rule
from zabcheck.report.progress import seconds
from zabcheck.report.table import Columns

HEADING = ("  without the rule", "violates", "steps", "states", "time")


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser = commands.add_parser(
        "order",
        description="ZooKeeper's rules say what must be on disk before which message is sent, or before what "
        "counts. Takes each rule away, and finds the shortest run that then violates a property. Rows of the "
        "table appear as they are found. Exit code: 0 if all is as `zab order --list` says, 1 if not, "
        "2 undecided.",
    )
    parser.set_defaults(run=run)
    parser.add_argument("--list", action="store_true", help="tell the stories, and run nothing")
    parser.add_argument(
        "--workers", type=number, default=1, metavar="N", help="number of processes (default: 1)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the rules, or takes each away, and returns the exit code."""
    if arguments.list:
        for rule in RULES:
            say(f"{_title(rule)}: {', '.join(rule.without)}")
            say(rule.story, 4, 4)
        return 0
    options = Options(workers=arguments.workers)
    asked = [(rule, name) for rule in RULES for name in rule.without]
    names = max(len(name) for _, name in asked) + 2
    violated = max(len("nothing within (3,1,0,1)"), *(len(MISTAKES[name].caught_by) for _, name in asked))
    columns = Columns((names, violated, 5, 9, 11), words=2, width=width())
    print(columns.row(HEADING), flush=True)
    codes: list[int] = []
    told = None
    for (rule, name), verdict in in_turn(asked, _name, lambda each, show: without(each[1], options, show)):
        if rule != told:
            say(f"{_title(rule)}:")
            told = rule
        print(columns.row(row(name, verdict)), flush=True)
        codes.append(_code(name, verdict))
    if len(codes) < len(asked):
        return say_interrupted(len(asked) - len(codes), len(asked), "searches")
    return max(codes)


def without(name: str, options: Options, show: Callable[[Counts], None] | None = None) -> Verdict:
    """Explores a mutant; of one that is said to break nothing, all properties are checked."""
    mutant = MISTAKES[name]
    asked = (mutant.caught_by,) if mutant.caught_by else None
    model = build(instance_of(name, asked))
    if asked is None:
        model = replace(model, sometimes=())  # whether everything is reached is not the question
    return search(model, options, show)


def row(name: str, verdict: Verdict) -> tuple[str, ...]:
    """Returns the row of a mutant."""
    found = {
        Outcome.VIOLATED: verdict.property,
        Outcome.PASSED: f"nothing within {short(MISTAKES[name].bounds)}",
    }
    steps = "-" if verdict.trace is None else str(len(verdict.trace.steps) - 1)
    return (
        f"  {name}",
        found.get(verdict.outcome, "UNDECIDED"),
        steps,
        f"{verdict.counts.distinct:,}",
        seconds(verdict.counts.seconds),
    )


def short(bounds: Any) -> str:
    """Returns `(3,1,0,1), 2 epochs`: servers, transactions, timeouts, restarts."""
    numbers = (bounds.servers, bounds.transactions, bounds.timeouts, bounds.restarts)
    return f"({','.join(map(str, numbers))}), {bounds.epochs} epochs"


def _title(rule: Rule) -> str:
    return f"{rule.first}, before {rule.then}"


def _name(asked: tuple[Rule, str]) -> str:
    return f"without the rule: {asked[1]}"


def _code(name: str, verdict: Verdict) -> int:
    if verdict.outcome == Outcome.OUT_OF_BUDGET:
        return 2
    expected = Outcome.VIOLATED if MISTAKES[name].caught_by else Outcome.PASSED
    return int(verdict.outcome != expected)
