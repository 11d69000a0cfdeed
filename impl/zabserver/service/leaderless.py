"""The clients of a member that has no leader: none, or after a while those that only want to read.

Such a client sees the tree as this member has it: transactions at its end may never be committed, and be gone
once there is a leader again. A session that is in the tree goes on here under its own id, and later wherever
its client connects. One that begins here is known to this member alone, and ends with the read-only mode.

ZooKeeper: ReadOnlyZooKeeperServer, ReadOnlyRequestProcessor. There a new session needs `localSessionsEnabled`
(without it, it gets a reply in place of a session); here it needs nothing.
"""

from __future__ import annotations

from zabserver.service.clients import Clients
from zabserver.service.connection import Connection
from zabserver.service.prepare import Request
from zabserver.service.sessions import Session, Sessions, password_of
from zabserver.service.settings import Settings
from zabserver.service.tree import Tree
from zabserver.wire.protocol import WRITES, Err, Op

NO_LEADER = "no leader yet"
REFUSED = WRITES | {Op.SYNC, Op.CHECK}


class Leaderless(Clients):
    """What a member does for clients while it has no leader.

    Args:
        sessions: for those that begin here: none are open.
        settings: the settings that decide about requests.

    Attributes:
        is_read_only: whether it serves those that only want to read; it closes all other connections.
    """

    writes = REFUSED
    is_read_only = False

    def __init__(self, sessions: Sessions, settings: Settings) -> None:
        super().__init__(Tree(), sessions, settings)

    def open(self, tree: Tree, timeouts: dict[int, int]) -> None:
        """Read-only mode begins.

        Args:
            tree: what is read, which nobody changes until `close`.
            timeouts: in milliseconds, of the sessions that are open in it.
        """
        self.tree, self.timeouts = tree, timeouts
        self.is_read_only = True

    def close(self, why: str) -> None:
        """Read-only mode is over, if there was one: every connection is closed."""
        if self.is_read_only:
            self.close_all(why)
            for session in list(self.sessions.open):
                self.sessions.remove(session)
            self.tree, self.timeouts = Tree(), {}
            self.is_read_only = False

    def on_tick(self) -> None:
        """Time has passed: who is silent for long is closed; a session of the tree is not over by that."""
        for session in list(self.sessions.expired(self.time)):
            self.on_session_closed(session.id, None)

    def begin_session(self, connection: Connection, timeout: int) -> None:
        """A client wants a new session."""
        if not self._admits(connection):
            return
        session = self.sessions.add(self.sessions.new_id(), self.sessions.negotiated(timeout), self.time)
        self.confirm(connection, session)

    def resume_session(self, connection: Connection, session: int, password: bytes, timeout: int) -> None:
        """A client wants to go on with a session; whoever had it here before is closed."""
        if not self._admits(connection):
            return
        if password != password_of(session) or not self._knows(session):
            connection.on_session_refused()
            return
        before = self.by_session.get(session)
        if before is not None:
            before.close("its session has moved on")
        tracked = self.sessions.add(session, 0, self.time)
        tracked.timeout = self.sessions.negotiated(timeout)
        self.sessions.touch(tracked, self.time)
        self.confirm(connection, tracked)

    def touch(self, session: Session) -> None:
        """A session gave a sign of life."""
        self.sessions.touch(session, self.time)

    def submit(self, request: Request, connection: Connection | None) -> None:
        """A request that writes, or asks for a sync: it is refused, unless it ends a session begun here."""
        assert connection is not None
        error = Err.NOT_READ_ONLY
        if request.op == Op.CLOSE_SESSION and request.session not in self.timeouts:
            self.on_session_closed(request.session, connection)
            error = Err.OK
        connection.on_written(request.cxid, self.tree.zxid, error, b"")

    @property
    def outstanding(self) -> int:
        """Nothing is on its way."""
        return 0

    def _admits(self, connection: Connection) -> bool:
        """Whether it does; if not, the connection is closed."""
        if not self.is_read_only:
            connection.close(NO_LEADER)
        elif not connection.wants_read_only:
            connection.close("no leader yet, and the client wants to write")
        return connection.why_closed is None

    def _knows(self, session: int) -> bool:
        return session in self.timeouts or session in self.sessions.open
