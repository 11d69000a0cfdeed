"""`zab replay`: runs a trace file again with today's spec, or a run of server cores with today's cores."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zabcheck.cli import spec_file
from zabcheck.cli.arguments import number
from zabcheck.cli.output import drawn, width
from zabcheck.explorer.model import Model
from zabcheck.report.width import fitted
from zabcheck.simulation import files, replaying
from zabcheck.traces.files import TraceError, load, rebuilt
from zabcheck.traces.replay import replay, words


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser = commands.add_parser(
        "replay",
        description="Runs a trace file again, step by step, with today's spec: says where the run first "
        "differs and what is violated where. A run of server cores (.run.json) is run again event by event. "
        "Exit code: 0 as the file expects, 1 otherwise, 2 if it cannot be read.",
    )
    parser.set_defaults(run=run)
    parser.add_argument("file", type=Path, metavar="FILE", help="a file that `zab check` or a test wrote")
    parser.add_argument(
        "--picture",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="draw the run, or list its events (default: yes)",
    )
    parser.add_argument(
        "--width", type=number, metavar="N", help="columns of the picture (default: the terminal's, or 80)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs a trace again, and returns the exit code.

    Raises:
        TraceError: the file cannot be read.
    """
    if arguments.file.name.endswith(files.SUFFIX):
        return run_cores(arguments.file, arguments.picture)
    file = load(arguments.file, _rebuilt)
    result = replay(file.model, file.trace, file.expect)
    if arguments.picture:
        print(drawn(result, arguments.width), end="\n\n")
    print("\n".join(fitted(words(result, is_drawn=arguments.picture), width())))
    return 0 if result.is_as_expected else 1


def _rebuilt(settings: Mapping[str, Any]) -> Model:
    """Returns the model that a trace was found in: one of ours, or one in a user's file."""
    if "file" in settings:
        return spec_file.load(spec_file.from_settings(settings))
    return rebuilt(settings)


def run_cores(path: Path, with_events: bool) -> int:
    """Runs server cores again, and returns the exit code.

    Raises:
        TraceError: the file cannot be read.
    """
    try:
        file = files.load(path)
    except ValueError as error:
        raise TraceError(str(error)) from error
    result = replaying.replayed(file.setting, file.events)
    print("\n".join(fitted([*replaying.words(file, result, with_events)], width())))
    return 0 if replaying.is_as_expected(file, result) else 1
