"""Random bytes from a client break nothing, use bounded memory, disturb no other client, and leave a readable
log.

Streams are structured (every operation, with fields that are valid, at their bounds, or nonsense), then
damaged (bytes changed, removed, added, lengths wrong), and arrive in pieces of any size.
"""

from __future__ import annotations

import logging
import random
import socket
import struct
from collections.abc import Callable

import pytest

from zabcheck.servers.session import Session
from zabserver.service import connection as connections
from zabserver.service.connection import Connection
from zabserver.service.sessions import Sessions
from zabserver.service.settings import Settings
from zabserver.service.standalone import Standalone
from zabserver.service.tree import Tree
from zabserver.service.txns import decode_record
from zabserver.testing import ZooKeeper
from zabserver.wire.protocol import Op
from zabspec import tree
from zabspec.tree.replies import Created

CONNECT = struct.pack(">iqiqi16s?", 0, 0, 10_000, 0, 16, bytes(16), False)
PATHS = [
    *(b"/", b"/a", b"/a/b", b"/a/b/c", b"/e", b"/zookeeper", b"/zookeeper/quota/a", b"/zookeeper/config"),
    *(
        b"",
        b"a",
        b"//",
        b"/a/",
        b"/a//b",
        b"/.",
        b"/a/../b",
        b"/\0",
        b"/\xff\xfe",
        b"/\xed\xa0\x80",
        b"/\xc3\xa9",
    ),
    b"/zookeeper/quota/a/zookeeper_limits",
    b"/" + b"x" * 2000,
]
NUMBERS = [0, 1, -1, 2, -2, 3, 4, 5, 6, 7, 31, 32, 100, 0x7FFFFFFF, -0x80000000, 0x10000]
DATA = [None, b"", b"x", b"count=1,bytes=2", b"count=-1,bytes=x=;", b"\xff" * 100, b"y" * 3000]
WORLD = struct.pack(">iii5si6s", 1, 31, 5, b"world", 6, b"anyone")

OPS = sorted(number for name, number in vars(Op).items() if name.isupper())
LAST = frozenset({Op.NOTIFICATION, Op.CHECK, Op.AUTH, Op.SASL, Op.CREATE_SESSION, Op.CLOSE_SESSION, Op.ERROR})
"""Operations that end a connection, always or often."""


class Fuzz:
    """Draws streams of bytes from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def data(self, value: bytes | None) -> bytes:
        return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value

    def path(self) -> bytes:
        return self.data(self.random.choice(PATHS[:5] if self.random.random() < 0.7 else PATHS))

    def number(self) -> bytes:
        return struct.pack(">i", self.random.choice(NUMBERS))

    def long(self) -> bytes:
        return struct.pack(">q", self.random.choice([1, 0, -1, 1 << 40, -(1 << 63), (1 << 63) - 1]))

    def flag(self) -> bytes:
        return bytes([self.random.choice([0, 1, 1, 255])])

    def acl(self) -> bytes:
        if self.random.random() < 0.8:
            return WORLD
        schemes = [b"world", b"digest", b"auth", b"ip", b"x509", b"sasl", b"", b"\xff"]
        ids = [b"anyone", b"", b"u:p", b"127.0.0.1/8", b"127.0.0.1/99", b"\xff\0"]
        count = self.random.choice([0, 1, 2, 3])
        entries = b"".join(
            self.number() + self.data(self.random.choice(schemes)) + self.data(self.random.choice(ids))
            for _ in range(count)
        )
        return struct.pack(">i", self.random.choice([count, count, count, -1, 1 << 30])) + entries

    def paths(self) -> bytes:
        count = self.random.randrange(4)
        return struct.pack(">i", count) + b"".join(self.path() for _ in range(count))

    def body(self, op: int) -> bytes:
        data = self.data(self.random.choice(DATA))
        bodies: dict[int, Callable[[], bytes]] = {
            Op.CREATE: lambda: self.path() + data + self.acl() + self.number(),
            Op.CREATE2: lambda: self.path() + data + self.acl() + self.number(),
            Op.CREATE_CONTAINER: lambda: self.path() + data + self.acl() + self.number(),
            Op.CREATE_TTL: lambda: self.path() + data + self.acl() + self.number() + self.long(),
            Op.SET_DATA: lambda: self.path() + data + self.number(),
            Op.SET_ACL: lambda: self.path() + self.acl() + self.number(),
            Op.MULTI: lambda: self.multi(
                [Op.CREATE, Op.CREATE2, Op.CREATE_TTL, Op.DELETE, Op.SET_DATA, Op.CHECK]
            ),
            Op.MULTI_READ: lambda: self.multi([Op.GET_DATA, Op.GET_CHILDREN]),
            Op.AUTH: lambda: (
                self.number()
                + self.data(self.random.choice([b"digest", b"ip", b"world", b"sasl", b"\xff"]))
                + self.data(self.random.choice([b"u:p", b"u", b"", b":", b"\xff:\xff"]))
            ),
            Op.SET_WATCHES: lambda: self.long() + self.paths() + self.paths() + self.paths(),
            Op.SET_WATCHES2: lambda: self.long() + b"".join(self.paths() for _ in range(5)),
            Op.CLOSE_SESSION: lambda: b"",
            Op.PING: lambda: b"",
        }
        return bodies.get(op, lambda: self.path() + self.random.choice([self.flag, self.number])())()

    def multi(self, ops: list[int]) -> bytes:
        found = b""
        for _ in range(self.random.randrange(5)):
            op = self.random.choice(ops) if self.random.random() < 0.9 else self.random.choice(OPS)
            found += struct.pack(">i?i", op, False, -1) + (self.body(op) if op != Op.MULTI else b"")
        return found + struct.pack(">i?i", -1, True, -1)

    def frame(self) -> bytes:
        ops = [op for op in OPS if op not in LAST or self.random.random() < 0.02]
        op = self.random.choice(ops) if self.random.random() < 0.995 else self.random.choice(NUMBERS)
        return self.data(
            struct.pack(">ii", self.random.choice([1, 2, -2, -4, -8, 0x7FFFFFFF]), op) + self.body(op)
        )

    def damaged(self, stream: bytes) -> bytes:
        found = bytearray(stream)
        for _ in range(self.random.choice([0, 0, 0, 1, 3, 30])):
            at = self.random.randrange(len(found) + 1)
            match self.random.randrange(4):
                case 0:
                    found[at : at + 1] = self.random.randbytes(1)
                case 1:
                    del found[at : at + self.random.randrange(20)]
                case 2:
                    found[at:at] = self.random.randbytes(self.random.randrange(20))
                case 3:
                    found[at : at + 4] = self.number()
        return bytes(found)

    def stream(self) -> bytes:
        kind = self.random.random()
        if kind < 0.05:
            return self.random.randbytes(self.random.randrange(2000))
        connect = self.data(CONNECT) if kind < 0.9 else self.damaged(self.data(CONNECT))
        return connect + self.damaged(b"".join(self.frame() for _ in range(self.random.randrange(60))))

    def pieces(self, stream: bytes) -> list[bytes]:
        found, at = [], 0
        while at < len(stream):
            size = self.random.choice([1, 3, 4, 10, 100, 10_000])
            found.append(stream[at : at + size])
            at += size
        return found


class Core:
    """A service without sockets and disk, with another client that watches everything, and the log."""

    def __init__(self) -> None:
        self.service = Standalone(
            Tree(), Sessions(0, 0, 2000), Settings(extended_types=True, enforce_quota=True)
        )
        self.log: list[bytes] = []
        self.neighbour = self.connect()
        self.neighbour.on_bytes(self.request(1, 106, struct.pack(">i1si", 1, b"/", 1)))

    def request(self, xid: int, op: int, body: bytes = b"") -> bytes:
        return struct.pack(">iii", 8 + len(body), xid, op) + body

    def connect(self) -> Connection:
        connection = self.service.connect("127.0.0.1")
        connection.on_bytes(struct.pack(">i", len(CONNECT)) + CONNECT)
        self.turn()
        assert connection.session is not None
        return connection

    def turn(self) -> dict[Connection, bytes]:
        """Commits everything, and returns what is sent to each connection."""
        sent: dict[Connection, bytes] = {}
        for _ in range(2):
            turn = self.service.turn()
            self.log += turn.log
            for connection, out in turn.sends:
                sent[connection] = sent.get(connection, b"") + out
            self.service.on_synced(self.service.zxid)
        return sent

    def check_neighbour(self) -> None:
        """Checks that the other client is answered, in whole frames."""
        self.neighbour.on_bytes(self.request(-2, Op.PING))
        out = self.turn()[self.neighbour]
        frames = []
        while out:
            (length,) = struct.unpack_from(">i", out)
            frames.append(out[4 : 4 + length])
            assert len(frames[-1]) == length
            out = out[4 + length :]
        assert frames[-1] == struct.pack(">iqi", -2, self.service.tree.zxid, 0)

    def check_log(self) -> None:
        """Checks that replaying the log gives the same tree."""
        copy = Tree()
        for payload in self.log:
            record = decode_record(payload)
            assert record.encode() == payload
            copy.apply(record)
            if record.digest is not None:
                assert copy.digest == record.digest
        ours = self.service.tree.nodes
        assert list(copy.nodes) == list(ours)
        for path, node in copy.nodes.items():
            assert (node.data, node.acl, node.stat()) == (ours[path].data, ours[path].acl, ours[path].stat())


def fuzz_core(seeds: range) -> tuple[int, set[int]]:
    """Fuzzes; returns the number of connections open at the end of their stream, and the operations
    written.
    """
    core, survivors = Core(), 0
    for seed in seeds:
        fuzz = Fuzz(seed)
        connection = core.service.connect("127.0.0.1")
        for piece in fuzz.pieces(fuzz.stream()):
            connection.on_bytes(piece)
            sent = core.turn().get(connection, b"")
            assert len(sent) < connections.MOST_OUTPUT + (1 << 20)
        assert connection.why_closed is not None or connection.queued == 0, seed
        survivors += connection.why_closed is None
        core.service.disconnect(connection)
        core.check_neighbour()
        assert connection not in core.service.tree.watches.data.by_watcher
    assert core.service.outstanding == 0
    core.check_log()
    return survivors, {decode_record(payload).txn.op for payload in core.log}


def test_the_core_stands_whatever_comes() -> None:
    survivors, written = fuzz_core(range(1000))
    assert 200 < survivors < 800  # many are closed, and many live to send more
    assert written >= {
        *(Op.CREATE, Op.CREATE_CONTAINER, Op.CREATE_TTL, Op.DELETE, Op.SET_DATA, Op.SET_ACL, Op.MULTI),
        *(Op.ERROR, Op.CREATE_SESSION, Op.CLOSE_SESSION),
    }


@pytest.mark.deep
def test_the_core_stands_whatever_comes_for_longer() -> None:
    fuzz_core(range(1000, 50_000))


def test_the_port_stands_whatever_comes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with ZooKeeper() as server:
        neighbour = Session("127.0.0.1", server.port)
        for seed in range(200):
            fuzz = Fuzz(seed)
            with socket.create_connection(("127.0.0.1", server.port), 10) as wire:
                try:
                    for piece in fuzz.pieces(fuzz.stream()):
                        wire.sendall(piece)
                except (BrokenPipeError, ConnectionResetError):
                    pass
            neighbour.ping()
        assert neighbour.call(tree.Create("/after")).reply == Created("/after", None)
        server.restart()
        Session("127.0.0.1", server.port).ping()
    assert "event=closed" in caplog.text
    assert "Traceback" not in caplog.text
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


def test_the_same_seed_draws_the_same_bytes() -> None:
    assert [Fuzz(seed).stream() for seed in range(20)] == [Fuzz(seed).stream() for seed in range(20)]
