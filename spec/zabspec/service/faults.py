"""Faults: servers that crash, and a leader that has been deposed without knowing.

ZooKeeper: QuorumPeer.run, Learner.shutdown, ZooKeeperServer.shutdown.
"""

from __future__ import annotations

from zabspec.parts import Sid, replace
from zabspec.service.network import closed, with_server
from zabspec.service.state import Cid, State


def server_crashes(state: State, server: Sid) -> State | None:
    """A server crashes and restarts: its connections and watches are gone, what it has applied is not.

    While it is down it does nothing; a slow restart is the same as a server that is slow to do anything.

    ZooKeeper: ZKDatabase.loadDataBase, Learner.syncWithLeader.
    """
    if not any(each.is_open for each in state.connections[server]):
        return None
    return _without_connections(state, server)


def leader_is_deposed(state: State, server: Sid) -> State | None:
    """Another server has come to lead, and this server does not know: it still follows the former leader.

    The former leader commits nothing from now on, and answers a sync from what it knows.

    ZooKeeper: Leader.lead, before it misses its followers.
    """
    following = state.servers[server]
    if following.cut_off is not None:
        return None
    return with_server(state, server, replace(following, cut_off=len(state.log)))


def server_finds_leader(state: State, server: Sid) -> State | None:
    """A server learns that its leader is deposed, closes its connections, and follows the new one.

    ZooKeeper: QuorumPeer.run, LOOKING; ZooKeeperServer.shutdown closes its connections.
    """
    following = state.servers[server]
    if following.cut_off is None:
        return None
    state = _without_connections(state, server)
    return with_server(state, server, replace(following, cut_off=None))


def _without_connections(state: State, server: Sid) -> State:
    for client in range(len(state.clients)):
        if state.connections[server][client].is_open:
            state = closed(state, server, Cid(client))
    return state
