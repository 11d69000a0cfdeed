"""`zab serve` as a process: a stop loses nothing acknowledged; a failed start is explained in one line."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zabcheck.servers.session import Disconnected, Session
from zabspec import tree
from zabspec.tree.replies import Changed, Data

TIMEOUT = 30.0


class Process:
    """A process of `zab serve` on any free port, with its log."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "zabserver", "serve", "--port", "0", *arguments],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            if "event=serving" in line:
                break
        self.port = int(re.findall(r" port=(\d+)", self.lines[-1])[0])

    def stop(self, number: signal.Signals) -> int:
        """Stops the process, reads the rest of its log, and returns its exit code."""
        self.process.send_signal(number)
        _, rest = self.process.communicate(timeout=TIMEOUT)
        self.lines += rest.splitlines()
        return self.process.returncode


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_acknowledged_survives_a_stop_under_load(tmp_path: Path, number: signal.Signals) -> None:
    server = Process("--data", str(tmp_path))
    sessions = [Session("127.0.0.1", server.port) for _ in range(4)]
    acknowledged = [-1] * len(sessions)

    def write(client: int) -> None:
        sessions[client].call(tree.Create(f"/{client}"))
        try:
            while True:
                reply = sessions[client].call(tree.SetData(f"/{client}", b"", acknowledged[client] + 1)).reply
                assert isinstance(reply, Changed)
                acknowledged[client] += 1
        except Disconnected:
            pass

    writers = [threading.Thread(target=write, args=(client,)) for client in range(len(sessions))]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + TIMEOUT
    while min(acknowledged) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert server.stop(number) == 0
    for writer in writers:
        writer.join(TIMEOUT)
    assert server.lines[-1].endswith("event=stopped")
    assert all(re.match(r"time=\S+ level=\w+ logger=\S+ (event|message)=", line) for line in server.lines)

    again = Process("--data", str(tmp_path))
    session = Session("127.0.0.1", again.port)
    for client, count in enumerate(acknowledged):
        found = session.call(tree.GetData(f"/{client}")).reply
        assert isinstance(found, Data)
        assert count + 1 <= found.stat.version <= count + 2  # one more may have been done and not answered
    assert again.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("dataDir={0}/d\nclientPort=0\nserver.1=a:1:2\nserver.2=b:1:2", "myid with its id is missing"),
        ("dataDir={0}/d\nclientPort=none", "clientPort is 'none', which is not a number"),
        ("clientPort=0", "dataDir is not set"),
        ("dataDir={0}/zoo.cfg\nclientPort=0", "zoo.cfg"),
        ("dataDir={0}/d\nclientPort=0\nsecureClientPort=0", "ssl.keyStore.location"),
        ("dataDir={0}/d\nclientPort=0\nsecureClientPort=0\nssl.keyStore.location=/k.jks", "only PEM files"),
    ],
)
def test_it_says_in_a_line_why_it_does_not_start(tmp_path: Path, config: str, said: str) -> None:
    (tmp_path / "zoo.cfg").write_text(config.format(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "zabserver", "serve", str(tmp_path / "zoo.cfg")],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith("time=")]
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert lines[0].startswith("zab serve: ")
    assert said in lines[0]


def test_keys_without_effect_and_unknown_ones_are_logged(tmp_path: Path) -> None:
    config = tmp_path / "zoo.cfg"
    config.write_text(
        f"dataDir={tmp_path}/d\nclientPort=0\nclientPortAddress=127.0.0.1\nleaderServes=yes\ntikcTime=1\n"
    )
    server = Process(str(config))
    assert server.stop(signal.SIGTERM) == 0
    text = "\n".join(server.lines)
    assert 'event=ignored name=leaderServes reason="no effect in this server"' in text
    assert 'level=warning logger=zabserver event=ignored name=tikcTime reason="unknown key"' in text


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "zabserver", "serve", "--port", port, "--data", str(tmp_path / "d")],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    assert done.returncode == 2
    assert f"{port}" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_only_what_a_server_uses_is_loaded(
    tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """A server that stands alone loads neither a member of an ensemble nor another command; nor does
    `zab`.
    """
    code = (
        "import sys; import zabcheck.cli.entry; sys.argv[1:] = ['serve', '--set', 'clientPort=none'];"
        "assert zabcheck.cli.entry.main() == 2;"
        "from zabserver.net.commands.serve import Options, server_of;"
        f"server_of(Options(data_dir={str(tmp_path)!r}));"
        "print(*sorted(each for each in sys.modules if each.startswith('zab')))"
    )
    done = run_python("-c", code)
    loaded = done.stdout.split()
    assert "zabserver.net.shell.server" in loaded, done.stderr
    for module in ("shell.member", "ports.quorum_port", "commands.ensemble", "commands.show_files"):
        assert f"zabserver.net.{module}" not in loaded
    assert "zabserver.zab.peer" not in loaded
    others = [each for each in loaded if not each.startswith(("zabserver", "zabcheck.cli"))]
    assert others == ["zabcheck"]
