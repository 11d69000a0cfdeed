"""Phase 2, synchronization: a learner gets its leader's history, and acknowledges it once it is on disk.

A leader considers all that it has as committed when phase 2 begins. It sends the part that the learner lacks,
then NEWLEADER; what is proposed from then on comes after that. The learner writes history and epoch and then
acknowledges, in this order, and may crash between any two of these.

Paper: section IV, algorithm 2.
ZooKeeper: LearnerHandler.syncFollower, Leader.startForwarding, Learner.syncWithLeader.
"""

from __future__ import annotations

from zabspec.histories import ZERO, History, Zxid, after, last_zxid, up_to
from zabspec.parts import Sid, replace
from zabspec.phases import Phase
from zabspec.quorums import is_quorum
from zabspec.zab.disk import applied, durable, loaded, truncated, with_snapshot
from zabspec.zab.network import (
    closed_by_follower,
    first_message,
    is_follower_of,
    next_at_follower,
    next_at_leader,
    received,
    sent_to_leader,
    sent_to_learners,
    with_server,
)
from zabspec.zab.state import (
    Ack,
    Commit,
    Diff,
    Disk,
    Inform,
    Message,
    NewLeader,
    Proposal,
    Role,
    Server,
    Snap,
    Snapshot,
    Stage,
    State,
    SyncMode,
    Trunc,
    UpToDate,
    learners_from,
)

COMMIT_LOG_COUNT = 1
"""How many applied transactions a leader keeps in memory, where a disk is of files; 500 or more in
ZooKeeper.
"""

BUFFERING = (SyncMode.NONE, SyncMode.DIFF)
"""The modes in which a COMMIT is kept for later; in the other modes it is applied to the tree at once."""


def leader_syncs_learner(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader sends a learner what it lacks and what is outstanding; from now on it sends it its proposals.

    An observer is sent only what is committed. What the learner acknowledged on an earlier connection no
    longer counts: it is about to be truncated and sent again.

    Paper: l.2.1, h_f. Departure: D23.
    ZooKeeper: LearnerHandler.syncFollower, Leader.startForwarding.
    """
    leading = state.servers[leader]
    if leading.stages[follower] != Stage.ACKED or leading.phase < Phase.SYNCHRONIZATION:
        return None
    messages = history_for(leading, leading.reported[follower], state.disk)
    if follower not in state.observers:
        messages += outstanding(leading)
    forwarding = replace(
        leading,
        stages=leading.stages.put(follower, Stage.FORWARDING),
        reported=leading.reported.put(follower, ZERO),
        acked=leading.acked.put(follower, 0),
    )
    return sent_to_learners(with_server(state, leader, forwarding), leader, [follower], *messages)


def leader_sends_newleader(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader sends NEWLEADER: it ends the history, with what was proposed and committed since.

    Paper: l.2.1, NEWLEADER.
    ZooKeeper: LearnerHandler.run (NEWLEADER).
    """
    leading = state.servers[leader]
    if leading.stages[follower] != Stage.FORWARDING:
        return None
    telling = replace(leading, stages=leading.stages.put(follower, Stage.TOLD))
    state = with_server(state, leader, telling)
    return sent_to_learners(state, leader, [follower], NewLeader(leading.current_epoch))


def history_for(leading: Server, has: Zxid, disk: Disk) -> list[Message]:
    """Returns the messages that bring what is committed to a learner that has everything up to a zxid.

    ZooKeeper: LearnerHandler.syncFollower, queueCommittedProposals.
    """
    first, missing = how_it_is_synced(leading, has, disk)
    if first is None:
        return [Snap(leading.tree, leading.processed)]
    messages: list[Message] = [first]
    for txn in missing:
        messages += (Proposal(txn), Commit(txn.zxid))
    return messages


def how_it_is_synced(leading: Server, has: Zxid, disk: Disk) -> tuple[Diff | Trunc | None, History]:
    """Returns how a learner that has all up to a zxid gets what a leader has: see `how_to_sync`."""
    if disk == Disk.FILES:
        return how_to_sync_from_files(leading, has)
    return how_to_sync(leading.committed_log, leading.processed, has)


def how_to_sync(committed_log: History, processed: Zxid, has: Zxid) -> tuple[Diff | Trunc | None, History]:
    """Returns how a learner gets what a leader has: DIFF or TRUNC, and the transactions that follow.

    None stands for SNAP, where the two have no transaction in common that can be named. A zxid with counter 0
    is in no log: it labels the tree of a server that has led.

    Args:
        committed_log: the last transactions that the leader has applied, as many as it keeps.
        processed: the label of the leader's tree.
        has: the last zxid of the learner.
    """
    least = committed_log[0].zxid if committed_log else processed
    most = committed_log[-1].zxid if committed_log else processed
    if has == processed:
        return Diff(), ()
    if has > most and has.counter != 0:
        return Trunc(most), ()
    if not least <= has <= most:
        return None, ()
    missing = after(committed_log, has)
    if has.counter == 0 or has in [txn.zxid for txn in committed_log]:
        return Diff(), missing
    if missing[0].zxid.epoch != has.epoch:
        return None, ()
    return Trunc(last_zxid(up_to(committed_log, has))), missing


def how_to_sync_from_files(leading: Server, has: Zxid) -> tuple[Diff | Trunc | None, History]:
    """Returns how a learner is synchronized where the leader keeps only the last few transactions in memory.

    To a learner that lacks even the first of those, the leader sends records of its log, if the first record
    is not after what the learner has and if the records reach what is in memory. It takes only records after
    its snapshot: which of the older ones its tree contains, it cannot tell. Departure: D28.

    ZooKeeper: ZKDatabase.getProposalsFromTxnLog, ZKDatabase.addCommittedProposal (`commitLogCount`).
    """
    recent, least = leading.committed_log[-COMMIT_LOG_COUNT:], least_kept(leading)
    records = up_to(after(leading.log, leading.snapshot.zxid), least)
    if has >= least or not records or records[0].zxid > has or records[-1].zxid < least:
        return how_to_sync(recent, leading.processed, has)
    return how_to_sync((*records, *recent[1:]), leading.processed, has)


def least_kept(leading: Server) -> Zxid:
    """Returns the zxid of the first transaction that a leader keeps in memory."""
    recent = leading.committed_log[-COMMIT_LOG_COUNT:]
    return recent[0].zxid if recent else leading.processed


def outstanding(leading: Server) -> list[Message]:
    """Returns the proposals of a leader that are not committed yet; there are none before it is established.

    ZooKeeper: Leader.startForwarding.
    """
    if leading.committed == leading.proposed:
        return []
    committed = Zxid(leading.current_epoch, leading.committed)
    return [Proposal(txn) for txn in after((*leading.log, *leading.unsynced), committed)]


def follower_starts_sync(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower starts to take over its leader's history: DIFF adds, TRUNC truncates, SNAP replaces.

    ZooKeeper: Learner.syncWithLeader, up to the first readPacket.
    """
    message = first_message(state, leader, follower)
    if not isinstance(message, Diff | Trunc | Snap) or not is_follower_of(state, follower, leader):
        return None
    following = state.servers[follower]
    state = received(state, leader, follower)
    match message:
        case Diff():
            following = replace(following, sync_mode=SyncMode.DIFF)
        case Trunc(zxid) if state.disk == Disk.FILES:
            return with_log_truncated(state, follower, leader, zxid)
        case Trunc(zxid):
            cut = loaded(following, up_to(following.log, zxid))
            following = replace(cut, sync_mode=SyncMode.TRUNC)
        case Snap(tree, zxid):
            following = replace(
                following, sync_mode=SyncMode.SNAP, tree=tree, processed=zxid, committed_log=()
            )
    return with_server(state, follower, following)


def with_log_truncated(state: State, follower: Sid, leader: Sid, zxid: Zxid) -> State:
    """Returns the state after a follower truncated its log, or found that it cannot and stopped for good.

    ZooKeeper: Learner.syncWithLeader (TRUNC), which exits where truncateLog fails.
    """
    cut = truncated(state.servers[follower], zxid)
    if cut is not None:
        return with_server(state, follower, replace(cut, sync_mode=SyncMode.TRUNC))
    state = closed_by_follower(state, follower, leader)
    return with_server(state, follower, replace(state.servers[follower], role=Role.STOPPED))


def follower_queues_proposal(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower that does not serve yet keeps a proposal in memory.

    ZooKeeper: Learner.syncWithLeader (PROPOSAL), packetsNotLogged.
    """
    message = next_at_follower(state, follower, leader, Proposal)
    if message is None:
        return None
    following = state.servers[follower]
    if following.phase != Phase.SYNCHRONIZATION:
        return None
    keeping = replace(following, pending=(*following.pending, message.txn))
    return with_server(received(state, leader, follower), follower, keeping)


def follower_notes_commit(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower that does not serve yet records a COMMIT, or applies it at once.

    It applies it if its tree will be written as a whole.

    If its tree will be written as a whole, it applies it.

    ZooKeeper: Learner.syncWithLeader (COMMIT), packetsCommitted.
    """
    message = next_at_follower(state, follower, leader, Commit)
    if message is None:
        return None
    following = state.servers[follower]
    if following.phase != Phase.SYNCHRONIZATION or not is_next_commit(following, message.zxid):
        return None
    state = received(state, leader, follower)
    if following.sync_mode in BUFFERING:
        return with_server(state, follower, replace(following, to_commit=following.to_commit + 1))
    first, *rest = following.pending
    return with_server(state, follower, applied(replace(following, pending=tuple(rest)), first))


def observer_queues_inform(state: State, observer: Sid, leader: Sid) -> State | None:
    """An observer that does not serve yet keeps a committed transaction in memory; if its tree will be
    written as a whole, it applies the transaction at once.

    ZooKeeper: Learner.syncWithLeader (INFORM).
    """
    message = next_at_follower(state, observer, leader, Inform)
    if message is None:
        return None
    observing = state.servers[observer]
    if observing.phase != Phase.SYNCHRONIZATION:
        return None
    state = received(state, leader, observer)
    if observing.sync_mode not in BUFFERING:
        return with_server(state, observer, applied(observing, message.txn))
    pending = (*observing.pending, message.txn)
    keeping = replace(observing, pending=pending, to_commit=observing.to_commit + 1)
    return with_server(state, observer, keeping)


def is_next_commit(following: Server, zxid: Zxid) -> bool:
    """True if a COMMIT is for the first pending transaction that has no COMMIT yet."""
    uncommitted = following.pending[following.to_commit :]
    return bool(uncommitted) and uncommitted[0].zxid == zxid


def follower_persists_history(state: State, follower: Sid, leader: Sid) -> State | None:
    """At NEWLEADER, a follower writes what its leader sent as committed: as a snapshot, or to its log.

    Only then may it write its current epoch (ZOOKEEPER-4643) and send its acknowledgement (ZOOKEEPER-3911,
    4646). What is not committed stays in memory (ZOOKEEPER-4394). So does what an observer was sent after
    DIFF: no quorum counts on an observer's disk.

    Paper: f.2.1, h_f.
    ZooKeeper: Learner.syncWithLeader (NEWLEADER): takeSnapshot; appendRequest, processTxn, ZKDatabase.commit.
    """
    message = next_at_follower(state, follower, leader, NewLeader)
    if message is None or has_persisted_history(state, follower):
        return None
    following = state.servers[follower]
    if following.sync_mode not in BUFFERING:
        whole = state.disk == Disk.FILES
        writing = with_snapshot(following) if whole else replace(following, log=following.tree)
        return with_server(state, follower, writing)
    committed = following.pending[: following.to_commit]
    rest = following.pending[following.to_commit :]
    writing = replace(following, log=(*following.log, *committed), pending=rest, to_commit=0)
    return with_server(state, follower, applied(writing, *committed))


def has_persisted_history(state: State, follower: Sid) -> bool:
    """True if a follower at NEWLEADER has on disk what its leader sent as committed, as far as it must."""
    following = state.servers[follower]
    if following.sync_mode in BUFFERING:
        return following.to_commit == 0 or follower in state.observers
    if state.disk == Disk.FILES:
        return following.snapshot == Snapshot(following.tree, following.processed)
    return durable(following) == following.tree


def follower_persists_epoch(state: State, follower: Sid, leader: Sid) -> State | None:
    """At NEWLEADER, a follower whose history is on disk writes its current epoch.

    Paper: f.2.1, f.a.
    ZooKeeper: Learner.syncWithLeader (NEWLEADER), QuorumPeer.setCurrentEpoch.
    """
    message = next_at_follower(state, follower, leader, NewLeader)
    if message is None:
        return None
    following = state.servers[follower]
    if following.current_epoch == message.epoch or not has_persisted_history(state, follower):
        return None
    return with_server(state, follower, replace(following, current_epoch=message.epoch))


def follower_acknowledges_newleader(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower that has history and epoch on disk acknowledges NEWLEADER.

    Paper: f.2.1, ACK-LD.
    ZooKeeper: Learner.syncWithLeader (NEWLEADER), writePacket.
    """
    message = next_at_follower(state, follower, leader, NewLeader)
    if message is None:
        return None
    following = state.servers[follower]
    if following.current_epoch != message.epoch or not has_persisted_history(state, follower):
        return None
    state = with_server(state, follower, replace(following, sync_mode=SyncMode.NONE))
    state = received(state, leader, follower)
    return sent_to_leader(state, follower, leader, Ack(Zxid(message.epoch, 0)))


def leader_processes_newleader_ack(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader counts a learner that has its history; with a quorum of them, it is established.

    It sends UPTODATE to all of them.

    That commits its own log. The leader labels its tree with the new epoch.

    Paper: l.2.2.
    ZooKeeper: Leader.waitForNewLeaderAck, startZkServer; LearnerHandler.run (UPTODATE).
    """
    message = next_at_leader(state, leader, follower, Ack)
    if message is None or message.zxid.counter != 0:
        return None
    leading = state.servers[leader]
    if leading.stages[follower] != Stage.TOLD:
        return None
    state = received(state, follower, leader)
    stages = leading.stages.put(follower, Stage.SYNCED)
    if leading.phase == Phase.BROADCAST:
        state = with_server(state, leader, replace(leading, stages=stages))
        return sent_to_learners(state, leader, [follower], UpToDate())
    adopting = leading.adopting | {follower}
    noting = replace(leading, stages=stages, adopting=adopting)
    if not is_quorum(state.quorums, adopting):
        return with_server(state, leader, noting)
    label = Zxid(leading.current_epoch, 0)
    state = with_server(state, leader, replace(noting, phase=Phase.BROADCAST, processed=label))
    return sent_to_learners(state, leader, learners_from(stages, Stage.SYNCED), UpToDate())


def follower_processes_uptodate(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower starts to serve, and hands what came since NEWLEADER to its disk.

    What of that is committed, it delivers.

    Paper: f.2.2.
    ZooKeeper: Learner.syncWithLeader (UPTODATE): logRequest, commit.
    """
    message = next_at_follower(state, follower, leader, UpToDate)
    if message is None:
        return None
    following = state.servers[follower]
    committed = following.pending[: following.to_commit]
    serving = replace(
        following,
        phase=Phase.BROADCAST,
        unsynced=following.pending,
        pending=following.pending[following.to_commit :],
        to_commit=0,
    )
    return with_server(received(state, leader, follower), follower, applied(serving, *committed))


def is_leading(state: State, server: Sid) -> bool:
    """True if a server leads and its epoch is settled: phase 2 or 3."""
    return state.servers[server].role == Role.LEADING and state.servers[server].phase >= Phase.SYNCHRONIZATION
