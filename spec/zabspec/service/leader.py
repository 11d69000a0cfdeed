"""What goes to the leader: writes, syncs, and the end of sessions.

The leader judges a write by the tree as it will be after all that is in the log. The outcome goes into the
log: a change, or the error that the client is told. How the log gets to a quorum is not visible here.

ZooKeeper: PrepRequestProcessor, Leader.processSync, SessionTrackerImpl.
"""

from __future__ import annotations

from zabspec import tree
from zabspec.parts import Sid, replace
from zabspec.service.history import caller_of, closing_zxid, tree_at
from zabspec.service.network import closed, with_connection
from zabspec.service.requests import Request, Sync, goes_to_leader, is_write
from zabspec.service.state import Cid, Logged, State


def leader_logs_write(state: State, client: Cid, server: Sid) -> State | None:
    """The leader takes the next write of a session from its owner, and the write is committed.

    ZooKeeper: PrepRequestProcessor.pRequest, SessionTrackerImpl.checkSession.
    """
    request = next_write(state, client, server)
    if request is None or state.owners[client] != server or closing_zxid(state.log, client) is not None:
        return None
    assert is_write(request.body)
    txn = tree.prepare(tree_at(state.log, len(state.log)), request.body, caller_of(client))
    return logged(state, client, server, Logged(txn, client, request.number))


def leader_refuses_write(state: State, client: Cid, server: Sid) -> State | None:
    """A write comes from a server that the session has moved away from: its connection there is closed.

    ZooKeeper: SessionTrackerImpl.checkSession, KeeperException.SessionMovedException.
    """
    if next_write(state, client, server) is None or state.owners[client] == server:
        return None
    return closed(state, server, client)


def leader_answers_sync(state: State, client: Cid, server: Sid) -> State | None:
    """The leader answers a sync with how much is committed; a deposed leader, with how much it knows of.

    ZooKeeper: Leader.processSync, sendSync.
    """
    request = next_for_leader(state, client, server)
    if request is None or not isinstance(request.body, Sync):
        return None
    return promised(state, client, server, known_at(state, server))


def leader_expires_session(state: State, client: Cid) -> State | None:
    """The leader closes a session that it has heard nothing of for too long, with its ephemeral nodes.

    ZooKeeper: SessionTrackerImpl.run, ZooKeeperServer.expire.
    """
    if closing_zxid(state.log, client) is not None:
        return None
    txn = tree.prepare(tree_at(state.log, len(state.log)), tree.CloseSession(), caller_of(client))
    return replace(state, log=(*state.log, Logged(txn, client, 0)))


def next_for_leader(state: State, client: Cid, server: Sid) -> Request | None:
    """Returns the first request on a connection that goes to the leader and that the leader has not taken
    yet.
    """
    connection = state.connections[server][client]
    going = [each for each in connection.requests if goes_to_leader(each.body)]
    been = len(connection.promised)
    return going[been] if len(going) > been else None


def next_write(state: State, client: Cid, server: Sid) -> Request | None:
    """Returns the write that the leader takes next from a connection, None if there is none.

    A server whose leader has been deposed passes no writes on.
    """
    request = next_for_leader(state, client, server)
    if request is None or not is_write(request.body) or state.servers[server].cut_off is not None:
        return None
    return request


def known_at(state: State, server: Sid) -> int:
    """Returns how much is committed, as far as the leader of a server knows."""
    cut_off = state.servers[server].cut_off
    return len(state.log) if cut_off is None else cut_off


def logged(state: State, client: Cid, server: Sid, entry: Logged) -> State:
    """Returns the state after the outcome of a request was added to the log."""
    state = replace(state, log=(*state.log, entry))
    return promised(state, client, server, len(state.log))


def promised(state: State, client: Cid, server: Sid, zxid: int) -> State:
    """Returns the state after the leader told a server the zxid of a request."""
    connection = state.connections[server][client]
    return with_connection(state, server, client, replace(connection, promised=(*connection.promised, zxid)))
