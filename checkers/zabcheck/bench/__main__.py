"""`make bench`: how fast the explorer is, how much memory it takes and how deep it gets, as tables.

Speed is that of the parity instance, which has TLC's states exactly, with the properties that stand for
the ten invariants of `Zab.tla`. With `--tlc JAR --zab-tla FILE` TLC runs in between, one configuration at a
time on the same machine, and the ratio is of rates measured side by side; without, its columns stay empty.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from zabcheck.bench.ensemble import ensemble
from zabcheck.bench.server import server
from zabcheck.bench.zab import zab
from zabcheck.explorer.limits import resident_memory
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.registry import Instance, build
from zabcheck.models.zab.instances import EXPLORED, instance

INVARIANTS = (
    *("phase_is_expected", "proposal_fits", "commit_fits", "acknowledgement_fits", "message_is_legal"),
    *("one_leader_in_an_epoch", "epoch_is_promised", "epoch_is_new", "prefix_consistency"),
    *("delivery_after_logging", "broadcast_before_logging", "agreement", "total_order"),
    *("local_primary_order", "global_primary_order", "primary_integrity"),
)
"""What stands for ShouldNotBeTriggered, Leadership1 and 2, PrefixConsistency, Integrity, and so on to the
tenth."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One search, by us or by TLC."""

    distinct: int
    generated: int
    depth: int
    seconds: float

    @property
    def rate(self) -> float:
        """Distinct states a second."""
        return self.distinct / self.seconds


SPEED = (
    (Bounds(2, 2, 2, 0), True),
    (Bounds(2, 2, 2, 1), True),
    (Bounds(3, 2, 1, 0), True),
    (Bounds(3, 2, 1, 0), False),
    (Bounds(3, 2, 0, 1), True),
)
DEPTH = (Bounds(3, 2, 2, 1), Bounds(3, 2, 1, 2), Bounds(4, 2, 2, 0), Bounds(3, 2, 2, 2), Bounds(3, 3, 2, 1))
MEMORY = Bounds(3, 3, 2, 2)
REDUCED = (Bounds(2, 2, 2, 0), Bounds(3, 2, 1, 0), Bounds(3, 2, 0, 1))
TEN_MILLION = 10_000_000


TABLES = ("speed", "depth", "memory", "reductions", "faults", "zab")
SERVERS = {"server": server, "ensemble": ensemble}
"""Tables of servers, which need `--zkload` and an Apache ZooKeeper."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables that are asked for, all of them if none is."""
    parser = argparse.ArgumentParser(prog="python -m zabcheck.bench", description=__doc__)
    parser.add_argument(
        "tables",
        nargs="*",
        metavar="TABLE",
        help=f"{', '.join((*TABLES, *SERVERS))} (default: {', '.join(TABLES)})",
    )
    parser.add_argument("--tlc", type=Path, metavar="JAR", help="tla2tools.jar, to run TLC beside")
    parser.add_argument("--zab-tla", type=Path, metavar="FILE", help="Zab.tla; restarts need NJU's guard")
    parser.add_argument("--tlc-workers", type=int, default=1, metavar="N", help="TLC's (default: 1)")
    parser.add_argument(
        "--zkload", type=Path, metavar="FILE", help="zkload.c, or it compiled: load for a server"
    )
    parser.add_argument(
        "--rounds", type=int, default=1, metavar="N", help="medians of so many for servers (default: 1)"
    )
    chosen = parser.parse_args(arguments)
    tables = {
        "speed": speed,
        "depth": depth,
        "memory": memory,
        "reductions": reductions,
        "faults": faults,
        "zab": zab,
    }
    for name in chosen.tables:
        if name not in tables and name not in SERVERS:
            parser.error(f"no table {name!r}: one of {', '.join((*TABLES, *SERVERS))}")
    if chosen.rounds < 1:
        parser.error("--rounds must be positive")
    if (chosen.tlc is None) != (chosen.zab_tla is None):
        parser.error("--tlc and --zab-tla go together")
    tlc = None if chosen.tlc is None else Tlc(chosen.tlc, chosen.zab_tla, chosen.tlc_workers)
    console = Console(width=None if sys.stdout.isatty() else 120)
    for name in chosen.tables or tables:
        if name == "speed":
            console.print(speed(console, tlc))
        elif name in SERVERS:
            for table in SERVERS[name](console, chosen.zkload, chosen.rounds):
                console.print(table)
        else:
            console.print(tables[name](console))
    return 0


def speed(console: Console, tlc: Tlc | None = None) -> Table:
    """Distinct states a second, on the states of `Zab.tla`."""
    beside = f"TLC, {tlc.workers} worker{'s' * (tlc.workers > 1)}" if tlc else "TLC"
    table = Table(title="Speed: the parity instance, with the properties that stand for Zab.tla's invariants")
    for heading in ("servers, txns,\ntimeouts, restarts", "symmetry", "distinct", "generated", "depth"):
        table.add_column(heading, justify="right")
    for heading in ("one process", "two", beside, "ratio,\none process", "two"):
        table.add_column(f"{heading}\nstates/s" if "ratio" not in heading else heading, justify="right")
    for bounds, symmetry in SPEED:
        console.print(f"[dim]{name_of(bounds)}[/dim]", highlight=False)
        instance = Instance(bounds=replace(bounds, bookkeeping=True), properties=INVARIANTS)
        ours, both = (
            measured(search(build(instance), Options(symmetry=symmetry, workers=workers)))
            for workers in (1, 2)
        )
        theirs = tlc.run(bounds, symmetry=symmetry) if tlc else None
        if theirs is not None and counts(theirs) != counts(ours):
            raise SystemExit(f"{name_of(bounds)}: TLC counts {counts(theirs)}, we {counts(ours)}")
        ratios = (f"{each.rate / theirs.rate:.1f}" if theirs else "" for each in (ours, both))
        table.add_row(
            *(name_of(bounds), "yes" if symmetry else "no", *(f"{count:,}" for count in counts(ours))),
            *(f"{each.rate:,.0f}" if each else "" for each in (ours, both, theirs)),
            *ratios,
        )
    return table


def depth(console: Console) -> Table:
    """How far the spec without bookkeeping is explored, with every property and the refinement checked."""
    table = Table(title="Depth: every property checked, symmetry on, two processes")
    for heading in (
        "servers, txns,\ntimeouts, restarts",
        "verdict",
        "distinct",
        "generated",
        "depth",
        "time",
        "memory",
    ):
        table.add_column(heading, justify="right")
    for bounds in DEPTH:
        console.print(f"[dim]{name_of(bounds)}[/dim]", highlight=False)
        verdict = search(build(Instance(bounds=bounds)), Options(workers=2))
        found = verdict.counts
        table.add_row(
            *(name_of(bounds), verdict.outcome.name, f"{found.distinct:,}", f"{found.generated:,}"),
            *(str(found.depth), f"{found.seconds:,.0f} s", f"{found.memory / 1e6:,.0f} MB"),
        )
    return table


def memory(console: Console) -> Table:
    """What a state takes at ten million of them: everything the process holds beyond what it began with."""
    began = resident_memory()
    most = 0

    def watch(seen: object) -> None:
        nonlocal most
        most = max(most, resident_memory())

    console.print(f"[dim]{name_of(MEMORY)}, to ten million states[/dim]", highlight=False)
    model = build(Instance(bounds=MEMORY))
    verdict = search(model, Options(max_states=TEN_MILLION), watch)
    found = verdict.counts
    most = max(most, found.memory)
    table = Table(title="Memory: every property checked, one process")
    for heading in (
        "servers, txns,\ntimeouts, restarts",
        "distinct",
        "at the most",
        "bytes a state",
        "states/s",
    ):
        table.add_column(heading, justify="right")
    table.add_row(
        *(name_of(MEMORY), f"{found.distinct:,}", f"{most / 1e6:,.0f} MB"),
        *(f"{(most - began) / found.distinct:.0f}", f"{found.distinct / found.seconds:,.0f}"),
    )
    return table


def reductions(console: Console) -> Table:
    """What each reduction saves: distinct states. Partial order depends on what the properties read."""
    table = Table(title="Reductions: distinct states")
    kinds: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
        ("Zab.tla's state,\nsymmetry", {"properties": ()}, {}),  # the one with bookkeeping
        ("without book-\nkeeping or symmetry", {"properties": ()}, {"symmetry": False}),
        ("no bookkeeping,\nsymmetry", {"properties": ()}, {}),
        ("partial order,\nno property", {"properties": ()}, {"reduce": True}),
        ("partial order,\nprefix_\nconsistency", {"properties": ("prefix_consistency",)}, {"reduce": True}),
        ("partial order,\nevery property", {}, {"reduce": True}),
    )
    for heading in ("servers, txns,\ntimeouts, restarts", *(name for name, _, _ in kinds)):
        table.add_column(heading, justify="right")
    for bounds in REDUCED:
        console.print(f"[dim]{name_of(bounds)}[/dim]", highlight=False)
        verdicts = (
            search(build(Instance(bounds=replace(bounds, bookkeeping=not number), **asked)), Options(**how))
            for number, (_, asked, how) in enumerate(kinds)
        )
        table.add_row(name_of(bounds), *(f"{measured(verdict).distinct:,}" for verdict in verdicts))
    return table


def faults(console: Console) -> Table:
    """ZAB 1.0 with crashes and partitions, explored to the end, with every property and the refinement."""
    table = Table(title="Faults: ZAB 1.0, 3 servers, 2 transactions, every property checked, symmetry on")
    for heading in ("crashes", "partitions", "epochs", "synchro-\nnization", "verdict", "distinct"):
        table.add_column(heading, justify="right")
    for heading in ("generated", "depth", "time", "memory"):
        table.add_column(heading, justify="right")
    for bounds, pinned in EXPLORED.items():
        most = 0

        def watch(_: Counts) -> None:
            nonlocal most
            most = max(most, resident_memory())

        verdict = search(build(instance(bounds)), Options(), watch)
        found = verdict.counts
        if (found.distinct, found.generated, found.depth) != pinned:
            raise SystemExit(f"{bounds}: {found}, and not {pinned} as pinned")
        row = (
            *(str(bounds.restarts), str(bounds.partitions), str(bounds.epochs)),
            *(bounds.synchronization, verdict.outcome.name),
            *(f"{found.distinct:,}", f"{found.generated:,}", str(found.depth)),
            *(f"{found.seconds:,.0f} s", f"{max(most, found.memory) / 1e6:,.0f} MB"),
        )
        console.print(f"[dim]{' | '.join(row)}[/dim]", highlight=False)
        table.add_row(*row)
    return table


def name_of(bounds: Bounds) -> str:
    """`(3,2,1,0)`."""
    return f"({bounds.servers},{bounds.transactions},{bounds.timeouts},{bounds.restarts})"


def counts(found: Measured) -> tuple[int, int, int]:
    """What must be the same for us and TLC."""
    return found.distinct, found.generated, found.depth


def measured(verdict: Verdict) -> Measured:
    """The counts of a search that must have passed."""
    if verdict.outcome != Outcome.PASSED:
        raise SystemExit(f"{verdict.outcome.name}: {verdict.property} {verdict.note}")
    found = verdict.counts
    return Measured(found.distinct, found.generated, found.depth, found.seconds)


@dataclass(frozen=True, slots=True)
class Tlc:
    """TLC, run on somebody's copy of `Zab.tla`."""

    jar: Path
    spec: Path
    workers: int

    def run(self, bounds: Bounds, *, symmetry: bool) -> Measured:
        """Explore one configuration. The time is that of the whole process, as ours includes all of ours.

        Raises:
            SystemExit: TLC did not finish.
        """
        with tempfile.TemporaryDirectory(prefix="zab-tlc-") as name:
            folder = Path(name)
            (folder / "Zab.tla").write_text(self.spec.read_text(encoding="utf-8"), encoding="utf-8")
            (folder / "MC.tla").write_text("\n".join(_module(bounds)), encoding="utf-8")
            (folder / "MC.cfg").write_text("\n".join(_configuration(bounds, symmetry)), encoding="utf-8")
            command = ["java", "-XX:+UseParallelGC", "-cp", str(self.jar.resolve()), "tlc2.TLC"]
            began = perf_counter()
            done = subprocess.run(
                [*command, "-deadlock", "-workers", str(self.workers), "MC"],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            seconds = perf_counter() - began
        total = re.findall(r"(\d+) states generated, (\d+) distinct states found, 0 states left", done.stdout)
        levels = re.search(r"depth of the complete state graph search is (\d+)", done.stdout)
        if not total or levels is None:
            raise SystemExit(
                f"TLC did not finish {name_of(bounds)}:\n{done.stdout[-2000:]}{done.stderr[-500:]}"
            )
        return Measured(int(total[-1][1]), int(total[-1][0]), int(levels[1]), seconds)


CONSTANTS = (
    *("LOOKING", "FOLLOWING", "LEADING", "ELECTION", "DISCOVERY", "SYNCHRONIZATION", "BROADCAST"),
    *("CEPOCH", "NEWEPOCH", "ACKEPOCH", "NEWLEADER", "ACKLD", "COMMITLD", "PROPOSE", "ACK", "COMMIT"),
)
TLA_INVARIANTS = (
    *("ShouldNotBeTriggered", "Leadership1", "Leadership2", "PrefixConsistency", "Integrity", "Agreement"),
    *("TotalOrder", "LocalPrimaryOrder", "GlobalPrimaryOrder", "PrimaryIntegrity"),
)


def _module(bounds: Bounds) -> Iterator[str]:
    servers = ", ".join(f"s{sid}" for sid in range(bounds.servers))
    limits = {
        "MaxTimeoutFailures": bounds.timeouts,
        "MaxTransactionNum": bounds.transactions,
        "MaxRestarts": bounds.restarts,
    }
    yield "---- MODULE MC ----"
    yield "EXTENDS Zab"
    yield f"CONSTANTS {servers}, nobody"
    yield f"AllServers == {{{servers}}}"
    yield "Renamings == Permutations(AllServers)"
    yield f"Limits == [{', '.join(f'{name} |-> {most}' for name, most in limits.items())}]"
    yield "===="


def _configuration(bounds: Bounds, symmetry: bool) -> Iterator[str]:
    own = (*(f"s{sid}" for sid in range(bounds.servers)), "nobody")
    yield from (f"CONSTANT {name} = {name}" for name in (*CONSTANTS, *own))
    yield "CONSTANT NullPoint <- nobody"
    yield "CONSTANT Server <- AllServers"
    yield "CONSTANT Parameters <- Limits"
    if symmetry:
        yield "SYMMETRY Renamings"
    yield "SPECIFICATION Spec"
    yield from (f"INVARIANT {name}" for name in TLA_INVARIANTS)


if __name__ == "__main__":
    sys.exit(main())
