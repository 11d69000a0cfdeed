"""The service of a leader, which orders the writes of its own clients and of its learners' clients.

A session belongs to the member that its client is connected to. A request that arrives through another member
was sent before the client reconnected, and is refused.

ZooKeeper: LeaderZooKeeperServer, LeaderSessionTracker, SessionTrackerImpl.checkSession.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zabserver.service.acl import Id
from zabserver.service.connection import Connection
from zabserver.service.prepare import Request
from zabserver.service.primary import Primary
from zabserver.service.sessions import Sessions
from zabserver.service.txns import Record, SetDataTxn
from zabserver.wire.jute import Malformed, Reader
from zabserver.wire.protocol import WRITES, Err, Op, Refused
from zabserver.zab.configuration import ANY, changed, decode_change, decode_ensemble
from zabserver.zab.history import LAST_COUNTER, counter_of

if TYPE_CHECKING:
    from zabserver.zab.leader import Leader

FORWARDED = WRITES | {Op.CHECK, Op.CREATE_SESSION}
"""The operations that learners may forward."""


class LeaderService(Primary):
    """The service of a leader.

    Args:
        leader: the leader, which logs and sends what is proposed.
        sessions: the open sessions, and the rules for new ones.

    Attributes:
        owners: the learner that each session's client is connected to; None for this server.
    """

    def __init__(self, leader: Leader, sessions: Sessions) -> None:
        peer = leader.peer
        super().__init__(
            peer.tree, sessions, peer.rules.settings, peer.clock, peer.timeouts, self._reconfigured
        )
        self.leader = leader
        self.time = peer.time
        self.owners: dict[int, object] = {}

    def propose(self, record: Record) -> None:
        """Logs a transaction here and sends it to the followers."""
        if type(record.txn) is SetDataTxn and record.txn.op == Op.RECONFIG:
            self.leader.succession.propose(decode_ensemble(record.txn.data))
        self.leader.propose(record.zxid, record.encode())

    def submit(self, request: Request, connection: Connection | None) -> None:
        """Prepares and proposes a write; if no zxid of the epoch is left, the leader steps down."""
        if counter_of(self.zxid) == LAST_COUNTER:
            self.leader.step_down("no zxid of this epoch is left")
            return
        super().submit(request, connection)

    def submit_for(
        self, owner: object, session: int, cxid: int, op: int, reader: Reader, ids: Sequence[Id]
    ) -> None:
        """Prepares and proposes a write that a learner forwards.

        Raises:
            Malformed: learners do not forward such an operation.
        """
        if op not in FORWARDED:
            raise Malformed(f"operation {op} is not one that learners forward")
        if op == Op.CREATE_SESSION:
            timeout = Reader(reader.buffer, reader.at).int32()
            self.sessions.add(session, timeout, self.time)
            self.owners[session] = owner
        self.submit(Request(session, cxid, op, reader, ids, owner), None)

    def revalidate(self, owner: object, session: int, timeout: int) -> bool:
        """Moves a session to a learner whose client resumes it; returns True if the session is open."""
        tracked = self.sessions.open.get(session)
        if tracked is None or tracked.is_closing:
            return False
        tracked.timeout = timeout
        self.sessions.touch(tracked, self.time)
        self.owners[session] = owner
        return True

    def resume_session(self, connection: Connection, session: int, password: bytes, timeout: int) -> None:
        """Moves a session to this server, one of whose clients resumes it."""
        super().resume_session(connection, session, password, timeout)
        if self.by_session.get(session) is connection:
            self.owners[session] = None

    def check_session(self, request: Request) -> None:
        """Checks that a request may be made in its session through this member.

        Raises:
            Refused: SESSION_EXPIRED, the session is not open; SESSION_MOVED, its client is connected
                elsewhere.
        """
        super().check_session(request)
        if self.owners.setdefault(request.session, request.owner) is not request.owner:
            raise Refused(Err.SESSION_MOVED)

    def on_session_closed(self, session: int, connection: Connection | None) -> None:
        """Removes a session and its owner."""
        self.owners.pop(session, None)
        super().on_session_closed(session, connection)

    def _reconfigured(self, request: Request, zxid: int) -> bytes:
        """Returns the text of the ensemble that a reconfiguration makes at a zxid.

        Raises:
            Refused: RECONFIG_IN_PROGRESS, BAD_VERSION or BAD_ARGUMENTS; NEW_CONFIG_NO_QUORUM if too few of
                its voters are connected and synchronized.
        """
        peer = self.leader.peer
        if peer.is_reconfiguring:
            raise Refused(Err.RECONFIG_IN_PROGRESS)
        change = decode_change(request.reader)
        if change.version not in (ANY, peer.ensemble.version):
            raise Refused(Err.BAD_VERSION)
        try:
            ensemble = changed(peer.ensemble, change, zxid)
        except ValueError as error:
            peer.news.append(f"reconfiguration refused: {error}")
            raise Refused(Err.BAD_ARGUMENTS) from None
        if len(ensemble.voters) < (1 if peer.rules.lone_voter else 2):
            raise Refused(Err.BAD_ARGUMENTS)
        if not ensemble.is_quorum(self.leader.succession.ready_voters()):
            raise Refused(Err.NEW_CONFIG_NO_QUORUM)
        return ensemble.text().encode()
