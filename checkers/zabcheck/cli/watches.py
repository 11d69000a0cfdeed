"""`zab watches`: which watch fires for which operation, and what a client learns when it reconnects."""

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
        description="Derives two tables from the spec, and prints them in Markdown: which watch event each "
        "operation fires for each kind of watch, and which events a client gets when it reconnects and the "
        "node has changed meanwhile. A watch is on p; c is a child of p, and d a child of c. gone: the watch "
        "does not survive the event; lost: the client never learns of the change; n/a: impossible.",
    )
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    """Prints both tables, and returns the exit code."""
    print("\n".join(_markdown(matrix())), end="\n\n")
    print("\n".join(_markdown(away())))
    return 0


def _markdown(table: Table) -> Iterator[str]:
    """Yields the lines of a table, its headings first."""
    yield f"| {' | '.join(table[0])} |"
    yield f"|{'---|' * len(table[0])}"
    yield from (f"| {' | '.join(row)} |" for row in table[1:])
