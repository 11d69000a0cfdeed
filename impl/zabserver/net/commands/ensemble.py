"""`zab ensemble`: an ensemble on this machine, a process for each member, watched until it is told to stop.

Exit codes: 0 where it was stopped by SIGTERM or SIGINT; 1 where all members have ended by themselves; 2 where
one could not start: one line says why.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from zabserver.net.commands.ensemble_view import Show, Standing, shown
from zabserver.net.configuration.options import options_from

MOST = 255
"""Ids of members go into one byte of session ids."""
PERIOD = 0.25
"""How often members are asked how they are, in seconds."""
PATIENCE = 10.0
"""How long a member may take to stop, in seconds."""
SOON = 3.0
"""A member that ends so soon after its start could not start, in seconds."""
ANSWERED = 0.5
"""How long a member may take to say how it is, in seconds."""
OWN = re.compile(
    r"(server|group|weight)\..*|(dataDir|dataLogDir|peerType|(secureC|c)lientPort.*|standaloneEnabled)"
)
"""Settings that are not the same for all members, or that the command line has other words for."""


def add(commands: Any) -> None:
    """Adds the command to a parser's subcommands."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "ensemble",
        help="start several servers on this machine that elect a leader",
        description="Starts an ensemble on 127.0.0.1, one process for each member, and shows who leads, "
        "epochs, zxids and connections until it is stopped. With the same --data it has again what it had.",
        epilog="Exit codes: 0 where it was stopped by SIGINT, SIGTERM or SIGHUP; 1 where all members have "
        "ended by themselves; 2 where one could not start.",
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "-n", type=int, metavar="SIZE", help="how many members vote (default: as many as DIR has, or 3)"
    )
    parser.add_argument(
        "--observers", type=int, metavar="N", help="how many more do not (default: as many as DIR has, or 0)"
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
        help="where each member has a directory, a zoo.cfg, which is written at each start, and a log "
        "(default: ./zabkit-ensemble)",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="as a line of every zoo.cfg"
    )
    parser.add_argument("--restart", action="store_true", help="start a member again that has ended")


def run(arguments: argparse.Namespace) -> int:
    """Runs the ensemble until it is stopped, and returns the exit code."""
    stopped = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        local = Local(arguments)
        with contextlib.ExitStack() as stack:
            stack.callback(local.stop)
            for sid in local.sids:
                local.start(sid)
            return watch(local, stack.enter_context(shown(local.client_ports)), stopped, arguments.restart)
    except (OSError, ValueError) as error:
        print(f"zab ensemble: {error}", file=sys.stderr)
        return 2


class Local:
    """The processes of an ensemble on this machine; none of them is started yet.

    Args:
        arguments: of the command.

    Raises:
        ValueError: the arguments make no sense, or the directory has another ensemble.
        OSError: the directory cannot be read.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.folder: Path = arguments.data
        voters, others = sizes(self.folder, arguments.n, arguments.observers)
        count = voters + others
        if not 0 <= arguments.port <= 65535 - 500 - 2 * count:
            raise ValueError(f"--port {arguments.port}: there are not enough ports after it")
        for each in arguments.set:
            check_setting(each)
        self.sids = range(1, count + 1)
        self.observers = range(voters + 1, count + 1)
        self.ports = ports_from(arguments.port, count)
        self.settings: list[str] = arguments.set
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.started: dict[int, float] = {}

    @property
    def client_ports(self) -> dict[int, int]:
        """Where clients connect to each member."""
        return {sid: ports[0] for sid, ports in self.ports.items()}

    @property
    def hosts(self) -> str:
        """What clients are given to connect to."""
        return ",".join(f"127.0.0.1:{port}" for port in self.client_ports.values())

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
            "# Written by zab ensemble at each start.",
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
        try:
            answer = ask_word(self.ports[sid][0], "mntr")
        except TimeoutError:
            return Standing("silent")
        found = dict(line.split("\t", 1) for line in answer.splitlines() if "\t" in line)
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
                process.send_signal(signal.SIGCONT)  # whoever was stopped for a while has to hear that
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


def sizes(folder: Path, voters: int | None, others: int | None) -> tuple[int, int]:
    """How many members vote, and how many do not: as asked for, and as a directory has them that has some.

    A history that was acknowledged by a majority of three is not safe with a majority of another number.

    Args:
        folder: where they are, if they are.
        voters: how many are asked for; None for as many as there are, or 3.
        others: the same of observers, or 0.

    Raises:
        ValueError: an impossible number, or another one than there are.
        OSError: a file cannot be read.
    """
    there = None
    configs = sorted(folder.glob("[0-9]*.cfg"))
    if configs:
        lines = configs[0].read_text(encoding="utf-8", errors="replace").splitlines()
        members = [line for line in lines if re.match(r"server\.\d+=", line)]
        observing = sum(line.endswith(":observer") for line in members)
        there = (len(members) - observing, observing)
    found = there or (3, 0)
    asked = (found[0] if voters is None else voters, found[1] if others is None else others)
    if there is not None and asked != there:
        has = f"{folder} has {there[0]} that vote and {there[1]} that do not"
        raise ValueError(f"-n {asked[0]} --observers {asked[1]}: {has}; give another --data")
    if asked[0] < 1 or asked[1] < 0 or sum(asked) > MOST:
        raise ValueError(f"-n {asked[0]} --observers {asked[1]}: 1 to {MOST} in all, and one of them votes")
    return asked


def check_setting(each: str) -> None:
    """Judges a NAME=VALUE for all members.

    Raises:
        ValueError: it is none, or makes no sense, or cannot be the same for all.
    """
    name, mark, value = each.partition("=")
    if not mark:
        raise ValueError(f"--set {each}: no NAME=VALUE")
    if OWN.fullmatch(name.strip()):
        raise ValueError(f"--set {each}: each member has its own")
    options_from({name.strip(): value.strip()}, "--set")


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
    """The answer to a four-letter word; empty where nobody is there, or hangs up.

    Raises:
        TimeoutError: somebody is there, and does not answer.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), ANSWERED) as connection:
            connection.sendall(word.encode())
            found = b""
            while chunk := connection.recv(1 << 16):
                found += chunk
            return found.decode()
    except TimeoutError:
        raise
    except OSError:
        return ""
