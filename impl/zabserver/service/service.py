"""The service of one server: its connections, its sessions, its tree, and the way of a write through them.

A write is prepared (by whoever leads), logged, and applied when it is committed: standing alone, when it is
on disk. The shell takes what is to be logged and sent, and says when the disk has it; see `Turn`.

ZooKeeper: ZooKeeperServer, SyncRequestProcessor, FinalRequestProcessor.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from zabserver.service.acl import Id
from zabserver.service.connection import Connection
from zabserver.service.containers import due_for_deletion
from zabserver.service.prepare import Preparer, Request, Settings
from zabserver.service.sessions import Session, Sessions, password_of
from zabserver.service.tree import Done, Tree
from zabserver.service.txns import CloseSessionTxn, CreateSessionTxn, MultiTxn, Record
from zabserver.wire.jute import INT, Reader, data
from zabserver.wire.protocol import MAX_BUFFER, Err, Op

MULTI_END = INT.pack(-1) + b"\x01" + INT.pack(-1)
CLOSE_SESSION = int(Op.CLOSE_SESSION)
WITH_STAT = frozenset({Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL})


@dataclass(slots=True)
class Turn:
    """What the shell has to do after it passed in what came: in this order.

    Attributes:
        log: payloads to be appended; then the disk is synced, and `Service.on_synced` told.
        last_zxid: of the last of them.
        sends: what goes to whom.
        closes: who is to be closed after that.
    """

    log: list[bytes] = field(default_factory=list)
    last_zxid: int = 0
    sends: list[tuple[Connection, bytes]] = field(default_factory=list)
    closes: list[Connection] = field(default_factory=list)


@dataclass(slots=True)
class Proposal:
    """A write on its way: its transaction, who waits for it, and since when (monotonic milliseconds)."""

    record: Record
    op: int
    connection: Connection | None
    since: int


@dataclass(slots=True)
class Latency:
    """How long writes took from request to reply, in milliseconds."""

    count: int = 0
    total: int = 0
    least: int = 0
    most: int = 0

    def add(self, milliseconds: int) -> None:
        """One more."""
        self.least = min(self.least, milliseconds) if self.count else milliseconds
        self.most = max(self.most, milliseconds)
        self.count += 1
        self.total += milliseconds

    @property
    def mean(self) -> float:
        """Of all; 0 if there are none."""
        return self.total / self.count if self.count else 0.0


class Service:
    """A server that stands alone, without its sockets and its disk.

    Args:
        tree: what was found on disk.
        sessions: those found on disk, and the rules for new ones.
        settings: what of zoo.cfg decides about requests.
        now: the clock at the start, milliseconds since 1970.
        max_buffer: the longest frame, in bytes.

    Attributes:
        clock: milliseconds since 1970, set by the shell before each turn.
        time: monotonic milliseconds, likewise.
        dirty: the connections that have something to send.
        latency: of writes.
    """

    def __init__(
        self,
        tree: Tree,
        sessions: Sessions,
        settings: Settings | None = None,
        now: int = 0,
        max_buffer: int = MAX_BUFFER,
    ) -> None:
        self.tree = tree
        self.sessions = sessions
        self.settings = settings or Settings()
        self.max_buffer = max_buffer
        self.super_id: Id | None = None
        self.clock = now
        self.time = 0
        self.zxid = tree.zxid
        self.preparer = Preparer(tree, sessions.is_open, self.settings)
        self.connections: dict[Connection, None] = {}
        self.by_session: dict[int, Connection] = {}
        self.dirty: list[Connection] = []
        self.auth_failures = 0
        self.latency = Latency()
        self.received = self.sent = 0  # of connections that are gone
        self._closing: list[Connection] = []
        self._log: list[bytes] = []
        self._proposals: deque[Proposal] = deque()
        self._container_check = 0

    # What the shell calls.

    def connect(self, host: str, port: int = 0) -> Connection:
        """A client has connected."""
        connection = Connection(self, host, port)
        self.connections[connection] = None
        return connection

    def disconnect(self, connection: Connection) -> None:
        """A connection is gone: its watches go with it, its session does not."""
        if connection in self.connections:
            del self.connections[connection]
            self.received += connection.received
            self.sent += connection.sent
        self.tree.watches.forget(connection)
        if connection.why_closed is None:
            connection.why_closed = "the client is gone"
        if self.by_session.get(connection.session_id) is connection:
            del self.by_session[connection.session_id]

    def expire(self, session: int) -> None:
        """Ends a session as if its time were over.

        Raises:
            KeyError: no such session is open.
        """
        self.sessions.open[session].is_closing = True
        self._submit_close(session)

    def on_tick(self) -> None:
        """Time has passed: sessions expire."""
        for session in self.sessions.expired(self.time):
            self._submit_close(session.id)

    def clean_up(self, longest_unused: int) -> None:
        """Deletes containers that are empty and nodes whose time to live is over.

        Args:
            longest_unused: after how many milliseconds a container goes that never had a child; 0 for never.

        ZooKeeper: ContainerManager.
        """
        for path in due_for_deletion(self.tree, self.clock, longest_unused):
            self.submit(Request(0, 0, Op.DELETE_CONTAINER, _reader(data(path)), ()), None)

    def on_synced(self, zxid: int) -> None:
        """All up to a zxid is on disk: standing alone, it is committed by that."""
        proposals = self._proposals
        while proposals and proposals[0].record.zxid <= zxid:
            self._commit(proposals.popleft())

    def turn(self) -> Turn:
        """What is to be done now; it is taken."""
        turn = Turn(self._log, self.zxid)
        self._log = []
        dirty, self.dirty = self.dirty, []
        turn.sends = [(connection, connection.take_output()) for connection in dirty]
        turn.closes, self._closing = self._closing, []
        return turn

    def reset_counts(self) -> None:
        """Counts of packets and latency begin anew."""
        self.received = self.sent = 0
        self.latency = Latency()
        for each in self.connections:
            each.received = each.sent = 0

    @property
    def is_idle(self) -> bool:
        """Whether a turn would have nothing in it."""
        return not (self._log or self.dirty or self._closing)

    @property
    def outstanding(self) -> int:
        """How many writes are prepared and not applied."""
        return len(self._proposals)

    # What connections call.

    def touch(self, session: Session) -> None:
        """A session gave a sign of life."""
        self.sessions.touch(session, self.time)

    def password_of(self, session: int) -> bytes:
        """The password of a session."""
        return password_of(session)

    def begin_session(self, connection: Connection, timeout: int) -> None:
        """A client wants a new session."""
        granted = self.sessions.negotiated(timeout)
        session = self.sessions.add(self.sessions.new_id(), granted, self.time)
        self.submit(Request(session.id, 0, Op.CREATE_SESSION, _reader(INT.pack(granted)), ()), connection)

    def resume_session(self, connection: Connection, session: int, password: bytes, timeout: int) -> None:
        """A client wants to go on with a session; whoever had it here before is closed."""
        tracked = self.sessions.open.get(session)
        if tracked is None or tracked.is_closing or password != password_of(session):
            connection.on_session_refused()
            return
        before = self.by_session.get(session)
        if before is not None:
            before.close("its session has moved on")
        tracked.timeout = self.sessions.negotiated(timeout)
        self.sessions.touch(tracked, self.time)
        self.by_session[session] = connection
        connection.on_confirmed(tracked)

    def submit(self, request: Request, connection: Connection | None) -> None:
        """A request that writes: it is prepared and logged; its reply comes when it is applied."""
        if request.op == CLOSE_SESSION:
            closing = self.sessions.open.get(request.session)
            if closing is not None:
                closing.is_closing = True
        self.zxid += 1
        record = self.preparer.prepare(request, self.zxid, self.clock)
        self._log.append(record.encode())
        self._proposals.append(Proposal(record, request.op, connection, self.time))

    def on_closing(self, connection: Connection) -> None:
        """A connection is to be closed."""
        self._closing.append(connection)
        self.disconnect(connection)

    # The way of a write.

    def _submit_close(self, session: int) -> None:
        self.submit(Request(session, 0, Op.CLOSE_SESSION, _reader(b""), ()), None)

    def _commit(self, proposal: Proposal) -> None:
        record, connection = proposal.record, proposal.connection
        done = self.tree.apply(record)
        self.preparer.outstanding.on_applied(record.zxid)
        txn = record.txn
        if type(txn) is CreateSessionTxn:
            self._on_session_created(record, connection)
            return
        if type(txn) is CloseSessionTxn:
            self._on_session_closed(record.session, connection)
        if connection is not None:
            self.latency.add(self.time - proposal.since)
            body = reply_body(done, proposal.op)
            connection.on_written(record.cxid, record.zxid, done.error, body)

    def _on_session_created(self, record: Record, connection: Connection | None) -> None:
        session = self.sessions.open.get(record.session)
        if session is None or connection is None or connection.why_closed is not None:
            return
        self.by_session[session.id] = connection
        connection.on_confirmed(session)

    def _on_session_closed(self, session: int, connection: Connection | None) -> None:
        """Whoever asked for it gets a reply; another connection of the session is closed without a word."""
        self.sessions.remove(session)
        holder = self.by_session.get(session)
        if holder is not None and holder is not connection:
            holder.close("its session has expired")


def reply_body(done: Done, op: int) -> bytes:
    """The body of the reply to a request, from what its transaction came to."""
    if done.error:
        return b""
    if done.parts is not None:
        return b"".join(map(_part_body, done.parts)) + MULTI_END
    if op in WITH_STAT:
        return data(done.path) + done.stat
    if op == Op.CREATE:
        return data(done.path)
    return done.stat


def _part_body(done: Done) -> bytes:
    """One part of the reply to a multi."""
    if done.op == Op.ERROR:
        return INT.pack(Op.ERROR) + b"\0" + INT.pack(done.error) + INT.pack(done.error)
    op = Op.CREATE2 if done.op in WITH_STAT else done.op
    return INT.pack(op) + b"\0" + INT.pack(Err.OK) + reply_body(done, done.op)


def _reader(body: bytes) -> Reader:
    return Reader(body)


__all__ = ["MultiTxn", "Proposal", "Service", "Turn", "reply_body"]
