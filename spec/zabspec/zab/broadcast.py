"""Phase 3, broadcast: transactions are proposed, written by a quorum and delivered, in order.

Proposals are pipelined, and all that wait are written at once. A leader's own disk counts like any other: it
delivers what a quorum of others has written even if it has not written it itself.

Paper: section IV, algorithm 3.
ZooKeeper: ProposalRequestProcessor, SyncRequestProcessor, AckRequestProcessor, SendAckRequestProcessor.
"""

from __future__ import annotations

from zabspec.histories import Txn, Zxid, after, up_to
from zabspec.parts import Sid, replace
from zabspec.phases import Phase
from zabspec.quorums import is_quorum
from zabspec.zab.disk import applied, synced
from zabspec.zab.network import (
    next_at_follower,
    next_at_leader,
    received,
    sent_to_leader,
    sent_to_learners,
    with_server,
)
from zabspec.zab.state import Ack, Commit, Inform, Message, Proposal, Role, Stage, State, learners_from


def leader_proposes(state: State, leader: Sid, value: int) -> State | None:
    """An established leader gives a request the next zxid, hands it to its own disk and sends it out.

    It sends it to all voters that it has synchronized, whether or not they have acknowledged NEWLEADER; not
    to observers.

    Paper: l.3.1.
    ZooKeeper: Leader.propose, to `forwardingFollowers`; SyncRequestProcessor.
    """
    if state.servers[leader].role != Role.LEADING or state.servers[leader].phase != Phase.BROADCAST:
        return None
    leading = state.servers[leader]
    counter = leading.proposed + 1
    txn = Txn(Zxid(leading.current_epoch, counter), value)
    proposing = replace(leading, proposed=counter, unsynced=(*leading.unsynced, txn))
    state = with_server(state, leader, proposing)
    voters = [sid for sid in learners_from(leading.stages, Stage.FORWARDING) if sid not in state.observers]
    return sent_to_learners(state, leader, voters, Proposal(txn))


def follower_processes_proposal(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower hands a proposal to its disk.

    Paper: f.3.1.
    ZooKeeper: Follower.processPacket (PROPOSAL), FollowerZooKeeperServer.logRequest.
    """
    message = next_at_follower(state, follower, leader, Proposal)
    if message is None:
        return None
    following = state.servers[follower]
    if following.phase != Phase.BROADCAST:
        return None
    logging = replace(
        following,
        unsynced=(*following.unsynced, message.txn),
        pending=(*following.pending, message.txn),
    )
    return with_server(received(state, leader, follower), follower, logging)


def server_syncs_log(state: State, server: Sid) -> State | None:
    """A server writes all that waits, in one go; then, and not before, it acknowledges each transaction.

    An observer acknowledges nothing.

    Paper: f.3.1, "write to disk".
    ZooKeeper: SyncRequestProcessor.flush; SendAckRequestProcessor, or AckRequestProcessor on the leader.
    """
    waiting = state.servers[server].unsynced
    if not waiting:
        return None
    state = with_server(state, server, synced(state.servers[server]))
    if state.servers[server].role == Role.LEADING:
        return with_ack_counted(state, server, server, waiting[-1].zxid)
    leader = state.servers[server].leader
    for txn in waiting:
        if leader is not None and server not in state.observers:
            state = sent_to_leader(state, server, leader, Ack(txn.zxid))
    return state


def leader_processes_ack(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader counts the acknowledgement of a transaction.

    Paper: l.3.2.
    ZooKeeper: Leader.processAck.
    """
    message = next_at_leader(state, leader, follower, Ack)
    if message is None or message.zxid.counter == 0:
        return None
    if state.servers[leader].stages[follower] != Stage.SYNCED:
        return None
    return with_ack_counted(received(state, follower, leader), leader, follower, message.zxid)


def with_ack_counted(state: State, leader: Sid, server: Sid, zxid: Zxid) -> State:
    """Returns the state after a leader learned that a server has everything up to a zxid on disk.

    The leader delivers what a quorum has, in order, and sends COMMIT to all that proposals go to; observers
    get the transaction only now, with INFORM.

    Paper: l.3.2, COMMIT.
    ZooKeeper: Leader.tryToCommit, commit and inform.
    """
    leading = state.servers[leader]
    acked = leading.acked.put(server, zxid.counter)
    leading = replace(leading, acked=acked)
    committed = leading.committed
    while committed < leading.proposed:
        have_it = [Sid(sid) for sid, counter in enumerate(acked) if counter > committed]
        if not is_quorum(state.quorums, have_it):
            break
        committed += 1
    if committed == leading.committed:
        return with_server(state, leader, leading)
    news = after((*leading.log, *leading.unsynced), Zxid(leading.current_epoch, leading.committed))
    news = up_to(news, Zxid(leading.current_epoch, committed))
    state = with_server(state, leader, applied(replace(leading, committed=committed), *news))
    for learner in learners_from(leading.stages, Stage.FORWARDING):
        kind = _inform if learner in state.observers else _commit
        state = sent_to_learners(state, leader, [learner], *map(kind, news))
    return state


def _commit(txn: Txn) -> Message:
    return Commit(txn.zxid)


def _inform(txn: Txn) -> Message:
    return Inform(txn)


def follower_processes_commit(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower delivers its next transaction, which may not be on its disk yet.

    Paper: f.3.2.
    ZooKeeper: FollowerZooKeeperServer.commit, CommitProcessor, FinalRequestProcessor.
    """
    message = next_at_follower(state, follower, leader, Commit)
    if message is None:
        return None
    following = state.servers[follower]
    if following.phase != Phase.BROADCAST or not following.pending:
        return None
    first, *rest = following.pending
    if first.zxid != message.zxid:
        return None
    delivering = applied(replace(following, pending=tuple(rest)), first)
    return with_server(received(state, leader, follower), follower, delivering)


def observer_processes_inform(state: State, observer: Sid, leader: Sid) -> State | None:
    """An observer hands a committed transaction to its disk, and delivers it.

    ZooKeeper: Observer.processPacket (INFORM), ObserverZooKeeperServer.commitRequest.
    """
    message = next_at_follower(state, observer, leader, Inform)
    if message is None:
        return None
    observing = state.servers[observer]
    if observing.phase != Phase.BROADCAST:
        return None
    logging = replace(observing, unsynced=(*observing.unsynced, message.txn))
    return with_server(received(state, leader, observer), observer, applied(logging, message.txn))
