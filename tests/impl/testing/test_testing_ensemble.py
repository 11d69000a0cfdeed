"""The ensemble for other people's tests: leader election, and every fault that can be injected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from zabcheck.servers.session import Disconnected, Session
from zabserver.net.disk.disk import Disk
from zabserver.testing import Ensemble
from zabspec import tree
from zabspec.tree import Error
from zabspec.tree.replies import Data


@pytest.fixture
def ensemble() -> Iterator[Ensemble]:
    with Ensemble() as made:
        yield made


def connect(of: Ensemble, server: int, timeout: int = 10_000) -> Session:
    """Opens a session at a member once it serves clients."""
    found: list[Session] = []

    def try_it() -> bool:
        try:
            found.append(Session("127.0.0.1", of.port(server), timeout))
        except Disconnected:
            return False
        return True

    of.wait_until(try_it)
    return found[0]


def others(of: Ensemble) -> list[int]:
    return [sid for sid in of.servers if sid != of.leader]


def read(of: Ensemble, server: int, path: str) -> bytes | None:
    """Returns the data that a member has at a path."""
    session = connect(of, server)
    reply = session.call(tree.GetData(path)).reply
    session.call(tree.CloseSession())
    return reply.data if isinstance(reply, Data) else None


def test_everyone_serves_what_anyone_writes(ensemble: Ensemble) -> None:
    of = ensemble
    assert sorted(map(of.mode, of.servers)) == ["follower", "follower", "leader"]
    session = connect(of, others(of)[0])
    session.call(tree.Create("/a", b"x"))
    for server in of.servers:
        of.wait_until(lambda server=server: read(of, server, "/a") == b"x")  # type: ignore[misc]


def test_a_leader_is_killed_and_comes_back(ensemble: Ensemble) -> None:
    first = ensemble.leader
    assert first is not None
    rest = others(ensemble)
    session = connect(ensemble, rest[0])
    session.call(tree.Create("/before", b"x"))
    ensemble.kill(first)
    ensemble.wait_until(lambda: ensemble.leader in rest)
    ensemble.wait()
    again = Session("127.0.0.1", ensemble.port(rest[1]), 10_000, 0, (session.id, session.password))
    assert again.id == session.id  # its session has outlived the leader
    again.call(tree.Create("/after", b"y"))
    ensemble.restart(first)
    ensemble.wait()
    assert ensemble.mode(first) == "follower"
    ensemble.wait_until(lambda: read(ensemble, first, "/after") == b"y")
    assert read(ensemble, first, "/before") == b"x"


def test_a_minority_serves_nobody(ensemble: Ensemble) -> None:
    first = ensemble.leader
    assert first is not None
    rest = others(ensemble)
    ensemble.partition([first], rest)
    ensemble.wait_until(lambda: not ensemble.is_serving(first))
    ensemble.wait_until(lambda: ensemble.leader in rest)
    connect(ensemble, rest[0]).call(tree.Create("/majority", b""))
    with pytest.raises(Disconnected):
        Session("127.0.0.1", ensemble.port(first), 10_000)
    ensemble.heal()
    ensemble.wait()
    ensemble.wait_until(lambda: read(ensemble, first, "/majority") == b"")


@pytest.mark.parametrize("is_sender", [True, False])
def test_a_leader_that_is_cut_one_way_leads_no_more(is_sender: bool) -> None:
    """A member that receives nothing may be elected again and again, until its votes are outdated."""
    with Ensemble(tick=100) as ensemble:
        first = ensemble.leader
        assert first is not None
        rest = others(ensemble)
        for each in rest:
            ensemble.cut(*((first, each) if is_sender else (each, first)))
        ensemble.wait_until(lambda: ensemble.leader in rest)
        connect(ensemble, rest[0]).call(tree.Create("/a", b""))
        ensemble.heal()
        ensemble.wait()
        ensemble.wait_until(lambda: read(ensemble, first, "/a") == b"")


def test_a_leader_that_stood_still_acknowledges_nothing_more(ensemble: Ensemble) -> None:
    first = ensemble.leader
    assert first is not None
    rest = others(ensemble)
    session = connect(ensemble, first, timeout=4000)
    session.call(tree.Create("/a", b"old"))
    ensemble.pause(first)
    session.send_raw(b"\0\0\0\x19\0\0\0\x02\0\0\0\x05\0\0\0\x02/a\0\0\0\x03new\xff\xff\xff\xff")
    ensemble.wait_until(lambda: ensemble.leader in rest)
    connect(ensemble, rest[0]).call(tree.SetData("/a", b"newer"))
    ensemble.resume(first)
    with pytest.raises(Disconnected):
        session.ping()
    ensemble.wait()
    ensemble.wait_until(lambda: read(ensemble, first, "/a") == b"newer")


def test_sessions_expire_and_connections_drop(ensemble: Ensemble) -> None:
    server = others(ensemble)[0]
    session = connect(ensemble, server)
    session.call(tree.Create("/mine", b"", flag=tree.Flag.EPHEMERAL))
    ensemble.drop(session.id)
    with pytest.raises(Disconnected):
        session.ping()
    again = Session("127.0.0.1", ensemble.port(server), 10_000, 0, (session.id, session.password))
    assert again.id == session.id
    ensemble.expire(session.id)
    ensemble.wait_until(lambda: read(ensemble, server, "/mine") is None)
    gone = Session("127.0.0.1", ensemble.port(server), 10_000, 0, (session.id, session.password))
    assert gone.id == 0
    with pytest.raises(KeyError):
        ensemble.expire(session.id)


def test_an_observer_serves_and_does_not_vote() -> None:
    with Ensemble(size=3, observers=1) as of:
        assert of.mode(4) == "observer"
        session = connect(of, 4)
        assert not isinstance(session.call(tree.Create("/a", b"")).reply, Error)
        of.kill(1)
        of.kill(2)
        of.wait_until(lambda: of.leader is None)


def test_kept_data_is_found_again() -> None:
    with Ensemble() as of:
        connect(of, 1).call(tree.Create("/a", b"x"))
        for server in of.servers:
            of.kill(server)
        for server in of.servers:
            of.restart(server)
        of.wait()
        assert read(of, 2, "/a") == b"x"


def test_a_member_that_is_killed_writes_nothing_more(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paused follower has received a write; if it is killed then, the write is not on its disk."""
    follower = others(ensemble)[0]
    leader = ensemble.leader
    assert leader is not None
    session = connect(ensemble, leader)
    session.call(tree.Create("/before", b""))
    ensemble.wait_until(lambda: read(ensemble, follower, "/before") == b"")
    ensemble.pause(follower)
    session.call(tree.Create("/after", b""))
    touched: list[Path] = []
    for what in ("append", "sync"):
        monkeypatch.setattr(Disk, what, lambda disk, *_: touched.append(disk.data))
    ensemble.kill(follower)
    assert [path for path in touched if path.parent.name == str(follower)] == []


def test_one_that_is_killed_while_it_stands_still_runs_when_it_is_back(ensemble: Ensemble) -> None:
    follower = others(ensemble)[0]
    ensemble.pause(follower)
    ensemble.kill(follower)
    ensemble.restart(follower)
    ensemble.wait()
    connect(ensemble, follower).call(tree.Create("/a", b"x"))
    assert read(ensemble, follower, "/a") == b"x"
