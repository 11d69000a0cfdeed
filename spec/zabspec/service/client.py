"""A client: it sends requests, and receives replies and events in the order in which they were sent.

ZooKeeper: ClientCnxn, ZKWatchManager.
"""

from __future__ import annotations

from zabspec import tree
from zabspec.parts import replace
from zabspec.service.network import with_client, with_connection
from zabspec.service.requests import Body, Reply, Request, watch_left, watches_removed
from zabspec.service.state import Cid, Client, Life, State
from zabspec.watches import NOTHING, Event, called, forgotten, remembered


def client_sends(state: State, client: Cid, body: Body) -> State | None:
    """A client sends a request, without waiting for the replies to earlier ones.

    What is sent on a connection that the server has closed is lost, and is left out.

    ZooKeeper: ClientCnxn.queuePacket.
    """
    sending = state.clients[client]
    if sending.server is None or sending.life != Life.ALIVE:
        return None
    connection = state.connections[sending.server][client]
    if not connection.is_open:
        return None
    request = Request(sending.sent + 1, body)
    state = with_connection(
        state, sending.server, client, replace(connection, requests=connection.requests.with_last(request))
    )
    outstanding = (*sending.outstanding, request)
    return with_client(state, client, replace(sending, sent=request.number, outstanding=outstanding))


def client_receives(state: State, client: Cid) -> State | None:
    """A client receives a reply, which may register a watch, or an event, which may use one up.

    Only replies tell it how far it has come: the zxid of an event does not count.

    ZooKeeper: ClientCnxn.SendThread.readResponse, ZKWatchManager.materialize.
    """
    receiving = state.clients[client]
    message = receiving.inbox.head
    if message is None:
        return None
    receiving = replace(receiving, inbox=receiving.inbox.without_first())
    match message:
        case Event():
            receiving = replace(receiving, watches=called(receiving.watches, message)[0])
        case Reply():
            receiving = _with_reply(receiving, message)
    return with_client(state, client, receiving)


def _with_reply(receiving: Client, reply: Reply) -> Client:
    """Returns a client after it received the reply to its oldest outstanding request."""
    request, rest = receiving.outstanding[0], receiving.outstanding[1:]
    receiving = replace(receiving, outstanding=rest, last_zxid=max(receiving.last_zxid, reply.zxid))
    if isinstance(request.body, tree.CloseSession):
        return replace(receiving, life=Life.CLOSED, server=None, watches=NOTHING)
    left = watch_left(request.body, reply.outcome)
    if left is not None:
        return replace(receiving, watches=remembered(receiving.watches, *left))
    gone = watches_removed(request.body, reply.outcome)
    if gone is not None:
        return replace(receiving, watches=forgotten(receiving.watches, *gone))
    return receiving
