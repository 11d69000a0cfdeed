"""`zab check`: explores a spec within bounds, and says what was proved or shows what went wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from zabcheck.cli.arguments import Parser, UsageError, count, duration, number
from zabcheck.cli.output import drawn, width
from zabcheck.explorer.model import Model
from zabcheck.explorer.options import KINDS, Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Trace, Verdict
from zabcheck.models.bounds import DISKS, ELECTIONS, SYNCHRONIZATIONS, Bounds
from zabcheck.models.instances import MISTAKES, SPECS, Instance, build
from zabcheck.models.service.scenarios import SCENARIO, SCENARIOS
from zabcheck.models.zab import model as zab
from zabcheck.report import verdict as report
from zabcheck.report.progress import progress
from zabcheck.traces.files import Expect, check_writable, save
from zabcheck.traces.replay import replay

ONLY_FOR = {"reduce": "bfs", "workers": "bfs", "walks": "walk", "seed": "walk"}
"""Options that one kind of search alone heeds."""

MOST_SERVERS = 7
"""Symmetry compares a state with all its renamings; of 8 servers there are 40,320."""


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser: Parser = commands.add_parser(
        "check",
        help="explore a spec within bounds",
        description="Explores every state of a spec within bounds, and says what was proved or shows what "
        "went wrong. Exit code: 0 proved, 1 violated or vacuous, 2 nobody knows.",
    )
    parser.set_defaults(run=run)
    # No `choices`: they would complain of the 3 in `--servrs 3`.
    parser.add_argument("spec", nargs="?", default="paper", help=f"{', '.join(SPECS)} (default: paper)")
    add_bounds(parser)
    add_properties(parser)
    add_search(parser)
    add_traces(parser, "where a violation is kept")


def run(arguments: argparse.Namespace) -> int:
    """Explores, and returns the exit code.

    Raises:
        UsageError: the arguments do not fit together, or name what there is not.
        TraceError: a trace could not be kept.
    """
    options = options_of(arguments, "zab check")
    instance = instance_of(arguments)
    try:
        model = build(instance)
    except ValueError as error:
        raise UsageError(f"zab check: {error}") from error
    if not (model.always or model.every_step or model.sometimes):
        raise UsageError("zab check: there is nothing to check: no property is within these bounds")
    if options.reduce and model.local is None:
        raise UsageError(f"zab check: --reduce: which steps commute is not known of {in_words(instance)}")
    check_writable(arguments.traces)
    title = in_words(instance)
    with progress(sys.stderr, title) as show:
        verdict = search(model, options, show)
    if verdict.trace is not None:
        print(picture_of(model, verdict.trace, Expect.VIOLATED), end="\n\n")
    for line in report.in_words(verdict, model, options, title, width()):
        print(line)
    if verdict.trace is not None:
        _keep(verdict, verdict.trace, arguments.traces)
    return verdict.outcome.exit_code


def in_words(instance: Instance) -> str:
    """`paper, 3 servers, 2 transactions, 1 timeout, no restarts`."""
    bounds = instance.bounds
    told = [instance.spec]
    if instance.spec == "service":
        told += [bounds.scenario or SCENARIO, *([f"mutant {instance.mutant}"] if instance.mutant else [])]
        return ", ".join(told)
    for name in ("servers", "transactions", "timeouts", "restarts", "partitions", "epochs"):
        value = getattr(bounds, name)
        if instance.spec == "fast_election" and name == "transactions":
            continue
        if value is not None and (value or name != "partitions"):
            told.append(f"{value or 'no'} {name.removesuffix('s') if value == 1 else name}")
    if bounds.weights:
        told.append(f"weights {bounds.weights}")
    told += _votes_in_words(bounds)
    if bounds.give_up:
        told.append("leaders without a quorum give up")
    if instance.bookkeeping:
        told.append("with Zab.tla's bookkeeping")
    if instance.mutant is not None:
        told.append(f"mutant {instance.mutant}")
    return ", ".join(told)


def _votes_in_words(bounds: Bounds) -> Iterator[str]:
    """What is out of the ordinary in an election."""
    if bounds.observers:
        yield f"{bounds.observers} of them observing"
    if bounds.weightless:
        yield f"{bounds.weightless} without weight"
    if bounds.unlike:
        yield "the lowest id has logged most"
    if bounds.early:
        yield f"{bounds.early} deciding too early"
    if bounds.capacity > 1:
        yield f"{bounds.capacity} notifications in a channel"
    if bounds.election == "votes":
        yield f"leaders elected by votes in {bounds.rounds} round{'s' * (bounds.rounds != 1)}"
    elif bounds.election != ELECTIONS[0]:
        yield {"late": "leaders elected by servers that look no more", "anyone": "anyone may lead"}[
            bounds.election
        ]
    if bounds.synchronization != SYNCHRONIZATIONS[0]:
        yield "synchronization in one step"
    if bounds.disk != DISKS[0]:
        yield "disks of log records and snapshots"


def picture_of(model: Model, trace: Trace, expect: Expect) -> str:
    """Returns the picture of a run, as wide and with the characters that standard output can show."""
    return drawn(replay(model, trace, expect))


def _keep(verdict: Verdict, trace: Trace, directory: Path) -> None:
    path = save(trace, directory)
    print(f"  kept as {path}; `zab replay` runs it again")


def add_bounds(parser: Parser) -> None:
    """Adds the options that say what is explored, and how far."""
    group = parser.add_argument_group("bounds")
    said = {each.name: each.default for each in fields(Bounds)}
    for name, kind, what in (
        ("servers", number, "how many"),
        ("transactions", count, "the longest history that a request may lead to; for zab, how many requests"),
        (
            "timeouts",
            count,
            "how many connections may time out; for zab, first at one end; for fast_election,"
            " how many servers may lose their leader or followers and look again",
        ),
        ("restarts", count, "how many servers may restart; for zab, what waits for the disk may be lost"),
        ("partitions", count, "how often the network may split; for zab alone"),
        (
            "observers",
            count,
            "how many of the servers, the last ones, observe; for zab and fast_election",
        ),
        (
            "weightless",
            count,
            "how many of the servers weigh nothing, from the lowest id on; for fast_election, as all below",
        ),
        ("early", count, "how many servers may decide while a better vote is under way"),
        ("capacity", number, "how many notifications a channel keeps"),
        ("rounds", number, "the highest round of elections; for zab with --election votes"),
        ("epochs", count, f"the highest epoch that may be proposed; for zab {zab.EPOCHS} if not said"),
    ):
        default = "no bound" if said[name] is None else said[name]
        group.add_argument(f"--{name}", type=kind, metavar="N", help=f"{what} (default: {default})")
    group.add_argument(
        "--weights",
        metavar="W",
        help="what each server weighs in quorums: 2,1,1; a slash between groups: 1,1,0/0,0,1; for zab alone",
    )
    group.add_argument(
        "--scenario",
        metavar="NAME",
        help=f"what clients do, and what goes wrong; for service alone (default: {SCENARIO}): "
        f"{', '.join(SCENARIOS)}",
    )
    group.add_argument(
        "--give-up",
        action=argparse.BooleanOptionalAction,
        help="let a leader without a quorum go back to election; in zab it always may, and with this also "
        "one that has a quorum and gets no further",
    )
    group.add_argument(
        "--unlike",
        action=argparse.BooleanOptionalAction,
        help="each server has logged more than the next before its first election",
    )
    group.add_argument(
        "--election",
        choices=ELECTIONS,
        help="of zab: whom a quorum could elect, one whose voters may look no more, anyone, or whom Fast "
        "Leader Election elects (default: abstract)",
    )
    group.add_argument(
        "--synchronization", choices=SYNCHRONIZATIONS, help="of zab: in how many steps (default: fine)"
    )
    group.add_argument(
        "--disk",
        choices=DISKS,
        help="of zab: one sequence, or log records and a snapshot (default: sequence)",
    )
    group.add_argument(
        "--bookkeeping", action="store_true", help="keep what Zab.tla keeps: counts compare with TLC's"
    )
    group.add_argument(
        "--mutant",
        choices=MISTAKES,
        metavar="NAME",
        help="put a mistake in; see `zab mutants`, `zab bugs` and `zab order`",
    )


def add_traces(parser: Parser, what: str) -> None:
    """Adds the option that says where traces go."""
    parser.add_argument("--traces", type=Path, default=Path("traces"), metavar="DIR", help=what)


def add_properties(parser: Parser) -> None:
    """Adds the option that names properties."""
    parser.add_argument(
        "--property",
        action="append",
        metavar="NAME",
        help="check this property alone; may be repeated; see `zab properties`",
    )


def add_search(parser: Parser) -> None:
    """Adds the options that say how it is explored."""
    group = parser.add_argument_group("search")
    group.add_argument("--search", choices=KINDS, default="bfs", help="default: bfs")
    yes_or_no = argparse.BooleanOptionalAction
    group.add_argument(
        "--symmetry",
        action=yes_or_no,
        help="count states once that differ only in the names of servers (default: where the spec allows it)",
    )
    group.add_argument("--reduce", action=yes_or_no, help="of steps that commute, try one order")
    group.add_argument("--workers", type=number, metavar="N", help="processes (default: 1)")
    group.add_argument("--seed", type=count, metavar="N", help="of the walks (default: 0)")
    group.add_argument("--walks", type=number, metavar="N", help="how many (default: 1000)")
    group.add_argument("--max-states", type=number, metavar="N", help="give up after so many")
    group.add_argument("--max-seconds", type=duration, metavar="S", help="give up after so many")
    group.add_argument("--max-depth", type=number, metavar="N", help="go no further than so many steps")


def options_of(arguments: argparse.Namespace, command: str) -> Options:
    """How the arguments want the search to be run.

    Raises:
        UsageError: they do not fit together.
    """
    given = vars(arguments)
    for name, kind in ONLY_FOR.items():
        if given[name] is not None and arguments.search != kind:
            raise UsageError(f"{command}: --{name} is for --search {kind}, not {arguments.search}")
    servers = arguments.servers or 0
    if servers > MOST_SERVERS and arguments.symmetry is not False and arguments.search != "walk":
        raise UsageError(
            f"{command}: --servers {servers}: at most {MOST_SERVERS} with symmetry; add --no-symmetry"
        )
    asked = {
        each.name: given[each.name]
        for each in fields(Options)
        if each.name != "kind" and given[each.name] is not None
    }
    return Options(kind=arguments.search, **asked)


def instance_of(arguments: argparse.Namespace) -> Instance:
    """What the arguments ask for; a mutant brings the bounds within which it shows, where none are given."""
    given = vars(arguments)
    named = arguments.mutant
    bounds = Bounds() if named is None else MISTAKES[named].bounds
    if arguments.spec == "fast_election" and arguments.transactions is not None:
        raise UsageError("--transactions is not for the spec 'fast_election', where nothing is logged")
    asked = {each.name: given[each.name] for each in fields(Bounds) if given.get(each.name) is not None}
    if arguments.spec == "zab" and bounds.epochs is None:
        asked.setdefault("epochs", zab.EPOCHS)  # there is always a bound; so that what is printed says so
    return Instance(
        spec=arguments.spec,
        bounds=replace(bounds, **asked),
        bookkeeping=arguments.bookkeeping,
        mutant=named,
        properties=None if arguments.property is None else tuple(dict.fromkeys(arguments.property)),
    )
