"""Phase 2, synchronization: a quorum adopts the initial history, which is then delivered.

Paper: section IV, algorithm 2, steps l.2.1 (in discovery.py), f.2.1, l.2.2, f.2.2.
"""

from __future__ import annotations

from zabspec.histories import ZERO, index_of, last_zxid
from zabspec.paper.network import disconnected, next_at_follower, next_at_leader, received, sent, with_server
from zabspec.paper.state import AckLeader, CommitLeader, NewLeader, Stage, State, is_quorum, learners_at
from zabspec.parts import Sid, replace
from zabspec.phases import Phase


def follower_processes_newleader(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower adopts epoch and history together, unless it has promised another epoch since.

    Paper: f.2.1, ACK-LD.
    ZooKeeper: Learner.syncWithLeader, NEWLEADER.
    """
    message = next_at_follower(state, follower, leader, NewLeader)
    if message is None:
        return None
    following = state.servers[follower]
    is_refused = message.epoch != following.accepted_epoch
    if not is_refused and following.phase != Phase.SYNCHRONIZATION:
        return None
    if is_refused:
        return disconnected(state, leader, follower)
    adopting = replace(following, current_epoch=message.epoch, history=message.history)
    state = with_server(received(state, leader, follower), follower, adopting)
    return sent(state, follower, [leader], AckLeader(last_zxid(message.history)))


def leader_processes_ackleader(state: State, leader: Sid, follower: Sid) -> State | None:
    """The leader records which servers have adopted its history.

    With a quorum it is established, and delivers.

    Paper: l.2.2, COMMIT-LD. An ACK-LD that comes later is answered alone, with the last zxid delivered by
    then and not the one acknowledged: otherwise that follower would miss what was committed in between.
    ZooKeeper: Leader.waitForNewLeaderAck (UPTODATE).
    """
    message = next_at_leader(state, leader, follower, AckLeader)
    if message is None:
        return None
    leading = state.servers[leader]
    is_late = is_quorum(leading.synced, leading.stages)
    if leading.phase != (Phase.BROADCAST if is_late else Phase.SYNCHRONIZATION):
        return None
    state = received(state, follower, leader)
    covered = sum(txn.zxid <= message.zxid for txn in leading.history)
    noting = replace(
        leading,
        stages=leading.stages.put(follower, Stage.ACKLD),
        synced=leading.synced | {follower},
        acked=leading.acked.put(follower, max(covered, leading.acked[follower])),
    )
    if is_late:
        delivered = leading.history[leading.committed - 1].zxid if leading.committed else ZERO
        state = with_server(state, leader, noting)
        return sent(state, leader, [follower], CommitLeader(delivered))
    if not is_quorum(noting.synced, noting.stages):
        return with_server(state, leader, noting)
    established = replace(noting, phase=Phase.BROADCAST, committed=len(leading.history))
    state = with_server(state, leader, established)
    told = learners_at(noting.stages, Stage.ACKLD)
    return sent(state, leader, told, CommitLeader(last_zxid(leading.history)))


def follower_processes_commitleader(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower delivers the initial history up to the zxid named and enters broadcast.

    Paper: f.2.2.
    ZooKeeper: Learner.syncWithLeader, UPTODATE.
    """
    message = next_at_follower(state, follower, leader, CommitLeader)
    if message is None:
        return None
    following = state.servers[follower]
    index = index_of(message.zxid, following.history)
    if index is None:
        return None
    delivering = replace(following, committed=index, phase=Phase.BROADCAST)
    return with_server(received(state, leader, follower), follower, delivering)
