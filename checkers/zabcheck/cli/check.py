"""`zab check`: explores a spec within bounds, and says what was proved or shows what went wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any

from zabcheck.cli import spec_file
from zabcheck.cli.arguments import Parser, UsageError, count, duration, number
from zabcheck.cli.output import drawn, say_kept, width
from zabcheck.explorer.model import Model
from zabcheck.explorer.options import KINDS, Options, uses_symmetry
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Trace
from zabcheck.models.bounds import bound_of
from zabcheck.models.registry import (
    OWNERS,
    SPECS,
    Instance,
    bounds_by_name,
    build,
    in_words,
    spec_named,
)
from zabcheck.report import verdict as report
from zabcheck.report.progress import progress
from zabcheck.traces.files import Expect, check_writable, save
from zabcheck.traces.replay import replay

ONLY_FOR = {"reduce": "bfs", "trusted": "bfs", "workers": "bfs", "walks": "walk", "seed": "walk"}
"""Options that only one kind of search uses."""

MOST_SERVERS = 7
"""Most processes with symmetry, which compares a state with all renamings; of 8 there are 40,320."""


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser: Parser = commands.add_parser(
        "check",
        usage="zab check [SPEC] [OPTION ...]",
        description="Explores every state of a spec within bounds, and says what was proved, or draws the "
        "run in which something goes wrong. Exit code: 0 proved, 1 violated or vacuous, 2 undecided.",
    )
    parser.set_defaults(run=run)
    # No `choices`: they would complain of the 3 in `--servrs 3`.
    add_spec(parser, SPECS)
    add_bounds(parser)
    add_properties(parser)
    add_search(parser)
    add_traces(parser, "directory in which a violation is kept")


def run(arguments: argparse.Namespace) -> int:
    """Explores a model, prints the verdict, and returns the exit code.

    Raises:
        UsageError: the arguments do not fit together, or name something that does not exist.
        TraceError: a trace could not be kept.
    """
    options = options_of(arguments, "zab check")
    model, title = _subject(arguments)
    if not (model.always or model.every_step or model.sometimes):
        raise UsageError("zab check: there is no property to check within these bounds")
    if options.reduce and model.local is None:
        raise UsageError(f"zab check: --reduce: it is not known which steps commute in {title}")
    check_symmetry(model, options, "zab check")
    check_writable(arguments.traces)
    with progress(sys.stderr, title) as show:
        verdict = search(model, options, show)
    if verdict.trace is not None:
        print(picture_of(model, verdict.trace, Expect.VIOLATED), end="\n\n")
    for line in report.in_words(verdict, model, options, title, width()):
        print(line)
    if verdict.trace is not None:
        say_kept(save(verdict.trace, arguments.traces))
    return verdict.outcome.exit_code


def _subject(arguments: argparse.Namespace) -> tuple[Model, str]:
    """Returns the model that the arguments ask for, with the properties to be checked, and its title."""
    if spec_file.is_spec_file(arguments.spec):
        model, title = spec_file.asked_for(arguments, "zab check")
        return spec_file.with_properties(model, arguments.property), title
    instance = instance_of(arguments, "zab check")
    try:
        return build(instance), in_words(instance)
    except ValueError as error:
        raise UsageError(f"zab check: {error}") from error


def picture_of(model: Model, trace: Trace, expect: Expect) -> str:
    """Returns the picture of a run, as wide and with the characters that standard output can show."""
    return drawn(replay(model, trace, expect))


def add_spec(parser: Parser, specs: Iterable[str]) -> None:
    """Adds the argument that says what is explored, and the parameters of a model in a file."""
    parser.add_argument(
        "spec",
        nargs="?",
        metavar="SPEC",
        default="paper",
        help=f"{', '.join(specs)}, or a file with a model of your own, such as spec.py (default: paper)",
    )
    parser.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="set a parameter of the model in spec.py; may be repeated",
    )


def add_bounds(parser: Parser) -> None:
    """Adds the options that say what is explored, and how far: one for each bound of any spec."""
    group = parser.add_argument_group("bounds", "which specs have them, and what they mean for each")
    for name, owners in bounds_by_name().items():
        option = f"--{name.replace('_', '-')}"
        bound = bound_of(next(iter(owners.values())))
        told = "\n".join(_helps(owners))
        if bound.least is not None:
            kind = number if bound.least else count
            group.add_argument(option, type=kind, metavar="N", help=told)
        elif isinstance(next(iter(owners.values())).default, bool):
            group.add_argument(option, action=argparse.BooleanOptionalAction, help=told)
        else:
            group.add_argument(option, metavar="NAME" if bound.choices else "TEXT", help=told)
    group.add_argument(
        "--mutant",
        choices=OWNERS,
        metavar="NAME",
        help="put a mistake in; see `zab mutants`, `zab bugs` and `zab order`",
    )


def _helps(owners: Mapping[str, Field[Any]]) -> Iterator[str]:
    """Yields what a bound means, once for all the specs for which that is the same."""
    meanings: dict[tuple[str, Any, tuple[str, ...] | None], list[str]] = {}
    for spec, each in owners.items():
        bound = bound_of(each)
        meanings.setdefault((bound.help, each.default, bound.choices), []).append(spec)
    for (meaning, default, choices), specs in meanings.items():
        more = [f"one of {', '.join(choices)}"] if choices else []
        if default not in (False, ""):
            more.append(f"default: {'no bound' if default is None else default}")
        yield f"{', '.join(specs)}: {meaning}" + (f" ({'; '.join(more)})" if more else "")


def add_traces(parser: Parser, what: str) -> None:
    """Adds the option that names the directory for traces."""
    parser.add_argument("--traces", type=Path, default=Path("traces"), metavar="DIR", help=what)


def add_properties(parser: Parser) -> None:
    """Adds the option that names properties."""
    parser.add_argument(
        "--property",
        action="append",
        metavar="NAME",
        help="check only this property; may be repeated; see `zab properties`",
    )


def add_search(parser: Parser) -> None:
    """Adds the options that say how the model is explored."""
    group = parser.add_argument_group("search")
    group.add_argument(
        "--search",
        choices=KINDS,
        default="bfs",
        help="breadth-first, depth-first, or random walks (default: bfs)",
    )
    yes_or_no = argparse.BooleanOptionalAction
    group.add_argument(
        "--symmetry",
        action=yes_or_no,
        help="count states once that differ only in the names of servers (default: where the spec allows it)",
    )
    group.add_argument(
        "--trusted",
        action="store_true",
        default=None,
        help="do not check the spec's functions and their symmetry again; faster, after a search without it",
    )
    group.add_argument("--reduce", action=yes_or_no, help="try one order of steps that commute (default: no)")
    group.add_argument("--workers", type=number, metavar="N", help="number of processes (default: 1)")
    group.add_argument("--seed", type=count, metavar="N", help="seed of the random walks (default: 0)")
    group.add_argument("--walks", type=number, metavar="N", help="number of random walks (default: 1000)")
    group.add_argument(
        "--max-states", type=number, metavar="N", help="stop, undecided, after this many states"
    )
    group.add_argument(
        "--max-seconds", type=duration, metavar="S", help="stop, undecided, after this many seconds"
    )
    group.add_argument("--max-depth", type=number, metavar="N", help="longest run to explore, in steps")


def options_of(arguments: argparse.Namespace, command: str) -> Options:
    """Returns the options of the search that the arguments ask for.

    Raises:
        UsageError: the arguments do not fit together.
    """
    given = vars(arguments)
    for name, kind in ONLY_FOR.items():
        if given[name] is not None and arguments.search != kind:
            raise UsageError(f"{command}: --{name} is for --search {kind}, not {arguments.search}")
    asked = {
        each.name: given[each.name]
        for each in fields(Options)
        if each.name != "kind" and given[each.name] is not None
    }
    return Options(kind=arguments.search, **asked)


def check_symmetry(model: Model, options: Options, command: str) -> None:
    """Checks that a model has not too many processes for symmetry.

    Raises:
        UsageError: it has.
    """
    if options.kind != "walk" and model.size > MOST_SERVERS and uses_symmetry(model, options):
        raise UsageError(
            f"{command}: {model.size} {model.who_plural}: at most {MOST_SERVERS} with symmetry; "
            "add --no-symmetry"
        )


def instance_of(arguments: argparse.Namespace, command: str) -> Instance:
    """Returns the instance that the arguments ask for; a mutant comes with the bounds in which it shows.

    Raises:
        UsageError: there is no such spec, or a bound is not one of the spec's.
    """
    given = vars(arguments)
    if arguments.set:
        raise UsageError(f"{command}: --set is for a model in a file, not for the spec {arguments.spec!r}")
    try:
        spec = spec_named(arguments.spec)
    except ValueError as error:
        raise UsageError(f"{command}: {error}") from error
    asked = {name: given[name] for name in bounds_by_name() if given.get(name) is not None}
    for name in asked:
        specs = tuple(bounds_by_name()[name])
        if spec.name not in specs:
            option = name.replace("_", "-")
            raise UsageError(
                f"{command}: --{option} is not for the spec {spec.name!r}, but for {' and '.join(specs)}"
            )
    named = arguments.mutant
    bounds = spec.mistakes[named].bounds if named in spec.mistakes else spec.bounds()
    return Instance(
        spec=spec.name,
        bounds=replace(bounds, **asked),
        mutant=named,
        properties=None if arguments.property is None else tuple(dict.fromkeys(arguments.property)),
    )
