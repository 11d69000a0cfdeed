"""Changes of a state that several actions make: a client, a server, a server's end of a connection.

ZooKeeper: ServerCnxn.
"""

from __future__ import annotations

from zabspec.parts import Sid, replace
from zabspec.service.requests import Message
from zabspec.service.state import Cid, Client, Connection, Server, State


def with_client(state: State, client: Cid, changed: Client) -> State:
    """Returns the state with one client replaced."""
    return replace(state, clients=state.clients.put(client, changed))


def with_server(state: State, server: Sid, changed: Server) -> State:
    """Returns the state with one server replaced."""
    return replace(state, servers=state.servers.put(server, changed))


def with_connection(state: State, server: Sid, client: Cid, changed: Connection) -> State:
    """Returns the state with a server's end of a connection replaced."""
    row = state.connections[server].put(client, changed)
    return replace(state, connections=state.connections.put(server, row))


def closed(state: State, server: Sid, client: Cid) -> State:
    """Returns the state after a server closed its end of a connection; what it has sent may still arrive."""
    return with_connection(state, server, client, Connection())


def sent(state: State, server: Sid, client: Cid, *messages: Message) -> State:
    """Returns the state after a server sent messages to a client; they are lost if the client has left."""
    receiving = state.clients[client]
    if receiving.server != server:
        return state
    inbox = receiving.inbox
    for message in messages:
        inbox = inbox.with_last(message)
    return with_client(state, client, replace(receiving, inbox=inbox))
