"""A real Apache ZooKeeper from Debian's package."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

JARS = Path("/usr/share/java")
NEEDED = ("zookeeper", "slf4j-log4j12", "log4j-1.2", "commons-io")
WANTED = ("snappy-java",)
"""Optional: for compressed snapshots."""
START_TIMEOUT = 240.0


def why_not() -> str:
    """Returns why there is no Apache ZooKeeper here; an empty string if there is one."""
    absent = [name for name in NEEDED if not (JARS / f"{name}.jar").exists()]
    if absent:
        return f"no Apache ZooKeeper: {JARS / absent[0]}.jar is missing (apt-get install zookeeper)"
    return "" if shutil.which("java") else "no Apache ZooKeeper: there is no java"


def start(folder: Path, port: int, more: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Starts a server that stands alone, on 127.0.0.1, with more settings for its zoo.cfg."""
    (folder / "data").mkdir(exist_ok=True)
    settings = {
        "tickTime": 2000,
        "dataDir": folder / "data",
        "clientPortAddress": "127.0.0.1",
        "clientPort": port,
        "maxClientCnxns": 0,
        "4lw.commands.whitelist": "*",
        "admin.enableServer": "false",
        "extendedTypesEnabled": "true",
        **(more or {}),
    }
    return _run(folder, settings, "WARN")


def start_member(folder: Path, sid: int, lines: Sequence[str]) -> subprocess.Popen[bytes]:
    """Starts a member of an ensemble, which logs to the file `out`.

    Args:
        folder: directory for its files.
        sid: its id.
        lines: the members, as `server.N=…`.
    """
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "myid").write_text(f"{sid}\n")
    settings = {"tickTime": 2000, "initLimit": 10, "syncLimit": 5, "dataDir": folder / "data"}
    members = dict(line.split("=", 1) for line in lines)
    return _run(folder, {**settings, "admin.enableServer": "false", **members}, "INFO")


def _run(folder: Path, settings: Mapping[str, object], level: str) -> subprocess.Popen[bytes]:
    config = folder / "zoo.cfg"
    config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    (folder / "log4j.properties").write_text(
        f"log4j.rootLogger={level}, out\n"
        "log4j.appender.out=org.apache.log4j.ConsoleAppender\n"
        "log4j.appender.out.layout=org.apache.log4j.SimpleLayout\n"
    )
    path = ":".join([*(str(JARS / f"{name}.jar") for name in (*NEEDED, *WANTED)), str(folder)])
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    with (folder / "out").open("ab") as out:
        return subprocess.Popen(
            ["java", "-Xmx512m", "-cp", path, "-Djava.net.preferIPv4Stack=true", main, str(config)],
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
        )


def wait_until_serving(server: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    """Waits until the server answers a four-letter word."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.sendall(b"srvr")
                if b"Mode: standalone" in connection.recv(4096):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    pytest.fail(f"Apache ZooKeeper did not start:\n{(folder / 'out').read_text()[-2000:]}")


def free_port() -> int:
    """Returns a port that is unused now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
