"""TLC on `Zab.tla`, run beside the explorer on the same bounds."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from zabcheck.models.paper.bounds import Bounds


@dataclass(frozen=True, slots=True)
class Measured:
    """The counts and the time of one search, by the explorer or by TLC."""

    distinct: int
    generated: int
    depth: int
    seconds: float

    @property
    def rate(self) -> float:
        """Distinct states found in a second."""
        return self.distinct / self.seconds


@dataclass(frozen=True, slots=True)
class Tlc:
    """TLC, and the copy of `Zab.tla` that it explores.

    Attributes:
        jar: the path of tla2tools.jar.
        spec: the path of Zab.tla.
        workers: how many threads it may use.
    """

    jar: Path
    spec: Path
    workers: int

    def run(self, bounds: Bounds, *, symmetry: bool) -> Measured:
        """Explores one configuration. The time is that of the whole process, as it is for the explorer.

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


def name_of(bounds: Bounds) -> str:
    """Returns the bounds as in tables: servers, transactions, timeouts, restarts."""
    return f"({bounds.servers},{bounds.transactions},{bounds.timeouts},{bounds.restarts})"
