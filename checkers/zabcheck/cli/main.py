"""The `zab` command: its subcommands are in `zabcheck.cli`.

Exit codes: 0 for a pass; 1 where the spec or the model must answer for something; 2 where nobody knows: out
of budget, interrupted, or asked for what there is not. What is asked wrongly is told in one line.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import metadata

from zabcheck.cli import again, bugs, check, cover, lists, live, myths, order, reach, watching
from zabcheck.cli.arguments import Parser, UsageError
from zabcheck.explorer.errors import SpecError
from zabcheck.traces.files import TraceError
from zabserver.net.commands.entry import COMMANDS as SERVER_COMMANDS


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: its arguments; those of the process if None.

    Returns:
        The exit code: 0, 1 or 2.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # what a stream cannot show must not end a search
    try:
        arguments = parser().parse_args(argv)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except UsageError as error:
        return _refused(str(error))
    except (TraceError, SpecError) as error:
        return _refused(f"zab: {error}")
    except KeyboardInterrupt:
        return _refused("zab: interrupted")
    except MemoryError:
        return _refused("zab: out of memory: nobody knows; try --max-states")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains too
        return 2
    except SystemExit as done:  # --help and --version
        return int(done.code or 0)
    return code


def parser() -> Parser:
    """The parser of the whole command line."""
    top = Parser(
        prog="zab",
        description="Executable specs of ZooKeeper, explored; and a server that its clients use.",
    )
    top.add_argument("--version", action="version", version=f"zab {_version()}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for each in (check, live, reach, again, lists, bugs, order, cover, watching, myths):
        each.add(commands)
    for add in SERVER_COMMANDS.values():
        add(commands)
    return top


def _refused(line: str) -> int:
    print(line, file=sys.stderr)
    return 2


def _version() -> str:
    try:
        return metadata.version("zabkit")
    except metadata.PackageNotFoundError:
        return "(not installed)"
