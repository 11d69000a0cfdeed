"""Each limit on what one client may cost is reached; that client is stopped, and others notice nothing."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import time
from collections.abc import Callable

import pytest

from zabcheck.servers.session import Disconnected, Session
from zabserver.net.ports import client_port
from zabserver.service import connection as connections
from zabserver.service import reads
from zabserver.service.sessions import Sessions
from zabserver.service.standalone import Standalone
from zabserver.service.tree import Tree
from zabserver.testing import ZooKeeper
from zabspec import tree

TIMEOUT = 60.0
"""Longest time for anything, in seconds; reached only if a test fails."""
CONNECT = struct.pack(">iiqiqi16s?", 45, 0, 0, 10_000, 0, 16, bytes(16), False)


def frame(xid: int, op: int, body: bytes = b"") -> bytes:
    """Returns a request with its length."""
    return struct.pack(">iii", 8 + len(body), xid, op) + body


def get_data(xid: int, path: bytes) -> bytes:
    return frame(xid, 4, struct.pack(">i", len(path)) + path + b"\0")


def raw(port: int) -> socket.socket:
    wire = socket.create_connection(("127.0.0.1", port), TIMEOUT)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def is_closed(wire: socket.socket) -> bool:
    """True if the server closes the connection, after whatever it sends before."""
    try:
        while wire.recv(1 << 16):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


@pytest.fixture
def reasons(caplog: pytest.LogCaptureFixture) -> Callable[[str], None]:
    """Waits for a text in the log."""
    caplog.set_level(logging.INFO, "zabserver")

    def wait(text: str) -> None:
        deadline = time.monotonic() + TIMEOUT
        while text not in caplog.text:
            assert time.monotonic() < deadline, caplog.text
            time.sleep(0.005)

    return wait


def test_a_frame_is_as_long_as_allowed_and_no_longer(reasons: Callable[[str], None]) -> None:
    with ZooKeeper(settings={"jute.maxbuffer": "4096"}) as server:
        with raw(server.port) as wire:
            wire.sendall(CONNECT + frame(1, 3, bytes(4096 - 8)))
            found = b""
            while len(found) < 41 + 20:
                found += wire.recv(100)
            assert struct.unpack_from(">ii", found, 41) == (16, 1)
        other = Session("127.0.0.1", server.port)
        session = Session("127.0.0.1", server.port)
        session.send_raw(struct.pack(">i", 4097))
        with pytest.raises(Disconnected):
            session.ping()
        reasons('reason="a frame of 4097 bytes; 0 to 4096 are allowed"')
        session = Session("127.0.0.1", server.port)
        session.send_raw(struct.pack(">i", -1))
        with pytest.raises(Disconnected):
            session.ping()
        reasons('reason="a frame of -1 bytes;')
        other.ping()


def test_connections_from_one_address_are_limited(reasons: Callable[[str], None]) -> None:
    with ZooKeeper(settings={"maxClientCnxns": "2"}) as server:
        first, second = Session("127.0.0.1", server.port), Session("127.0.0.1", server.port)
        with pytest.raises(Disconnected):
            Session("127.0.0.1", server.port)
        reasons("event=refused")
        reasons("maxClientCnxns")
        second.call(tree.CloseSession())
        until(lambda: server.connections == 1)
        Session("127.0.0.1", server.port).ping()
        first.ping()


def test_connections_in_all_are_limited(reasons: Callable[[str], None]) -> None:
    with ZooKeeper(settings={"maxCnxns": "1"}) as server:
        session = Session("127.0.0.1", server.port)
        with pytest.raises(Disconnected):
            Session("127.0.0.1", server.port)
        reasons("maxCnxns")
        session.ping()


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def in_time(port: int) -> Session:
    """Retries until a session is open: with this timeout, a busy machine may close the first connections."""
    while True:
        with contextlib.suppress(Disconnected):
            return Session("127.0.0.1", port)


@pytest.mark.parametrize("beginning", [b"", b"\0\0", CONNECT[:20], b"stmk"])
def test_who_asks_for_no_session_is_closed(beginning: bytes, reasons: Callable[[str], None]) -> None:
    with ZooKeeper(settings={"nio.sessionlessCnxnTimeout": "50"}) as server:
        session = in_time(server.port)
        with raw(server.port) as wire:
            wire.sendall(beginning)
            assert is_closed(wire)
        reasons("no session requested within")
        session.ping()


def test_who_reads_nothing_is_not_read_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its requests stay in its own buffers: what the server keeps for it does not grow."""
    monkeypatch.setattr(client_port, "MOST_UNSENT", 1 << 18)
    with ZooKeeper() as server:
        session = Session("127.0.0.1", server.port)
        session.call(tree.Create("/large", bytes(100_000)))
        with raw(server.port) as wire:
            wire.sendall(CONNECT)
            assert wire.recv(100)
            wire.setblocking(False)
            requests = b"".join(get_data(xid, b"/large") for xid in range(1, 1000))
            offset = 0

            def goes_out() -> bool:
                """Returns whether more of the requests can be sent now."""
                nonlocal offset
                try:
                    offset = (offset + wire.send(requests[offset:])) % len(requests)
                except BlockingIOError:
                    return False
                return True

            until(lambda: not goes_out() and server.unsent > 0)
            for _ in range(20):
                while goes_out():
                    pass
                session.ping()
                assert 0 < server.unsent < (1 << 18) + 2 * connections.MOST_OUTPUT
            wire.settimeout(TIMEOUT)
            for _ in range(100):  # and it goes on when it reads
                assert wire.recv(1 << 20)
            session.ping()


def test_who_reads_late_is_answered_everything() -> None:
    with ZooKeeper() as server:
        Session("127.0.0.1", server.port).call(tree.Create("/large", bytes(100_000)))
        with raw(server.port) as wire:
            wire.sendall(CONNECT)
            assert wire.recv(100)
            wire.sendall(b"".join(get_data(xid, b"/large") for xid in range(300)))
            until(lambda: server.unsent > client_port.MOST_UNSENT - (1 << 20))
            left = 300 * (20 + 4 + 100_000 + 68)
            while left:
                chunk = wire.recv(1 << 20)
                assert chunk
                left -= len(chunk)


def test_who_reads_no_events_is_closed(
    monkeypatch: pytest.MonkeyPatch, reasons: Callable[[str], None]
) -> None:
    monkeypatch.setattr(client_port, "MOST_UNSENT", 1 << 16)
    monkeypatch.setattr(client_port, "MOST_UNSENT_AT_ALL", 1 << 20)
    name = "n" * 100_000
    with ZooKeeper() as server, socket.socket() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        wire.connect(("127.0.0.1", server.port))
        wire.sendall(CONNECT + frame(1, 106, struct.pack(">i1si", 1, b"/", 1)))
        session = Session("127.0.0.1", server.port)
        until(lambda: server.watches == 1)
        for _ in range(100):
            session.call(tree.Create(f"/{name}"))
            session.call(tree.Delete(f"/{name}"))
            if server.connections == 1:
                break
        reasons("bytes sent but not read by the client")
        session.ping()


def exactly(wire: socket.socket, count: int) -> bytes:
    """Reads an exact number of bytes."""
    found = b""
    while len(found) < count:
        found += wire.recv(count - len(found))
    return found


@pytest.mark.parametrize(
    ("limit", "settings"),
    [
        (None, {"globalOutstandingLimit": "1"}),
        ("MOST_UNANSWERED", {}),
        ("MOST_UNANSWERED_BYTES", {}),
    ],
)
def test_clients_that_wait_are_not_read_from_while_too_much_is_on_its_way(
    limit: str | None, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All requests are answered nevertheless, in order."""
    if limit is not None:
        monkeypatch.setattr(client_port, limit, 1)
    really, pauses = client_port.ClientSocket.limit, [0]

    def limited(protocol: client_port.ClientSocket) -> None:
        really(protocol)
        pauses[0] += protocol.is_paused and protocol.connection.queued > 0

    monkeypatch.setattr(client_port.ClientSocket, "limit", limited)
    with ZooKeeper(settings=settings) as server:
        session = Session("127.0.0.1", server.port)
        session.call(tree.Create("/a"))
        wires = []
        for _ in range(5):
            wire = raw(server.port)
            set_data = struct.pack(">i2sii", 2, b"/a", 0, -1)
            wire.sendall(CONNECT)
            assert len(exactly(wire, 41)) == 41  # or what comes with it is looked at when it is confirmed
            wire.sendall(b"".join(frame(xid + 1, 5, set_data) for xid in range(200)))
            wires.append(wire)
        for wire in wires:
            expected = 200 * (20 + 68)
            found = b""
            while len(found) < expected:
                found += wire.recv(1 << 16)
            xids = [struct.unpack_from(">i", found, each * 88 + 4)[0] for each in range(200)]
            assert xids == list(range(1, 201))
            wire.close()
        assert pauses[0] > 0


# The core by itself.


def connected() -> tuple[Standalone, connections.Connection]:
    service = Standalone(Tree(), Sessions(0, 0, 2000))
    connection = service.connect("127.0.0.1")
    connection.on_bytes(CONNECT)
    commit(service)
    assert connection.session is not None
    return service, connection


def commit(service: Standalone) -> list[bytes]:
    """Commits everything that is prepared, and returns what is sent then."""
    service.turn()
    service.on_synced(service.zxid)
    return [out for _, out in service.turn().sends]


def large_node(service: Standalone, connection: connections.Connection) -> None:
    acl = struct.pack(">iii5si6s", 1, 31, 5, b"world", 6, b"anyone")
    body = struct.pack(">i2si", 2, b"/l", 1_000_000) + bytes(1_000_000) + acl + struct.pack(">i", 0)
    connection.on_bytes(frame(1, 1, body))
    commit(service)


def test_requests_wait_while_many_replies_do() -> None:
    service, connection = connected()
    large_node(service, connection)
    connection.on_bytes(b"".join(get_data(xid, b"/l") for xid in range(100)))
    answered = 0
    for _ in range(100):
        sent = sum(len(out) for _, out in service.turn().sends)
        assert sent < connections.MOST_OUTPUT + 1_000_200
        answered += sent // 1_000_000
        if not connection.is_held:
            break
        connection.on_bytes(b"")
    assert answered == 100


def test_replies_behind_a_write_are_not_more_than_may_wait() -> None:
    service, connection = connected()
    large_node(service, connection)
    set_data = frame(2, 5, struct.pack(">i2si1si", 2, b"/z", 1, b"x", -1))
    connection.on_bytes(set_data + b"".join(get_data(xid, b"/l") for xid in range(3, 103)))
    sent = sum(map(len, commit(service)))
    assert sent < connections.MOST_OUTPUT_AT_ONCE + 2_000_000
    assert "bytes of unsent replies" in (connection.why_closed or "")


def test_a_multi_read_is_not_more_than_may_wait() -> None:
    service, connection = connected()
    large_node(service, connection)
    part = struct.pack(">i?ii2s?", 4, False, -1, 2, b"/l", False)
    connection.on_bytes(frame(7, 22, part * 2 + struct.pack(">i?i", -1, True, -1)))
    (few,) = (out for _, out in service.turn().sends)
    assert len(few) > 2_000_000
    connection.on_bytes(frame(8, 22, part * 10_000 + struct.pack(">i?i", -1, True, -1)))
    (many,) = (out for _, out in service.turn().sends)
    assert many == struct.pack(">iiqi", 16, 8, service.tree.zxid, -5)
    assert reads.MOST_READ_AT_ONCE < connections.MOST_OUTPUT_AT_ONCE


def test_identities_are_limited() -> None:
    _, connection = connected()
    for number in range(connections.MOST_IDS + 1):
        credentials = f"user{number}:x".encode()
        body = struct.pack(">ii6si", 0, 6, b"digest", len(credentials)) + credentials
        connection.on_bytes(frame(-4, 100, body))
    assert len(connection.ids) == connections.MOST_IDS
    assert connection.why_closed == f"more than {connections.MOST_IDS} identities"


def test_authentication_is_answered_in_its_turn() -> None:
    """It takes effect at once; its answer used to come before that of a write, and kazoo took it for the
    write's.
    """
    service, connection = connected()
    set_data = struct.pack(">i2sii", 2, b"/z", 0, -1)
    auth = struct.pack(">ii6si3s", 0, 6, b"digest", 3, b"u:p")
    connection.on_bytes(frame(1, 5, set_data) + frame(-4, 100, auth) + frame(2, 107) + frame(-4, 100, auth))
    assert len(connection.ids) == 2
    (out,) = commit(service)
    xids = []
    while out:
        length, xid = struct.unpack_from(">ii", out)
        xids.append(xid)
        out = out[4 + length :]
    assert xids == [1, -4, 2, -4]


def test_a_long_frame_that_comes_byte_by_byte_is_not_copied_for_each_byte() -> None:
    """Copying used to take quadratic time: a client could keep the server busy for hours with one
    megabyte.
    """
    service, connection = connected()
    acl = struct.pack(">iii5si6s", 1, 31, 5, b"world", 6, b"anyone")
    body = struct.pack(">i2si", 2, b"/l", 1000) + bytes(1000) + acl + struct.pack(">i", 0)
    whole = frame(1, 1, body)
    connection.on_bytes(whole[:100])
    kept = connection._rest
    for at in range(100, len(whole) - 1):
        connection.on_bytes(whole[at : at + 1])
    assert connection._rest is kept
    connection.on_bytes(whole[-1:])
    commit(service)
    assert service.tree.nodes[b"/l"].data == bytes(1000)
