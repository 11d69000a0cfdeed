"""The server is killed at random moments under load: each acknowledged write is there, once."""

from __future__ import annotations

import random
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from server_process import WAIT, serving
from zabcheck.servers.encoding import ProtocolError
from zabcheck.servers.session import Disconnected, Session
from zabspec import tree
from zabspec.tree.replies import Changed, Children, Created

WRITERS = 4


@dataclass
class Written:
    """What one writer knows of its own writes.

    Attributes:
        acknowledged: nodes whose creation was acknowledged.
        asked: nodes whose creation was requested.
        version: version of its counter, as last acknowledged.
        sets: number of requests to set its counter.
    """

    acknowledged: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    version: int = 0
    sets: int = 0


def write(port: int, number: int, known: Written) -> None:
    """Creates nodes and sets a counter until the server is gone."""
    try:
        session = Session("127.0.0.1", port)
        while True:
            path = f"/w{number}-{len(known.asked)}"
            known.asked.add(path)
            reply = session.call(tree.Create(path)).reply
            assert reply == Created(path, None), reply
            known.acknowledged.add(path)
            known.sets += 1
            changed = session.call(tree.SetData(f"/counter{number}", b"x")).reply
            assert isinstance(changed, Changed), changed
            known.version = changed.stat.version
    except (Disconnected, ProtocolError):
        return


def acknowledged(known: list[Written]) -> int:
    """Returns the number of acknowledged writes of all writers."""
    return sum(len(each.acknowledged) for each in known)


def begin(port: int, known: list[Written], count: int) -> list[threading.Thread]:
    """Starts writers that write until the server is gone; returns when more writes are acknowledged."""
    enough = acknowledged(known) + count
    writers = [threading.Thread(target=write, args=(port, number, each)) for number, each in enumerate(known)]
    for each in writers:
        each.start()
    while acknowledged(known) < enough:
        assert any(each.is_alive() for each in writers), "the server ended by itself"
        time.sleep(0.001)
    return writers


def round_of(folder: Path, known: list[Written], count: int) -> None:
    """Starts the server, checks its data, and kills it after a number of writes."""
    with serving(folder) as (process, port):
        look(port, known)
        writers = begin(port, known, count)
        process.send_signal(signal.SIGKILL)
        for each in writers:
            each.join(WAIT)


def look(port: int, known: list[Written]) -> None:
    """Checks that every acknowledged write is there, and that anything else was requested and is there
    once.
    """
    session = Session("127.0.0.1", port)
    for number in range(len(known)):
        session.call(tree.Create(f"/counter{number}"))
    found = session.call(tree.GetChildren("/")).reply
    assert isinstance(found, Children)
    names = {f"/{name}" for name in found.names if name.startswith("w")}
    for number, each in enumerate(known):
        assert each.acknowledged <= names
        its = {name for name in names if name.startswith(f"/w{number}-")}
        assert its <= each.asked
        each.acknowledged |= its
        counter = session.call(tree.Exists(f"/counter{number}")).reply
        assert isinstance(counter, Changed)
        assert each.version <= counter.stat.version <= each.sets
        each.version = counter.stat.version
    session.call(tree.CloseSession())


def rounds(folder: Path, count: int, seed: int) -> int:
    """Runs rounds, and returns the number of acknowledged writes."""
    chance = random.Random(seed)
    known = [Written() for _ in range(WRITERS)]
    for _ in range(count):
        round_of(folder, known, chance.randrange(200))
    with serving(folder) as (_, port):
        look(port, known)
    return acknowledged(known)


def test_no_acknowledged_write_is_lost(tmp_path: Path) -> None:
    assert rounds(tmp_path, 8, seed=1) > 100


@pytest.mark.deep
def test_no_acknowledged_write_is_lost_in_many_rounds(tmp_path: Path) -> None:
    assert rounds(tmp_path, 300, seed=2) > 10_000


def test_a_clean_stop_loses_nothing_and_exits_with_zero(tmp_path: Path) -> None:
    known = [Written() for _ in range(WRITERS)]
    with serving(tmp_path) as (process, port):
        look(port, known)
        writers = begin(port, known, 100)
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT) == 0
        for each in writers:
            each.join(WAIT)
    with serving(tmp_path) as (_, port):
        look(port, known)
