"""Faults in the paper's ZAB: a connection times out, a server crashes and restarts.

Paper: section II, crash-recovery. A crash is not a step of its own: a server that does nothing after its
restart stands for one that has not come back. Everything is on disk but `committed` and what a leader knows
of others.
"""

from __future__ import annotations

from zabspec.paper.network import EMPTY, abandoned, as_looking, disconnected, with_channel, with_server
from zabspec.paper.state import Role, Stage, State, is_quorum, learners_at
from zabspec.parts import Sid, replace


def connection_times_out(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader and one of its followers lose their connection.

    Paper: section IV, heartbeats.
    ZooKeeper: LearnerHandler and Learner read timeouts; Leader.lead when its followers are too few.
    """
    lost = state.servers[follower]
    if lost.role != Role.FOLLOWING or lost.leader != leader:
        return None
    leading = state.servers[leader]
    if leading.role != Role.LEADING or leading.stages[follower] == Stage.ABSENT:
        return None
    return without_learner(state, leader, follower)


def server_restarts(state: State, server: Sid) -> State | None:
    """A server crashes and restarts with what is on its disk; it has yet to deliver all of that again.

    Paper: section II.
    ZooKeeper: QuorumPeer.loadDataBase.
    """
    crashing = state.servers[server]
    match crashing.role:
        case Role.LOOKING:
            pass
        case Role.LEADING:
            state = abandoned(state, server)
        case Role.FOLLOWING if crashing.leader is not None:
            state = without_learner(state, crashing.leader, server)
        case Role.FOLLOWING:
            state = with_server(state, server, as_looking(crashing))
            for sender in range(len(crashing.stages)):
                if sender != server:
                    state = with_channel(state, Sid(sender), server, EMPTY)
    return with_server(state, server, replace(state.servers[server], committed=0))


def without_learner(state: State, leader: Sid, follower: Sid) -> State:
    """Returns the state after a leader lost a follower.

    If no quorum is left, the leader abandons its other followers too.
    """
    stages = state.servers[leader].stages
    left = [sid for sid in learners_at(stages, Stage.CONNECTED) if sid != follower]
    if is_quorum(left, stages):
        return disconnected(state, leader, follower)
    return abandoned(state, leader)
