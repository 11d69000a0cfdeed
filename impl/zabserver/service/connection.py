"""A client's connection: bytes to requests in order, replies and watch events in order to bytes.

A read is answered immediately unless a write of this connection is outstanding: then it waits until that is
applied. No request is read before the session is established.

ZooKeeper: ServerCnxn, NIOServerCnxn, CommitProcessor, FinalRequestProcessor.
"""

from __future__ import annotations

from collections import deque
from struct import Struct
from typing import Protocol

from zabserver.service import acl as acls
from zabserver.service.acl import Id
from zabserver.service.node import OPEN, Acl
from zabserver.service.prepare import Request
from zabserver.service.reads import READS
from zabserver.service.sessions import NO_PASSWORD, Session, password_of
from zabserver.service.settings import Settings
from zabserver.service.tree import Tree
from zabserver.wire.jute import FALSE, INT, TRUE, Malformed, Reader
from zabserver.wire.protocol import (
    XID_AUTH,
    XID_NOTIFICATION,
    Err,
    Op,
    Perm,
    Refused,
)

HEADER = Struct(">ii")
REPLY = Struct(">iiqi")
"""The length prefix and header of a reply: length, xid, zxid, error."""
EVENT = Struct(">iiqiiii")
"""The beginning of a watch event: length, xid, zxid, error, event type, state, length of the path."""
CONNECT_RESPONSE = Struct(">iiqi16s")
SYNC_CONNECTED = 3
OK = int(Err.OK)

MOST_OUTPUT = 4 << 20
"""The bytes of unsent output from which on no further requests of a connection are read."""
MOST_OUTPUT_AT_ONCE = 64 << 20
"""The most bytes of unsent replies and watch events; a connection that exceeds it is closed."""
MOST_IDS = 1000
"""The most identities that a client may authenticate as."""


class Server(Protocol):
    """The part of a server that its connections need; `zabserver.service.clients.Clients` implements it.

    Attributes:
        tree: the tree that reads see.
        settings: the settings that decide how requests are served.
        max_buffer: the longest frame, in bytes.
        writes: the operations that wait for the total order before they are answered.
        is_read_only: True if the server refuses all writes; clients are told when they connect.
        clock: milliseconds since 1970.
        dirty: the connections with unsent output.
        auth_failures: the number of failed authentications.
    """

    tree: Tree
    settings: Settings
    max_buffer: int
    writes: frozenset[int]
    is_read_only: bool
    clock: int
    dirty: list[Connection]
    auth_failures: int

    def touch(self, session: Session) -> None:
        """Records activity on a session."""

    def submit(self, request: Request, connection: Connection | None) -> None:
        """Accepts a write, whose reply is sent once it is applied."""

    def begin_session(self, connection: Connection, timeout: int) -> None:
        """Opens a session for a connection."""

    def resume_session(self, connection: Connection, session: int, password: bytes, timeout: int) -> None:
        """Attaches an existing session to a connection."""

    def on_closing(self, connection: Connection) -> None:
        """Closes a connection after its output is sent, and forgets it."""

    def disconnect(self, connection: Connection) -> None:
        """Forgets a connection that is gone, with its watches; its session stays open."""


class Connection:
    """One client's connection.

    Args:
        service: the server that the client is connected to.
        host: the client's address, which is also its first identity.
        port: the client's port.

    Attributes:
        ids: the identities that the client has authenticated as.
        session: the client's session; None until it is established.
        session_id: the id of that session; 0 until it is established.
        since: when the connection was accepted, in milliseconds since 1970.
        received, sent: the number of frames received and sent.
        last_op, last_cxid: operation and xid of the last request.
        last_zxid: the highest zxid in a reply.
        wants_read_only: True if the client accepts a server that refuses writes.
        why_closed: the reason for the log once the connection is closing, "" if the client asked for it;
            None before.
    """

    __slots__ = (
        "_has_read_only",
        "_is_connecting",
        "_out",
        "_rest",
        "_unsent",
        "_waiting",
        "_wanted",
        "host",
        "ids",
        "last_cxid",
        "last_op",
        "last_zxid",
        "port",
        "received",
        "sent",
        "service",
        "session",
        "session_id",
        "since",
        "wants_read_only",
        "why_closed",
    )

    def __init__(self, service: Server, host: str, port: int = 0) -> None:
        self.service = service
        self.host = host
        self.port = port
        self.ids: tuple[Id, ...] = (Id(b"ip", host.encode()),)
        self.session: Session | None = None
        self.session_id = 0
        self.why_closed: str | None = None
        self.received = self.sent = 0
        self.since = service.clock
        self.last_op = self.last_cxid = 0
        self.last_zxid = 0
        self.wants_read_only = False
        self._rest = bytearray()
        self._wanted = 0  # the length of the frame that _rest begins; 0 if unknown
        self._out: list[bytes] = []
        self._unsent = 0  # the bytes in _out
        self._waiting: deque[tuple[int, int, Reader | None]] = (
            deque()
        )  # xid, operation, and the body of a read or None for a write
        self._is_connecting = False
        self._has_read_only = True

    # Input.

    def on_bytes(self, chunk: bytes) -> None:
        """Feeds bytes from the socket; an incomplete request is kept until the rest arrives."""
        if self.why_closed is not None:
            return
        if self.session is not None:
            self.service.touch(self.session)
        if self._rest:
            self._rest += chunk
            if len(self._rest) < self._wanted:
                return
            chunk = bytes(self._rest)
        at, end = 0, len(chunk)
        longest = self.service.max_buffer
        self._wanted = 0
        while (
            end - at >= 4
            and not self._is_connecting
            and self._unsent < MOST_OUTPUT
            and self.why_closed is None
        ):
            (length,) = INT.unpack_from(chunk, at)
            if length < 0 or length > longest:
                self.close(f"a frame of {length} bytes; 0 to {longest} are allowed")
                break
            if end - at - 4 < length:
                self._wanted = 4 + length
                break
            at += 4
            self._on_frame(chunk[at : at + length])
            at += length
        self._rest = bytearray(chunk[at:])

    def _on_frame(self, frame: bytes) -> None:
        self.received += 1
        if self.session is None:
            self._on_connect(frame)
            return
        if len(frame) < HEADER.size:
            self.close(f"a request of {len(frame)} bytes is too short")
            return
        xid, op = HEADER.unpack_from(frame)
        self.last_op, self.last_cxid = op, xid
        if op in self.service.writes:
            self._waiting.append((xid, op, None))
            self.service.submit(Request(self.session_id, xid, op, Reader(frame, HEADER.size), self.ids), self)
        elif op in READS:
            if self._waiting:
                self._waiting.append((xid, op, Reader(frame, HEADER.size)))
            else:
                self._answer(xid, op, Reader(frame, HEADER.size))
        elif op == Op.AUTH:
            self._on_auth(Reader(frame, HEADER.size))
        else:
            self._send_reply(xid, -1, Err.UNIMPLEMENTED)
            self.close(f"unknown operation {op}")

    def _on_connect(self, frame: bytes) -> None:
        reader = Reader(frame)
        try:
            _, last_zxid, timeout, session = reader.int32(), reader.int64(), reader.int32(), reader.int64()
            password = reader.data() or NO_PASSWORD
            self._has_read_only = not reader.is_at_end
            self.wants_read_only = self._has_read_only and reader.flag()
        except Malformed as malformed:
            self.close(f"malformed connect request: {malformed}")
            return
        if last_zxid > self.service.tree.zxid:
            ours = self.service.tree.zxid
            self.close(f"the client has seen zxid 0x{last_zxid:x}; this server is at 0x{ours:x}")
            return
        self._is_connecting = True
        if session == 0:
            self.service.begin_session(self, timeout)
        else:
            self.service.resume_session(self, session, password, timeout)

    def _on_auth(self, reader: Reader) -> None:
        try:
            _, scheme, credentials = reader.int32(), reader.string(), reader.string()
        except Malformed:
            scheme, credentials = b"", b""
        if scheme == b"digest" and b":" in credentials:
            shown = acls.digest_id(credentials)
            if shown == self.service.settings.super_id:
                shown = acls.SUPER
            if shown not in self.ids:
                if len(self.ids) >= MOST_IDS:
                    self.close(f"more than {MOST_IDS} identities")
                    return
                self.ids = (*self.ids, shown)
            self._answer_auth()
        elif scheme == b"ip":
            self._answer_auth()
        else:
            self.service.auth_failures += 1
            self._send_reply(XID_AUTH, 0, Err.AUTH_FAILED)
            self.close(f"authentication with scheme {scheme!r} failed")

    def _answer_auth(self) -> None:
        """Replies to an authentication in request order: kazoo matches replies to its oldest request."""
        if self._waiting:
            self._waiting.append((XID_AUTH, Op.AUTH, Reader(b"")))
        else:
            self._send_reply(XID_AUTH, 0, OK)

    # Output.

    def _answer(self, xid: int, op: int, reader: Reader) -> None:
        try:
            body = READS[op](self, reader)
        except Refused as refused:
            self._send_reply(xid, self.service.tree.zxid, refused.code)
        except Malformed:
            self._send_reply(xid, self.service.tree.zxid, Err.MARSHALLING_ERROR)
        else:
            self._send_reply(xid, self.service.tree.zxid, OK, body)

    def on_written(self, xid: int, zxid: int, error: int, body: bytes) -> None:
        """Replies to the oldest outstanding write, which is applied, and to the reads waiting behind it."""
        if self.why_closed is not None:
            return
        waiting = self._waiting
        _, op, _ = waiting.popleft()
        self._send_reply(xid, zxid, error, body)
        if op == Op.CLOSE_SESSION:
            self.close(None)
            return
        while waiting and self.why_closed is None:
            xid, op, reader = waiting[0]
            if reader is None:
                return
            waiting.popleft()
            if op == Op.AUTH:
                self._send_reply(XID_AUTH, 0, OK)
            else:
                self._answer(xid, op, reader)

    def on_confirmed(self, session: Session) -> None:
        """Confirms the session to the client, and reads the requests that arrived before."""
        self._is_connecting = False
        self.session, self.session_id = session, session.id
        self._send_connected(session.timeout, session.id, password_of(session.id))
        self.on_bytes(b"")

    def on_session_refused(self) -> None:
        """Refuses to resume a session that has expired or is not the client's own, and closes."""
        self._is_connecting = False
        self._send_connected(0, 0, NO_PASSWORD)
        self.close("session expired or wrong password")

    def _send_connected(self, timeout: int, session: int, password: bytes) -> None:
        body = CONNECT_RESPONSE.pack(0, timeout, session, 16, password)
        if self._has_read_only:
            body += TRUE if self.service.is_read_only else FALSE
        self._send(INT.pack(len(body)) + body)

    def _send_reply(self, xid: int, zxid: int, error: int, body: bytes = b"") -> None:
        if zxid > self.last_zxid:
            self.last_zxid = zxid
        if error:
            body = b""
        self._send(REPLY.pack(16 + len(body), xid, zxid, error) + body)

    def on_event(self, event: int, path: bytes, acl: Acl, zxid: int) -> None:
        """Sends a watch event if the client may read the node."""
        if acl is OPEN or self.service.settings.skip_acl or acls.is_allowed(acl, Perm.READ, self.ids):
            self.notify(event, path, zxid)

    def notify(self, event: int, path: bytes, zxid: int) -> None:
        """Sends a watch event."""
        header = EVENT.pack(28 + len(path), XID_NOTIFICATION, zxid, 0, event, SYNC_CONNECTED, len(path))
        self._send(header + path)

    def _send(self, frame: bytes) -> None:
        self.sent += 1
        if not self._out:
            self.service.dirty.append(self)
        self._out.append(frame)
        self._unsent += len(frame)
        if self._unsent > MOST_OUTPUT_AT_ONCE:
            self.close(f"more than {MOST_OUTPUT_AT_ONCE} bytes of unsent replies and events")

    def take_output(self) -> bytes:
        """Returns the unsent output and clears it."""
        out = b"".join(self._out)
        self._out.clear()
        self._unsent = 0
        return out

    # Permissions and state.

    def check_acl(self, acl: Acl, perm: int) -> None:
        """Checks that the client has a permission.

        Raises:
            Refused: NO_AUTH, the access control list does not grant it.
        """
        if acl is not OPEN and not self.service.settings.skip_acl:
            acls.check(acl, perm, self.ids)

    def close(self, why: str | None) -> None:
        """Closes the connection once its output is sent; no further requests are read.

        Args:
            why: the reason for the log; None if the client asked for it.
        """
        if self.why_closed is None:
            self.why_closed = why or ""
            self._rest = bytearray()
            self.service.on_closing(self)

    @property
    def is_held(self) -> bool:
        """True if requests have arrived that are not read until unsent output is taken."""
        return bool(self._rest) and not self._wanted and not self._is_connecting

    @property
    def is_connecting(self) -> bool:
        """True while the session is being established; nothing should be read from the client."""
        return self._is_connecting

    @property
    def queued(self) -> int:
        """The number of requests without a reply."""
        return len(self._waiting)
