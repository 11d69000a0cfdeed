"""`zab ensemble` shows roles, notices members that have ended, and leaves no process behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zabcheck.servers.session import Session
from zabspec import tree

TIMEOUT = 60.0


class Run:
    """A run of the command, with its output so far."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "zabserver", "ensemble", "--port", "0", "--data", str(folder), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Waits for a line that matches a pattern, and returns the match."""
        return self.wait_until(
            lambda: next(filter(None, (re.search(pattern, line) for line in self.lines)), None)
        )

    def wait_until(self, found: Callable[[], re.Match[str] | None]) -> re.Match[str]:
        deadline = time.monotonic() + TIMEOUT
        while True:
            match = found()
            if match is not None:
                return match
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.02)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(TIMEOUT)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def make(*arguments: str) -> Run:
        runs.append(Run(tmp_path / "data", *arguments))
        return runs[-1]

    yield make
    for each in runs:
        if each.process.poll() is None:
            each.stop()


def members(folder: Path) -> dict[int, int]:
    """Returns the processes of members whose files are in a folder, by id."""
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            config = next(
                (word for word in words if word.startswith(os.fsencode(folder)) and word.endswith(b".cfg")),
                None,
            )
            if config is not None:
                found[int(Path(os.fsdecode(config)).stem)] = int(process.name)
    return found


def test_it_says_who_leads_and_who_has_ended(run: Callable[..., Run], tmp_path: Path) -> None:
    it = run("--observers", "1")
    hosts = it.wait_for("clients connect to ([^;]*);")[1]
    leader = int(it.wait_for(r"server (\d): leader, epoch 1")[1])
    it.wait_for("server 4: observer, epoch 1")
    session = Session("127.0.0.1", int(hosts.split(",")[3].split(":")[1]))
    session.call(tree.Create("/a", b""))
    it.wait_for("server 4: observer, .*, 1 connected")
    os.kill(members(tmp_path)[leader], signal.SIGKILL)
    it.wait_for(f"server {leader} has ended with exit code -9; see .*{leader}.log")
    it.wait_for(r"server \d: leader, epoch 2")
    assert it.stop() == 0
    assert members(tmp_path) == {}


def test_it_goes_on_where_it_was_and_starts_again_who_ends(run: Callable[..., Run], tmp_path: Path) -> None:
    first = run()
    first.wait_for("leader, epoch 1")
    assert first.stop() == 0
    again = run("--restart")
    again.wait_for("leader, epoch 2")
    os.kill(members(tmp_path)[1], signal.SIGKILL)
    again.wait_for("server 1 has ended")
    again.wait_until(
        lambda: next(
            filter(None, (re.search("server 1: (follower|leader)", line) for line in again.lines[-3:])), None
        )
    )
    assert again.stop() == 0
    assert members(tmp_path) == {}


def test_it_ends_when_all_have_ended(run: Callable[..., Run], tmp_path: Path) -> None:
    it = run("-n", "1")
    it.wait_for("server 1: leader")
    os.kill(members(tmp_path)[1], signal.SIGKILL)
    assert it.process.wait(TIMEOUT) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-n", "0"], "-n 0 --observers 0: there must be 1 to 255 members, at least one a voter"),
        (["--port", "65500"], "--port 65500: must be at most 65029 for 3 members"),
        (["--set", "tickTime"], "--set tickTime: must be NAME=VALUE"),
        (["--set", "tickTime=0"], "--set: tickTime is 0, which is not between 1 and 2147483647"),
        (["--set", "clientPort=2181"], "--set clientPort=2181: members cannot share this setting"),
        (["--set", "server.9=h:1:2"], "--set server.9=h:1:2: members cannot share this setting"),
        (
            ["--set", "minSessionTimeout=9000", "--set", "maxSessionTimeout=8000"],
            "server 1: {0}/1.cfg: minSessionTimeout is greater than maxSessionTimeout",
        ),
    ],
)
def test_it_says_in_a_line_why_it_does_not_start(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zabserver", "ensemble", "--port", "0", "--data", str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 2
    assert re.sub("server .:", "server 1:", done.stderr).replace("/2.cfg", "/1.cfg").replace(
        "/3.cfg", "/1.cfg"
    ) == (f"zab ensemble: {said.format(tmp_path)}\n")


@pytest.mark.parametrize("asked", [["-n", "1"], ["-n", "5"], ["--observers", "1"]])
def test_an_ensemble_of_another_size_is_refused_and_left_as_it_is(
    asked: list[str], run: Callable[..., Run], tmp_path: Path
) -> None:
    """A single member of three would elect itself, and lack what the two others have acknowledged."""
    data = tmp_path / "data"
    data.mkdir()
    config = "".join(f"server.{sid}=127.0.0.1:{sid}:1{sid}\n" for sid in (1, 2, 3))
    for sid in (1, 2, 3):
        (data / f"{sid}.cfg").write_text(config)
    it = run(*asked)
    assert it.process.wait(TIMEOUT) == 2
    assert it.process.stderr is not None
    line = it.process.stderr.read()
    assert line.endswith(f"{data} has 3 voters and 0 observers; use another --data\n")
    assert line.startswith("zab ensemble: -n ")
    assert sorted(path.name for path in data.iterdir()) == ["1.cfg", "2.cfg", "3.cfg"]
    assert {path.read_text() for path in data.iterdir()} == {config}


def test_one_that_stands_still_is_silent_and_stops_with_the_others(
    run: Callable[..., Run], tmp_path: Path
) -> None:
    it = run()
    it.wait_for("leader, epoch 1")
    it.wait_for("server 1: follower")
    os.kill(members(tmp_path)[1], signal.SIGSTOP)
    it.wait_for("server 1: silent")
    assert it.stop() == 0
    assert members(tmp_path) == {}


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        base = min(taken.getsockname()[1], 64_000)
        arguments = ["--port", str(base), "--data", str(tmp_path), "-n", "1"]
        done = subprocess.run(
            [sys.executable, "-m", "zabserver", "ensemble", *arguments],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("zab ensemble: server 1: ")
    assert "address already in use" in done.stderr
