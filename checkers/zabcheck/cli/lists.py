"""`zab properties` and `zab mutants`: what is checked, and that each property can fail."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import fields
from time import perf_counter
from typing import Any

from zabcheck.cli.arguments import UsageError, number
from zabcheck.explorer.liveness import check_liveness
from zabcheck.explorer.model import Property
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Outcome, Verdict
from zabcheck.models.mutant import Mutant
from zabcheck.models.registry import (
    MUTANTS,
    OWNERS,
    SPECS,
    Instance,
    build,
    instance_of,
    with_all_properties,
)
from zabcheck.models.zab.bounds import ELECTIONS
from zabcheck.report.progress import progress, seconds
from zabcheck.report.table import aligned
from zabspec.promises import Eventually

WIDTH = 99
SPECS_WITH_MUTANTS = tuple(spec.name for spec in SPECS.values() if spec.mutants)


def add(commands: Any) -> None:
    """Adds both commands to those of `zab`."""
    listing = commands.add_parser("properties", help="list what is checked, each with its sentence")
    listing.set_defaults(run=list_properties)
    listing.add_argument("spec", nargs="?", default="paper", choices=SPECS, help="default: paper")
    listing.add_argument("--election", choices=ELECTIONS, help="of zab, in which grain")
    killing = commands.add_parser(
        "mutants",
        help="show that each mistake put into the spec is caught",
        description="Puts one mistake after the other into the spec, and lets the property that must catch "
        "it do so. Exit code: 0 if all are caught, 1 otherwise.",
    )
    killing.set_defaults(run=run_mutants)
    killing.add_argument("name", nargs="*", metavar="NAME", help="default: all")
    killing.add_argument("--spec", choices=SPECS_WITH_MUTANTS, help="only those of this spec")
    killing.add_argument("--list", action="store_true", help="tell what is done wrong, and run nothing")
    killing.add_argument("--workers", type=number, default=1, metavar="N", help="processes (default: 1)")


def list_properties(arguments: argparse.Namespace) -> int:
    """Prints every property of a spec with its sentence."""
    spec = SPECS[arguments.spec]
    if arguments.election is not None and "election" not in {each.name for each in fields(spec.bounds)}:
        raise UsageError(f"zab properties: --election is not for the spec {spec.name!r}")
    chosen = {} if arguments.election is None else {"election": arguments.election}
    try:
        model = build(with_all_properties(Instance(spec.name, spec.bounds(**chosen))))
    except ValueError as error:
        raise UsageError(f"zab properties: {error}") from error
    for heading, group in (
        ("ALWAYS: true of every state", model.always),
        ("EVERY STEP: true of every step", model.every_step),
        ("SOMETIMES: true of some state, or the bounds show too little", model.sometimes),
    ):
        print("\n".join(_described(heading, group)), end="\n\n")
    if spec.live is not None:
        heading = "EVENTUALLY: true of every fair run, see `zab liveness`"
        print("\n".join(_described(heading, spec.eventually)))
    return 0


def run_mutants(arguments: argparse.Namespace) -> int:
    """Runs mutants, and prints a table of what caught them.

    Raises:
        UsageError: there is no mutant of a name.
    """
    for name in arguments.name:
        if name not in MUTANTS:
            raise UsageError(f"zab mutants: no mutant {name!r}: one of {', '.join(MUTANTS)}")
    chosen = [MUTANTS[name] for name in arguments.name] or list(MUTANTS.values())
    if arguments.spec is not None:
        chosen = [each for each in chosen if OWNERS[each.name].name == arguments.spec]
    if arguments.list:
        print("\n".join(line for mutant in chosen for line in _told(mutant)))
        return 0
    table: list[tuple[str, ...]] = [("mutant", "caught by", "steps", "states", "time")]
    uncaught = []
    for mutant in chosen:
        began = perf_counter()
        verdict = _run(mutant, Options(workers=arguments.workers))
        table.append(_row(mutant, verdict, perf_counter() - began))
        if verdict.outcome != Outcome.VIOLATED:
            uncaught.append(mutant.name)
    print("\n".join(aligned(table, words=2)))
    print(f"\n{len(chosen) - len(uncaught)} of {len(chosen)} mutants caught")
    if uncaught:
        print(f"not caught: {', '.join(uncaught)}")
    return 0 if chosen and not uncaught else 1


def _told(mutant: Mutant) -> Iterator[str]:
    yield f"{mutant.name}: caught by {mutant.caught_by}"
    yield from textwrap.wrap(mutant.story, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _run(mutant: Mutant, options: Options) -> Verdict:
    asked = [each for each in OWNERS[mutant.name].eventually if each.name == mutant.caught_by]
    if asked:
        with progress(sys.stderr, mutant.name) as show:
            model = build(instance_of(mutant.name))
            return check_liveness(model, options, asked, show)
    with progress(sys.stderr, mutant.name) as show:
        return search(build(instance_of(mutant.name, (mutant.caught_by,))), options, show)


def _row(mutant: Mutant, verdict: Verdict, duration: float) -> tuple[str, ...]:
    caught = verdict.property if verdict.outcome == Outcome.VIOLATED else f"NOT BY {mutant.caught_by}"
    steps = len(verdict.trace.steps) - 1 if verdict.trace is not None else "-"
    counts = verdict.counts
    return (mutant.name, caught, str(steps), f"{counts.distinct:,}", seconds(duration))


def _described(heading: str, group: Sequence[Property | Eventually]) -> Iterator[str]:
    yield heading
    for each in group:
        yield f"  {each.name}"
        for paragraph in each.sentence.split("\n\n"):
            words = " ".join(paragraph.split())
            yield from textwrap.wrap(words, WIDTH, initial_indent="      ", subsequent_indent="      ")
