"""The properties of the paper's ZAB, each a predicate that names its source.

    ALWAYS      (state, *servers)          true of every state
    EVERY_STEP  (before, after, *servers)  true of every step
    SOMETIMES   (state, *servers)          true of some state, or else the model shows too little

A predicate that takes servers holds for all choices of that many different servers; a predicate of SOMETIMES,
for one choice. None needs a record of what was ever sent: where the source speaks of the past, the docstring
says how the property is put as one of a state or of a step. What holds under fairness is in
`zabspec.paper.liveness`.

Paper: DSN'11, section III ("broadcast" and "deliver" are meant as there). A server has delivered the
transactions that its `committed` counts. Sources are named as in docs/references.md.
"""

from __future__ import annotations

from zabspec import deliveries
from zabspec.deliveries import has_all_before, of_each, of_two
from zabspec.histories import History, Txn, before_epoch, is_comparable, is_prefix, is_without_gaps
from zabspec.paper.expected import (
    acknowledgement_fits,
    commit_fits,
    message_is_legal,
    phase_is_expected,
    proposal_fits,
)
from zabspec.paper.state import Role, State, is_quorum
from zabspec.paper.witnesses import (
    another_server_leads_too,
    earlier_epoch_is_delivered,
    epoch_is_refused,
    everyone_delivers,
    follower_joins_during_broadcast,
    history_comes_from_follower,
    leader_is_established,
    logged_transaction_is_delivered_elsewhere,
    logged_transaction_is_replaced,
    proposal_is_had_already,
)
from zabspec.parts import Sid
from zabspec.phases import Phase


def delivered(state: State, server: Sid) -> History:
    """Returns what a server has delivered since it last started."""
    committed = state.servers[server].committed
    return state.servers[server].history[:committed] if committed else ()


prefix_consistency = of_two(deliveries.prefix_consistency, delivered)
agreement = of_two(deliveries.agreement, delivered)
total_order = of_two(deliveries.total_order, delivered)
local_primary_order = of_each(deliveries.local_primary_order, delivered)
global_primary_order = of_each(deliveries.global_primary_order, delivered)


def delivery_after_logging(state: State, server: Sid) -> bool:
    """A server delivers only transactions that are in its history.

    Source: paper, section III, integrity: with `broadcast_before_logging`, what is delivered was broadcast.
    """
    return 0 <= state.servers[server].committed <= len(state.servers[server].history)


def primary_integrity(state: State, primary: Sid, server: Sid) -> bool:
    """A primary may broadcast only when it has delivered what any server delivers of earlier epochs.

    Source: paper, section III, primary integrity. A leader may broadcast as long as it is in phase 3, so this
    is required of it for all that time.
    """
    if not leader_is_established(state, primary):
        return True
    epoch = state.servers[primary].current_epoch
    return has_all_before(delivered(state, primary), delivered(state, server), epoch)


def one_leader_in_an_epoch(state: State, one: Sid, other: Sid) -> bool:
    """No two servers lead in phases 2 and 3 of one epoch at the same time.

    Source: Zab.tla, Leadership1.
    """
    if not leads_epoch(state, one) or not leads_epoch(state, other):
        return True
    return state.servers[one].current_epoch != state.servers[other].current_epoch


def epoch_is_promised(state: State, leader: Sid) -> bool:
    """A server that leads in phases 2 and 3 of an epoch has a quorum that promised this epoch or a later one.

    Source: paper, section IV, l.1.2. Promises never go back (`epochs_never_go_back`), so the quorum remains
    when the leader is gone, and no server leads that epoch again: see `epoch_is_new`.
    """
    if not leads_epoch(state, leader):
        return True
    epoch = state.servers[leader].current_epoch
    return is_quorum(promised_to(state, epoch), state.servers[leader].stages)


def epochs_in_order(state: State, server: Sid) -> bool:
    """f.p >= f.a >= the epoch of every transaction in h_f.

    Source: paper, section IV, f.1.2 and f.2.1.
    """
    record = state.servers[server]
    epochs = [txn.zxid.epoch for txn in record.history]
    return max(epochs, default=0) <= record.current_epoch <= record.accepted_epoch


def history_without_gaps(state: State, server: Sid) -> bool:
    """The zxids of a history rise by one within an epoch, and start at 1 in each new epoch.

    Source: paper, section IV, l.3.1 and f.3.1.
    """
    return is_without_gaps(state.servers[server].history)


def same_zxid_same_transaction(state: State, one: Sid, other: Sid) -> bool:
    """Two transactions with the same zxid are equal.

    Source: paper, section III: broadcasts are distinct. It says more where values differ (`Bounds.numbered`).
    """
    values = {txn.zxid: txn.value for txn in state.servers[one].history}
    return all(values.get(txn.zxid, txn.value) == txn.value for txn in state.servers[other].history)


def committed_is_kept(state: State, server: Sid) -> bool:
    """What a server has delivered is in the histories of a quorum, in the same places.

    Source: paper, section IV: a delivered transaction is never lost. For transactions delivered by servers
    that have all restarted since, the refinement checks it: the abstract log never shrinks.
    """
    kept = delivered(state, server)
    if not kept:
        return True
    having = [
        Sid(sid) for sid in range(len(state.servers)) if state.servers[Sid(sid)].history[: len(kept)] == kept
    ]
    return is_quorum(having, state.servers[server].stages)


def leader_completeness(state: State, leader: Sid, server: Sid) -> bool:
    """From phase 2 on, a leader's history starts with all that was delivered in earlier epochs.

    Source: Dissecting; the name is Raft's. What a server in an earlier epoch has delivered was committed in
    an earlier epoch.
    """
    if not leads_epoch(state, leader):
        return True
    if state.servers[server].current_epoch >= state.servers[leader].current_epoch:
        return True
    return is_prefix(delivered(state, server), state.servers[leader].history)


def process_consistency(state: State, leader: Sid, follower: Sid) -> bool:
    """The history of a follower that has adopted its leader's history is a prefix of it from then on.

    Source: NJU's test specification, processConsistency.
    """
    if not leads_epoch(state, leader) or state.servers[follower].leader != leader:
        return True
    if state.servers[follower].current_epoch != state.servers[leader].current_epoch:
        return True
    return is_prefix(state.servers[follower].history, state.servers[leader].history)


def initial_history_integrity(state: State, one: Sid, other: Sid) -> bool:
    """The initial history of an established epoch is a prefix of the initial history of every later epoch.

    Source: Dissecting; in Remix (EuroSys 2025), I-8. What a server has of epochs before its own is the
    initial history of its epoch, and an epoch in which something was broadcast was established.
    """
    epoch, history = state.servers[one].current_epoch, state.servers[one].history
    if not history or history[-1].zxid.epoch != epoch:
        return True
    if state.servers[other].current_epoch <= epoch:
        return True
    return is_prefix(before_epoch(history, epoch), state.servers[other].history)


def commit_consistency(state: State, server: Sid) -> bool:
    """A server in phase 3 has delivered the whole initial history of its epoch.

    Source: Dissecting; in Remix (EuroSys 2025), I-9.
    """
    if state.servers[server].phase != Phase.BROADCAST:
        return True
    initial = before_epoch(state.servers[server].history, state.servers[server].current_epoch)
    return is_prefix(initial, delivered(state, server))


def history_consistency(state: State, one: Sid, other: Sid) -> bool:
    """Of the histories of two servers in the same epoch, one is a prefix of the other.

    Source: Dissecting; in Remix (EuroSys 2025), I-10.
    """
    if state.servers[one].current_epoch != state.servers[other].current_epoch:
        return True
    return is_comparable(state.servers[one].history, state.servers[other].history)


def broadcast_before_logging(before: State, after: State, server: Sid) -> bool:
    """A transaction that no server knew enters the history of a server only because that server, a primary,
    broadcasts it.

    Source: paper, section III, integrity: every transaction enters the system in this way. What servers know
    is what is in their histories or, while a leader selects an initial history, in the best one that it has
    received; messages carry nothing else.
    """
    if after.servers[server].history == before.servers[server].history:
        return True
    known = known_transactions(before)
    news = [txn for txn in after.servers[server].history if txn not in known]
    if not news:
        return True
    epoch = before.servers[server].current_epoch
    return leader_is_established(before, server) and [txn.zxid.epoch for txn in news] == [epoch]


def zxid_is_new(before: State, after: State, primary: Sid, server: Sid) -> bool:
    """A primary gives a transaction a zxid that no server has seen.

    Source: paper, section III: broadcasts are distinct.
    """
    longer, shorter = after.servers[primary].history, before.servers[primary].history
    if len(longer) != len(shorter) + 1 or not leader_is_established(before, primary):
        return True
    zxid = longer[-1].zxid
    return all(txn.zxid != zxid for txn in (*shorter, *before.servers[server].history))


def delivered_never_goes_back(before: State, after: State, server: Sid) -> bool:
    """What a server has delivered only grows, except that a server that restarts delivers everything again.

    Source: paper, section II; Zab.tla, on lastCommitted. A restart shows in a server that looks for a leader
    and has delivered nothing.
    """
    if delivered(before, server) == delivered(after, server)[: before.servers[server].committed]:
        return True
    return after.servers[server].committed == 0 and after.servers[server].role == Role.LOOKING


def epochs_never_go_back(before: State, after: State, server: Sid) -> bool:
    """A server's f.p and f.a only rise.

    Source: paper, section IV, f.1.2 and f.2.1.
    """
    was, now = before.servers[server], after.servers[server]
    return was.accepted_epoch <= now.accepted_epoch and was.current_epoch <= now.current_epoch


def epoch_is_new(before: State, after: State, leader: Sid) -> bool:
    """No quorum has promised an epoch that a leader proposes, and no other leader has proposed it.

    Source: Zab.tla, Leadership2: no two servers ever lead an epoch. Of two leaders beyond phase 1, the one
    that proposed the epoch later met the other as a leader, or met the quorum of `epoch_is_promised`.
    """
    if before.servers[leader].accepted_epoch == after.servers[leader].accepted_epoch:
        return True
    if after.servers[leader].role != Role.LEADING:
        return True
    epoch = after.servers[leader].accepted_epoch
    others = [Sid(sid) for sid in range(len(before.servers)) if sid != leader]
    if any(has_proposed(before, other, epoch) for other in others):
        return False
    return not is_quorum(promised_to(before, epoch), after.servers[leader].stages)


def local_primary_order_as_in_zab_tla(state: State, server: Sid) -> bool:
    """*Some* two transactions of a primary are equal or in order: LocalPrimaryOrder as Zab.tla has it.

    Source: Zab.tla. It can never fail, since any transaction equals itself. It is in no group; the tests show
    that it holds where `local_primary_order` does not.
    """
    epoch = state.servers[server].current_epoch
    broadcast = [txn for txn in state.servers[server].history if txn.zxid.epoch == epoch]
    if len(broadcast) < 2:
        return True
    orders = [delivered(state, Sid(sid)) for sid in range(len(state.servers))]
    return any(
        a == b or all(b not in order or a in order[: order.index(b)] for order in orders)
        for index, b in enumerate(broadcast)
        for a in broadcast[: index + 1]
    )


ALWAYS = (
    prefix_consistency,
    delivery_after_logging,
    agreement,
    total_order,
    local_primary_order,
    global_primary_order,
    primary_integrity,
    one_leader_in_an_epoch,
    epoch_is_promised,
    epochs_in_order,
    history_without_gaps,
    same_zxid_same_transaction,
    committed_is_kept,
    leader_completeness,
    process_consistency,
    initial_history_integrity,
    commit_consistency,
    history_consistency,
    message_is_legal,
    phase_is_expected,
    proposal_fits,
    commit_fits,
    acknowledgement_fits,
)

EVERY_STEP = (
    broadcast_before_logging,
    zxid_is_new,
    delivered_never_goes_back,
    epochs_never_go_back,
    epoch_is_new,
)

SOMETIMES = (
    leader_is_established,
    everyone_delivers,
    another_server_leads_too,
    follower_joins_during_broadcast,
    proposal_is_had_already,
    history_comes_from_follower,
    logged_transaction_is_replaced,
    earlier_epoch_is_delivered,
    logged_transaction_is_delivered_elsewhere,
    epoch_is_refused,
)


def leads_epoch(state: State, server: Sid) -> bool:
    """True if a server leads in phase 2 or 3: its epoch and its initial history are settled."""
    phase = state.servers[server].phase
    return phase in (Phase.SYNCHRONIZATION, Phase.BROADCAST) and state.servers[server].role == Role.LEADING


def has_proposed(state: State, server: Sid, epoch: int) -> bool:
    """True if a server leads and has proposed `epoch`, as it does when it has a quorum of promises."""
    if state.servers[server].accepted_epoch != epoch or state.servers[server].role != Role.LEADING:
        return False
    return is_quorum(state.servers[server].promised, state.servers[server].stages)


def promised_to(state: State, epoch: int) -> list[Sid]:
    """Returns the servers that have promised `epoch` or a later one."""
    servers = [Sid(sid) for sid in range(len(state.servers))]
    return [sid for sid in servers if state.servers[sid].accepted_epoch >= epoch]


def known_transactions(state: State) -> frozenset[Txn]:
    """Returns every transaction in a history, or in the best history that a leader in discovery has
    received.
    """
    found: set[Txn] = set()
    for sid in range(len(state.servers)):
        found.update(state.servers[Sid(sid)].history)
        best = state.servers[Sid(sid)].best
        if best is not None:
            found.update(best.history)
    return frozenset(found)
