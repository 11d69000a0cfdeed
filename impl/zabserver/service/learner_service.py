"""The service of a follower or observer, which forwards writes to its leader.

Reads are answered here. A write waits until its transaction is committed and applied here, in the leader's
order, and is then answered. Activity on sessions is reported to the leader, which alone expires them.

ZooKeeper: LearnerZooKeeperServer, FollowerZooKeeperServer, LearnerSessionTracker, CommitProcessor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from zabserver.service.acl import Id
from zabserver.service.clients import Clients
from zabserver.service.connection import Connection
from zabserver.service.prepare import Request
from zabserver.service.replies import reply_body
from zabserver.service.sessions import Session, Sessions, password_of
from zabserver.service.settings import Settings
from zabserver.service.tree import Tree
from zabserver.service.txns import CloseSessionTxn, CreateSessionTxn, Record
from zabserver.wire.jute import INT, Malformed, Reader, data
from zabserver.wire.protocol import WRITES, Err, Op
from zabserver.wire.quorum import Kind, encode_packet, encode_request, encode_revalidate

SYNC = Op.SYNC


class Waiting(NamedTuple):
    """A write that was forwarded to the leader.

    Attributes:
        cxid: the xid of the request.
        op: its operation.
        connection: the connection that waits for the reply.
        since: when the request arrived, in monotonic milliseconds.
    """

    cxid: int
    op: int
    connection: Connection
    since: int


class LearnerService(Clients):
    """Serves the clients of a follower or observer.

    Args:
        send: sends an encoded packet to the leader.
        tree, sessions, settings, now, timeouts: as of `Clients`.
    """

    writes = WRITES | {SYNC}

    def __init__(
        self,
        send: Callable[[bytes], None],
        tree: Tree,
        sessions: Sessions,
        settings: Settings | None = None,
        now: int = 0,
        timeouts: dict[int, int] | None = None,
    ) -> None:
        super().__init__(tree, sessions, settings, now, timeouts)
        self._send = send
        self._waiting: dict[int, deque[Waiting]] = {}
        self._count = 0
        self._beginning: dict[int, Connection] = {}
        self._resuming: dict[int, tuple[Connection, int]] = {}
        self._syncs: deque[tuple[Connection, int, bytes]] = deque()
        self._touched: dict[int, int] = {}

    # Called by connections.

    def submit(self, request: Request, connection: Connection | None) -> None:
        """Forwards a write or a sync to the leader."""
        assert connection is not None
        body = request.reader.buffer[request.reader.at :]
        if request.op == SYNC:
            self._syncs.append((connection, request.cxid, body))
        else:
            waiting = Waiting(request.cxid, request.op, connection, self.time)
            self._waiting.setdefault(request.session, deque()).append(waiting)
            self._count += 1
        self._ask(request.session, request.cxid, request.op, body, request.ids)

    def begin_session(self, connection: Connection, timeout: int) -> None:
        """Asks the leader to open a session."""
        session = self.sessions.new_id()
        self._beginning[session] = connection
        self._ask(session, 0, Op.CREATE_SESSION, INT.pack(self.sessions.negotiated(timeout)), ())

    def resume_session(self, connection: Connection, session: int, password: bytes, timeout: int) -> None:
        """Asks the leader whether a session is open; its other connection here, if any, is closed."""
        if password != password_of(session):
            connection.on_session_refused()
            return
        before = self.by_session.get(session)
        if before is not None:
            before.close("its session has moved to another connection")
        granted = self.sessions.negotiated(timeout)
        self._resuming[session] = (connection, granted)
        self._send(encode_packet(Kind.REVALIDATE, -1, encode_revalidate(session, granted)))

    def touch(self, session: Session) -> None:
        """Records activity on a session; reported to the leader with the next ping."""
        self._touched[session.id] = session.timeout

    @property
    def outstanding(self) -> int:
        """The number of writes forwarded to the leader and not applied here."""
        return self._count

    # From the leader.

    def commit(self, record: Record) -> None:
        """Applies a committed transaction, and replies if the request came from here."""
        outcome = self.apply(record)
        session, txn = record.session, record.txn
        if type(txn) is CreateSessionTxn:
            opened = self.sessions.open.setdefault(session, Session(session, txn.timeout))
            self.confirm(self._beginning.pop(session, None), opened)
            return
        asked = self._asked(session, record.cxid)
        if type(txn) is CloseSessionTxn:
            self._touched.pop(session, None)
            self.on_session_closed(session, None if asked is None else asked.connection)
        if asked is not None:
            self.latency.add(self.time - asked.since)
            body = reply_body(outcome, asked.op)
            asked.connection.on_written(record.cxid, record.zxid, outcome.error, body)

    def on_sync(self) -> None:
        """Replies to the oldest sync: what the leader had committed when it answered is applied here."""
        if self._syncs:
            connection, cxid, body = self._syncs.popleft()
            try:
                path, error = data(Reader(body).string()), 0
            except Malformed:
                path, error = b"", int(Err.MARSHALLING_ERROR)
            connection.on_written(cxid, self.tree.zxid, error, path)

    def on_revalidated(self, session: int, is_valid: bool) -> None:
        """Handles the leader's answer whether a session is open."""
        connection, timeout = self._resuming.pop(session, (None, 0))
        if connection is None or connection.why_closed is not None:
            return
        if not is_valid:
            connection.on_session_refused()
            return
        self.confirm(connection, Session(session, timeout))

    def take_touched(self) -> dict[int, int]:
        """Returns the sessions with activity since the last call, with their timeouts, and clears them."""
        touched, self._touched = self._touched, {}
        return touched

    def _asked(self, session: int, cxid: int) -> Waiting | None:
        """Returns the outstanding write that a transaction answers; None if it came from elsewhere."""
        waiting = self._waiting.get(session)
        if waiting is None or waiting[0].cxid != cxid:
            return None
        asked = waiting.popleft()
        self._count -= 1
        if not waiting:
            del self._waiting[session]
        return asked

    def _ask(self, session: int, cxid: int, op: int, body: bytes, ids: Sequence[Id]) -> None:
        asked = encode_request(session, cxid, op, body)
        self._send(encode_packet(Kind.REQUEST, -1, asked, tuple((each.scheme, each.id) for each in ids)))
