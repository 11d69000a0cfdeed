"""The mistakes of the paper's mutants: actions that are each wrong in one way.

A mistake is the spec's own action with a change in the state that goes in or the state that comes out. Only
where that is impossible is a part of the action written out again. Steps are numbered as in the paper: l.1.1
is the first step of a leader in phase 1, f.1.1 that of a follower.
"""

from __future__ import annotations

from collections.abc import Callable

from zabspec import paper
from zabspec.histories import ZERO, Txn, index_of, last_zxid, next_zxid
from zabspec.paper.network import disconnected, received, sent, with_channel, with_server
from zabspec.paper.state import (
    Ack,
    AckEpoch,
    AckLeader,
    CEpoch,
    Commit,
    CommitLeader,
    Message,
    NewEpoch,
    NewLeader,
    Propose,
    Role,
    Server,
    Stage,
    State,
    is_quorum,
    learners_at,
)
from zabspec.parts import Queue, Sid, replace
from zabspec.phases import Phase
from zabspec.summaries import Summary, more_recent

_LATER_THAN_ANY = 1_000_000


def leader_ignores_promises(state: State, leader: Sid, follower: Sid) -> State | None:
    """l.1.1: a leader takes each CEPOCH for one of a follower that has promised nothing."""
    message = state.network[follower][leader].head
    if not isinstance(message, CEpoch):
        return None
    return paper.leader_processes_cepoch(_with_head(state, follower, leader, CEpoch(0)), leader, follower)


def leader_does_not_notice(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader that loses a connection goes on leading, even without a quorum."""
    if paper.connection_times_out(state, leader, follower) is None:
        return None
    return disconnected(state, leader, follower)


def follower_forgets_promise(state: State, follower: Sid, leader: Sid) -> State | None:
    """f.1.2: a follower acknowledges an epoch without writing down its promise (f.p <- e')."""
    after = paper.follower_processes_newepoch(state, follower, leader)
    return _changed(after, follower, accepted_epoch=state.servers[follower].accepted_epoch)


def follower_accepts_lower_epoch(state: State, follower: Sid, leader: Sid) -> State | None:
    """f.1.2: a follower promises an epoch lower than one it has promised."""
    message = state.network[leader][follower].head
    if not isinstance(message, NewEpoch):
        return None
    unpromised = _changed(state, follower, accepted_epoch=0)
    assert unpromised is not None
    return paper.follower_processes_newepoch(unpromised, follower, leader)


def follower_stays_in_discovery(state: State, follower: Sid, leader: Sid) -> State | None:
    """f.1.2: a follower acknowledges an epoch and does not enter phase 2."""
    after = paper.follower_processes_newepoch(state, follower, leader)
    return _changed(after, follower, phase=state.servers[follower].phase)


def leader_keeps_own_history(state: State, leader: Sid, follower: Sid) -> State | None:
    """l.1.2: a leader chooses its own history."""
    return _choosing(state, leader, follower, lambda mine, _: mine)


def leader_compares_epochs_only(state: State, leader: Sid, follower: Sid) -> State | None:
    """l.1.2: a leader compares histories by f.a and ignores the last zxid."""
    return _choosing(state, leader, follower, lambda one, other: one if one.epoch >= other.epoch else other)


def leader_merges_histories(state: State, leader: Sid, follower: Sid) -> State | None:
    """l.1.2: a leader adds its own further transactions to the history chosen."""

    def merged(one: Summary, other: Summary) -> Summary:
        best = more_recent(one, other)
        beside = tuple(txn for txn in state.servers[leader].history if txn not in best.history)
        return Summary(best.epoch, best.history + beside)

    return _choosing(state, leader, follower, merged)


def leader_leaves_out_delivered(state: State, leader: Sid, follower: Sid) -> State | None:
    """l.2.1: a leader sends a late follower only the part of its history that it has not delivered."""
    after = paper.leader_processes_ackepoch(state, leader, follower)
    if after is None or state.servers[leader].phase != Phase.BROADCAST:
        return after
    leading = state.servers[leader]
    rest = NewLeader(leading.accepted_epoch, leading.history[leading.committed :])
    return _with_last(after, leader, follower, rest)


def follower_adopts_epoch_first(state: State, follower: Sid, leader: Sid) -> State | None:
    """f.2.1: a follower adopts the epoch (f.a <- e') in one step and the history in another
    (ZOOKEEPER-4643).
    """
    after = paper.follower_processes_newleader(state, follower, leader)
    if after is None or after.servers[follower].role != Role.FOLLOWING:
        return after
    epoch = after.servers[follower].current_epoch
    if epoch == state.servers[follower].current_epoch:
        return after
    return _changed(state, follower, current_epoch=epoch)


def follower_keeps_epoch(state: State, follower: Sid, leader: Sid) -> State | None:
    """f.2.1: a follower adopts the history without the epoch (f.a <- e')."""
    after = paper.follower_processes_newleader(state, follower, leader)
    return _changed(after, follower, current_epoch=state.servers[follower].current_epoch)


def follower_keeps_tail(state: State, follower: Sid, leader: Sid) -> State | None:
    """f.2.1: a follower keeps its own history if that is the longer one."""
    after = paper.follower_processes_newleader(state, follower, leader)
    if after is None or len(state.servers[follower].history) <= len(after.servers[follower].history):
        return after
    return _changed(after, follower, history=state.servers[follower].history)


def leader_delivers_no_initial_history(state: State, leader: Sid, follower: Sid) -> State | None:
    """l.2.2: a leader enters phase 3 without delivering the initial history."""
    after = paper.leader_processes_ackleader(state, leader, follower)
    return _changed(after, leader, committed=state.servers[leader].committed)


def follower_delivers_no_initial_history(state: State, follower: Sid, leader: Sid) -> State | None:
    """f.2.2: a follower enters phase 3 without delivering the initial history."""
    after = paper.follower_processes_commitleader(state, follower, leader)
    return _changed(after, follower, committed=state.servers[follower].committed)


def leader_echoes_acknowledged_zxid(state: State, leader: Sid, follower: Sid) -> State | None:
    """l.2.2: a leader sends a late follower a COMMIT-LD with the zxid of its ACK-LD."""
    message = state.network[follower][leader].head
    after = paper.leader_processes_ackleader(state, leader, follower)
    if after is None or not isinstance(message, AckLeader) or state.servers[leader].phase != Phase.BROADCAST:
        return after
    return _with_last(after, leader, follower, CommitLeader(message.zxid))


def leader_names_initial_history(state: State, leader: Sid, follower: Sid) -> State | None:
    """l.2.2: a leader sends a late follower a COMMIT-LD with the last zxid of the initial history."""
    after = paper.leader_processes_ackleader(state, leader, follower)
    leading = state.servers[leader]
    if after is None or leading.phase != Phase.BROADCAST:
        return after
    initial = tuple(txn for txn in leading.history if txn.zxid.epoch < leading.current_epoch)
    return _with_last(after, leader, follower, CommitLeader(last_zxid(initial)))


def leader_accepts_request_in_synchronization(state: State, leader: Sid, value: int) -> State | None:
    """l.3.1: a leader accepts requests in phase 2."""
    phase = state.servers[leader].phase
    if phase != Phase.SYNCHRONIZATION:
        return paper.leader_accepts_request(state, leader, value)
    early = _changed(state, leader, phase=Phase.BROADCAST)
    assert early is not None
    return _changed(paper.leader_accepts_request(early, leader, value), leader, phase=phase)


def leader_numbers_after_delivered(state: State, leader: Sid, value: int) -> State | None:
    """l.3.1: a leader numbers a transaction after the last one delivered."""
    after = paper.leader_accepts_request(state, leader, value)
    if after is None:
        return None
    leading = state.servers[leader]
    zxid = next_zxid(leading.current_epoch, leading.history[: leading.committed])
    return _changed(after, leader, history=(*leading.history, Txn(zxid, value)))


def leader_proposes_to_synced(state: State, leader: Sid) -> State | None:
    """l.3.1: a leader proposes only to followers that have acknowledged NEWLEADER."""
    after = paper.leader_sends_proposal(state, leader)
    if after is None:
        return None
    stages = state.servers[leader].stages
    for learner in learners_at(stages, Stage.ACKEPOCH):
        if stages[learner] < Stage.ACKLD:
            after = with_channel(after, leader, learner, state.network[leader][learner])
    return after


def follower_logs_again(state: State, follower: Sid, leader: Sid) -> State | None:
    """f.3.1: a follower logs a proposal that it has already logged."""
    after = paper.follower_processes_proposal(state, follower, leader)
    message = state.network[leader][follower].head
    if after is None or not _drops(state, follower, message):
        return after
    assert isinstance(message, Propose)
    return _changed(after, follower, history=(*state.servers[follower].history, message.txn))


def follower_acknowledges_again(state: State, follower: Sid, leader: Sid) -> State | None:
    """f.3.1: a follower acknowledges a proposal that it drops as already logged."""
    after = paper.follower_processes_proposal(state, follower, leader)
    message = state.network[leader][follower].head
    if after is None or not _drops(state, follower, message):
        return after
    assert isinstance(message, Propose)
    return sent(after, follower, [leader], Ack(message.txn.zxid))


def follower_acknowledges_unlogged(state: State, follower: Sid, leader: Sid) -> State | None:
    """f.3.1: a follower acknowledges a proposal without logging it."""
    after = paper.follower_processes_proposal(state, follower, leader)
    return _changed(after, follower, history=state.servers[follower].history)


def leader_delivers_at_once(state: State, leader: Sid, value: int) -> State | None:
    """l.3.1: a leader delivers a transaction before any follower has acknowledged it."""
    after = paper.leader_accepts_request(state, leader, value)
    return None if after is None else _changed(after, leader, committed=len(after.servers[leader].history))


def leader_delivers_what_is_acknowledged(state: State, leader: Sid, follower: Sid) -> State | None:
    """l.3.2: a leader delivers up to any transaction that a quorum has acknowledged, be it earlier than the
    last one delivered.
    """
    after = paper.leader_processes_ack(state, leader, follower)
    if after is None:
        return None
    leading = after.servers[leader]
    index = leading.acked[follower]
    having = [Sid(sid) for sid, count in enumerate(leading.acked) if count >= index]
    if index == leading.committed or not is_quorum(having, leading.stages):
        return after
    after = _changed(after, leader, committed=index)
    assert after is not None
    told = learners_at(leading.stages, Stage.ACKLD)
    return sent(after, leader, told, Commit(leading.history[index - 1].zxid))


def follower_delivers_all_logged(state: State, follower: Sid, leader: Sid) -> State | None:
    """f.3.2: a follower that is told to deliver one transaction delivers all that it has logged."""
    after = paper.follower_processes_commit(state, follower, leader)
    return _changed(after, follower, committed=len(state.servers[follower].history))


def messages_outlive_connection(state: State, leader: Sid, follower: Sid) -> State | None:
    """A connection is lost, and the messages in its channels are still received."""
    after = paper.connection_times_out(state, leader, follower)
    return None if after is None else replace(after, network=state.network)


def server_loses_undelivered(state: State, server: Sid) -> State | None:
    """A server that restarts finds on disk only what it had delivered."""
    after = paper.server_restarts(state, server)
    crashing = state.servers[server]
    return _changed(after, server, history=crashing.history[: crashing.committed])


def _choosing(
    state: State, leader: Sid, follower: Sid, choose: Callable[[Summary, Summary], Summary]
) -> State | None:
    """Returns l.1.2 with another way to choose between the best history so far and the one that arrives."""
    message = state.network[follower][leader].head
    best = state.servers[leader].best
    if best is None or not isinstance(message, AckEpoch):
        return paper.leader_processes_ackepoch(state, leader, follower)
    chosen = choose(best, Summary(message.epoch, message.history))
    settled = _changed(state, leader, best=Summary(_LATER_THAN_ANY, chosen.history))
    assert settled is not None
    after = paper.leader_processes_ackepoch(settled, leader, follower)
    if after is None or after.servers[leader].best is None:
        return after
    return _changed(after, leader, best=chosen)


def _changed(state: State | None, server: Sid, **changes: object) -> State | None:
    """Returns the state with some fields of a server changed; None for None."""
    if state is None:
        return None
    changed: Server = replace(state.servers[server], **changes)
    return with_server(state, server, changed)


def _with_head(state: State, sender: Sid, receiver: Sid, message: Message) -> State:
    """Returns the state with another message at the head of a channel, which must not be empty."""
    rest: Queue[Message] = received(state, sender, receiver).network[sender][receiver]
    return with_channel(state, sender, receiver, Queue((message, *rest)))


def _with_last(state: State, sender: Sid, receiver: Sid, message: Message) -> State:
    """Returns the state with another message at the end of a channel, which must not be empty."""
    channel = tuple(state.network[sender][receiver])
    return with_channel(state, sender, receiver, Queue((*channel[:-1], message)))


def _drops(state: State, follower: Sid, message: Message | None) -> bool:
    """True if a follower has already logged the proposal that it is to receive next."""
    if not isinstance(message, Propose) or message.txn.zxid == ZERO:
        return False
    return index_of(message.txn.zxid, state.servers[follower].history) is not None
