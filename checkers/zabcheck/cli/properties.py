"""`zab properties`: what is checked, each property with its sentence."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from zabcheck.cli.arguments import UsageError
from zabcheck.cli.output import width
from zabcheck.explorer.model import Property
from zabcheck.models.registry import SPECS, Instance, build, with_all_properties
from zabcheck.models.zab.bounds import ELECTIONS
from zabcheck.report.width import paragraphs
from zabspec.promises import Eventually


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser = commands.add_parser(
        "properties",
        description="Lists the properties that are checked of a spec, each with the sentence that says what "
        "it means and where it comes from.",
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "spec", nargs="?", default="paper", metavar="SPEC", choices=SPECS, help="which spec (default: paper)"
    )
    parser.add_argument("--election", choices=ELECTIONS, help="of zab, in which grain")


def run(arguments: argparse.Namespace) -> int:
    """Prints every property of a spec with its sentence, and returns the exit code.

    Raises:
        UsageError: the arguments do not fit together.
    """
    spec = SPECS[arguments.spec]
    if arguments.election is not None and "election" not in {each.name for each in fields(spec.bounds)}:
        raise UsageError(f"zab properties: --election is not for the spec {spec.name!r}")
    chosen = {} if arguments.election is None else {"election": arguments.election}
    try:
        model = build(with_all_properties(Instance(spec.name, spec.bounds(**chosen))))
    except ValueError as error:
        raise UsageError(f"zab properties: {error}") from error
    for heading, group in (
        ("ALWAYS: must hold in every state", model.always),
        ("EVERY STEP: must hold for every step", model.every_step),
        ("SOMETIMES: must be reached in some state, or the bounds show too little", model.sometimes),
    ):
        print("\n".join(_described(heading, group)), end="\n\n")
    if spec.live is not None:
        heading = "EVENTUALLY: must come about in every fair run; see `zab liveness`"
        print("\n".join(_described(heading, spec.eventually)))
    return 0


def _described(heading: str, group: Sequence[Property | Eventually]) -> list[str]:
    lines = [heading]
    for each in group:
        lines += [f"  {each.name}", *paragraphs(each.sentence, width(), indent=6)]
    return lines
