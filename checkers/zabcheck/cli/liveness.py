"""`zab liveness`: whether what must happen in the end does, in every fair run within bounds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from zabcheck.cli import check, spec_file
from zabcheck.cli.arguments import Parser, UsageError, duration, number
from zabcheck.explorer.liveness import check_liveness
from zabcheck.explorer.model import Model
from zabcheck.explorer.options import Options
from zabcheck.explorer.promises import Promise
from zabcheck.explorer.verdicts import Outcome, Verdict
from zabcheck.models.registry import SPECS, build, in_words
from zabcheck.report.progress import progress
from zabcheck.suggestions import unknown
from zabcheck.traces.files import Expect, check_writable, save
from zabspec.promises import Eventually

LIVE = tuple(spec.name for spec in SPECS.values() if spec.live is not None)
"""The specs of which something is promised to happen in the end."""


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser: Parser = commands.add_parser(
        "liveness",
        description="Explores every state of a spec within bounds, and looks for a fair run in which what "
        "must happen never does. Exit code: 0 if there is none, 1 violated or vacuous, 2 nobody knows.",
    )
    parser.set_defaults(run=run)
    check.add_spec(parser, LIVE)
    check.add_bounds(parser)
    check.add_properties(parser)
    parser.add_argument("--max-states", type=number, metavar="N", help="give up after so many")
    parser.add_argument("--max-seconds", type=duration, metavar="S", help="give up after so many")
    check.add_traces(parser, "where a violation is kept")


def run(arguments: argparse.Namespace) -> int:
    """Explores, and returns the exit code.

    Raises:
        UsageError: the arguments do not fit together, or name what there is not.
        TraceError: the trace could not be kept.
    """
    model, title, asked = _subject(arguments)
    check_writable(arguments.traces)
    options = Options(symmetry=False, max_states=arguments.max_states, max_seconds=arguments.max_seconds)
    with progress(sys.stderr, title) as show:
        verdict = check_liveness(model, options, asked, show)
    if verdict.trace is not None:
        print(check.picture_of(model, verdict.trace, Expect.VIOLATED), end="\n\n")
    print("\n".join(_in_words(verdict, model, title)))
    if verdict.trace is not None:
        print(f"  kept as {save(verdict.trace, arguments.traces)}; `zab replay` runs it again")
    return verdict.outcome.exit_code


def _subject(arguments: argparse.Namespace) -> tuple[Model, str, Sequence[Promise]]:
    """Returns the model that the arguments ask for, its title, and the properties to be checked."""
    if spec_file.is_spec_file(arguments.spec):
        model, title = spec_file.asked_for(arguments, "zab liveness")
        return model, title, spec_file.promised(model, arguments.property)
    if arguments.spec not in LIVE:
        raise UsageError(f"zab liveness: {unknown('spec', arguments.spec, LIVE, 'zab liveness --help')}")
    asked = _asked(arguments.spec, arguments.property)
    for name, value in (SPECS[arguments.spec].live or {}).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)  # without it the spec is not live: see docs/deviations.md
    if arguments.bookkeeping:
        raise UsageError("zab liveness: --bookkeeping is for zab check")
    instance = replace(check.instance_of(arguments, "zab liveness"), properties=None)
    try:
        return build(instance), in_words(instance), asked
    except ValueError as error:
        raise UsageError(f"zab liveness: {error}") from error


def _asked(spec: str, names: list[str] | None) -> tuple[Eventually, ...]:
    every = {each.name: each for each in SPECS[spec].eventually}
    for name in names or ():
        if name not in every:
            raise UsageError(f"zab liveness: no EVENTUALLY {name!r}: one of {', '.join(every)}")
    return tuple(every[name] for name in dict.fromkeys(names or every))


def _in_words(verdict: Verdict, model: Model, title: str) -> list[str]:
    counts = verdict.counts
    lines = {
        Outcome.PASSED: [
            f"In every fair run through the {counts.distinct:,} states within these bounds held:",
            f"  {', '.join(verdict.checked)}.",
            "A failure would have been a run that goes on for ever, denies no fair step its turn, and in",
            "  which one of them never comes true: it would be drawn here and kept as a trace.",
        ],
        Outcome.VIOLATED: [f"{verdict.property} is violated by a fair run, {verdict.note}."],
        Outcome.VACUOUS: [f"{verdict.property} proves nothing: {verdict.note}."],
        Outcome.OUT_OF_BUDGET: [f"Nobody knows: {verdict.note}."],
    }[verdict.outcome]
    heading = verdict.outcome.name.replace("_", " ")
    lines = [f"{heading}: {title}", *(f"  {line}" for line in lines)]
    if verdict.outcome != Outcome.OUT_OF_BUDGET:
        lines.append(f"  {counts.distinct:,} states, {counts.generated - 1:,} steps between them")
    return lines
