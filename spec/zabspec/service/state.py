"""The committed log, servers that have each applied a prefix of it, and clients connected to them.

One log stands for the whole of ZAB: what `zabspec.broadcast` promises is all that clients depend on. A
server's tree is what a prefix of the log makes of the empty one, so only the length of the prefix is kept
(`history` works out the tree). A zxid is a place in the log, from 1.

A connection has two ends, each of which learns for itself that it is lost. The server's is a `Connection`;
the client's is in `Client`: whom it talks to, and what is on its way to it.

ZooKeeper: ClientCnxn, ServerCnxn, CommitProcessor, SessionTrackerImpl.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NewType

from zabspec import tree
from zabspec.parts import Queue, Row, Sid
from zabspec.service.requests import Message, Request
from zabspec.watches import NONE, NOTHING, ClientWatches, Watches

Cid = NewType("Cid", int)
"""The id of a client, 0 to n - 1. It has one session, which is there from the beginning."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A transaction in the log, and whose request it was.

    Attributes:
        txn: what it does to the tree.
        client: whose session; None of what was there before all clients.
        number: of the request; 0 if the leader closes the session by itself.
    """

    txn: tree.Txn
    client: Cid | None
    number: int


Log = tuple[Logged, ...]


@dataclass(frozen=True, slots=True)
class Server:
    """A server.

    Attributes:
        applied: how much of the log. ZooKeeper: lastProcessedZxid.
        cut_off: how much of the log its leader knows, if that one has been deposed; None if it has not.
    """

    applied: int
    cut_off: int | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """A server's end of a connection with a client.

    Attributes:
        is_open: whether there is one.
        requests: what has been sent on it and not answered, the oldest first.
        promised: what the leader has said to those of them that go to it, in order: the zxid of a write; of a
            sync, how much was committed.
        watches: what is registered.
    """

    is_open: bool = False
    requests: Queue[Request] = field(default=Queue())
    promised: tuple[int, ...] = ()
    watches: Watches = NONE


class Life(IntEnum):
    """What a client knows of its session."""

    ALIVE = 0
    EXPIRED = 1
    CLOSED = 2


@dataclass(frozen=True, slots=True)
class Client:
    """A client.

    Attributes:
        life: of its session, as far as it knows.
        server: whom it is connected to, as far as it knows.
        inbox: what has been sent to it on this connection and not received, the oldest first.
        outstanding: what it has sent on this connection and has no reply to, the oldest first.
        sent: the number of its last request.
        last_zxid: the highest in the header of any reply to it. ZooKeeper: ClientCnxn.lastZxid.
        watches: what it has registered, and registers again on its next connection.
    """

    life: Life = Life.ALIVE
    server: Sid | None = None
    inbox: Queue[Message] = field(default=Queue())
    outstanding: tuple[Request, ...] = ()
    sent: int = 0
    last_zxid: int = 0
    watches: ClientWatches = NOTHING


@dataclass(frozen=True, slots=True)
class State:
    """All there is.

    Attributes:
        log: what is committed.
        owners: by client, the server that its session was last seen at. ZooKeeper: SessionImpl.owner.
        servers: by id.
        connections: by server, then by client.
        clients: by id.
    """

    log: Log
    owners: Row[Sid | None]
    servers: Row[Server]
    connections: Row[Row[Connection]]
    clients: Row[Client]
