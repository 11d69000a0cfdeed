"""A client's session with a server: one request at a time, replies and events in the order of their arrival.

ZooKeeper: ClientCnxn, ClientCnxnSocket.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from struct import pack

from zabcheck.servers.encoding import PING, Auth, ProtocolError, Reader, Request, data, decoded, encoded
from zabspec import watches
from zabspec.tree import CloseSession
from zabspec.tree.replies import Reply
from zabspec.watches import EventType

XID_EVENT, XID_PING, XID_AUTH, XID_SET_WATCHES = -1, -2, -4, -8
LONGEST = 64 << 20
"""The longest frame that a server may send, in bytes."""


class Disconnected(Exception):
    """The server has closed the connection, or does not accept one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to a request.

    Attributes:
        zxid: the zxid in the header.
        reply: the reply, as the spec has it.
    """

    zxid: int
    reply: Reply


class Session:
    """A session over one connection.

    Args:
        host: the server's address.
        port: the server's port for clients.
        timeout: the session timeout to ask for, and the timeout for each reply, in milliseconds.
        last_zxid: the highest zxid that this client says it has seen.
        resumed: the id and the password of the session to resume; None for a new session.

    Attributes:
        id: the id of the session, signed as on the wire; 0 if the server said that the session has expired.
        password: the password of the session.
        timeout: the session timeout that was granted, in milliseconds.
        last_zxid: the highest zxid in the header of a reply.
        is_open: True until the connection is closed by this client.
        events: the events received, in order; the caller may remove them.

    Raises:
        Disconnected: there is no server, or it closed the connection without a reply.
        ProtocolError: the server does not follow the protocol.
    """

    def __init__(
        self,
        host: str,
        port: int,
        timeout: int = 10_000,
        last_zxid: int = 0,
        resumed: tuple[int, bytes] | None = None,
    ) -> None:
        self.last_zxid = last_zxid
        self.events: list[watches.Event] = []
        self._xid = 0
        self.is_open = True
        try:
            self._socket = socket.create_connection((host, port), timeout / 1000)
        except OSError as error:
            raise Disconnected(str(error)) from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number, password = resumed or (0, bytes(16))
        self._send(pack(">iqiq", 0, last_zxid, timeout, number) + data(password) + b"\0")
        reader = Reader(self._received())
        _, self.timeout, self.id = reader.take(">iiq", 16)
        self.password = reader.data() or b""

    def call(self, request: Request) -> Answer:
        """Sends a request and waits for its reply; events that arrive before it are kept.

        Raises:
            Disconnected: the server closed the connection instead, or did not reply in time.
            ProtocolError: the server does not follow the protocol.
        """
        op, body = encoded(request)
        match request:
            case Auth():
                xid = XID_AUTH
            case watches.SetWatches():
                xid = XID_SET_WATCHES
            case _:
                self._xid = xid = self._xid + 1
        self._send(pack(">ii", xid, op) + body)
        answer = self._answer(xid, lambda error, payload: decoded(request, error, payload))
        if isinstance(request, CloseSession):
            self.drop()
        return answer

    def ping(self) -> int:
        """Sends a ping and waits for its reply, by which time all events sent before have arrived.

        Returns:
            The zxid in the header of the reply.
        """
        self._send(pack(">ii", XID_PING, PING))
        return self._answer(XID_PING, lambda error, payload: decoded(CloseSession(), error, payload)).zxid

    def send_raw(self, payload: bytes) -> None:
        """Sends bytes as they are, without a length in front."""
        self._socket.sendall(payload)

    def drop(self) -> None:
        """Closes the connection without closing the session."""
        self.is_open = False
        self._socket.close()

    def _answer(self, xid: int, decode: Callable[[int, bytes], Reply]) -> Answer:
        while True:
            payload = self._received()
            came, zxid, error = Reader(payload).take(">iqi", 16)
            if came == XID_EVENT:
                self.events.append(_event(zxid, payload[16:]))
                continue
            if came != xid:
                raise ProtocolError(f"a reply to request {came}, where one to request {xid} is due")
            self.last_zxid = max(self.last_zxid, zxid)
            return Answer(zxid, decode(error, payload[16:]))

    def _send(self, payload: bytes) -> None:
        try:
            self._socket.sendall(data(payload))
        except OSError as error:
            raise Disconnected(str(error)) from None

    def _received(self) -> bytes:
        (length,) = Reader(self._exactly(4)).take(">i", 4)
        if not 0 <= length <= LONGEST:
            raise ProtocolError(f"a frame of {length} bytes")
        return self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            try:
                chunk = self._socket.recv(count - len(found))
            except OSError as error:
                raise Disconnected(str(error)) from None
            if not chunk:
                raise Disconnected("the server closed the connection")
            found += chunk
        return found


def _event(zxid: int, payload: bytes) -> watches.Event:
    reader = Reader(payload)
    kind, state = reader.take(">ii", 8)
    if state != 3:
        raise ProtocolError(f"an event with state {state}")
    event = watches.Event(EventType(kind), reader.text(), zxid)
    reader.end()
    return event
