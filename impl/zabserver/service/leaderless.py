"""The service of a member without a leader: none, or after a while a read-only one.

Clients of a read-only member see the tree as this member has it, whose last transactions may never be
committed, and disappear once there is a leader again. A session that is in the tree is resumed under its own
id, and later wherever its client connects. A session opened here is known to this member alone, and ends with
read-only mode.

ZooKeeper: ReadOnlyZooKeeperServer, ReadOnlyRequestProcessor. There a new session needs `localSessionsEnabled`
(without it, the client receives a reply header instead of a session); here it needs nothing.
"""

from __future__ import annotations

from zabserver.service.clients import Clients
from zabserver.service.connection import Connection
from zabserver.service.prepare import Request
from zabserver.service.sessions import Session, Sessions, password_of
from zabserver.service.settings import Settings
from zabserver.service.tree import Tree
from zabserver.wire.protocol import WRITES, Err, Op

NO_LEADER = "this server has no leader"
REFUSED = WRITES | {Op.SYNC, Op.CHECK}


class Leaderless(Clients):
    """Serves clients while this member has no leader.

    Args:
        sessions: the rules for sessions; none are open.
        settings: the settings that decide how requests are served.

    Attributes:
        is_read_only: True while read-only clients are served; connections of other clients are closed.
    """

    writes = REFUSED
    is_read_only = False

    def __init__(self, sessions: Sessions, settings: Settings) -> None:
        super().__init__(Tree(), sessions, settings)

    def open(self, tree: Tree, timeouts: dict[int, int]) -> None:
        """Enters read-only mode.

        Args:
            tree: the tree to serve, which must not change until `close`.
            timeouts: the timeouts of the open sessions in the tree, in milliseconds, by session id.
        """
        self.tree, self.timeouts = tree, timeouts
        self.is_read_only = True

    def close(self, why: str) -> None:
        """Leaves read-only mode, if it was entered, and closes every connection."""
        if self.is_read_only:
            self.close_all(why)
            for session in list(self.sessions.open):
                self.sessions.remove(session)
            self.tree, self.timeouts = Tree(), {}
            self.is_read_only = False

    def on_tick(self) -> None:
        """Closes connections without activity for their session's timeout; sessions of the tree stay open."""
        for session in list(self.sessions.expired(self.time)):
            self.on_session_closed(session.id, None)

    def begin_session(self, connection: Connection, timeout: int) -> None:
        """Opens a session that this member alone knows."""
        if not self._admits(connection):
            return
        session = self.sessions.add(self.sessions.new_id(), self.sessions.negotiated(timeout), self.time)
        self.confirm(connection, session)

    def resume_session(self, connection: Connection, session: int, password: bytes, timeout: int) -> None:
        """Attaches an existing session to a connection; its other connection here, if any, is closed."""
        if not self._admits(connection):
            return
        if password != password_of(session) or not self._knows(session):
            connection.on_session_refused()
            return
        before = self.by_session.get(session)
        if before is not None:
            before.close("its session has moved to another connection")
        tracked = self.sessions.add(session, 0, self.time)
        tracked.timeout = self.sessions.negotiated(timeout)
        self.sessions.touch(tracked, self.time)
        self.confirm(connection, tracked)

    def touch(self, session: Session) -> None:
        """Records activity on a session."""
        self.sessions.touch(session, self.time)

    def submit(self, request: Request, connection: Connection | None) -> None:
        """Refuses a write or a sync, unless it closes a session opened here."""
        assert connection is not None
        error = Err.NOT_READ_ONLY
        if request.op == Op.CLOSE_SESSION and request.session not in self.timeouts:
            self.on_session_closed(request.session, connection)
            error = Err.OK
        connection.on_written(request.cxid, self.tree.zxid, error, b"")

    @property
    def outstanding(self) -> int:
        """Always 0: no write is accepted."""
        return 0

    def _admits(self, connection: Connection) -> bool:
        """Closes a connection that cannot be served; returns True if it is served."""
        if not self.is_read_only:
            connection.close(NO_LEADER)
        elif not connection.wants_read_only:
            connection.close(f"{NO_LEADER}, and the client does not accept read-only mode")
        return connection.why_closed is None

    def _knows(self, session: int) -> bool:
        return session in self.timeouts or session in self.sessions.open
