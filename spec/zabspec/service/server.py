"""What a server does: it applies the log, and answers the requests of each session in their order.

A transaction is applied as a whole, with all the events that it causes, before any client reads; the reply to
a write comes from the server that the request went to, once that server has applied the write. So an event is
sent before any reply that shows the change, and after the reply to the request that left the watch.

ZooKeeper: CommitProcessor, FinalRequestProcessor, DataTree.processTxn.
"""

from __future__ import annotations

from functools import partial

from zabspec.parts import Sid, replace
from zabspec.service.history import answer_at, closing_zxid, outcome_at, readable_at, tree_at, triggers_at
from zabspec.service.leader import known_at
from zabspec.service.network import closed, sent, with_connection, with_server
from zabspec.service.requests import (
    Outcome,
    Reply,
    Sync,
    goes_to_leader,
    is_answered_locally,
    is_read,
    watch_left,
)
from zabspec.service.state import Cid, State
from zabspec.tree.state import node_at
from zabspec.watches import (
    RemoveWatches,
    SetWatches,
    Watches,
    caught_up,
    fired,
    removed,
    with_watch,
)


def server_applies(state: State, server: Sid) -> State | None:
    """A server applies the next transaction, sends its events, and answers the request that it comes from.

    A write waits until all earlier requests of its session are answered.

    ZooKeeper: CommitProcessor.run, DataTree.processTxn, FinalRequestProcessor.processRequest.
    """
    zxid = state.servers[server].applied + 1
    if zxid > known_at(state, server) or not is_its_turn(state, server, zxid):
        return None
    state = with_applied(state, server, zxid)
    for client in range(len(state.clients)):
        state = with_events_sent(state, server, Cid(client), zxid)
    return with_request_answered(state, server, zxid)


def server_answers(state: State, server: Sid, client: Cid) -> State | None:
    """A server answers a request from its own tree and watches; in the same step it registers the watch.

    ZooKeeper: FinalRequestProcessor.processRequest; DataTree.getData, statNode, getChildren, addWatch.
    """
    request = state.connections[server][client].requests.head
    if request is None or not is_answered_locally(request.body):
        return None
    body = request.body
    zxid, watches = state.servers[server].applied, state.connections[server][client].watches
    outcome: Outcome = None
    if isinstance(body, RemoveWatches):
        watches, outcome = removed(watches, body)
    elif is_read(body):
        outcome = answer_at(state.log, zxid, body, client)
    left = watch_left(body, outcome)
    if left is not None:
        watches = with_watch(watches, *left)
    state = with_watches(state, server, client, watches)
    return answered(state, server, client, Reply(request.number, zxid, outcome))


def server_registers_again(state: State, server: Sid, client: Cid) -> State | None:
    """A server registers a client's watches again, or sends it the events that they have missed.

    It knows of them only as far as its tree shows.

    ZooKeeper: DataTree.setWatches.
    """
    request = state.connections[server][client].requests.head
    if request is None or not isinstance(request.body, SetWatches):
        return None
    zxid, watches = state.servers[server].applied, state.connections[server][client].watches
    done = caught_up(watches, request.body, partial(node_at, tree_at(state.log, zxid)))
    state = with_watches(state, server, client, done.watches)
    state = sent(state, server, client, *done.events)
    return answered(state, server, client, Reply(request.number, zxid, None))


def server_answers_sync(state: State, server: Sid, client: Cid) -> State | None:
    """A server answers a sync once it has applied what was committed when the leader took it.

    ZooKeeper: FollowerZooKeeperServer.sync, CommitProcessor.commit.
    """
    connection = state.connections[server][client]
    request = connection.requests.head
    if request is None or not isinstance(request.body, Sync) or not connection.promised:
        return None
    applied = state.servers[server].applied
    if applied < connection.promised[0]:
        return None
    return answered(state, server, client, Reply(request.number, applied, None))


def is_its_turn(state: State, server: Sid, zxid: int) -> bool:
    """True if the request of a transaction is the next one to be answered, or came to another server."""
    asking = waiting_for(state, server, zxid)
    if asking is None:
        return True
    head = state.connections[server][asking].requests.head
    return head is not None and head.number == state.log[zxid - 1].number


def waiting_for(state: State, server: Sid, zxid: int) -> Cid | None:
    """Returns the client that waits at this server for the reply to a transaction, None if there is none."""
    logged = state.log[zxid - 1]
    if logged.client is None or not logged.number:
        return None
    asked = [each.number for each in state.connections[server][logged.client].requests]
    return logged.client if logged.number in asked else None


def with_applied(state: State, server: Sid, zxid: int) -> State:
    """Returns the state in which a server has applied the log up to a zxid."""
    return with_server(state, server, replace(state.servers[server], applied=zxid))


def with_events_sent(state: State, server: Sid, client: Cid, zxid: int) -> State:
    """Returns the state after a server sent a client the events of a transaction."""
    watching = state.connections[server][client]
    if not watching.watches.entries:
        return state
    log = state.log
    done = fired(watching.watches, triggers_at(log, zxid), zxid, readable_at(log, zxid))
    state = with_watches(state, server, client, done.watches)
    return sent(state, server, client, *done.events)


def with_request_answered(state: State, server: Sid, zxid: int) -> State:
    """Returns the state after a server answered the request of a transaction, and closed connections if it
    ends a session.
    """
    asking = waiting_for(state, server, zxid)
    if asking is not None:
        reply = Reply(state.log[zxid - 1].number, zxid, outcome_at(state.log, zxid))
        state = answered(state, server, asking, reply)
    for client in range(len(state.clients)):
        if closing_zxid(state.log, Cid(client)) == zxid:
            state = closed(state, server, Cid(client))
    return state


def answered(state: State, server: Sid, client: Cid, reply: Reply) -> State:
    """Returns the state after a server answered the oldest request of a client."""
    connection = state.connections[server][client]
    request, promised = connection.requests.head, connection.promised
    if request is not None and goes_to_leader(request.body):
        promised = promised[1:]
    rest = connection.requests.without_first()
    connection = replace(connection, requests=rest, promised=promised)
    return sent(with_connection(state, server, client, connection), server, client, reply)


def with_watches(state: State, server: Sid, client: Cid, watches: Watches) -> State:
    """Returns the state in which a connection has other watches."""
    connection = replace(state.connections[server][client], watches=watches)
    return with_connection(state, server, client, connection)
