"""Phase 3, broadcast: transactions are proposed, acknowledged by a quorum and delivered, in order.

Paper: section IV, algorithm 3. Proposals are pipelined: a leader does not wait for one to be delivered before
it sends the next.
"""

from __future__ import annotations

from zabspec.histories import Txn, Zxid, follows, index_of, last_zxid, next_zxid
from zabspec.paper.network import next_at_follower, next_at_leader, received, sent, with_server
from zabspec.paper.state import Ack, Commit, Propose, Role, Server, Stage, State, is_quorum, learners_at
from zabspec.parts import Sid, replace
from zabspec.phases import Phase


def leader_accepts_request(state: State, leader: Sid, value: int) -> State | None:
    """An established leader gives a client's request the next zxid and logs it.

    Paper: l.3.1. Requests reach the leader directly; forwarding is not part of ZAB.
    ZooKeeper: PrepRequestProcessor, then SyncRequestProcessor on the leader.
    """
    leading = state.servers[leader]
    if not is_primary(leading):
        return None
    zxid = next_zxid(leading.current_epoch, leading.history)
    history = (*leading.history, Txn(zxid, value))
    acked = leading.acked.put(leader, len(history))
    return with_server(state, leader, replace(leading, history=history, acked=acked))


def leader_sends_proposal(state: State, leader: Sid) -> State | None:
    """The leader sends its next transaction to all learners that it has sent NEWLEADER to.

    Paper: l.3.1, PROPOSE to the followers in Q. A follower that has not yet acknowledged NEWLEADER is among
    them: otherwise it would never get what is proposed before it does.
    ZooKeeper: Leader.propose, to `forwardingFollowers`.
    """
    leading = state.servers[leader]
    if not is_primary(leading):
        return None
    zxid = Zxid(leading.current_epoch, leading.proposed + 1)
    index = index_of(zxid, leading.history)
    if index is None:
        return None
    state = with_server(state, leader, replace(leading, proposed=zxid.counter))
    told = learners_at(leading.stages, Stage.ACKEPOCH)
    return sent(state, leader, told, Propose(leading.history[index - 1]))


def follower_processes_proposal(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower logs the next transaction and acknowledges it; it drops a transaction that it already has.

    Paper: f.3.1. A follower may have it already: NEWLEADER carries what its leader has logged but not yet
    sent.
    ZooKeeper: Follower.processPacket (PROPOSAL), SendAckRequestProcessor.
    """
    message = next_at_follower(state, follower, leader, Propose)
    if message is None:
        return None
    following = state.servers[follower]
    zxid = message.txn.zxid
    is_next = follows(zxid, last_zxid(following.history))
    if not is_next and index_of(zxid, following.history) is None:
        return None
    state = received(state, leader, follower)
    if not is_next:
        return state
    logging = replace(following, history=(*following.history, message.txn))
    return sent(with_server(state, follower, logging), follower, [leader], Ack(zxid))


def leader_processes_ack(state: State, leader: Sid, follower: Sid) -> State | None:
    """The leader counts an ACK; once a quorum has the next transaction, it delivers and sends COMMIT.

    Paper: l.3.2, COMMIT.
    ZooKeeper: Leader.processAck, Leader.tryToCommit.
    """
    message = next_at_leader(state, leader, follower, Ack)
    if message is None:
        return None
    leading = state.servers[leader]
    index = index_of(message.zxid, leading.history)
    if index != leading.acked[follower] + 1:
        return None
    state = received(state, follower, leader)
    acked = leading.acked.put(follower, index)
    state = with_server(state, leader, replace(leading, acked=acked))
    have_it = [Sid(i) for i, count in enumerate(acked) if count >= index]
    if index != leading.committed + 1 or not is_quorum(have_it, leading.stages):
        return state
    delivering = replace(leading, acked=acked, committed=index)
    state = with_server(state, leader, delivering)
    return sent(state, leader, learners_at(leading.stages, Stage.ACKLD), Commit(message.zxid))


def leader_commits_proposal(state: State, leader: Sid) -> State | None:
    """The leader delivers its next transaction and sends COMMIT if an ACK-LD completed its quorum.

    Only what it has proposed: a COMMIT must not come before its PROPOSE.

    Paper: l.3.2 does not say by which message a proposal is acknowledged. Departure: D22.
    ZooKeeper: Leader.startForwarding sends outstanding proposals again, after NEWLEADER; their ACKs count.
    """
    leading = state.servers[leader]
    if not is_primary(leading):
        return None
    index = leading.committed + 1
    have_it = [Sid(i) for i, count in enumerate(leading.acked) if count >= index]
    if not is_quorum(have_it, leading.stages):
        return None
    zxid = leading.history[index - 1].zxid
    if zxid.counter > leading.proposed:
        return None
    state = with_server(state, leader, replace(leading, committed=index))
    return sent(state, leader, learners_at(leading.stages, Stage.ACKLD), Commit(zxid))


def follower_processes_commit(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower delivers its next transaction.

    Paper: f.3.2.
    ZooKeeper: Follower.processPacket (COMMIT), FollowerZooKeeperServer.commit.
    """
    message = next_at_follower(state, follower, leader, Commit)
    if message is None:
        return None
    following = state.servers[follower]
    if index_of(message.zxid, following.history) != following.committed + 1:
        return None
    delivering = replace(following, committed=following.committed + 1)
    return with_server(received(state, leader, follower), follower, delivering)


def is_primary(server: Server) -> bool:
    """True if a server is the primary of its epoch: it leads in phase 3."""
    return server.role == Role.LEADING and server.phase == Phase.BROADCAST
