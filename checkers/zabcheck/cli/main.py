"""The `zab` command: loads the module of the subcommand that is asked for, and runs it.

Exit codes: 0 for a pass; 1 if something is wrong with the spec, the model or the file; 2 if nothing is
decided: out of budget, interrupted, a spec that cannot be explored, or a request that makes no sense. What a
command could not do is one line on standard error.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module, metadata
from typing import Any

from zabcheck.cli.arguments import Parser, UsageError
from zabcheck.cli.overview import overview
from zabcheck.suggestions import unknown
from zabserver.net.commands.entry import COMMANDS as SERVER_COMMANDS

OURS = (
    "check",
    "liveness",
    "reach",
    "replay",
    "properties",
    "mutants",
    "coverage",
    "bugs",
    "myth",
    "order",
    "watches",
)
"""The subcommands that are not of the server; each is a module of this package, with a function `add`."""


def _adding(name: str) -> Callable[[Any], None]:
    def add(commands: Any) -> None:
        import_module(f"zabcheck.cli.{name}").add(commands)

    return add


COMMANDS: Mapping[str, Callable[[Any], None]] = {**{name: _adding(name) for name in OURS}, **SERVER_COMMANDS}
"""The functions that load a subcommand and add it to a parser's subcommands."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: the arguments; those of the process if None.

    Returns:
        The exit code: 0, 1 or 2.

    Raises:
        ModuleNotFoundError: the subcommand needs a module that is not installed.
    """
    given = sys.argv[1:] if argv is None else list(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a character that cannot be shown must not end a search
    try:
        code = _run(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _refused("zab: interrupted")
    except MemoryError:
        return _refused("zab: out of memory, so nothing is decided; try --max-states")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains too
        return 2
    except SystemExit as done:  # --help
        return int(done.code or 0)
    return code


def parser(name: str) -> Parser:
    """Returns a parser of the command line that knows one subcommand."""
    top = Parser(prog="zab")
    COMMANDS[name](top.add_subparsers(required=True, metavar="COMMAND"))
    return top


def _run(given: Sequence[str]) -> int:
    if not given or given[0] in ("-h", "--help"):
        print(overview())
        return 0 if given else 2
    if given[0] == "--version":
        print(f"zab {_version()}")
        return 0
    if given[0] not in COMMANDS:
        what = "option" if given[0].startswith("-") else "command"
        known = ("--help", "--version") if what == "option" else COMMANDS
        return _refused(f"zab: {unknown(what, given[0], known, 'zab --help')}")
    try:
        arguments = parser(given[0]).parse_args(given)
        code: int = arguments.run(arguments)
    except UsageError as error:
        return _refused(str(error))
    except ValueError as error:
        from zabcheck.cli.spec_file import located  # noqa: PLC0415 - the server's commands do without
        from zabcheck.explorer.errors import SpecError  # noqa: PLC0415
        from zabcheck.traces.files import TraceError  # noqa: PLC0415

        if isinstance(error, SpecError | TraceError):
            return _refused(f"zab {given[0]}: {located(error)}")
        raise
    return code


def _refused(line: str) -> int:
    print(line, file=sys.stderr)
    return 2


def _version() -> str:
    try:
        return metadata.version("zabkit")
    except metadata.PackageNotFoundError:
        return "(not installed)"
