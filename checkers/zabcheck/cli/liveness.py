"""`zab liveness`: whether what must eventually happen does, in every fair run within bounds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from zabcheck.cli import check, spec_file
from zabcheck.cli.arguments import Parser, UsageError, duration, number
from zabcheck.cli.output import say_kept, width
from zabcheck.explorer.liveness import check_liveness
from zabcheck.explorer.model import Model
from zabcheck.explorer.options import Options
from zabcheck.explorer.promises import Promise
from zabcheck.models.registry import SPECS, build, in_words
from zabcheck.report import verdict as report
from zabcheck.report.progress import progress
from zabcheck.suggestions import unknown
from zabcheck.traces.files import Expect, check_writable, save
from zabspec.promises import Eventually

LIVE = tuple(spec.name for spec in SPECS.values() if spec.live is not None)
"""The specs for which something must eventually happen."""


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser: Parser = commands.add_parser(
        "liveness",
        usage="zab liveness [SPEC] [OPTION ...]",
        description="Explores every state of a spec within bounds, and looks for a fair run in which "
        "something that must eventually happen never does. Exit code: 0 if there is none, 1 violated or "
        "vacuous, 2 undecided.",
    )
    parser.set_defaults(run=run)
    check.add_spec(parser, LIVE)
    check.add_bounds(parser)
    check.add_properties(parser)
    parser.add_argument(
        "--max-states", type=number, metavar="N", help="stop, undecided, after this many states"
    )
    parser.add_argument(
        "--max-seconds", type=duration, metavar="S", help="stop, undecided, after this many seconds"
    )
    check.add_traces(parser, "directory in which a violation is kept")


def run(arguments: argparse.Namespace) -> int:
    """Explores a model, prints the verdict, and returns the exit code.

    Raises:
        UsageError: the arguments do not fit together, or name something that does not exist.
        TraceError: the trace could not be kept.
    """
    model, title, asked = _subject(arguments)
    check_writable(arguments.traces)
    options = Options(symmetry=False, max_states=arguments.max_states, max_seconds=arguments.max_seconds)
    with progress(sys.stderr, title) as show:
        verdict = check_liveness(model, options, asked, show)
    if verdict.trace is not None:
        print(check.picture_of(model, verdict.trace, Expect.VIOLATED), end="\n\n")
    print("\n".join(report.liveness_in_words(verdict, title, width())))
    if verdict.trace is not None:
        say_kept(save(verdict.trace, arguments.traces))
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
            raise UsageError(f"zab liveness: {unknown('EVENTUALLY', name, every)}")
    return tuple(every[name] for name in dict.fromkeys(names or every))
