"""The service without sockets, disk and clock: order of replies, sessions, limits, cost of watch events."""

from __future__ import annotations

import sys
from struct import pack, unpack_from
from types import FrameType
from typing import Any

import pytest

from zabcheck.servers.encoding import Request, encoded
from zabserver.service.connection import Connection
from zabserver.service.sessions import Sessions, password_of
from zabserver.service.standalone import Standalone
from zabserver.service.tree import Tree
from zabserver.service.watches import Watches
from zabspec import tree as spec

TICK = 1000
PING = pack(">iii", 8, -2, 11)


def service(now: int = 0) -> Standalone:
    """Returns a service that has just started."""
    return Standalone(Tree(), Sessions(1, now, TICK), now=now)


def request(xid: int, asked: Request) -> bytes:
    """Returns a request with its frame."""
    op, body = encoded(asked)
    return pack(">iii", 8 + len(body), xid, op) + body


def connect(to: Standalone, timeout: int = 5000, session: int = 0, password: bytes = bytes(16)) -> Connection:
    """Connects a client, and gives it a session."""
    connection = to.connect("127.0.0.1")
    body = pack(">iqiq", 0, 0, timeout, session) + pack(">i", 16) + password + b"\0"
    connection.on_bytes(pack(">i", len(body)) + body)
    commit(to)
    to.turn()
    return connection


def commit(on: Standalone) -> None:
    """Reports that everything logged is on disk."""
    on.on_synced(on.zxid)


def sent(by: Standalone, to: Connection) -> list[tuple[int, int, int]]:
    """Returns xid, zxid and error of each reply sent to a connection."""
    out = b"".join(chunk for connection, chunk in by.turn().sends if connection is to)
    found, at = [], 0
    while at < len(out):
        length, xid, zxid, error = unpack_from(">iiqi", out, at)
        found.append((xid, zxid, error))
        at += 4 + length
    return found


def test_answers_come_in_the_order_of_requests() -> None:
    core = service()
    one, other = connect(core), connect(core)
    one.on_bytes(request(1, spec.Create("/a")) + request(2, spec.Exists("/a")) + PING)
    one.on_bytes(request(3, spec.Create("/b")) + request(4, spec.Exists("/b")))
    other.on_bytes(request(1, spec.Exists("/a")))
    assert sent(core, one) == []
    commit(core)
    assert sent(core, one) == [(1, 3, 0), (2, 3, 0), (-2, 3, 0), (3, 4, 0), (4, 4, 0)]


def test_others_do_not_wait_for_a_write() -> None:
    core = service()
    one, other = connect(core), connect(core)
    one.on_bytes(request(1, spec.Create("/a")))
    other.on_bytes(request(1, spec.Exists("/a")))
    assert sent(core, other) == [(1, 2, spec.Error.NO_NODE)]


def test_a_write_is_judged_by_those_before_it() -> None:
    core = service()
    one, other = connect(core), connect(core)
    one.on_bytes(request(1, spec.Create("/a")) + request(2, spec.Create("/a/b")))
    other.on_bytes(request(1, spec.Create("/a")) + request(2, spec.Delete("/a")))
    commit(core)
    assert sent(core, other) == [(1, 5, spec.Error.NODE_EXISTS), (2, 6, spec.Error.NOT_EMPTY)]


def test_nothing_is_acknowledged_before_it_is_on_disk() -> None:
    core = service()
    one = connect(core)
    one.on_bytes(request(1, spec.Create("/a")) + request(2, spec.Create("/b")))
    turn = core.turn()
    assert len(turn.log) == 2
    assert turn.sends == []
    core.on_synced(core.zxid - 1)
    assert sent(core, one) == [(1, 2, 0)]


@pytest.mark.parametrize("size", [1, 3, 7, 50])
def test_requests_may_come_in_pieces(size: int) -> None:
    core = service()
    one = connect(core)
    whole = request(1, spec.Create("/a", b"x" * 40)) + request(2, spec.Exists("/a"))
    for at in range(0, len(whole), size):
        one.on_bytes(whole[at : at + size])
    commit(core)
    assert sent(core, one) == [(1, 2, 0), (2, 2, 0)]


@pytest.mark.parametrize("length", [-1, 0xFFFFF + 1, 0x7FFFFFFF])
def test_a_frame_of_an_impossible_length_ends_the_connection(length: int) -> None:
    core = service()
    one, other = connect(core), connect(core)
    one.on_bytes(pack(">i", length))
    assert core.turn().closes == [one]
    assert one.why_closed == f"a frame of {length} bytes; 0 to 1048575 are allowed"
    other.on_bytes(PING)
    assert sent(core, other) == [(-2, 2, 0)]


def test_what_there_is_not_ends_the_connection() -> None:
    core = service()
    one = connect(core)
    one.on_bytes(pack(">iii", 8, 1, 999) + PING)
    assert sent(core, one) == [(1, -1, spec.Error.UNIMPLEMENTED)]
    assert one.why_closed == "unknown operation 999"


def test_a_session_expires_when_its_time_is_over_and_within_a_tick() -> None:
    core = service()
    connect(core, timeout=4000)
    for now in range(0, 10_000, 100):
        core.time = now
        core.on_tick()
        commit(core)
        if not core.sessions.open:
            break
    assert 4000 < now <= 4000 + TICK


def test_a_sign_of_life_puts_it_off() -> None:
    core = service()
    one = connect(core, timeout=4000)
    core.time = 3000
    one.on_bytes(PING)
    for core.time in range(3000, 7001, 100):
        core.on_tick()
    assert len(core.sessions.open) == 1
    core.time = 8001
    core.on_tick()
    commit(core)
    assert core.sessions.open == {}
    assert one.why_closed == "its session has expired"


def test_a_session_is_at_one_connection() -> None:
    core = service()
    old = connect(core)
    new = connect(core, session=old.session_id, password=password_of(old.session_id))
    assert new.session_id == old.session_id
    assert old.why_closed == "its session has moved to another connection"
    core.disconnect(old)
    assert core.by_session[new.session_id] is new


def test_a_session_that_is_over_writes_no_more() -> None:
    core = service()
    one = connect(core)
    core.expire(one.session_id)
    one.on_bytes(request(1, spec.Create("/a")))
    commit(core)
    assert b"/a" not in core.tree.nodes


def test_what_a_change_costs_does_not_depend_on_watches_elsewhere() -> None:
    """Counts calls of Python functions, not time: there are as many with a hundred thousand watches as with
    none.
    """

    def calls(watches: Watches) -> int:
        count = 0

        def profile(_: FrameType, event: str, __: Any) -> None:
            nonlocal count
            count += event == "call"

        sys.setprofile(profile)
        watches.on_changed(b"/somewhere/else", (), 1)
        watches.on_created(b"/somewhere/else", (), b"/somewhere", (), 1)
        watches.on_deleted(b"/somewhere/else", (), b"/somewhere", (), 1)
        sys.setprofile(None)
        return count

    class Deaf:
        def on_event(self, event: int, path: bytes, acl: Any, zxid: int) -> None:
            raise AssertionError(path)

    few, many = Watches(), Watches()
    for number in range(100_000):
        watches = (few, many) if number < 2 else (many,)
        for each in watches:
            each.data.add(b"/watched/%d" % number, Deaf(), 1)
            each.children.add(b"/watched/%d" % number, Deaf(), 2)
    assert calls(many) == calls(few)
