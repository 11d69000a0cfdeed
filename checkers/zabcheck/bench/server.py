"""The speed of one server beside one of Apache's, on one machine in one run: `make bench ARGS="server …"`.

Both servers listen on loopback and sync their disks. The load comes from `zkload`, a generator in one C file
that speaks the client protocol and checks every reply. It is not part of this repository: `--zkload` names
its source or its binary. Each cell is measured with both servers in turn, so that other work on the machine
disturbs both. The ratio is what counts.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from zabcheck.servers.encoding import ProtocolError
from zabcheck.servers.session import Disconnected, Session
from zabspec.tree import CloseSession, SetData

JARS = Path("/usr/share/java")
NEEDED = ("zookeeper", "slf4j-log4j12", "log4j-1.2", "commons-io")
MODES = ("get", "set", "create", "getset")
SESSIONS = (1, 8, 64)
OUTSTANDING = (1, 16, 128, 1024)
FAN_OUT = ((100, 1), (1000, 1), (100, 10), (100, 100), (1000, 10))
"""Numbers of sessions that watch, each with the number of nodes that each session watches."""
WAIT = 60.0
PATIENCE = 100
"""Timeout for each request to a server that is starting, in milliseconds. Apache's server never answers
requests
that arrive too early, so they are sent again.
"""


@dataclass(slots=True)
class Running:
    """A running server.

    Attributes:
        port: the port for clients.
        process: the server's process.
        started: seconds from the start of the process to the reply to a first write.
    """

    port: int
    process: subprocess.Popen[bytes]
    started: float

    @property
    def hosts(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def memory(self) -> float:
        """Resident memory of the process, in megabytes."""
        return resident(self.process.pid)


def server(console: Console, zkload: Path | None, rounds: int = 1, seconds: float = 3.0) -> Iterator[Table]:
    """Measures both servers, and yields a table for each kind of load.

    Args:
        console: where progress is shown.
        zkload: the source or the binary of the load generator.
        rounds: how often each cell is measured; the table shows medians.
        seconds: how long each measurement takes.

    Raises:
        SystemExit: the generator or Apache ZooKeeper is missing; one line says which.
    """
    if zkload is None:
        raise SystemExit("server: --zkload is needed, the load generator's C source or binary")
    if not all((JARS / f"{name}.jar").exists() for name in NEEDED):
        raise SystemExit("server: no Apache ZooKeeper to compare with (apt-get install zookeeper)")
    with tempfile.TemporaryDirectory(prefix="zab-bench-") as folder:
        load = binary(zkload, Path(folder))
        with ours(Path(folder)) as mine, apache(Path(folder)) as theirs:
            idle = (mine.memory, theirs.memory)
            beside = Beside(load, mine.hosts, theirs.hosts, rounds)
            for mode in MODES:
                yield throughput(console, beside, mode, seconds)
            yield fan_out(console, beside)
            yield resources(mine, theirs, idle)
            console.print(beside.summary)


def binary(zkload: Path, folder: Path) -> Path:
    """Returns the path of the generator's binary, and compiles it if only its source is given.

    Raises:
        SystemExit: the file does not exist, or there is no C compiler.
    """
    if not zkload.exists():
        raise SystemExit(f"server: {zkload} does not exist")
    if zkload.suffix != ".c":
        return zkload.resolve()
    made = folder / "zkload"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit("server: no C compiler for --zkload")
    subprocess.run([compiler, "-O2", "-o", made, zkload], check=True)
    return made


class Beside:
    """Puts the same load on our server and on Apache's, in turn.

    Args:
        load: the path of the generator's binary.
        mine, theirs: the addresses of our server and of Apache's.
        rounds: how often each cell is measured.

    Attributes:
        cells: how many cells have been measured.
    """

    def __init__(self, load: Path, mine: str, theirs: str, rounds: int) -> None:
        self.load = load
        self.hosts = (mine, theirs)
        self.rounds = rounds
        self.cells = 0
        self._behind: list[str] = []

    def cell(self, name: str, arguments: list[object], counted: str) -> str:
        """Measures one cell of a table: thousands a second of both servers, and the ratio."""
        found: tuple[list[float], list[float]] = ([], [])
        for _ in range(self.rounds):
            for hosts, rates in zip(self.hosts, found, strict=True):
                rates.append(run(self.load, hosts, arguments)[counted] / 1000)
        mine, theirs = map(median, found)
        self.cells += 1
        if mine <= theirs:
            self._behind.append(name)
        return ratio(mine, theirs)

    @property
    def summary(self) -> str:
        """The number of cells at which our server is faster, and the names of the others."""
        ahead = self.cells - len(self._behind)
        return f"ahead at {ahead} of {self.cells} cells; behind: {'; '.join(self._behind) or 'none'}"


def throughput(console: Console, beside: Beside, mode: str, seconds: float) -> Table:
    """Measures operations a second, by number of sessions and of requests in flight."""
    table = Table(title=f"{mode}: thousands of operations a second, ours / Apache's = ratio")
    table.add_column("sessions", justify="right")
    for outstanding in OUTSTANDING:
        table.add_column(f"{outstanding} in flight", justify="right")
    for sessions in SESSIONS:
        cells = []
        for outstanding in OUTSTANDING:
            name = f"{mode} {sessions} x {outstanding}"
            console.print(f"[dim]{name}[/dim]", highlight=False)
            arguments = ["--mode", mode, "--sessions", sessions, "--outstanding", outstanding]
            cells.append(beside.cell(name, [*arguments, "--time", seconds], "ops_per_s"))
        table.add_row(str(sessions), *cells)
    return table


def fan_out(console: Console, beside: Beside) -> Table:
    """Measures watch events a second."""
    table = Table(title="watch events: thousands a second, ours / Apache's = ratio")
    table.add_column("sessions x nodes", justify="right")
    table.add_column("events", justify="right")
    for sessions, nodes in FAN_OUT:
        name = f"watch {sessions} x {nodes}"
        console.print(f"[dim]{name}[/dim]", highlight=False)
        arguments: list[object] = ["--mode", "watch", "--sessions", sessions, "--watch-nodes", nodes]
        table.add_row(f"{sessions} x {nodes}", beside.cell(name, arguments, "notif_per_s"))
    return table


def resources(mine: Running, theirs: Running, idle: tuple[float, float]) -> Table:
    """Compares start-up times and memory."""
    table = Table(title="start and memory, ours / Apache's = ratio")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("seconds to the first write", ratio(mine.started, theirs.started))
    table.add_row("megabytes, idle", ratio(*idle))
    table.add_row("megabytes, after the load", ratio(mine.memory, theirs.memory))
    return table


def resident(pid: int) -> float:
    """Returns the resident memory of a process, in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (each for each in status.splitlines() if each.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def ratio(mine: float, theirs: float) -> str:
    """Returns two numbers and their ratio as text."""
    return f"{mine:.1f} / {theirs:.1f} = {mine / theirs:.2f}" if theirs else f"{mine:.1f} / -"


def run(load: Path, hosts: str, arguments: list[object]) -> dict[str, float]:
    """Runs the generator, and returns what it measured.

    Raises:
        SystemExit: it failed, or received a wrong reply.
    """
    command = [str(load), "--hosts", hosts, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: dict[str, float] = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip() or done.stdout!r}") from None
    if found.get("fatal") or found["errors"]:
        raise SystemExit(f"{' '.join(command)}: {found['first_error']} {done.stderr.strip()}")
    return found


@contextmanager
def ours(folder: Path) -> Iterator[Running]:
    """Runs our server."""
    port = free_port()
    serve = [sys.executable, "-m", "zabserver", "serve", "--port", str(port), "--data", str(folder / "ours")]
    settings = ["--set", "tickTime=2000", "--set", "maxClientCnxns=0"]
    with running([*serve, *settings], port, folder / "ours.out") as server:
        yield server


@contextmanager
def apache(folder: Path) -> Iterator[Running]:
    """Runs Apache's server."""
    port = free_port()
    home = folder / "apache"
    home.mkdir()
    (home / "zoo.cfg").write_text(
        f"tickTime=2000\ndataDir={home / 'data'}\nclientPortAddress=127.0.0.1\nclientPort={port}\n"
        "maxClientCnxns=0\nadmin.enableServer=false\n"
    )
    (home / "log4j.properties").write_text(
        "log4j.rootLogger=WARN, out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n"
        "log4j.appender.out.layout=org.apache.log4j.SimpleLayout\n"
    )
    path = ":".join([*(str(JARS / f"{name}.jar") for name in NEEDED), str(home)])
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    command = [
        "java",
        "-Xmx1000m",
        "-cp",
        path,
        "-Djava.net.preferIPv4Stack=true",
        main,
        str(home / "zoo.cfg"),
    ]
    with running(command, port, folder / "apache.out") as server:
        yield server


@contextmanager
def running(command: list[str], port: int, out: Path) -> Iterator[Running]:
    """Runs a server's process, from before its first write until the caller is done.

    Raises:
        SystemExit: the server did not start.
    """
    began = time.monotonic()
    with out.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or answers_write(port))
        if process.poll() is not None:
            raise SystemExit(f"{command[0]} did not start: {out.read_text()[-500:]}")
        yield Running(port, process, time.monotonic() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT)


def answers_write(port: int) -> bool:
    """Returns True if a server answers a write in time."""
    try:
        session = Session("127.0.0.1", port, PATIENCE)
        session.call(SetData("/", b""))
        session.call(CloseSession())
    except (Disconnected, ProtocolError):
        return False
    return True


def wait_until(is_so: Callable[[], bool]) -> None:
    """Waits until a condition holds, for a minute at most."""
    deadline = time.monotonic() + WAIT
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.005)


def free_port() -> int:
    """Returns a port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
