"""Whoever puts writes in order: they are prepared, proposed, and applied in that order once committed.

ZooKeeper: PrepRequestProcessor, ProposalRequestProcessor, Leader.ToBeAppliedRequestProcessor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from zabserver.service.clients import Clients
from zabserver.service.connection import Connection
from zabserver.service.containers import due_for_deletion
from zabserver.service.prepare import Preparer, Request
from zabserver.service.replies import reply_body
from zabserver.service.sessions import Session, Sessions, password_of
from zabserver.service.settings import Settings
from zabserver.service.tree import Tree
from zabserver.service.txns import CloseSessionTxn, CreateSessionTxn, Record
from zabserver.wire.jute import INT, Reader, data
from zabserver.wire.protocol import Err, Op, Refused

CLOSE_SESSION = Op.CLOSE_SESSION


@dataclass(slots=True)
class Proposal:
    """A write on its way: its transaction, who waits for it, and since when (monotonic milliseconds)."""

    record: Record
    op: int
    connection: Connection | None
    since: int


class Primary(Clients):
    """A server that puts writes in order; when one is committed is said by `commit`.

    Attributes:
        zxid: of the last that was prepared.
    """

    def __init__(
        self,
        tree: Tree,
        sessions: Sessions,
        settings: Settings | None = None,
        now: int = 0,
        timeouts: dict[int, int] | None = None,
        reconfigured: Callable[[Request, int], bytes] | None = None,
    ) -> None:
        super().__init__(tree, sessions, settings, now, timeouts)
        self.zxid = tree.zxid
        self.preparer = Preparer(tree, self.check_session, self.settings, reconfigured)
        self._proposals: deque[Proposal] = deque()

    def propose(self, record: Record) -> None:
        """A transaction has its place: it is to be logged, and sent to whoever else logs it."""
        raise NotImplementedError

    # What the shell calls.

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
            self.submit(Request(0, 0, Op.DELETE_CONTAINER, Reader(data(path)), ()), None)

    def commit(self, zxid: int) -> None:
        """All up to a zxid is committed."""
        proposals = self._proposals
        while proposals and proposals[0].record.zxid <= zxid:
            self._commit(proposals.popleft())
        self.preparer.outstanding.on_applied(zxid)

    @property
    def outstanding(self) -> int:
        """How many writes are prepared and not applied."""
        return len(self._proposals)

    # What connections call.

    def touch(self, session: Session) -> None:
        """A session gave a sign of life."""
        self.sessions.touch(session, self.time)

    def begin_session(self, connection: Connection, timeout: int) -> None:
        """A client wants a new session."""
        granted = self.sessions.negotiated(timeout)
        session = self.sessions.add(self.sessions.new_id(), granted, self.time)
        self.submit(Request(session.id, 0, Op.CREATE_SESSION, Reader(INT.pack(granted)), ()), connection)

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
        """A request that writes: it is prepared and proposed; its reply comes when it is applied."""
        if request.op == CLOSE_SESSION:
            closing = self.sessions.open.get(request.session)
            if closing is not None:
                closing.is_closing = True
        self.zxid += 1
        record = self.preparer.prepare(request, self.zxid, self.clock)
        self._proposals.append(Proposal(record, request.op, connection, self.time))
        self.propose(record)

    def check_session(self, request: Request) -> None:
        """Judges whether a request may be made in the name of its session.

        Raises:
            Refused: SESSION_EXPIRED, it is not open.
        """
        session = self.sessions.open.get(request.session)
        if session is None or session.is_closing:
            raise Refused(Err.SESSION_EXPIRED)

    # The way of a write.

    def _submit_close(self, session: int) -> None:
        self.submit(Request(session, 0, Op.CLOSE_SESSION, Reader(b""), ()), None)

    def _commit(self, proposal: Proposal) -> None:
        record, connection = proposal.record, proposal.connection
        done = self.apply(record)
        txn = record.txn
        if type(txn) is CreateSessionTxn:
            self.confirm(connection, self.sessions.open.get(record.session))
            return
        if type(txn) is CloseSessionTxn:
            self.on_session_closed(record.session, connection)
        if connection is not None:
            self.latency.add(self.time - proposal.since)
            body = reply_body(done, proposal.op)
            connection.on_written(record.cxid, record.zxid, done.error, body)
