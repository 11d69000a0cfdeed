"""The members of an ensemble as processes on this machine: `zab serve`, Debian's Apache ZooKeeper, or both.

A member may restart as the other kind, since both use the same files.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from itertools import count
from pathlib import Path

JARS = Path("/usr/share/java")
NEEDED = ("zookeeper", "slf4j-log4j12", "log4j-1.2", "commons-io")
MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
TIMEOUT = 180.0
"""Longest wait for any condition, in seconds: generous, for a machine that is busy with other work."""
PAUSE = 0.05
"""Interval between two looks at a condition, in seconds."""
WORD_TIMEOUT = 5.0
"""Timeout for four-letter words, in seconds."""
PORTS = range(10_000, 32_000)
STRIDE = 499
"""Distance between the first ports of processes with consecutive ids."""
FULL = 8 << 10
"""Longest file that a member with a full disk can write, in bytes."""


_tried = count()


class Kind(StrEnum):
    """Which server a member runs: ours, or Apache's."""

    OURS = "ours"
    APACHE = "apache"


def why_no_apache() -> str:
    """Returns why Apache ZooKeeper cannot be run here; empty if it can."""
    absent = [name for name in NEEDED if not (JARS / f"{name}.jar").exists()]
    if absent:
        return f"no Apache ZooKeeper: {JARS / absent[0]}.jar is missing (apt-get install zookeeper)"
    return "" if shutil.which("java") else "no Apache ZooKeeper: there is no java"


def free_ports(wanted: int) -> list[int]:
    """Returns ports of 127.0.0.1 that are free now; none is returned twice to one process.

    They are below the range for outgoing connections, so that a member which is down for a while finds its
    ports free when it restarts.
    """
    found: list[int] = []
    while len(found) < wanted:
        port = PORTS[(os.getpid() * STRIDE + next(_tried)) % len(PORTS)]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    return found


def ask_word(port: int, word: str) -> str:
    """Returns the reply to a four-letter word; empty if there is none."""
    try:
        with socket.create_connection(("127.0.0.1", port), WORD_TIMEOUT) as connection:
            connection.sendall(word.encode())
            found = b""
            while chunk := connection.recv(1 << 16):
                found += chunk
            return found.decode()
    except OSError:
        return ""


class Members:
    """An ensemble of processes, as a context manager that ends them all.

    Args:
        folder: the directory for the files of all members.
        kinds: the server that each member runs at first, by id.
        observers: the ids of the members that do not vote.
        tick: `tickTime` in milliseconds.
        settings: more settings for the zoo.cfg of all members.
        memory: the heap of a Java server, as for -Xmx.

    Attributes:
        folder, kinds, observers, settings, memory: as above.
        client_ports: the port for clients of each member.
        addresses: the quorum port and the election port of each member.
        seen: the quorum and election ports at which the first member of a pair reaches the second, where
            these are not the second member's own: ports of a proxy.
        processes: the running processes, by id.
    """

    def __init__(
        self,
        folder: Path,
        kinds: Mapping[int, Kind],
        observers: Iterable[int] = (),
        tick: int = 500,
        settings: Mapping[str, str] | None = None,
        memory: str = "256m",
    ) -> None:
        self.folder = folder
        self.kinds = dict(kinds)
        self.observers = frozenset(observers)
        ports = free_ports(3 * len(self.kinds))
        self.client_ports = {sid: ports.pop() for sid in self.kinds}
        self.addresses = {sid: (ports.pop(), ports.pop()) for sid in self.kinds}
        self.settings = {
            "tickTime": str(tick),
            "initLimit": "20",
            "syncLimit": "10",
            "maxClientCnxns": "0",
            "4lw.commands.whitelist": "*",
            "admin.enableServer": "false",
            "extendedTypesEnabled": "true",
            "preAllocSize": "64",
        } | dict(settings or {})
        self.memory = memory
        self.seen: Mapping[tuple[int, int], tuple[int, int]] = {}
        self.processes: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Members:
        self.start_all()
        return self

    def __exit__(self, *_: object) -> None:
        for sid in list(self.processes):
            self.kill(sid)

    def data(self, sid: int) -> Path:
        """Returns the data directory of a member."""
        return self.folder / str(sid)

    def start_all(self) -> None:
        """Starts all members."""
        for sid in self.kinds:
            self.start(sid)

    def stop_all(self) -> None:
        """Stops all members."""
        for sid in list(self.processes):
            self.stop(sid)

    def start(self, sid: int, kind: Kind | None = None) -> None:
        """Starts a member, as another kind if one is given."""
        self.kinds[sid] = kind or self.kinds[sid]
        folder = self.data(sid)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "myid").write_text(f"{sid}\n")
        config = self.folder / f"{sid}.cfg"
        config.write_text(self.config(sid))
        with (self.folder / f"{sid}.out").open("ab") as out:
            self.processes[sid] = subprocess.Popen(
                self._command(sid, config), stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )

    def config(self, sid: int) -> str:
        """Returns the zoo.cfg of a member."""
        lines = dict(self.settings)
        lines |= {
            "dataDir": str(self.data(sid)),
            "clientPort": str(self.client_ports[sid]),
            "clientPortAddress": "127.0.0.1",
        }
        if sid in self.observers:
            lines["peerType"] = "observer"
        for other, real in self.addresses.items():
            quorum, election = self.seen.get((sid, other), real)
            role = ":observer" if other in self.observers else ""
            lines[f"server.{other}"] = f"127.0.0.1:{quorum}:{election}{role}"
        return "".join(f"{name}={value}\n" for name, value in lines.items())

    def _command(self, sid: int, config: Path) -> list[str]:
        if self.kinds[sid] == Kind.OURS:
            return [sys.executable, "-m", "zabserver", "serve", str(config)]
        folder = self.folder / "log4j"
        folder.mkdir(exist_ok=True)
        (folder / "log4j.properties").write_text(
            "log4j.rootLogger=INFO, out\n"
            "log4j.appender.out=org.apache.log4j.ConsoleAppender\n"
            "log4j.appender.out.layout=org.apache.log4j.SimpleLayout\n"
        )
        path = ":".join([*(str(JARS / f"{name}.jar") for name in NEEDED), str(folder)])
        return [
            "java",
            f"-Xmx{self.memory}",
            "-cp",
            path,
            "-Djava.net.preferIPv4Stack=true",
            MAIN,
            str(config),
        ]

    def stop(self, sid: int) -> None:
        """Stops a member with SIGTERM."""
        process = self.processes.pop(sid)
        process.terminate()
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self, sid: int) -> None:
        """Kills a member with SIGKILL."""
        process = self.processes.pop(sid)
        process.kill()
        process.wait()

    def pause(self, sid: int) -> None:
        """Pauses a member's process with SIGSTOP."""
        self.processes[sid].send_signal(signal.SIGSTOP)

    def resume(self, sid: int) -> None:
        """Lets a paused process continue with SIGCONT."""
        self.processes[sid].send_signal(signal.SIGCONT)

    def fill_disk(self, sid: int, longest: int = FULL) -> None:
        """Makes a member's writes fail from now on, as on a full disk, by a limit on the size of files.

        Python ignores the signal that a process receives at that limit.

        Args:
            sid: the member's id.
            longest: the limit, in bytes.
        """
        _, most = resource.prlimit(self.processes[sid].pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.processes[sid].pid, resource.RLIMIT_FSIZE, (longest, most))

    def mode(self, sid: int) -> str:
        """Returns what a member says it is: leader, follower or observer; empty while it does not serve."""
        for line in ask_word(self.client_ports[sid], "srvr").splitlines():
            if line.startswith("Mode: "):
                return line.removeprefix("Mode: ")
        return ""

    @property
    def leader(self) -> int | None:
        """The id of a member that reports to be the leader; None if none does."""
        return next((sid for sid in self.processes if self.mode(sid) == "leader"), None)

    def wait_until_serving(self, sids: Iterable[int] | None = None) -> None:
        """Waits until these members serve clients, or all that run, and one member leads.

        Raises:
            TimeoutError: they do not in time.
        """
        wanted = list(self.processes if sids is None else sids)
        self.wait_until(lambda: all(map(self.mode, wanted)) and self.leader is not None)

    def wait_until(self, holds: Callable[[], bool], timeout: float = TIMEOUT) -> None:
        """Waits until a condition holds.

        Raises:
            TimeoutError: it does not hold in time; the text has the end of each member's output.
        """
        deadline = time.monotonic() + timeout
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {timeout} s\n{self.said()}")
            time.sleep(PAUSE)

    def said(self, length: int = 1500) -> str:
        """Returns the last characters of each member's output."""
        found = []
        for sid in self.kinds:
            path = self.folder / f"{sid}.out"
            if path.exists():
                found.append(f"--- {sid} ({self.kinds[sid]}):\n{path.read_text(errors='replace')[-length:]}")
        return "\n".join(found)
