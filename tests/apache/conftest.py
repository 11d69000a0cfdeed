"""A real Apache ZooKeeper for the tests that need one: Debian's package `zookeeper`, started for the run.

Where it is not installed, these tests are skipped with that reason; with ZABKIT_APACHE=required they fail.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from apache_server import START_TIMEOUT, free_port, start, start_member, wait_until_serving, why_not
from zabserver.zab.ensemble import Ensemble


@dataclass(frozen=True)
class Apache:
    """A running server: its port for clients, and its data directory."""

    port: int
    data: Path


@pytest.fixture(scope="session")
def _installed() -> None:
    missing = why_not()
    if missing:
        if os.environ.get("ZABKIT_APACHE") == "required":
            pytest.fail(missing)
        pytest.skip(missing)


@pytest.fixture
def start_apache(_installed: None, tmp_path: Path) -> Iterator[Callable[[int, Ensemble], Path]]:
    """Starts a member of an ensemble, and returns the file that it logs to."""
    members: list[subprocess.Popen[bytes]] = []

    def begin(sid: int, ensemble: Ensemble) -> Path:
        members.append(start_member(tmp_path, sid, ensemble.text().split("\n")[:-1]))
        return tmp_path / "out"

    yield begin
    for each in members:
        each.kill()
        each.wait(START_TIMEOUT)


@pytest.fixture(scope="session")
def apache(_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apache]:
    """One Apache ZooKeeper for all tests of a run."""
    folder = tmp_path_factory.mktemp("apache")
    port = free_port()
    server = start(folder, port)
    try:
        wait_until_serving(server, port, folder)
        yield Apache(port, folder / "data")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(START_TIMEOUT)
