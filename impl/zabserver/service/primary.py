"""A server that orders writes: it prepares and proposes them, and applies them in that order once committed.

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
    """A write that is proposed and not yet applied.

    Attributes:
        record: its transaction.
        op: the operation that the client asked for.
        connection: the connection that waits for the reply; None if there is none here.
        since: when the request arrived, in monotonic milliseconds.
    """

    record: Record
    op: int
    connection: Connection | None
    since: int


class Primary(Clients):
    """A server that orders writes; `commit` is called with what is committed.

    Args:
        tree, sessions, settings, now, timeouts: as of `Clients`.
        reconfigured: as of `Preparer`.

    Attributes:
        zxid: the zxid of the last transaction prepared.
        preparer: turns requests into transactions.
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
        """Logs a prepared transaction, and sends it to the servers that must log it, too."""
        raise NotImplementedError

    # Called by the shell.

    def expire(self, session: int) -> None:
        """Closes a session as if it had expired.

        Raises:
            KeyError: no such session is open.
        """
        self.sessions.open[session].is_closing = True
        self._submit_close(session)

    def on_tick(self) -> None:
        """Closes the sessions that have expired."""
        for session in self.sessions.expired(self.time):
            self._submit_close(session.id)

    def clean_up(self, longest_unused: int) -> None:
        """Deletes empty containers, and nodes whose time to live is over.

        Args:
            longest_unused: how long a container that never had a child is kept, in milliseconds; 0 for ever.

        ZooKeeper: ContainerManager.
        """
        for path in due_for_deletion(self.tree, self.clock, longest_unused):
            self.submit(Request(0, 0, Op.DELETE_CONTAINER, Reader(data(path)), ()), None)

    def commit(self, zxid: int) -> None:
        """Applies everything up to a zxid, which is committed."""
        proposals = self._proposals
        while proposals and proposals[0].record.zxid <= zxid:
            self._commit(proposals.popleft())
        self.preparer.outstanding.on_applied(zxid)

    @property
    def outstanding(self) -> int:
        """The number of writes that are prepared and not applied."""
        return len(self._proposals)

    # Called by connections.

    def touch(self, session: Session) -> None:
        """Records activity on a session."""
        self.sessions.touch(session, self.time)

    def begin_session(self, connection: Connection, timeout: int) -> None:
        """Proposes a new session for a connection."""
        granted = self.sessions.negotiated(timeout)
        session = self.sessions.add(self.sessions.new_id(), granted, self.time)
        self.submit(Request(session.id, 0, Op.CREATE_SESSION, Reader(INT.pack(granted)), ()), connection)

    def resume_session(self, connection: Connection, session: int, password: bytes, timeout: int) -> None:
        """Attaches an open session to a connection; its other connection here, if any, is closed."""
        tracked = self.sessions.open.get(session)
        if tracked is None or tracked.is_closing or password != password_of(session):
            connection.on_session_refused()
            return
        before = self.by_session.get(session)
        if before is not None:
            before.close("its session has moved to another connection")
        tracked.timeout = self.sessions.negotiated(timeout)
        self.sessions.touch(tracked, self.time)
        self.by_session[session] = connection
        connection.on_confirmed(tracked)

    def submit(self, request: Request, connection: Connection | None) -> None:
        """Prepares and proposes a write, whose reply is sent once it is applied."""
        if request.op == CLOSE_SESSION:
            closing = self.sessions.open.get(request.session)
            if closing is not None:
                closing.is_closing = True
        self.zxid += 1
        record = self.preparer.prepare(request, self.zxid, self.clock)
        self._proposals.append(Proposal(record, request.op, connection, self.time))
        self.propose(record)

    def check_session(self, request: Request) -> None:
        """Checks that a request may be made in its session.

        Raises:
            Refused: SESSION_EXPIRED, the session is not open.
        """
        session = self.sessions.open.get(request.session)
        if session is None or session.is_closing:
            raise Refused(Err.SESSION_EXPIRED)

    # Ordering and applying.

    def _submit_close(self, session: int) -> None:
        self.submit(Request(session, 0, Op.CLOSE_SESSION, Reader(b""), ()), None)

    def _commit(self, proposal: Proposal) -> None:
        record, connection = proposal.record, proposal.connection
        outcome = self.apply(record)
        txn = record.txn
        if type(txn) is CreateSessionTxn:
            self.confirm(connection, self.sessions.open.get(record.session))
            return
        if type(txn) is CloseSessionTxn:
            self.on_session_closed(record.session, connection)
        if connection is not None:
            self.latency.add(self.time - proposal.since)
            body = reply_body(outcome, proposal.op)
            connection.on_written(record.cxid, record.zxid, outcome.error, body)
