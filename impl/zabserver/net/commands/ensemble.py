"""`zab ensemble`: starts an ensemble on this machine, one process for each member, and watches it until
stopped.

Exit codes: 0 if stopped by SIGINT, SIGTERM or SIGHUP; 1 if all members have ended by themselves; 2 if a
member could not start, with the reason in one line.
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
from zabserver.net.configuration.options import GREATEST_ID, options_from
from zabserver.net.ports.free_ports import free_ports

PERIOD = 0.25
"""Interval at which members are asked for their state, in seconds."""
PATIENCE = 10.0
"""Longest time for a member to stop, in seconds."""
SOON = 3.0
"""A member that ends this soon after its start failed to start, in seconds."""
ANSWERED = 0.5
"""Longest time to wait for a member's state, in seconds."""
OWN = re.compile(
    r"(server|group|weight)\..*|(dataDir|dataLogDir|peerType|(secureC|c)lientPort.*|standaloneEnabled)"
)
"""Settings that differ between members, or that have an option on the command line."""


def add(commands: Any) -> None:
    """Adds `zab ensemble` to a parser's subcommands."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "ensemble",
        help="start an ensemble of servers on this machine",
        description="Starts an ensemble on 127.0.0.1, one process for each member, and shows each member's "
        "role, epoch, zxid and number of clients until it is stopped. With the same --data, it continues "
        "with the data that it had.",
        epilog="Exit codes: 0 if stopped by SIGINT, SIGTERM or SIGHUP; 1 if all members have ended by "
        "themselves; 2 if a member could not start.",
    )
    parser.set_defaults(run=run)
    parser.add_argument("-n", type=int, metavar="SIZE", help="number of voters (default: as in DIR, or 3)")
    parser.add_argument(
        "--observers", type=int, metavar="N", help="number of observers (default: as in DIR, or 0)"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=2181,
        metavar="BASE",
        help="clients connect to BASE and the ports after it, members to each other from BASE+500; 0 for "
        "any free ports (default: 2181)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("zabkit-ensemble"),
        metavar="DIR",
        help="directory with a data directory, a log, and a zoo.cfg for each member; zoo.cfg is rewritten "
        "at each start (default: ./zabkit-ensemble)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a line to add to every zoo.cfg; may be repeated",
    )
    parser.add_argument("--restart", action="store_true", help="restart members that have ended")


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
    """The processes of an ensemble on this machine; none is started yet.

    Args:
        arguments: arguments of the command.

    Attributes:
        folder: the directory for all members.
        sids: ids of all members.
        observers: ids of the observers.
        ports: client, quorum and election port of each member.
        settings: lines for every member's zoo.cfg.
        processes: the process of each member started.
        started: when each member was started last, on the monotonic clock, in seconds.

    Raises:
        ValueError: an argument is invalid, or the directory holds an ensemble of another size.
        OSError: the directory cannot be read.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.folder: Path = arguments.data
        voters, others = sizes(self.folder, arguments.n, arguments.observers)
        count = voters + others
        last = 65535 - 500 - 2 * count
        if not 0 <= arguments.port <= last:
            raise ValueError(f"--port {arguments.port}: must be at most {last} for {count} members")
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
        """Port for clients of each member."""
        return {sid: ports[0] for sid, ports in self.ports.items()}

    @property
    def hosts(self) -> str:
        """Connection string for clients."""
        return ",".join(f"127.0.0.1:{port}" for port in self.client_ports.values())

    def log(self, sid: int) -> Path:
        """Returns the path of a member's log."""
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
                start_new_session=True,  # ctrl-C is for this process, which stops the members
            )
        self.started[sid] = time.monotonic()

    def config(self, sid: int) -> str:
        """Returns the text of a member's zoo.cfg."""
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
        """Returns the state of a member."""
        if self.processes[sid].poll() is not None:
            return Standing("ended")
        try:
            answer = ask_word(self.ports[sid][0], "mntr")
        except TimeoutError:
            return Standing("silent")
        found = dict(line.split("\t", 1) for line in answer.splitlines() if "\t" in line)
        if "zk_server_state" not in found:
            return Standing("looking")
        connected = int(found["zk_num_alive_connections"]) - 1  # without the connection that asks
        return Standing(
            found["zk_server_state"], found["zk_current_epoch"], found["zk_last_zxid"], str(connected)
        )

    def why_not(self, sid: int) -> str | None:
        """Returns why a member could not start; None if it could."""
        process = self.processes[sid]
        if process.poll() is None or time.monotonic() - self.started[sid] > SOON or process.returncode != 2:
            return None
        lines = self.log(sid).read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1].removeprefix("zab serve: ") if lines else "no reason was logged"

    def stop(self) -> None:
        """Stops all members and waits for them."""
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
                process.send_signal(signal.SIGCONT)  # a process stopped by SIGSTOP cannot terminate
        for process in self.processes.values():
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def watch(local: Local, show: Show, stopped: threading.Event, restarts: bool) -> int:
    """Shows the state of the members until they are to stop or have all ended; returns the exit code."""
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
    """Returns the number of voters and of observers: as asked for, or as in an existing directory.

    A history that was acknowledged by a majority of three voters is not safe with another number of voters.

    Args:
        folder: directory of the ensemble; it need not exist.
        voters: number of voters asked for; None for that of the directory, or 3.
        others: number of observers asked for; None for that of the directory, or 0.

    Raises:
        ValueError: a number is invalid, or differs from that of the directory.
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
        has = f"{folder} has {there[0]} voters and {there[1]} observers"
        raise ValueError(f"-n {asked[0]} --observers {asked[1]}: {has}; use another --data")
    if asked[0] < 1 or asked[1] < 0 or sum(asked) > GREATEST_ID:
        raise ValueError(
            f"-n {asked[0]} --observers {asked[1]}: there must be 1 to {GREATEST_ID} members, "
            "at least one a voter"
        )
    return asked


def check_setting(each: str) -> None:
    """Checks a NAME=VALUE that applies to all members.

    Raises:
        ValueError: it is not of this form, the value is invalid, or members cannot share the setting.
    """
    name, mark, value = each.partition("=")
    if not mark:
        raise ValueError(f"--set {each}: must be NAME=VALUE")
    if OWN.fullmatch(name.strip()):
        raise ValueError(f"--set {each}: members cannot share this setting")
    options_from({name.strip(): value.strip()}, "--set")


def ports_from(base: int, count: int) -> dict[int, tuple[int, int, int]]:
    """Returns the client, quorum and election port of each member; free ports if `base` is 0."""
    if base:
        return {
            sid: (base + sid - 1, base + 499 + sid, base + 499 + count + sid) for sid in range(1, count + 1)
        }
    free = free_ports(3 * count)
    return {sid: (free[3 * sid - 3], free[3 * sid - 2], free[3 * sid - 1]) for sid in range(1, count + 1)}


def ask_word(port: int, word: str) -> str:
    """Returns the answer to a four-letter word; an empty string if the connection is refused or closed.

    Raises:
        TimeoutError: the server accepts the connection but does not answer.
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
