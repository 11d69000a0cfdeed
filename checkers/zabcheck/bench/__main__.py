"""`python -m zabcheck.bench`, which `make bench` runs: measures, and prints tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from zabcheck.bench import explorer
from zabcheck.bench.ensemble import ensemble
from zabcheck.bench.server import server
from zabcheck.bench.tlc import Tlc
from zabcheck.bench.zab import zab

OF_CHECKER: dict[str, Callable[[Console], Table]] = {
    "depth": explorer.depth,
    "memory": explorer.memory,
    "reductions": explorer.reductions,
    "faults": explorer.faults,
    "zab": zab,
}
"""Tables of the explorer that need nothing else; `speed`, which TLC may run beside, comes before them."""
OF_SERVERS = {"server": server, "ensemble": ensemble}
"""Tables of servers, which need `--zkload` and an Apache ZooKeeper."""
DEFAULT = ("speed", *OF_CHECKER)
NAMES = (*DEFAULT, *OF_SERVERS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables that are asked for, and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m zabcheck.bench",
        description="Measures the speed and memory of the explorer, or of the server beside Apache's, and "
        "prints tables.",
        epilog="With --tlc and --zab-tla, TLC explores each instance of the table `speed` as well, one after "
        "the other on the same machine, and the table shows the ratio. Without them its columns stay empty.",
    )
    parser.add_argument(
        "tables", nargs="*", metavar="TABLE", help=f"{', '.join(NAMES)} (default: {', '.join(DEFAULT)})"
    )
    parser.add_argument("--tlc", type=Path, metavar="JAR", help="tla2tools.jar, for the table `speed`")
    parser.add_argument(
        "--zab-tla", type=Path, metavar="FILE", help="Zab.tla; with restarts it needs the guard of NJU's copy"
    )
    parser.add_argument("--tlc-workers", type=int, default=1, metavar="N", help="TLC's workers (default: 1)")
    parser.add_argument(
        "--zkload", type=Path, metavar="FILE", help="the load generator for servers: zkload.c, or its binary"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=1,
        metavar="N",
        help="measure each cell of a table of servers N times, and print the median (default: 1)",
    )
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.tables if name not in NAMES]
    if unknown:
        parser.error(f"no table {unknown[0]!r}: one of {', '.join(NAMES)}")
    if chosen.rounds < 1:
        parser.error("--rounds must be positive")
    if (chosen.tlc is None) != (chosen.zab_tla is None):
        parser.error("--tlc and --zab-tla go together")
    print_tables(chosen)
    return 0


def print_tables(chosen: argparse.Namespace) -> None:
    """Measures what was chosen on the command line, and prints each table when it is ready."""
    tlc = None if chosen.tlc is None else Tlc(chosen.tlc, chosen.zab_tla, chosen.tlc_workers)
    console = Console(width=None if sys.stdout.isatty() else 120)
    for name in chosen.tables or DEFAULT:
        if name == "speed":
            console.print(explorer.speed(console, tlc))
        elif name in OF_SERVERS:
            for table in OF_SERVERS[name](console, chosen.zkload, chosen.rounds):
                console.print(table)
        else:
            console.print(OF_CHECKER[name](console))


if __name__ == "__main__":
    sys.exit(main())
