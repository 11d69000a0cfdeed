"""Entry point of `python -m zabserver`: the server's subcommands of `zab`, each loaded only when it is
used.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """A parser that tells a wrong argument in one line, and takes no abbreviated option."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Ends the process with exit code 2, after one line that says what is wrong."""
        self.exit(2, f"{self.prog}: {' '.join(message.split())}\n")


def _serve(commands: Any) -> None:
    from zabserver.net.commands import serve  # noqa: PLC0415 - loaded when asked for

    serve.add(commands)


def _ensemble(commands: Any) -> None:
    from zabserver.net.commands import ensemble  # noqa: PLC0415 - loaded when asked for

    ensemble.add(commands)


def _log(commands: Any) -> None:
    from zabserver.net.commands import show_files  # noqa: PLC0415 - loaded when asked for

    show_files.add_log(commands)


def _snapshot(commands: Any) -> None:
    from zabserver.net.commands import show_files  # noqa: PLC0415 - loaded when asked for

    show_files.add_snapshot(commands)


COMMANDS: dict[str, Callable[[Any], None]] = {
    "serve": _serve,
    "ensemble": _ensemble,
    "log": _log,
    "snapshot": _snapshot,
}
"""Functions that load one of the server's commands and add it to a parser's subcommands."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line with one of `COMMANDS`, and returns the exit code.

    Args:
        argv: the arguments; those of the process if None.
    """
    given = sys.argv[1:] if argv is None else argv
    top = Parser(prog="zab", description="A server that ZooKeeper clients use unmodified.")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name in given[:1] if given and given[0] in COMMANDS else COMMANDS:
        COMMANDS[name](commands)
    arguments = top.parse_args(given)
    code: int = arguments.run(arguments)
    return code
