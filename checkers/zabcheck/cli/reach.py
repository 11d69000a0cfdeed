"""`zab reach`: the shortest run that reaches a `sometimes`, as a picture and a trace file.

The search is for a violation of the opposite property, with everything that `zab check` offers.
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
from zabcheck.cli.output import say, say_kept
from zabcheck.explorer.model import Model
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Outcome
from zabcheck.models.registry import SPECS, build, with_all_properties
from zabcheck.models.registry import in_words as title_of
from zabcheck.report.progress import in_words, progress
from zabcheck.suggestions import unknown
from zabcheck.traces.files import Expect, check_writable, save


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser: Parser = commands.add_parser(
        "reach",
        usage="zab reach NAME [SPEC] [OPTION ...]",
        description="Finds a run that reaches a situation, one of the SOMETIMES of `zab properties`; draws "
        "the run and keeps it. Breadth-first, the run is the shortest. Exit code: 0 reached, 1 never reached "
        "within the bounds, 2 undecided.",
    )
    parser.set_defaults(run=run, property=None)
    parser.add_argument("name", metavar="NAME", help="a SOMETIMES of `zab properties`")
    check.add_spec(parser, SPECS)
    check.add_bounds(parser)
    check.add_search(parser)
    check.add_traces(parser, "directory in which the run is kept")


def run(arguments: argparse.Namespace) -> int:
    """Searches, prints what was found, and returns the exit code.

    Raises:
        UsageError: the arguments do not fit together, or name something that does not exist.
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
        say(f"OUT OF BUDGET: {title}")
        say(f"Undecided whether {name} is reached: {verdict.note}", 2)
    elif verdict.trace is None:
        say(f"NEVER REACHED: {title}")
        say(f"{name} is true of no state within these bounds", 2)
    else:
        trace = replace(verdict.trace, settings=model.settings)
        print(check.picture_of(model, trace, Expect.REACHED), end="\n\n")
        say(f"REACHED: {title}")
        say(name, 2)
        say_kept(save(trace, arguments.traces, expect=Expect.REACHED))
    say(in_words(verdict.counts), 2)
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
        names = [each.name for each in every.sometimes]
        raise UsageError(f"zab reach: {unknown('SOMETIMES', name, names, 'zab properties')}")
    return model, title


def _opposite(model: Model) -> Model:
    """Returns the model in which reaching the `sometimes` is a violation."""
    always = tuple(replace(each, predicate=partial(_opposite_of, each.predicate)) for each in model.sometimes)
    return replace(model, always=always, every_step=(), sometimes=())


def _opposite_of(predicate: Callable[..., bool], *arguments: Any) -> Any:
    holds: Any = predicate(*arguments)
    return not holds if isinstance(holds, bool) else holds  # what is no bool, the search reports
