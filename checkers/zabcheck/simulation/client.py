"""A client in memory, whose requests go straight into a server's core."""

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
    """A request and its reply.

    Attributes:
        xid: the number of the request.
        request: the request.
        zxid: the zxid in the reply; None while there is no reply.
        error: the error code in the reply; None while there is no reply.
        acknowledged: how many writes of all clients had been acknowledged when the request was sent.
        seen: the last zxid that the client had seen before the reply.
        body: the reply after its header.
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
    """A client.

    Attributes:
        timeout: the session timeout that it asks for, then the one that it was given, in milliseconds.
        wants_read_only: True if it accepts a read-only server.
        session: the id of its session; 0 until it has one.
        password: the password of the session.
        last_zxid: the last zxid in any reply.
        asked: its requests, in order.
        events: the frames of watch events, as received.
        connection: its connection; None if it has none.
        is_lost: True if its last connection was lost.
        is_read_only: True if the server has said that it is read-only.
        ended: the sessions that a server has reported as expired.
        fresh: requests that were answered since the last look of the judge, which clears the list.
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
        """Connects to a server, with the client's session if it has one."""
        self.connection = service.connect("client")
        self.is_lost = self._is_connected = False
        self._answered = len(self.asked)
        greeting = pack(">iqiq", 0, self.last_zxid, self.timeout, self.session) + data(self.password)
        self.connection.on_bytes(data(greeting + pack("?", self.wants_read_only)))

    def ask(self, request: Request) -> Asked:
        """Sends a request, and returns it with the place for its reply."""
        assert self.connection is not None
        self._xid += 1
        op, body = encoded(request)
        asked = Asked(self._xid, request)
        self.asked.append(asked)
        self.connection.on_bytes(data(pack(">ii", self._xid, op) + body))
        return asked

    def ping(self) -> None:
        """Sends a ping."""
        assert self.connection is not None
        self.connection.on_bytes(data(pack(">ii", XID_OF_PING, PING)))

    @property
    def is_confirmed(self) -> bool:
        """True if the client is connected and the server has confirmed its session."""
        return self.connection is not None and self._is_connected

    def take(self, out: bytes) -> None:
        """Receives what the server has sent: any number of whole frames."""
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
            raise AssertionError(f"a reply to request {xid}, where one to request {asked.xid} is due")
        self._answered += 1
        asked.zxid, asked.error, asked.body, asked.seen = zxid, error, frame[16:], self.last_zxid
        self.fresh.append(asked)
        self.last_zxid = max(self.last_zxid, zxid)

    def _take_session(self, frame: bytes) -> None:
        _, timeout, session = unpack_from(">iiq", frame)
        if session == 0:  # expired: the client will begin another session
            self.ended.append(self.session)
            self.session, self.password, self.last_zxid = 0, bytes(16), 0
            return
        self.timeout, self.session = timeout, session
        self.password, self.is_read_only = frame[20:36], frame[36] != 0
        self._is_connected = True

    def lose(self) -> None:
        """Loses the connection."""
        self.connection = None
        self.is_lost = True
