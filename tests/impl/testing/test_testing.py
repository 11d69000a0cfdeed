"""`zabserver.testing` keeps its promises to tests of clients."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path
from statistics import median

import pytest

from zabcheck.servers.session import Disconnected, Session
from zabserver.testing import ZooKeeper
from zabspec import tree
from zabspec.tree.replies import Created, Failed

BACK = 10_000


def back(server: ZooKeeper, session: Session) -> Session:
    """Resumes a session on a new connection, as its client would."""
    return Session("127.0.0.1", server.port, BACK, session.last_zxid, (session.id, session.password))


def test_a_session_that_is_expired_is_over() -> None:
    with ZooKeeper() as server:
        session, other = Session("127.0.0.1", server.port), Session("127.0.0.1", server.port)
        session.call(tree.Create("/mine", flag=tree.Flag.EPHEMERAL))
        other.call(tree.Exists("/mine", watch=True))
        assert set(server.sessions) == {session.id, other.id}
        server.expire(session.id)
        with pytest.raises(Disconnected):
            session.ping()
        assert back(server, session).id == 0
        other.ping()
        assert [event.path for event in other.events] == ["/mine"]
        assert server.sessions == (other.id,)
        with pytest.raises(KeyError):
            server.expire(session.id)


def test_a_connection_that_is_dropped_leaves_its_session() -> None:
    with ZooKeeper() as server:
        session = Session("127.0.0.1", server.port)
        session.call(tree.Create("/mine", flag=tree.Flag.EPHEMERAL))
        server.drop(session.id)
        with pytest.raises(Disconnected):
            session.ping()
        again = back(server, session)
        assert again.id == session.id
        assert again.call(tree.Exists("/mine")).reply != Failed(tree.Error.NO_NODE)


def test_replies_are_late_and_in_order() -> None:
    with ZooKeeper() as server:
        session, other = Session("127.0.0.1", server.port), Session("127.0.0.1", server.port)
        server.delay_replies(session.id, 0.05)
        begun = time.monotonic()
        session.call(tree.Create("/late"))
        assert time.monotonic() - begun >= 0.05
        other.ping()
        session.send_raw(b"\0\0\0\x08\xff\xff\xff\xfe\0\0\0\x0b")  # a ping; its answer is late,
        other.call(tree.Exists("/late"))
        server.delay_replies(session.id, 0)
        session.send_raw(b"\0\0\0\x0d\0\0\0\x07\0\0\0\x04\0\0\0\0\0")  # and that of a read comes after it
        assert session.ping() == session.last_zxid


def test_a_reply_that_is_lost_leaves_its_request_done() -> None:
    with ZooKeeper() as server:
        session, other = Session("127.0.0.1", server.port), Session("127.0.0.1", server.port)
        session.call(tree.Exists("/done", watch=True))
        server.lose_replies(session.id)
        session.ping()  # is no request
        with pytest.raises(Disconnected):
            session.call(tree.Create("/done"))
        assert other.call(tree.Exists("/done")).reply != Failed(tree.Error.NO_NODE)
        again = back(server, session)
        assert again.call(tree.Create("/done")).reply == Failed(tree.Error.NODE_EXISTS)


def test_what_it_had_is_there_after_a_restart_on_the_same_port() -> None:
    with ZooKeeper() as server:
        session = Session("127.0.0.1", server.port)
        session.call(tree.Create("/kept", flag=tree.Flag.EPHEMERAL))
        port = server.port
        server.stop()
        with pytest.raises(Disconnected):
            Session("127.0.0.1", port)
        with pytest.raises(RuntimeError, match="not started"):
            server.drop(session.id)
        server.start()
        assert server.port == port
        again = back(server, session)
        assert again.id == session.id
        assert again.call(tree.Create("/kept")).reply == Failed(tree.Error.NODE_EXISTS)


def test_two_servers_know_nothing_of_each_other(tmp_path: Path) -> None:
    with ZooKeeper(tmp_path / "a") as first, ZooKeeper(tmp_path / "b") as second:
        assert first.port != second.port
        one, two = Session("127.0.0.1", first.port), Session("127.0.0.1", second.port)
        one.call(tree.Create("/here"))
        assert two.call(tree.Exists("/here")).reply == Failed(tree.Error.NO_NODE)
        first.stop()
        assert two.call(tree.Create("/here")).reply == Created("/here", None)
        with pytest.raises(KeyError):
            second.expire(one.id)


def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        ZooKeeper(tmp_path / "file").start()
    with ZooKeeper() as server, pytest.raises(OSError, match="in use"):
        ZooKeeper(port=server.port).start()
    with pytest.raises(ValueError, match="tickTime"):
        ZooKeeper(settings={"tickTime": "soon"})


def test_old_snapshots_are_purged_where_zoo_cfg_says(tmp_path: Path) -> None:
    with ZooKeeper(tmp_path, settings={"snapCount": "2"}) as server:
        session = Session("127.0.0.1", server.port)
        for number in range(6):
            before = len(list(tmp_path.rglob("snapshot.*")))
            while len(list(tmp_path.rglob("snapshot.*"))) == before:
                session.call(tree.SetData("/", str(number).encode(), -1))
    names = {path.name for path in tmp_path.rglob("snapshot.*")}
    assert len(names) > 5
    with ZooKeeper(
        tmp_path, settings={"autopurge.purgeInterval": "1", "autopurge.snapRetainCount": "1"}
    ) as server:
        deadline = time.monotonic() + 20
        while len(list(tmp_path.rglob("snapshot.*"))) > 3:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        assert Session("127.0.0.1", server.port).call(tree.GetData("/")).reply.data == b"5"
    assert len(list(tmp_path.rglob("snapshot.*"))) == 3  # ZooKeeper keeps three at least


def test_temporary_data_is_deleted() -> None:
    with ZooKeeper() as server:
        folder = server.data
        assert folder.is_dir()
    assert not folder.exists()


def test_it_starts_and_stops_in_milliseconds() -> None:
    """Measures the CPU time of this process, which does not depend on other processes."""
    times = []
    for _ in range(50):
        begun = time.process_time()
        with ZooKeeper() as server:
            Session("127.0.0.1", server.port).ping()
        times.append(time.process_time() - begun)
    assert median(times) < 0.05


FIXTURES = """
from zabcheck.servers.session import Session
from zabspec import tree

def test_first(zookeeper, zookeeper_server):
    Session("127.0.0.1", zookeeper.port).call(tree.Create("/own"))
    Session("127.0.0.1", zookeeper_server.port).call(tree.Create("/shared"))

def test_second(zookeeper, zookeeper_server):
    session = Session("127.0.0.1", zookeeper.port)
    assert session.call(tree.GetChildren("/")).reply.names == ("zookeeper",)
    shared = Session("127.0.0.1", zookeeper_server.port)
    assert set(shared.call(tree.GetChildren("/")).reply.names) == {"shared", "zookeeper"}

def test_third(zookeeper_ensemble):
    assert zookeeper_ensemble.mode(zookeeper_ensemble.leader) == "leader"
"""


def test_pytest_has_the_fixtures(tmp_path: Path) -> None:
    (tmp_path / "test_fixtures.py").write_text(FIXTURES)
    plugin = [] if is_installed() else ["-p", "zabserver.pytest_plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, str(tmp_path)],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def is_installed() -> bool:
    """True if the plugin is installed for pytest."""
    return "zabkit" in entry_points(group="pytest11").names
