"""The committed log, servers that have each applied a prefix of it, and the clients connected to them.

One log stands for the whole of ZAB: clients depend only on what `zabspec.broadcast` promises. A server's tree
is what a prefix of the log makes of the empty tree, so only the length of the prefix is kept (`history`
computes the tree). A zxid is a place in the log, from 1.

A connection has two ends, each of which learns for itself that the connection is lost. The server's end is a
`Connection`; the client's end is in `Client`: the server that it is connected to, and the messages in flight
to it.

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
"""The id of a client, 0 to n - 1. It has one session, which exists from the beginning."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A transaction in the log, and the request that it comes from.

    Attributes:
        txn: the transaction.
        client: whose session made the request; None for what was there before all clients.
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
        cut_off: how much of the log its leader knows, if that leader has been deposed; None if it has not.
    """

    applied: int
    cut_off: int | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """A server's end of a connection with a client.

    Attributes:
        is_open: True if there is a connection.
        requests: those sent on it and not answered, the oldest first.
        promised: the leader's answers to those of them that go to it, in order: for a write its zxid, for a
            sync how much was committed.
        watches: those registered on it.
    """

    is_open: bool = False
    requests: Queue[Request] = field(default=Queue())
    promised: tuple[int, ...] = ()
    watches: Watches = NONE


class Life(IntEnum):
    """A client's knowledge of its session."""

    ALIVE = 0
    EXPIRED = 1
    CLOSED = 2


@dataclass(frozen=True, slots=True)
class Client:
    """A client.

    Attributes:
        life: of its session, as far as the client knows.
        server: the server that it is connected to, as far as it knows.
        inbox: messages in flight to it on this connection, the oldest first.
        outstanding: the requests that it has sent on this connection and has no reply to, the oldest first.
        sent: the number of its last request.
        last_zxid: the highest zxid in the header of any reply to it. ZooKeeper: ClientCnxn.lastZxid.
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
    """The log, the sessions' owners, servers, connections and clients.

    Attributes:
        log: the committed transactions.
        owners: for each client, the server at which its session was last seen. ZooKeeper: SessionImpl.owner.
        servers: by id.
        connections: by server, then by client.
        clients: by id.
    """

    log: Log
    owners: Row[Sid | None]
    servers: Row[Server]
    connections: Row[Row[Connection]]
    clients: Row[Client]
