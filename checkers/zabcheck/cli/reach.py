"""`zab reach`: the shortest run that reaches a `sometimes`, as a picture and a trace file.

It is a search for a violation of the opposite, so everything that is true of `zab check` is true of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from zabcheck.cli import check, spec_file
from zabcheck.cli.arguments import Parser, UsageError
from zabcheck.explorer.model import Model
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Outcome
from zabcheck.models.registry import SPECS, build, with_all_properties
from zabcheck.models.registry import in_words as title_of
from zabcheck.report.progress import in_words, progress
from zabcheck.traces.files import Expect, check_writable, save


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser: Parser = commands.add_parser(
        "reach",
        description="Finds a run that reaches a `sometimes` property, draws it and keeps it; the shortest, "
        "breadth-first. Exit code: 0 reached, 1 never reached within the bounds, 2 nobody knows.",
    )
    parser.set_defaults(run=run, property=None)
    parser.add_argument("name", metavar="NAME", help="a SOMETIMES of `zab properties`")
    check.add_spec(parser, SPECS)
    check.add_bounds(parser)
    check.add_search(parser)
    check.add_traces(parser, "where the run is kept")


def run(arguments: argparse.Namespace) -> int:
    """Searches, and returns the exit code.

    Raises:
        UsageError: the arguments do not fit together, or name what there is not.
        TraceError: the trace could not be kept.
    """
    options = check.options_of(arguments, "zab reach")
    name: str = arguments.name
    model, title = _subject(arguments, name)
    check.check_symmetry(model, options, "zab reach")
    check_writable(arguments.traces)
    with progress(sys.stderr, f"{name}: {title}") as show:
        verdict = search(_opposite(model), options, show)
    if verdict.outcome == Outcome.OUT_OF_BUDGET:
        print(f"OUT OF BUDGET: {title}\n  Nobody knows whether {name} is reached: {verdict.note}")
    elif verdict.trace is None:
        print(f"NEVER REACHED: {title}\n  {name} is true of no state within these bounds")
    else:
        trace = replace(verdict.trace, settings=model.settings)
        print(check.picture_of(model, trace, Expect.REACHED), end="\n\n")
        path = save(trace, arguments.traces, expect=Expect.REACHED)
        print(f"REACHED: {title}\n  {name}\n  kept as {path}; `zab replay` runs it again")
    print(f"  {in_words(verdict.counts)}")
    return {Outcome.VIOLATED: 0, Outcome.OUT_OF_BUDGET: 2}.get(verdict.outcome, 1)


def _subject(arguments: argparse.Namespace, name: str) -> tuple[Model, str]:
    """Returns the model with nothing but the `sometimes` of this name, and the title of the model."""
    if spec_file.is_spec_file(arguments.spec):
        every, title = spec_file.asked_for(arguments, "zab reach")
        model = replace(every, sometimes=tuple(each for each in every.sometimes if each.name == name))
    else:
        instance = check.instance_of(arguments, "zab reach")
        title = title_of(instance)
        try:
            model = build(replace(instance, properties=(name,)))
        except ValueError as error:
            raise UsageError(f"zab reach: {error}") from error
        every = build(with_all_properties(instance)) if not model.sometimes else model
    if not model.sometimes:
        names = ", ".join(each.name for each in every.sometimes)
        raise UsageError(f"zab reach: {name} is not a SOMETIMES: one of {names}")
    return model, title


def _opposite(model: Model) -> Model:
    """The model in which it is a violation to reach the `sometimes`."""
    always = tuple(replace(each, predicate=partial(_opposite_of, each.predicate)) for each in model.sometimes)
    return replace(model, always=always, every_step=(), sometimes=())


def _opposite_of(predicate: Callable[..., bool], *arguments: Any) -> Any:
    holds: Any = predicate(*arguments)
    return not holds if isinstance(holds, bool) else holds  # what is no bool, the search reports
