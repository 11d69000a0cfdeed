"""`zab watches`: the watch matrix, and what is told on a new connection."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from zabcheck.cli.arguments import Parser
from zabcheck.models.watches.tables import Table, away, matrix


def add(commands: Any) -> None:
    """Adds the command to those of `zab`."""
    parser: Parser = commands.add_parser(
        "watches",
        help="show which watches fire for what",
        description="Works out from the spec which event each kind of watch fires for each operation, and "
        "what a client is told on a new connection of what has happened meanwhile. Prints two tables in "
        "Markdown.",
    )
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    """Prints both tables, and returns the exit code."""
    print("\n".join(_markdown(matrix())), end="\n\n")
    print("\n".join(_markdown(away())))
    return 0


def _markdown(table: Table) -> Iterator[str]:
    """The lines of a table, its headings first."""
    yield f"| {' | '.join(table[0])} |"
    yield f"|{'---|' * len(table[0])}"
    yield from (f"| {' | '.join(row)} |" for row in table[1:])
