"""Random operations on a real Apache ZooKeeper 3.8.0 and on the spec: clients see the same.

Where 3.8.0 differs from later releases is in the spec's settings for it, and in docs/deviations.md.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from zabcheck.servers import oracle
from zabcheck.servers.compare import Ask, Comparison, Operation
from zabcheck.servers.operations import CLIENTS, operations
from zabcheck.servers.session import Disconnected, Session
from zabspec import tree
from zabspec.sessions import negotiated, password_of
from zabspec.tree.replies import Failed, Number

if TYPE_CHECKING:
    from conftest import Apache

pytestmark = pytest.mark.apache

PLACES = itertools.count()


def agree(port: int, steps: list[Operation], release: oracle.Release = oracle.DEBIAN_3_8) -> int:
    """Compares both below a path of their own, and returns the number of watch events."""
    comparison = Comparison("127.0.0.1", port, release, f"/place{next(PLACES)}", CLIENTS)
    try:
        difference = comparison.run(steps)
    finally:
        comparison.close()
    assert difference is None, str(difference)
    return comparison.events


def test_clients_see_the_same(apache: Apache) -> None:
    events = 0

    @settings(
        max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck]
    )
    @given(operations())
    def check(steps: list[Operation]) -> None:
        nonlocal events
        events += agree(apache.port, steps)

    check()
    assert events > 200  # or it says little about watches


@pytest.mark.deep
def test_clients_see_the_same_for_longer(apache: Apache) -> None:
    @settings(
        max_examples=5_000,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(operations())
    def check(steps: list[Operation]) -> None:
        agree(apache.port, steps)

    check()


def test_sessions_are_as_specified(apache: Apache) -> None:
    for asked in (0, 5_000, 100_000):
        session = Session("127.0.0.1", apache.port, asked or 1000)
        assert session.password == password_of(session.id)
        assert session.timeout == negotiated(asked or 1000, 2000)
        back = Session("127.0.0.1", apache.port, 10_000, resumed=(session.id, session.password))
        assert (back.id, back.timeout) == (session.id, 10_000)
        wrong = Session("127.0.0.1", apache.port, 10_000, resumed=(session.id, bytes(16)))
        assert (wrong.id, wrong.timeout, wrong.password) == (0, 0, bytes(16))


def test_who_has_seen_more_is_turned_away(apache: Apache) -> None:
    with pytest.raises(Disconnected):
        Session("127.0.0.1", apache.port, 10_000, last_zxid=1 << 40)


def test_the_comparison_sees_what_3_8_does_otherwise(apache: Apache) -> None:
    """Watch events of 3.8.0 have no zxid, those of the latest release have one."""
    steps: list[Operation] = [Ask(0, tree.Exists("/a", watch=True)), Ask(1, tree.Create("/a"))]
    assert agree(apache.port, steps) == 1
    with pytest.raises(AssertionError, match=r"operation 1: events of Create"):
        agree(apache.port, steps, oracle.LATEST)


def test_the_root_is_below_its_empty_name(apache: Apache) -> None:
    session = Session("127.0.0.1", apache.port, 10_000)
    by_name, empty = (session.call(tree.GetAllChildrenNumber(path)).reply for path in ("/", ""))
    session.call(tree.CloseSession())
    assert isinstance(by_name, Number)
    assert empty == Number(by_name.number + 1)
    spec = [tree.answer(tree.initial(), tree.GetAllChildrenNumber(path), tree.Caller()) for path in ("/", "")]
    assert spec == [Number(3), Number(4)]


def test_nobody_can_ask_3_8_to_delete_a_container(apache: Apache) -> None:
    session = Session("127.0.0.1", apache.port, 10_000)
    session.call(tree.Create("/container", flag=tree.Flag.CONTAINER, op=tree.Op.CREATE_CONTAINER))
    answer = session.call(tree.DeleteContainer("/container"))
    assert answer.reply == Failed(tree.Error.BAD_ARGUMENTS)
    session.call(tree.Delete("/container"))
    session.call(tree.CloseSession())
