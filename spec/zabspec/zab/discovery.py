"""Phase 1, discovery: a quorum promises a new epoch, and none of it has more than the leader.

Unlike the paper's leader, this one fetches no history: election has seen to it that the leader has the best
history, and discovery only checks that.

ZooKeeper: Learner.registerWithLeader, LearnerHandler.run, Leader.getEpochToPropose and waitForEpochAck.
"""

from __future__ import annotations

from zabspec.parts import Sid, replace
from zabspec.phases import Phase
from zabspec.quorums import is_quorum
from zabspec.zab.election import standing
from zabspec.zab.network import (
    closed_by_follower,
    closed_by_leader,
    next_at_follower,
    next_at_leader,
    received,
    sent_to_leader,
    sent_to_learners,
    with_server,
)
from zabspec.zab.state import AckEpoch, FollowerInfo, LeaderInfo, Stage, State, learners_from


def leader_processes_followerinfo(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader records a promise; with a quorum of them, it promises a later epoch and proposes it.

    The promise is on disk before it is sent. A latecomer is sent the epoch that was proposed. An observer's
    promise raises the epoch like any other, but the observer is not counted, and neither is its
    acknowledgement.

    Paper: l.1.1.
    ZooKeeper: Leader.getEpochToPropose.
    """
    message = next_at_leader(state, leader, follower, FollowerInfo)
    if message is None:
        return None
    leading = state.servers[leader]
    state = received(state, follower, leader)
    stages = leading.stages.put(follower, Stage.INFORMED)
    if is_quorum(state.quorums, leading.connecting):
        state = with_server(state, leader, replace(leading, stages=stages))
        return sent_to_learners(state, leader, [follower], LeaderInfo(leading.accepted_epoch))
    epoch = max(leading.proposing_epoch, message.epoch + 1)
    connecting = leading.connecting | {follower}
    noting = replace(leading, stages=stages, connecting=connecting, proposing_epoch=epoch)
    if not is_quorum(state.quorums, connecting):
        return with_server(state, leader, noting)
    state = with_server(state, leader, replace(noting, accepted_epoch=epoch))
    told = [sid for sid in learners_from(stages, Stage.INFORMED) if stages[sid] == Stage.INFORMED]
    return sent_to_learners(state, leader, told, LeaderInfo(epoch))


def follower_processes_leaderinfo(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower promises an epoch later than any it has promised before, on disk, and acknowledges it.

    Its acknowledgement of an epoch that it has promised before is marked so that it does not count. If the
    epoch is earlier than its promise, the follower leaves.

    Paper: f.1.1.
    ZooKeeper: Learner.registerWithLeader (LEADERINFO).
    """
    message = next_at_follower(state, follower, leader, LeaderInfo)
    if message is None:
        return None
    promised = state.servers[follower].accepted_epoch
    if message.epoch < promised:
        return closed_by_follower(state, follower, leader)
    state = received(state, leader, follower)
    epoch, zxid = standing(state, follower)
    answer = AckEpoch(epoch if message.epoch > promised else None, zxid)
    promising = replace(state.servers[follower], accepted_epoch=message.epoch, phase=Phase.SYNCHRONIZATION)
    return sent_to_leader(with_server(state, follower, promising), follower, leader, answer)


def leader_processes_ackepoch(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader counts a promise; with a quorum of them its history is the initial history of its epoch.

    A follower that is more up to date than the leader is refused. The leader's current epoch is on disk
    before it counts as having adopted anything of the epoch.

    Paper: l.1.2, where the leader takes over the most recent history instead.
    ZooKeeper: Leader.waitForEpochAck, then QuorumPeer.setCurrentEpoch.
    """
    message = next_at_leader(state, leader, follower, AckEpoch)
    if message is None:
        return None
    leading = state.servers[leader]
    state = received(state, follower, leader)
    noting = replace(
        leading,
        stages=leading.stages.put(follower, Stage.ACKED),
        reported=leading.reported.put(follower, message.zxid),
    )
    if message.epoch is None or leading.phase != Phase.DISCOVERY:
        return with_server(state, leader, noting)
    if (message.epoch, message.zxid) > standing(state, leader):
        return closed_by_leader(state, leader, follower)
    electing = leading.electing | {follower}
    noting = replace(noting, electing=electing)
    if is_quorum(state.quorums, electing):
        noting = replace(noting, current_epoch=leading.accepted_epoch, phase=Phase.SYNCHRONIZATION)
    return with_server(state, leader, noting)
