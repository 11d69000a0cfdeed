"""Faults in ZAB 1.0: a server crashes and restarts, one end of a connection gives up.

Faults of the network as a whole are in `zabspec.zab.partitions`.

There is no clock: a timeout may happen at any time. Which end of a connection gives up first makes two
different steps; the other end notices later (`network.follower_notices`, `network.leader_notices`), unless it
crashes before it does.
"""

from __future__ import annotations

from zabspec.parts import Sid, replace
from zabspec.zab.disk import loaded
from zabspec.zab.network import (
    EMPTY,
    closed_by_follower,
    closed_by_leader,
    is_follower_of,
    is_reachable,
    stepped_down,
    with_channel,
    with_server,
)
from zabspec.zab.state import Role, Stage, State


def follower_times_out(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower hears nothing from its leader for too long and goes back to election.

    ZooKeeper: socket timeout in Learner.readPacket, Follower.shutdown.
    """
    if not is_follower_of(state, follower, leader):
        return None
    return closed_by_follower(state, follower, leader)


def leader_drops_follower(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader hears nothing from a learner for too long and closes its end of the connection.

    If the learner has closed its own end, the leader notices sooner (`network.leader_notices`), unless a
    partition keeps it from noticing.

    ZooKeeper: socket timeout in LearnerHandler.run.
    """
    if state.servers[leader].stages[follower] == Stage.ABSENT:
        return None
    if not is_follower_of(state, follower, leader) and is_reachable(state, leader, follower):
        return None
    return closed_by_leader(state, leader, follower)


def server_restarts(state: State, server: Sid, kept: int) -> State | None:
    """A server crashes and restarts with what is on its disk, and perhaps some of what waited.

    Of what waited to be written, any first part may be on disk.

    It considers all of it as applied, committed or not. It refuses to start if its log is of a later epoch
    than its current epoch: then it crashed between the two at NEWLEADER.

    Args:
        state: the state before.
        server: the server that crashes.
        kept: how many of the transactions that waited to be written are on disk after all.

    ZooKeeper: QuorumPeer.loadDataBase.
    """
    crashing = state.servers[server]
    if crashing.role == Role.STOPPED or kept > len(crashing.unsynced):
        return None
    if crashing.role == Role.LEADING:
        state = stepped_down(state, server)
    elif crashing.role == Role.FOLLOWING:
        leader = crashing.leader
        assert leader is not None
        state = with_channel(closed_by_follower(state, server, leader), leader, server, EMPTY)
    found = (*crashing.log, *crashing.unsynced[:kept])
    back = loaded(state.servers[server], found)
    if back.processed.epoch > back.current_epoch:
        back = replace(back, role=Role.STOPPED)
    return with_server(state, server, back)
