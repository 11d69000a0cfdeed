"""How a client finds a server, and how each end of a connection learns that the other has gone.

The handshake is one step. A server that is behind what the client has seen refuses it; the leader says
whether the session is alive, and records where it has moved. Before all else, the client registers its
watches again.

ZooKeeper: ZooKeeperServer.processConnectRequest, ClientCnxn.SendThread.
"""

from __future__ import annotations

from zabspec.parts import Queue, Sid, replace
from zabspec.service.history import closing_zxid
from zabspec.service.network import closed, with_client, with_connection
from zabspec.service.requests import Request
from zabspec.service.state import Cid, Connection, Life, State
from zabspec.watches import NOTHING, registered_again


def client_connects(state: State, client: Cid, server: Sid) -> State | None:
    """A client connects to a server that is not behind it, and registers its watches again.

    From now on the leader takes no request of the session from another server. What an earlier connection
    with this server has left is dropped.

    ZooKeeper: ZooKeeperServer.processConnectRequest, Leader.revalidateSession; ClientCnxn.primeConnection.
    """
    if not is_accepted(state, client, server) or closing_zxid(state.log, client) is not None:
        return None
    return connected(state, client, server)


def client_finds_session_expired(state: State, client: Cid, server: Sid) -> State | None:
    """A client tries to resume its session, and is told that it has expired.

    ZooKeeper: ZooKeeperServer.finishSessionInit; ClientCnxn.SendThread.onConnected, KeeperState.Expired.
    """
    if not is_accepted(state, client, server) or closing_zxid(state.log, client) is None:
        return None
    expired = replace(state.clients[client], life=Life.EXPIRED, watches=NOTHING)
    return with_client(state, client, expired)


def client_disconnects(state: State, client: Cid) -> State | None:
    """A client's connection is lost: what it waits for may have happened, or may still happen, or never.

    ZooKeeper: ClientCnxn.SendThread.cleanup, KeeperException.ConnectionLossException.
    """
    leaving = state.clients[client]
    if leaving.server is None:
        return None
    return with_client(state, client, replace(leaving, server=None, inbox=Queue(), outstanding=()))


def server_notices(state: State, server: Sid, client: Cid) -> State | None:
    """A server learns that a client has gone, and drops its watches and its unanswered requests.

    ZooKeeper: NIOServerCnxn.close.
    """
    if not state.connections[server][client].is_open or state.clients[client].server == server:
        return None
    return closed(state, server, client)


def is_accepted(state: State, client: Cid, server: Sid) -> bool:
    """True if a client looks for a server, and this one is not behind it."""
    looking = state.clients[client]
    if looking.server is not None or looking.life != Life.ALIVE:
        return False
    return state.servers[server].applied >= looking.last_zxid


def connected(state: State, client: Cid, server: Sid) -> State:
    """Returns the state after a client connected to a server and sent what it watches.

    A server whose leader has been deposed does not reach the leader that records where sessions are.
    """
    if state.servers[server].cut_off is None:
        state = replace(state, owners=state.owners.put(client, server))
    connecting = state.clients[client]
    again = registered_again(connecting.watches, connecting.last_zxid)
    requests = () if again is None else (Request(0, again),)
    state = with_connection(state, server, client, Connection(is_open=True, requests=Queue(requests)))
    return with_client(state, client, replace(connecting, server=server, outstanding=requests))
