"""What clients may see: requests, replies and events, sessions that move, servers that lag or crash.

This grain takes `broadcast` for granted, as one committed log of which every server applies a prefix. Writes
go through the log; the server that a client is connected to answers its reads. What a reply or an event
contains is in `zabspec.tree` and `zabspec.watches`; here is when it is sent, by which server, and in which
order.

    requests    what clients ask for and what they are sent
    state       the log, servers, connections, clients
    history     the tree and the outcomes that a prefix of the log gives
    network     changes that several actions make
    connection  a client finds a server; each end learns that the other has gone
    client      a client sends requests, and receives replies and events
    leader      writes, syncs, the end of sessions
    server      a server applies the log, and answers
    faults      crashes, and leaders that are deposed

Beside the state stands what clients have seen (`seen`), which the properties are about: what the log owes to
watches is in `owed`, and what it owes to clients that come back in `missed`. All properties together are in
`properties`.

Left out: how sessions are created (each client has one from the beginning), time, connections refused for
other reasons than a server that is behind, requests sent on a connection that the server has closed,
authentication.
"""

from __future__ import annotations

from collections.abc import Sequence

from zabspec import tree
from zabspec.parts import Row, Sid
from zabspec.service.client import client_receives, client_sends
from zabspec.service.connection import (
    client_connects,
    client_disconnects,
    client_finds_session_expired,
    connected,
    server_notices,
)
from zabspec.service.faults import leader_is_deposed, server_crashes, server_finds_leader
from zabspec.service.history import caller_of, tree_at
from zabspec.service.leader import (
    leader_answers_sync,
    leader_expires_session,
    leader_logs_write,
    leader_refuses_write,
)
from zabspec.service.server import server_answers, server_answers_sync, server_applies, server_registers_again
from zabspec.service.state import Cid, Client, Connection, Log, Logged, Server, State

NEXT = (
    client_connects,
    client_finds_session_expired,
    client_sends,
    client_receives,
    leader_logs_write,
    leader_refuses_write,
    leader_answers_sync,
    server_applies,
    server_answers,
    server_registers_again,
    server_answers_sync,
    client_disconnects,
    server_notices,
    leader_expires_session,
    server_crashes,
    leader_is_deposed,
    server_finds_leader,
)


def initial(servers: int, at: Sequence[int | None], setup: Sequence[tree.Write] = ()) -> State:
    """Returns the state in which all servers have applied the log, and no client has done anything.

    Args:
        servers: how many servers.
        at: for each client, the server that it is connected to; None if it has yet to find one.
        setup: the writes that precede.
    """
    log: Log = ()
    for write in setup:
        log = (*log, Logged(tree.prepare(tree_at(log, len(log)), write, caller_of(None)), None, 0))
    clients = len(at)
    state = State(
        log,
        Row([None] * clients),
        Row(Server(len(log)) for _ in range(servers)),
        Row(Row(Connection() for _ in range(clients)) for _ in range(servers)),
        Row(Client() for _ in range(clients)),
    )
    for client, server in enumerate(at):
        if server is not None:
            state = connected(state, Cid(client), Sid(server))
    return state


__all__ = [
    "NEXT",
    "State",
    "initial",
    "client_connects",
    "client_finds_session_expired",
    "client_sends",
    "client_receives",
    "leader_logs_write",
    "leader_refuses_write",
    "leader_answers_sync",
    "server_applies",
    "server_answers",
    "server_registers_again",
    "server_answers_sync",
    "client_disconnects",
    "server_notices",
    "leader_expires_session",
    "server_crashes",
    "leader_is_deposed",
    "server_finds_leader",
]
