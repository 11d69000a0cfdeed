"""What a server may find at the head of a channel: checks of the protocol on itself.

Apache's `Zab.tla` notes in a variable, `violatedInvariants`, that an action met what it should never meet.
Here such an action is not enabled, the message stays in its channel, and a predicate of the state says so.
Each predicate takes the receiver, then the sender.
"""

from __future__ import annotations

from zabspec.histories import follows, index_of, last_zxid
from zabspec.paper.state import (
    Ack,
    AckEpoch,
    AckLeader,
    CEpoch,
    Commit,
    CommitLeader,
    NewEpoch,
    NewLeader,
    Propose,
    Role,
    Stage,
    State,
    is_quorum,
)
from zabspec.parts import Sid
from zabspec.phases import Phase


def message_is_legal(state: State, receiver: Sid, sender: Sid) -> bool:
    """A message waits only where its receiver can take it: a learner's at its leader, a leader's at its
    learner.

    Source: Zab.tla, `messageIllegal`: a channel is emptied when its connection ends.
    """
    message = state.network[sender][receiver].head
    if message is None:
        return True
    server = state.servers[receiver]
    if isinstance(message, CEpoch | AckEpoch | AckLeader | Ack):
        return server.role == Role.LEADING and server.stages[sender] != Stage.ABSENT
    return server.role == Role.FOLLOWING and server.leader == sender


def phase_is_expected(state: State, receiver: Sid, sender: Sid) -> bool:
    """A message finds its receiver in the phase that it belongs to.

    Source: Zab.tla, `stateInconsistent`.
    """
    message = state.network[sender][receiver].head
    if not message_is_legal(state, receiver, sender):
        return True
    server = state.servers[receiver]
    match message:
        case CEpoch():
            return server.phase == Phase.DISCOVERY or is_quorum(server.promised, server.stages)
        case NewEpoch(epoch):
            return server.phase == Phase.DISCOVERY or epoch < server.accepted_epoch
        case AckEpoch():
            return server.phase == Phase.DISCOVERY or is_quorum(server.confirmed, server.stages)
        case NewLeader(epoch):
            return server.phase == Phase.SYNCHRONIZATION or epoch != server.accepted_epoch
        case AckLeader():
            told = is_quorum(server.synced, server.stages)
            return server.phase == (Phase.BROADCAST if told else Phase.SYNCHRONIZATION)
    return True


def proposal_fits(state: State, receiver: Sid, sender: Sid) -> bool:
    """A proposal brings its receiver the next transaction, or one that it has; COMMIT-LD names one it has.

    Source: Zab.tla, `proposalInconsistent`.
    """
    message = state.network[sender][receiver].head
    match message:
        case Propose(txn):
            history = state.servers[receiver].history
            return follows(txn.zxid, last_zxid(history)) or index_of(txn.zxid, history) is not None
        case CommitLeader(zxid):
            return index_of(zxid, state.servers[receiver].history) is not None
    return True


def commit_fits(state: State, receiver: Sid, sender: Sid) -> bool:
    """A COMMIT names the transaction that comes next in its receiver's history.

    Source: Zab.tla, `commitInconsistent`; where nothing is left to deliver, Zab.tla only warns.
    """
    message = state.network[sender][receiver].head
    if not isinstance(message, Commit):
        return True
    server = state.servers[receiver]
    return index_of(message.zxid, server.history) == server.committed + 1


def acknowledgement_fits(state: State, receiver: Sid, sender: Sid) -> bool:
    """An ACK names a transaction that the leader has, and the one after the follower's last ACK.

    Source: Zab.tla, `ackInconsistent`.
    """
    message = state.network[sender][receiver].head
    if not isinstance(message, Ack):
        return True
    leading = state.servers[receiver]
    return index_of(message.zxid, leading.history) == leading.acked[sender] + 1
