"""Changes of a state that several actions make: a client, a server, a server's end of a connection.

ZooKeeper: ServerCnxn.
"""

from __future__ import annotations

from zabspec.parts import Sid, replace
from zabspec.service.requests import Message
from zabspec.service.state import Cid, Client, Connection, Server, State


def with_client(state: State, client: Cid, changed: Client) -> State:
    """A copy in which a client is another."""
    return replace(state, clients=state.clients.put(client, changed))


def with_server(state: State, server: Sid, changed: Server) -> State:
    """A copy in which a server is another."""
    return replace(state, servers=state.servers.put(server, changed))


def with_connection(state: State, server: Sid, client: Cid, changed: Connection) -> State:
    """A copy in which a server's end of a connection is another."""
    row = state.connections[server].put(client, changed)
    return replace(state, connections=state.connections.put(server, row))


def closed(state: State, server: Sid, client: Cid) -> State:
    """A copy in which a server has closed its end; what it has sent may still arrive."""
    return with_connection(state, server, client, Connection())


def sent(state: State, server: Sid, client: Cid, *messages: Message) -> State:
    """A copy in which a server has sent messages; if the client has left, they go nowhere."""
    receiving = state.clients[client]
    if receiving.server != server:
        return state
    inbox = receiving.inbox
    for message in messages:
        inbox = inbox.with_last(message)
    return with_client(state, client, replace(receiving, inbox=inbox))
