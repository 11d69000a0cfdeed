"""Random operations on our server and on the spec, and on Apache's: clients see the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from zabcheck.servers import oracle
from zabcheck.servers.compare import Ask, Comparison, Operation
from zabcheck.servers.operations import CLIENTS, operations
from zabcheck.servers.session import Disconnected, Session
from zabserver.testing import ZooKeeper
from zabspec import tree
from zabspec.sessions import negotiated, password_of
from zabspec.tree import Flag
from zabspec.tree.replies import Created

PLACES = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[ZooKeeper]:
    with ZooKeeper(tick=2000) as started:
        yield started


def agree(port: int, steps: list[Operation], release: oracle.Release = oracle.LATEST) -> int:
    """Compares both below a path of their own, and returns the number of watch events."""
    comparison = Comparison("127.0.0.1", port, release, f"/place{next(PLACES)}", CLIENTS)
    try:
        difference = comparison.run(steps)
    finally:
        comparison.close()
    assert difference is None, str(difference)
    return comparison.events


def explored(port: int, examples: int) -> int:
    """Compares a number of runs, and returns the number of watch events in all of them."""
    events = 0

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(operations())
    def check(steps: list[Operation]) -> None:
        nonlocal events
        events += agree(port, steps)

    check()
    return events


def test_clients_see_what_is_specified(server: ZooKeeper) -> None:
    assert explored(server.port, 200) > 200  # or it says little about watches


@pytest.mark.deep
def test_clients_see_what_is_specified_for_longer(server: ZooKeeper) -> None:
    assert explored(server.port, 5_000) > 5_000


def test_sessions_are_as_specified(server: ZooKeeper) -> None:
    for asked in (1, 5_000, 100_000):
        session = Session("127.0.0.1", server.port, max(asked, 1000))
        assert session.password == password_of(session.id)
        assert session.timeout == negotiated(max(asked, 1000), 2000)
        back = Session("127.0.0.1", server.port, 10_000, resumed=(session.id, session.password))
        assert (back.id, back.timeout) == (session.id, 10_000)
        wrong = Session("127.0.0.1", server.port, 10_000, resumed=(session.id, bytes(16)))
        assert (wrong.id, wrong.timeout, wrong.password) == (0, 0, bytes(16))


def test_who_has_seen_more_is_turned_away(server: ZooKeeper) -> None:
    with pytest.raises(Disconnected):
        Session("127.0.0.1", server.port, 10_000, last_zxid=1 << 40)


def test_the_comparison_sees_a_difference(server: ZooKeeper) -> None:
    """Watch events of the latest release have a zxid, those of 3.8.0 have none."""
    steps: list[Operation] = [Ask(0, tree.Exists("/a", watch=True)), Ask(1, tree.Create("/a"))]
    assert agree(server.port, steps) == 1
    with pytest.raises(AssertionError, match=r"operation 1: events of Create"):
        agree(server.port, steps, oracle.RELEASE_3_8)


def test_sessions_and_nodes_outlive_a_restart() -> None:
    with ZooKeeper() as server:
        session = Session("127.0.0.1", server.port)
        created = session.call(tree.Create("/a", b"x", flag=tree.Flag.EPHEMERAL))
        server.restart()
        with pytest.raises(Disconnected):
            session.ping()
        back = Session("127.0.0.1", server.port, 10_000, session.last_zxid, (session.id, session.password))
        assert back.id == session.id
        found = back.call(tree.GetData("/a"))
        assert getattr(found.reply, "data", None) == b"x"
        assert found.zxid == created.zxid
        server.expire(session.id)
        after = Session("127.0.0.1", server.port)
        assert after.call(tree.Exists("/a")).reply == tree.read.Failed(tree.Error.NO_NODE)


@pytest.mark.parametrize("flag", [Flag.TTL, Flag.TTL_SEQUENTIAL])
def test_a_part_without_its_time_to_live_spoils_a_multi_and_leaves_nothing(flag: Flag) -> None:
    """The server used to take bytes of the next part for a TTL."""
    with ZooKeeper() as server:
        session = Session("127.0.0.1", server.port)
        odd = tree.Create("/t", flag=flag)
        for parts in ((odd,), (tree.Create("/a"), odd), (odd, tree.Create("/a")), (odd, odd)):
            refused = session.call(tree.Multi(parts)).reply
            assert refused == tree.read.Failed(tree.Error.MARSHALLING_ERROR)
        assert getattr(session.call(tree.GetChildren("/")).reply, "names", None) == ("zookeeper",)
        assert session.call(tree.Create("/a")).reply == Created("/a", None)
