"""The clients of one server: their connections, and the tree that they see.

Subclasses order the writes: a `Primary` does so itself (`standalone`, `zabserver.zab.leader_service`), a
learner forwards them to its leader (`learner_service`), a member without leader refuses them (`leaderless`).

ZooKeeper: ZooKeeperServer, FinalRequestProcessor.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zabserver.service.connection import Connection
from zabserver.service.prepare import Request
from zabserver.service.sessions import Session, Sessions
from zabserver.service.settings import Settings
from zabserver.service.tree import Outcome, Tree
from zabserver.service.txns import CloseSessionTxn, CreateSessionTxn, Record
from zabserver.wire.protocol import WRITES


@dataclass(slots=True)
class Turn:
    """The effects of a turn, which the shell performs in this order.

    Attributes:
        log: payloads to append to the log; after the fsync the shell calls `Standalone.on_synced`.
        sends: bytes to send on each connection.
        closes: connections to close after that.
    """

    log: list[bytes] = field(default_factory=list)
    sends: list[tuple[Connection, bytes]] = field(default_factory=list)
    closes: list[Connection] = field(default_factory=list)

    def and_then(self, other: Turn) -> Turn:
        """Returns a turn that does this and then the other."""
        return Turn(self.log + other.log, self.sends + other.sends, self.closes + other.closes)


@dataclass(slots=True)
class Latency:
    """The latency of writes from request to reply, in milliseconds.

    Attributes:
        count: the number of writes.
        total: the sum of their latencies.
        least: the shortest latency; 0 if there are none.
        most: the longest latency; 0 if there are none.
    """

    count: int = 0
    total: int = 0
    least: int = 0
    most: int = 0

    def add(self, milliseconds: int) -> None:
        """Counts one write."""
        if milliseconds < self.least or not self.count:
            self.least = milliseconds
        if milliseconds > self.most:
            self.most = milliseconds
        self.count += 1
        self.total += milliseconds

    @property
    def mean(self) -> float:
        """The average; 0 if there are none."""
        return self.total / self.count if self.count else 0.0


class Clients:
    """Serves clients; how their writes are ordered is up to subclasses.

    Args:
        tree: the tree as loaded from disk.
        sessions: the open sessions, and the rules for new ones.
        settings: the settings that decide how requests are served.
        now: the time of the start, in milliseconds since 1970.
        timeouts: the timeouts of the sessions in the tree, in milliseconds, by session id; updated as
            transactions are applied. Taken from `sessions` if not given.

    Attributes:
        writes: the operations that wait for the total order before they are answered.
        is_read_only: True if the server refuses all writes; clients are told when they connect.
        max_buffer: the longest frame, in bytes.
        clock: milliseconds since 1970, set by the shell before each turn.
        time: monotonic milliseconds, set by the shell before each turn.
        connections: the open connections.
        by_session: the connection of each session, by session id.
        dirty: the connections with unsent output.
        auth_failures: the number of failed authentications.
        latency: the latency of writes.
        received, sent: the number of frames received and sent on connections that are closed.
    """

    writes: frozenset[int] = WRITES
    is_read_only = False

    def __init__(
        self,
        tree: Tree,
        sessions: Sessions,
        settings: Settings | None = None,
        now: int = 0,
        timeouts: dict[int, int] | None = None,
    ) -> None:
        self.tree = tree
        self.sessions = sessions
        self.settings = settings or Settings()
        self.max_buffer = self.settings.max_buffer
        if timeouts is None:
            timeouts = {each.id: each.timeout for each in sessions.open.values()}
        self.timeouts = timeouts
        self.clock = now
        self.time = 0
        self.connections: dict[Connection, None] = {}
        self.by_session: dict[int, Connection] = {}
        self.dirty: list[Connection] = []
        self.auth_failures = 0
        self.latency = Latency()
        self.received = self.sent = 0
        self._closing: list[Connection] = []
        self._log: list[bytes] = []

    # How writes are ordered: implemented by subclasses.

    def submit(self, request: Request, connection: Connection | None) -> None:
        """Accepts a write, whose reply is sent once it is applied."""
        raise NotImplementedError

    def begin_session(self, connection: Connection, timeout: int) -> None:
        """Opens a session for a connection."""
        raise NotImplementedError

    def resume_session(self, connection: Connection, session: int, password: bytes, timeout: int) -> None:
        """Attaches an existing session to a connection; its other connection here, if any, is closed."""
        raise NotImplementedError

    def touch(self, session: Session) -> None:
        """Records activity on a session."""
        raise NotImplementedError

    @property
    def outstanding(self) -> int:
        """The number of writes that are not applied yet."""
        raise NotImplementedError

    # Called by the shell.

    def connect(self, host: str, port: int = 0) -> Connection:
        """Accepts a client's connection."""
        connection = Connection(self, host, port)
        self.connections[connection] = None
        return connection

    def disconnect(self, connection: Connection) -> None:
        """Forgets a connection that is gone, with its watches; its session stays open."""
        if connection in self.connections:
            del self.connections[connection]
            self.received += connection.received
            self.sent += connection.sent
        self.tree.watches.forget(connection)
        if connection.why_closed is None:
            connection.why_closed = "the client disconnected"
        if self.by_session.get(connection.session_id) is connection:
            del self.by_session[connection.session_id]

    def turn(self) -> Turn:
        """Returns the effects to perform now, and clears them."""
        turn = Turn(self._log)
        self._log = []
        dirty, self.dirty = self.dirty, []
        turn.sends = [(connection, connection.take_output()) for connection in dirty]
        turn.closes, self._closing = self._closing, []
        return turn

    @property
    def is_idle(self) -> bool:
        """True if a turn would have no effects."""
        return not (self._log or self.dirty or self._closing)

    # Called by connections.

    def on_closing(self, connection: Connection) -> None:
        """Closes a connection after its output is sent, and forgets it."""
        self._closing.append(connection)
        self.disconnect(connection)

    # Applying transactions.

    def apply(self, record: Record) -> Outcome:
        """Applies a transaction, and records the sessions that it opens and closes."""
        txn = record.txn
        if type(txn) is CreateSessionTxn:
            self.timeouts[record.session] = txn.timeout
        elif type(txn) is CloseSessionTxn:
            self.timeouts.pop(record.session, None)
        return self.tree.apply(record)

    def confirm(self, connection: Connection | None, session: Session | None) -> None:
        """Tells a client that its session is established, if the connection is still open."""
        if session is None or connection is None or connection.why_closed is not None:
            return
        self.by_session[session.id] = connection
        connection.on_confirmed(session)

    def on_session_closed(self, session: int, connection: Connection | None) -> None:
        """Removes a session and closes its connection.

        Args:
            session: the id of the session.
            connection: the connection that asked for it, which stays open for its reply; None if the session
                expired or the request came from elsewhere.
        """
        self.sessions.remove(session)
        holder = self.by_session.get(session)
        if holder is not None and holder is not connection:
            holder.close("its session has expired")

    def close_all(self, why: str) -> None:
        """Closes every connection."""
        for connection in list(self.connections):
            connection.close(why)
