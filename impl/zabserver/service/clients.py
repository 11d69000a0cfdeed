"""The clients of one server: their connections, and the tree as they see it.

Who puts writes in order is another matter: this server alone (`service`), a leader (`zabserver.zab.leader`),
both by a `Primary`; or a leader elsewhere (`remote`).

ZooKeeper: ZooKeeperServer, FinalRequestProcessor.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zabserver.service.connection import Connection
from zabserver.service.prepare import Request
from zabserver.service.sessions import Session, Sessions
from zabserver.service.settings import Settings
from zabserver.service.tree import Done, Tree
from zabserver.service.txns import CloseSessionTxn, CreateSessionTxn, Record
from zabserver.wire.protocol import WRITES


@dataclass(slots=True)
class Turn:
    """What the shell has to do after it passed in what came: in this order.

    Attributes:
        log: payloads to be appended; then the disk is synced, and `Standalone.on_synced` told.
        sends: what goes to whom.
        closes: who is to be closed after that.
    """

    log: list[bytes] = field(default_factory=list)
    sends: list[tuple[Connection, bytes]] = field(default_factory=list)
    closes: list[Connection] = field(default_factory=list)

    def and_then(self, other: Turn) -> Turn:
        """This, and another after it."""
        return Turn(self.log + other.log, self.sends + other.sends, self.closes + other.closes)


@dataclass(slots=True)
class Latency:
    """How long writes took from request to reply, in milliseconds."""

    count: int = 0
    total: int = 0
    least: int = 0
    most: int = 0

    def add(self, milliseconds: int) -> None:
        """One more."""
        if milliseconds < self.least or not self.count:
            self.least = milliseconds
        if milliseconds > self.most:
            self.most = milliseconds
        self.count += 1
        self.total += milliseconds

    @property
    def mean(self) -> float:
        """Of all; 0 if there are none."""
        return self.total / self.count if self.count else 0.0


class Clients:
    """What a server does for its clients, whoever puts their writes in order.

    Args:
        tree: what was found on disk.
        sessions: the rules for sessions, and those that are open.
        settings: what of zoo.cfg decides about requests.
        now: the clock at the start, milliseconds since 1970.
        timeouts: the timeouts of the sessions in the tree, in milliseconds, by session id; updated as
            transactions are applied. Taken from `sessions` if not given.

    Attributes:
        writes: the operations that are put in order before they are answered.
        is_read_only: whether it refuses them all, which clients are told when they connect.
        timeouts: in milliseconds, of the sessions that the tree's transactions have begun and not ended.
        clock: milliseconds since 1970, set by the shell before each turn.
        time: monotonic milliseconds, likewise.
        dirty: the connections that have something to send.
        latency: of writes.
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
        self.received = self.sent = 0  # of connections that are gone
        self._closing: list[Connection] = []
        self._log: list[bytes] = []

    # What whoever puts writes in order does.

    def submit(self, request: Request, connection: Connection | None) -> None:
        """A request that writes: it gets its place; its reply comes when it is applied."""
        raise NotImplementedError

    def begin_session(self, connection: Connection, timeout: int) -> None:
        """A client wants a new session."""
        raise NotImplementedError

    def resume_session(self, connection: Connection, session: int, password: bytes, timeout: int) -> None:
        """A client wants to go on with a session; whoever had it here before is closed."""
        raise NotImplementedError

    def touch(self, session: Session) -> None:
        """A session gave a sign of life."""
        raise NotImplementedError

    @property
    def outstanding(self) -> int:
        """How many writes are on their way."""
        raise NotImplementedError

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

    def turn(self) -> Turn:
        """What is to be done now; it is taken."""
        turn = Turn(self._log)
        self._log = []
        dirty, self.dirty = self.dirty, []
        turn.sends = [(connection, connection.take_output()) for connection in dirty]
        turn.closes, self._closing = self._closing, []
        return turn

    @property
    def is_idle(self) -> bool:
        """Whether a turn would have nothing in it."""
        return not (self._log or self.dirty or self._closing)

    # What connections call.

    def on_closing(self, connection: Connection) -> None:
        """A connection is to be closed."""
        self._closing.append(connection)
        self.disconnect(connection)

    # What is applied.

    def apply(self, record: Record) -> Done:
        """Applies a transaction, and keeps account of the sessions."""
        txn = record.txn
        if type(txn) is CreateSessionTxn:
            self.timeouts[record.session] = txn.timeout
        elif type(txn) is CloseSessionTxn:
            self.timeouts.pop(record.session, None)
        return self.tree.apply(record)

    def confirm(self, connection: Connection | None, session: Session | None) -> None:
        """A session is begun: the client that waits for it is told, if it still does."""
        if session is None or connection is None or connection.why_closed is not None:
            return
        self.by_session[session.id] = connection
        connection.on_confirmed(session)

    def on_session_closed(self, session: int, connection: Connection | None) -> None:
        """Whoever asked for it gets a reply; another connection of the session is closed without a word."""
        self.sessions.remove(session)
        holder = self.by_session.get(session)
        if holder is not None and holder is not connection:
            holder.close("its session has expired")

    def close_all(self, why: str) -> None:
        """Closes every connection."""
        for connection in list(self.connections):
            connection.close(why)
