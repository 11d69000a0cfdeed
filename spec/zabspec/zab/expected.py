"""What a server may find at the head of a channel; anything else makes ZooKeeper's process exit, throw or
hang.

Each predicate takes the receiver, then the sender. Where one is false, the action that would receive the
message is not enabled.
"""

from __future__ import annotations

from zabspec.parts import Sid
from zabspec.phases import Phase
from zabspec.zab.disk import durable
from zabspec.zab.network import is_follower_of
from zabspec.zab.state import Ack, Commit, Inform, Proposal, Stage, State
from zabspec.zab.synchronization import is_next_commit


def proposal_fits(state: State, receiver: Sid, sender: Sid) -> bool:
    """A proposal is the next of its epoch after all that its receiver has, or the first of a later epoch.

    For an observer this holds of INFORM.

    Source: ZOOKEEPER-4925, Learner.enforceContinuousProposal.
    """
    message = state.network[sender][receiver].head
    if not isinstance(message, Proposal | Inform) or not is_follower_of(state, receiver, sender):
        return True
    following = state.servers[receiver]
    if following.phase == Phase.BROADCAST:
        queued = following.unsynced or durable(following)
    else:
        queued = following.pending or following.tree
    zxid = message.txn.zxid
    if not queued or queued[-1].zxid.epoch != zxid.epoch:
        return zxid.counter == 1
    return zxid.counter == queued[-1].zxid.counter + 1


def commit_fits(state: State, receiver: Sid, sender: Sid) -> bool:
    """A COMMIT names the next transaction of those proposed to its receiver.

    Source: FollowerZooKeeperServer.commit exits otherwise; in Learner.syncWithLeader, ZOOKEEPER-4394.
    """
    message = state.network[sender][receiver].head
    if not isinstance(message, Commit) or not is_follower_of(state, receiver, sender):
        return True
    return is_next_commit(state.servers[receiver], message.zxid)


def acknowledgement_fits(state: State, receiver: Sid, sender: Sid) -> bool:
    """A follower acknowledges only what its leader has proposed, and an observer acknowledges no proposal.

    Source: Zab.tla, `ackInconsistent`; ZooKeeper: ObserverZooKeeperServer has no SendAckRequestProcessor.
    """
    message = state.network[sender][receiver].head
    if not isinstance(message, Ack) or message.zxid.counter == 0:
        return True
    if sender in state.observers:
        return False
    leading = state.servers[receiver]
    return message.zxid.epoch == leading.current_epoch and message.zxid.counter <= leading.proposed


def first_acknowledgement_is_of_newleader(state: State, receiver: Sid, sender: Sid) -> bool:
    """The first acknowledgement that a learner sends is that of NEWLEADER.

    Source: LearnerHandler.run waits for it and accepts any ACK as it (ZOOKEEPER-4685).
    """
    message = state.network[sender][receiver].head
    if not isinstance(message, Ack):
        return True
    is_first = state.servers[receiver].stages[sender] < Stage.SYNCED
    return is_first == (message.zxid.counter == 0)
