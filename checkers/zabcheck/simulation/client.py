"""A client in memory: its requests go straight into a server core, and what that answers is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import pack, unpack_from

from zabcheck.servers.encoding import PING, Request, data, encoded
from zabserver.service.clients import Clients
from zabserver.service.connection import Connection

EVENT = -1
XID_OF_PING = -2


@dataclass(slots=True)
class Asked:
    """A request and what became of it: zxid and error code; both None while there is no answer.

    Attributes:
        acknowledged: how many writes, of all clients, had been acknowledged when it was sent.
        seen: the last zxid that its client had seen before the answer.
        body: what the answer says beside zxid and error.
    """

    xid: int
    request: Request
    zxid: int | None = None
    error: int | None = None
    acknowledged: int = 0
    seen: int = 0
    body: bytes = b""


@dataclass(slots=True)
class Client:
    """One client.

    Attributes:
        session: its id; 0 until it has one.
        asked: what it has asked for, in order.
        wants_read_only: whether it is content with a server that takes no writes.
        is_read_only: whether the server said that it takes none.
        is_lost: whether its connection is gone.
        ended: sessions that a server has said are over.
        fresh: what was answered since somebody last looked.
        events: frames of events, as they came.
    """

    timeout: int = 10_000
    wants_read_only: bool = False
    session: int = 0
    password: bytes = bytes(16)
    last_zxid: int = 0
    asked: list[Asked] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
    connection: Connection | None = None
    is_lost: bool = False
    is_read_only: bool = False
    ended: list[int] = field(default_factory=list)
    fresh: list[Asked] = field(default_factory=list)
    _xid: int = 0
    _is_connected: bool = False
    _answered: int = 0

    def connect(self, service: Clients) -> None:
        """Connects, with the session that it has, if it has one."""
        self.connection = service.connect("client")
        self.is_lost = self._is_connected = False
        self._answered = len(self.asked)
        greeting = pack(">iqiq", 0, self.last_zxid, self.timeout, self.session) + data(self.password)
        self.connection.on_bytes(data(greeting + pack("?", self.wants_read_only)))

    def ask(self, request: Request) -> Asked:
        """Sends a request."""
        assert self.connection is not None
        self._xid += 1
        op, body = encoded(request)
        asked = Asked(self._xid, request)
        self.asked.append(asked)
        self.connection.on_bytes(data(pack(">ii", self._xid, op) + body))
        return asked

    def ping(self) -> None:
        """Gives a sign of life."""
        assert self.connection is not None
        self.connection.on_bytes(data(pack(">ii", XID_OF_PING, PING)))

    @property
    def is_confirmed(self) -> bool:
        """Whether it is connected, and was told so."""
        return self.connection is not None and self._is_connected

    def take(self, out: bytes) -> None:
        """Takes what the server sent."""
        at = 0
        while at < len(out):
            (length,) = unpack_from(">i", out, at)
            self._take_frame(out[at + 4 : at + 4 + length])
            at += 4 + length

    def _take_frame(self, frame: bytes) -> None:
        if not self._is_connected:
            self._take_session(frame)
            return
        xid, zxid, error = unpack_from(">iqi", frame)
        if xid == EVENT:
            self.events.append(frame)
        if xid in (EVENT, XID_OF_PING):
            return
        asked = self.asked[self._answered]
        if asked.xid != xid:
            raise AssertionError(f"an answer to {xid}, not to {asked.xid}")
        self._answered += 1
        asked.zxid, asked.error, asked.body, asked.seen = zxid, error, frame[16:], self.last_zxid
        self.fresh.append(asked)
        self.last_zxid = max(self.last_zxid, zxid)

    def _take_session(self, frame: bytes) -> None:
        _, timeout, session = unpack_from(">iiq", frame)
        if session == 0:  # it will begin another one
            self.ended.append(self.session)
            self.session, self.password, self.last_zxid = 0, bytes(16), 0
            return
        self.timeout, self.session = timeout, session
        self.password, self.is_read_only = frame[20:36], frame[36] != 0
        self._is_connected = True

    def lose(self) -> None:
        """Its connection is gone."""
        self.connection = None
        self.is_lost = True
