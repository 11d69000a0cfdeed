"""After a change of leaders, acknowledged writes are kept; sessions, ephemeral nodes and watches continue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from zabcheck.servers.clients import Writer, differences, prepare
from zabcheck.servers.session import Disconnected, Session
from zabserver.testing import Ensemble
from zabserver.zab.ensemble import Ensemble as Configuration
from zabspec import tree
from zabspec.tree import Error, Flag
from zabspec.tree.replies import Data, Failed
from zabspec.watches import EventType, SetWatches

kazoo = pytest.importorskip("kazoo.client", reason="no kazoo (pip install kazoo)")

TICK = 200
TIMEOUT = 3000
"""Session timeout, in milliseconds."""
WRITTEN = 30
"""Number of writes to be acknowledged before the next step."""
LONG = 30.0
"""Longest time for anything, in seconds."""


@pytest.fixture
def ensemble() -> Iterator[Ensemble]:
    with Ensemble(tick=TICK, settings={"maxSessionTimeout": "60000"}) as made:
        yield made


def leader(of: Ensemble) -> int:
    """Waits for a leader and returns its id."""
    of.wait_until(lambda: of.leader is not None)
    found = of.leader
    return leader(of) if found is None else found


def others(of: Ensemble, than: int) -> list[int]:
    return [sid for sid in of.servers if sid != than]


def connect(of: Ensemble, server: int, before: Session | None = None, timeout: int = TIMEOUT) -> Session:
    """Opens a session at a member once it serves clients, or resumes one."""
    resumed = (0, bytes(16)) if before is None else (before.id, before.password)
    seen = 0 if before is None else before.last_zxid
    found: list[Session] = []

    def try_it() -> bool:
        try:
            found.append(Session("127.0.0.1", of.port(server), timeout, seen, resumed))
        except Disconnected:
            return False
        return True

    of.wait_until(try_it)
    return found[0]


@contextmanager
def writing(of: Ensemble, servers: Sequence[int]) -> Iterator[list[Writer]]:
    """Two clients that write."""
    prepare(of.port(servers[0]))
    ports = [of.port(sid) for sid in servers]
    writers = [Writer(f"w{number}", ports, seed=number, timeout=TIMEOUT) for number in range(2)]
    for each in writers:
        each.start()
    try:
        yield writers
    finally:
        for each in writers:
            each.stop()


def wait_for_writes(of: Ensemble, writers: Sequence[Writer]) -> None:
    """Waits until each client has had more writes acknowledged."""
    goals = [len(each.told.acknowledged) + WRITTEN for each in writers]

    def is_done() -> bool:
        return all(
            len(each.told.acknowledged) >= goal for each, goal in zip(writers, goals, strict=True)
        ) or any(each.failure for each in writers)

    of.wait_until(is_done)


# What was acknowledged.


def test_nothing_acknowledged_is_lost_with_a_leader_that_is_killed_under_writes(ensemble: Ensemble) -> None:
    with writing(ensemble, ensemble.servers) as writers:
        for _ in range(3):
            wait_for_writes(ensemble, writers)
            first = leader(ensemble)
            ensemble.kill(first)
            ensemble.wait()
            wait_for_writes(ensemble, writers)
            ensemble.restart(first)
            ensemble.wait()
        wait_for_writes(ensemble, writers)
    ensemble.wait()
    assert differences([ensemble.port(sid) for sid in ensemble.servers], writers) == []


def cut_off_under_writes(of: Ensemble) -> list[str]:
    """Cuts the leader off while clients write to it alone; returns the differences after it has rejoined."""
    first = leader(of)
    rest = others(of, first)
    with writing(of, [first]) as writers:
        wait_for_writes(of, writers)
        of.partition([first], rest)
        of.wait_until(lambda: of.leader in rest)
        session = connect(of, rest[0])
        for number in range(5):
            session.call(tree.Create(f"/majority-{number}", b""))
        of.heal()
        of.wait()
        wait_for_writes(of, writers)
    of.wait()
    found = differences([of.port(sid) for sid in of.servers], writers)
    return [each for each in found if "was acknowledged" in each or "was set" in each]


def test_a_leader_that_is_cut_off_acknowledges_nothing_that_is_lost(ensemble: Ensemble) -> None:
    assert cut_off_under_writes(ensemble) == []


def test_a_leader_that_needs_nobody_is_found_out(ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the mistake that any set is a quorum, acknowledged writes are lost, and the test reports it."""
    first = leader(ensemble)

    def is_quorum(self: Configuration, sids: object) -> bool:
        assert isinstance(sids, set | frozenset | list | dict | tuple)
        return first in sids or len(self.voters.intersection(sids)) > 1

    monkeypatch.setattr(Configuration, "is_quorum", is_quorum)
    assert cut_off_under_writes(ensemble)


# Sessions, and what belongs to them.


def test_ephemeral_nodes_outlive_the_leader_and_end_with_their_sessions(ensemble: Ensemble) -> None:
    first = leader(ensemble)
    one, other = others(ensemble, first)
    kept, lost = connect(ensemble, one), connect(ensemble, first)
    kept.call(tree.Create("/kept", b"", flag=Flag.EPHEMERAL))
    lost.call(tree.Create("/lost", b"", flag=Flag.EPHEMERAL))
    ensemble.kill(first)
    ensemble.wait()
    again = connect(ensemble, other, kept)
    assert again.id == kept.id
    asks = connect(ensemble, one, timeout=60_000)

    def is_lost() -> bool:
        again.ping()
        return asks.call(tree.GetData("/lost")).reply == Failed(Error.NO_NODE)

    ensemble.wait_until(is_lost)
    assert isinstance(asks.call(tree.GetData("/kept")).reply, Data)
    again.call(tree.CloseSession())
    ensemble.wait_until(lambda: asks.call(tree.GetData("/kept")).reply == Failed(Error.NO_NODE))


def test_a_session_that_expired_meanwhile_does_not_go_on(ensemble: Ensemble) -> None:
    first = leader(ensemble)
    one, other = others(ensemble, first)
    session = connect(ensemble, first)
    ensemble.expire(session.id)
    ensemble.kill(first)
    ensemble.wait()
    assert connect(ensemble, one, session).id == 0
    assert connect(ensemble, other, session).id == 0


# Watches, which clients set again.


def test_watches_that_are_set_again_fire_for_what_was_missed_and_for_what_comes(ensemble: Ensemble) -> None:
    first = leader(ensemble)
    one, other = others(ensemble, first)
    session = connect(ensemble, first, timeout=60_000)
    for path in ("/missed", "/coming"):
        session.call(tree.Create(path, b""))
        session.call(tree.GetData(path, watch=True))
    session.call(tree.Exists("/new", watch=True))
    session.call(tree.GetChildren("/", watch=True))
    ensemble.kill(first)
    ensemble.wait()
    writer = connect(ensemble, one, timeout=60_000)
    missed = writer.call(tree.SetData("/missed", b"x"))
    again = connect(ensemble, other, session)
    assert again.id == session.id

    def has_seen_it() -> bool:
        reply = again.call(tree.GetData("/missed")).reply
        return isinstance(reply, Data) and reply.stat.mzxid == missed.zxid

    ensemble.wait_until(has_seen_it)
    paths = ("/missed", "/coming")
    again.call(SetWatches(session.last_zxid, data=paths, exist=("/new",), child=("/",)))
    again.ping()
    assert [(event.path, event.type) for event in again.events] == [("/missed", EventType.DATA_CHANGED)]
    again.events.clear()
    writer.call(tree.SetData("/coming", b"x"))
    writer.call(tree.Create("/new", b""))
    writer.call(tree.SetData("/missed", b"y"))
    writer.call(tree.SetData("/coming", b"y"))
    last = writer.call(tree.Create("/last", b"")).zxid

    def is_there() -> bool:
        again.ping()
        return again.call(tree.GetData("/last")).zxid >= last

    ensemble.wait_until(is_there)
    assert [(event.path, event.type) for event in again.events] == [
        ("/coming", EventType.DATA_CHANGED),
        ("/new", EventType.CREATED),
        ("/", EventType.CHILDREN_CHANGED),
    ]


def test_a_client_that_watches_a_node_has_its_data_whoever_leads(ensemble: Ensemble) -> None:
    """kazoo's DataWatch reads again whenever it is connected."""
    with ExitStack() as stack:
        writer, watcher = (kazoo.KazooClient(ensemble.hosts, timeout=LONG) for _ in range(2))
        for each in (writer, watcher):
            each.start(LONG)
            stack.callback(each.close)
            stack.callback(each.stop)
        writer.create("/watched", b"0")
        seen: list[bytes] = []
        watcher.DataWatch("/watched", lambda data, _: seen.append(data))
        session = watcher.client_id
        for number in range(1, 4):
            first = leader(ensemble)
            ensemble.kill(first)
            ensemble.wait()
            writer.retry(writer.set, "/watched", b"%d" % number)
            ensemble.wait_until(lambda number=number: seen[-1] == b"%d" % number)  # type: ignore[misc]
            ensemble.restart(first)
            ensemble.wait()
        assert [data for at, data in enumerate(seen) if data not in seen[:at]] == sorted(set(seen))
        assert watcher.client_id == session
