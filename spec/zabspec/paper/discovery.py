"""Phase 1, discovery: a quorum promises a new epoch, and the most recent history in it is chosen.

Paper: section IV, algorithm 1, steps f.1.1, l.1.1, f.1.2, l.1.2.
"""

from __future__ import annotations

from zabspec.paper.network import disconnected, next_at_follower, next_at_leader, received, sent, with_server
from zabspec.paper.state import (
    AckEpoch,
    CEpoch,
    NewEpoch,
    NewLeader,
    Role,
    Stage,
    State,
    is_quorum,
    learners_at,
)
from zabspec.parts import Row, Sid, replace
from zabspec.phases import Phase
from zabspec.summaries import Summary, more_recent


def follower_connects(state: State, leader: Sid, follower: Sid) -> State | None:
    """A follower connects to the server that the oracle names and sends it its last promise.

    Paper: f.1.1, CEPOCH(f.p).
    ZooKeeper: Learner.connectToLeader, Learner.registerWithLeader (FOLLOWERINFO).
    """
    if state.oracle != leader:
        return None
    joining = state.servers[follower]
    if joining.role != Role.FOLLOWING or joining.leader is not None:
        return None
    leading = state.servers[leader]
    if leading.role != Role.LEADING or leading.stages[follower] != Stage.ABSENT:
        return None
    stages = leading.stages.put(follower, Stage.CONNECTED)
    state = with_server(state, leader, replace(leading, stages=stages))
    state = with_server(state, follower, replace(joining, leader=leader))
    return sent(state, follower, [leader], CEpoch(joining.accepted_epoch))


def leader_processes_cepoch(state: State, leader: Sid, follower: Sid) -> State | None:
    """The leader records a promise; once a quorum has promised, it proposes an epoch above all promised ones.

    Paper: l.1.1, NEWEPOCH(e'). A CEPOCH that comes later is answered alone.
    ZooKeeper: Leader.getEpochToPropose.
    """
    message = next_at_leader(state, leader, follower, CEpoch)
    if message is None:
        return None
    leading = state.servers[leader]
    is_late = is_quorum(leading.promised, leading.stages)
    if not is_late and leading.phase != Phase.DISCOVERY:
        return None
    state = received(state, follower, leader)
    stages = leading.stages.put(follower, Stage.CEPOCH)
    promised = leading.promised | {follower}
    if is_late:
        state = with_server(state, leader, replace(leading, stages=stages, promised=promised))
        return sent(state, leader, [follower], NewEpoch(leading.accepted_epoch))
    highest = max(leading.highest_epoch, message.epoch)
    if not is_quorum(promised, stages):
        return with_server(
            state, leader, replace(leading, stages=stages, promised=promised, highest_epoch=highest)
        )
    proposing = replace(
        leading, stages=stages, promised=promised, highest_epoch=0, accepted_epoch=highest + 1
    )
    state = with_server(state, leader, proposing)
    return sent(state, leader, learners_at(stages, Stage.CEPOCH), NewEpoch(highest + 1))


def follower_processes_newepoch(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower promises the epoch and sends its epoch and history, unless its promise is higher.

    Paper: f.1.2, ACK-E(f.a, h_f).
    ZooKeeper: Learner.registerWithLeader (LEADERINFO, ACKEPOCH).
    """
    message = next_at_follower(state, follower, leader, NewEpoch)
    if message is None:
        return None
    following = state.servers[follower]
    is_refused = message.epoch < following.accepted_epoch
    if not is_refused and following.phase != Phase.DISCOVERY:
        return None
    if is_refused:
        return disconnected(state, leader, follower)
    promising = replace(following, accepted_epoch=message.epoch, phase=Phase.SYNCHRONIZATION)
    state = with_server(received(state, leader, follower), follower, promising)
    return sent(state, follower, [leader], AckEpoch(following.current_epoch, following.history))


def leader_processes_ackepoch(state: State, leader: Sid, follower: Sid) -> State | None:
    """The leader records a history; with a quorum of them, it adopts and sends out the most recent.

    Paper: l.1.2 and l.2.1, NEWLEADER(e', I_e'). An ACK-E that comes later is answered alone, with all that
    the leader has by then.
    ZooKeeper: Leader.waitForEpochAck; there, the leader only verifies that it has the most recent history.
    """
    message = next_at_leader(state, leader, follower, AckEpoch)
    if message is None:
        return None
    leading = state.servers[leader]
    is_late = is_quorum(leading.confirmed, leading.stages)
    if not is_late and leading.phase != Phase.DISCOVERY:
        return None
    state = received(state, follower, leader)
    stages = leading.stages.put(follower, Stage.ACKEPOCH)
    confirmed = leading.confirmed | {follower}
    epoch = leading.accepted_epoch
    if is_late:
        state = with_server(state, leader, replace(leading, stages=stages, confirmed=confirmed))
        return sent(state, leader, [follower], NewLeader(epoch, leading.history))
    best = more_recent(leading.best, Summary(message.epoch, message.history))
    if not is_quorum(confirmed, stages):
        return with_server(state, leader, replace(leading, stages=stages, confirmed=confirmed, best=best))
    adopting = replace(
        leading,
        stages=stages,
        confirmed=confirmed,
        best=None,
        current_epoch=epoch,
        history=best.history,
        acked=Row([0] * len(stages)).put(leader, len(best.history)),
        phase=Phase.SYNCHRONIZATION,
    )
    state = with_server(state, leader, adopting)
    return sent(state, leader, learners_at(stages, Stage.ACKEPOCH), NewLeader(epoch, best.history))
