"""`zab ensemble`: an ensemble on this machine, a process for each member, watched until it is told to stop.

Exit codes: 0 where it was stopped by SIGTERM or SIGINT; 1 where all members have ended by themselves; 2 where
one could not start: one line says why.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

MOST = 255
"""Ids of members go into one byte of session ids."""
PERIOD = 0.25
"""How often members are asked how they are, in seconds."""
PATIENCE = 10.0
"""How long a member may take to stop, in seconds."""
SOON = 3.0
"""A member that ends so soon after its start could not start, in seconds."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one member is.

    Attributes:
        mode: leader, follower, observer, looking; "ended" if its process has.
        epoch: whose history it has.
        zxid: the last that it has applied, as ZooKeeper writes it.
        connections: how many clients are connected.
    """

    mode: str
    epoch: str = ""
    zxid: str = ""
    connections: str = ""


def add_ensemble(commands: Any) -> None:
    """Adds the command to a parser's subcommands."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "ensemble",
        help="start several servers on this machine that elect a leader",
        description="Starts an ensemble on 127.0.0.1, one process for each member, and shows who leads, "
        "epochs, zxids and connections until it is stopped. With the same --data it has again what it had.",
    )
    parser.set_defaults(run=run)
    parser.add_argument("-n", type=int, default=3, metavar="SIZE", help="how many members vote (default: 3)")
    parser.add_argument(
        "--observers", type=int, default=0, metavar="N", help="how many more do not (default: 0)"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=2181,
        metavar="BASE",
        help="clients connect to BASE and the ports after it, members to each other from BASE+500 on; 0 for "
        "any free ports (default: 2181)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("zabkit-ensemble"),
        metavar="DIR",
        help="where each member has a directory, a zoo.cfg and a log (default: ./zabkit-ensemble)",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="as a line of every zoo.cfg"
    )
    parser.add_argument("--restart", action="store_true", help="start a member again that has ended")


def run(arguments: argparse.Namespace) -> int:
    """Runs the ensemble until it is stopped, and returns the exit code."""
    try:
        local = Local(arguments)
    except (OSError, ValueError) as error:
        print(f"zab ensemble: {error}", file=sys.stderr)
        return 2
    stopped = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        with shown(local) as show:
            return watch(local, show, stopped, arguments.restart)
    finally:
        local.stop()


class Local:
    """The processes of an ensemble on this machine.

    Args:
        arguments: of the command.

    Raises:
        ValueError: the arguments make no sense.
        OSError: files cannot be written.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        count = arguments.n + arguments.observers
        if arguments.n < 1 or arguments.observers < 0 or count > MOST:
            asked = f"-n {arguments.n} --observers {arguments.observers}"
            raise ValueError(f"{asked}: 1 to {MOST} in all, and one of them votes")
        if not 0 <= arguments.port <= 65535 - 500 - 2 * count:
            raise ValueError(f"--port {arguments.port}: there are not enough ports after it")
        for each in arguments.set:
            if "=" not in each:
                raise ValueError(f"--set {each}: no NAME=VALUE")
        self.folder: Path = arguments.data
        self.sids = range(1, count + 1)
        self.observers = range(arguments.n + 1, count + 1)
        self.ports = ports_from(arguments.port, count)
        self.settings: list[str] = arguments.set
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.started: dict[int, float] = {}
        for sid in self.sids:
            self.start(sid)

    @property
    def hosts(self) -> str:
        """What clients are given to connect to."""
        return ",".join(f"127.0.0.1:{self.ports[sid][0]}" for sid in self.sids)

    def log(self, sid: int) -> Path:
        """Where a member writes what it has to say."""
        return self.folder / f"{sid}.log"

    def start(self, sid: int) -> None:
        """Starts a member."""
        home = self.folder / str(sid)
        home.mkdir(parents=True, exist_ok=True)
        (home / "myid").write_text(f"{sid}\n")
        config = self.folder / f"{sid}.cfg"
        config.write_text(self.config(sid))
        with self.log(sid).open("ab") as log:
            self.processes[sid] = subprocess.Popen(
                [sys.executable, "-m", "zabserver", "serve", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a ^C is for whoever runs them all
            )
        self.started[sid] = time.monotonic()

    def config(self, sid: int) -> str:
        """The zoo.cfg of a member."""
        lines = [
            "tickTime=2000",
            "initLimit=10",
            "syncLimit=5",
            f"dataDir={(self.folder / str(sid)).resolve()}",
            f"clientPort={self.ports[sid][0]}",
            "clientPortAddress=127.0.0.1",
            "4lw.commands.whitelist=*",
            "standaloneEnabled=false",
            *(["peerType=observer"] if sid in self.observers else []),
        ]
        for other in self.sids:
            _, quorum, election = self.ports[other]
            role = ":observer" if other in self.observers else ""
            lines.append(f"server.{other}=127.0.0.1:{quorum}:{election}{role}")
        return "\n".join([*lines, *self.settings]) + "\n"

    def standing(self, sid: int) -> Standing:
        """How a member is."""
        if self.processes[sid].poll() is not None:
            return Standing("ended")
        port = self.ports[sid][0]
        found = dict(line.split("\t", 1) for line in ask_word(port, "mntr").splitlines() if "\t" in line)
        if "zk_server_state" not in found:
            return Standing("looking")
        connected = int(found["zk_num_alive_connections"]) - 1  # but for the one that asks
        return Standing(
            found["zk_server_state"], found["zk_current_epoch"], found["zk_last_zxid"], str(connected)
        )

    def why_not(self, sid: int) -> str | None:
        """Why a member could not start; None if it could."""
        process = self.processes[sid]
        if process.poll() is None or time.monotonic() - self.started[sid] > SOON or process.returncode != 2:
            return None
        lines = self.log(sid).read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1].removeprefix("zab serve: ") if lines else "it said nothing"

    def stop(self) -> None:
        """Stops all members, and waits for them."""
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def watch(local: Local, show: Show, stopped: threading.Event, restarts: bool) -> int:
    """Shows how members are until they are to stop, or have all ended; the exit code."""
    show.say(f"clients connect to {local.hosts}; logs are in {local.folder}")
    told: set[int] = set()
    while not stopped.is_set():
        standings = {sid: local.standing(sid) for sid in local.sids}
        for sid, standing in standings.items():
            why = local.why_not(sid)
            if why is not None:
                print(f"zab ensemble: server {sid}: {why}", file=sys.stderr)
                return 2
            if standing.mode == "ended" and sid not in told:
                told.add(sid)
                code = local.processes[sid].returncode
                show.say(f"server {sid} has ended with exit code {code}; see {local.log(sid)}")
            if standing.mode == "ended" and restarts:
                told.discard(sid)
                local.start(sid)
        show.standings(standings)
        if all(standing.mode == "ended" for standing in standings.values()) and not restarts:
            return 1
        stopped.wait(PERIOD)
    return 0


class Show:
    """Tells how members are, a line for each change."""

    def __init__(self) -> None:
        self._before: dict[int, tuple[str, str, str]] = {}

    def say(self, line: str) -> None:
        """Tells something else."""
        print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)

    def standings(self, standings: Mapping[int, Standing]) -> None:
        """Tells what is new but zxids, which are new all the time."""
        for sid, now in standings.items():
            what = (now.mode, now.epoch, now.connections)
            if self._before.get(sid) != what:
                self._before[sid] = what
                more = f", epoch {now.epoch}, zxid {now.zxid}, {now.connections} connected"
                self.say(f"server {sid}: {now.mode}{more if now.epoch else ''}")


class Redrawn(Show):
    """The same as a table that is drawn anew, where rich is installed and somebody looks at a terminal."""

    def __init__(self, live: Any, ports: Mapping[int, tuple[int, int, int]]) -> None:
        super().__init__()
        self._live = live
        self._ports = ports

    def say(self, line: str) -> None:
        """Tells something else, above the table."""
        self._live.console.print(f"{time.strftime('%H:%M:%S')} {line}", highlight=False)

    def standings(self, standings: Mapping[int, Standing]) -> None:
        """Draws the table."""
        from rich.table import Table  # noqa: PLC0415 - it may not be there

        table = Table()
        for heading in ("server", "clients at", "mode", "epoch", "zxid", "connected"):
            table.add_column(heading, justify="left" if heading in ("mode", "clients at") else "right")
        for sid, now in standings.items():
            style = {"leader": "bold", "looking": "yellow", "ended": "red"}.get(now.mode, "")
            at = f"127.0.0.1:{self._ports[sid][0]}"
            table.add_row(str(sid), at, now.mode, now.epoch, now.zxid, now.connections, style=style)
        self._live.update(table, refresh=True)


@contextlib.contextmanager
def shown(local: Local) -> Iterator[Show]:
    """Where it is told how members are."""
    if not sys.stdout.isatty():
        yield Show()
        return
    try:
        from rich.live import Live  # noqa: PLC0415 - it may not be there
    except ImportError:
        yield Show()
        return
    with Live(auto_refresh=False) as live:
        yield Redrawn(live, local.ports)


def ports_from(base: int, count: int) -> dict[int, tuple[int, int, int]]:
    """The client, quorum and election port of each member; any that are free, if the base is 0."""
    if base:
        return {
            sid: (base + sid - 1, base + 499 + sid, base + 499 + count + sid) for sid in range(1, count + 1)
        }
    probes = [socket.socket() for _ in range(3 * count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        free = [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
    return {sid: (free[3 * sid - 3], free[3 * sid - 2], free[3 * sid - 1]) for sid in range(1, count + 1)}


def ask_word(port: int, word: str) -> str:
    """The answer to a four-letter word; empty where there is none."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(word.encode())
            found = b""
            while chunk := connection.recv(1 << 16):
                found += chunk
            return found.decode()
    except OSError:
        return ""
