"""`zab mutants`: that each property can fail, because there is a mistake that it catches."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from zabcheck.cli.arguments import UsageError, number
from zabcheck.cli.output import say, width
from zabcheck.cli.series import in_turn, say_interrupted
from zabcheck.explorer.liveness import check_liveness
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.models.mutant import Mutant
from zabcheck.models.registry import MUTANTS, OWNERS, SPECS, build, instance_of
from zabcheck.report.progress import seconds
from zabcheck.report.table import Columns
from zabcheck.suggestions import unknown

SPECS_WITH_MUTANTS = tuple(spec.name for spec in SPECS.values() if spec.mutants)


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser = commands.add_parser(
        "mutants",
        description="Puts one mistake after the other into a spec, and checks that the property that should "
        "catch it does. Rows of the table appear as they are found. Exit code: 0 if all are caught, 1 if "
        "not, 2 if interrupted.",
    )
    parser.set_defaults(run=run)
    parser.add_argument("name", nargs="*", metavar="NAME", help="which mutants (default: all)")
    parser.add_argument("--spec", choices=SPECS_WITH_MUTANTS, help="only those of this spec")
    parser.add_argument("--list", action="store_true", help="describe the mistakes, and run nothing")
    parser.add_argument(
        "--workers", type=number, default=1, metavar="N", help="number of processes (default: 1)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs mutants, prints a row for each, and returns the exit code.

    Raises:
        UsageError: there is no mutant of a name.
    """
    for name in arguments.name:
        if name not in MUTANTS:
            raise UsageError(f"zab mutants: {unknown('mutant', name, MUTANTS, 'zab mutants --list')}")
    chosen = [MUTANTS[name] for name in arguments.name] or list(MUTANTS.values())
    if arguments.spec is not None:
        chosen = [each for each in chosen if OWNERS[each.name].name == arguments.spec]
    if arguments.list:
        for mutant in chosen:
            say(f"{mutant.name}: caught by {mutant.caught_by}")
            say(mutant.story, 4, 4)
        return 0
    return _run_all(chosen, Options(workers=arguments.workers))


def _run_all(chosen: list[Mutant], options: Options) -> int:
    """Runs mutants, prints a row for each, and returns the exit code."""
    names = max((len(each.name) for each in chosen), default=6)
    properties = max((len(each.caught_by) for each in chosen), default=9)
    columns = Columns((names, max(properties, 9), 5, 9, 11), words=2, width=width())
    print(columns.row(("mutant", "caught by", "steps", "states", "time")), flush=True)
    uncaught = []
    finished = 0
    for mutant, verdict in in_turn(chosen, _name, lambda each, show: _run(each, options, show)):
        print(columns.row(_row(mutant, verdict)), flush=True)
        finished += 1
        if verdict.outcome != Outcome.VIOLATED:
            uncaught.append(mutant.name)
    print(f"\n{finished - len(uncaught)} of {len(chosen)} mutants caught")
    if uncaught:
        say(f"not caught: {', '.join(uncaught)}")
    if finished < len(chosen):
        return say_interrupted(len(chosen) - finished, len(chosen), "mutants")
    return 0 if chosen and not uncaught else 1


def _name(mutant: Mutant) -> str:
    return mutant.name


def _run(mutant: Mutant, options: Options, show: Callable[[Counts], None]) -> Verdict:
    asked = [each for each in OWNERS[mutant.name].eventually if each.name == mutant.caught_by]
    if asked:
        return check_liveness(build(instance_of(mutant.name)), options, asked, show)
    return search(build(instance_of(mutant.name, (mutant.caught_by,))), options, show)


def _row(mutant: Mutant, verdict: Verdict) -> tuple[str, ...]:
    caught = verdict.property if verdict.outcome == Outcome.VIOLATED else f"NOT BY {mutant.caught_by}"
    steps = "-" if verdict.trace is None else str(len(verdict.trace.steps) - 1)
    counts = verdict.counts
    return (mutant.name, caught, steps, f"{counts.distinct:,}", seconds(counts.seconds))
