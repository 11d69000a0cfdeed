"""The properties of ZAB 1.0: those of the paper, restated for servers with disks.

    ALWAYS      (state, *servers)          true of every state
    EVERY_STEP  (before, after, *servers)  true of every step
    SOMETIMES   (state, *servers)          true of some state, or else the model shows too little

The properties of deliveries are those of `zabspec.deliveries`. A server has delivered its tree, as long as it
serves. Sources are named as in docs/references.md.
"""

from __future__ import annotations

from zabspec import deliveries
from zabspec.deliveries import has_all_before, of_each, of_two
from zabspec.histories import History, before_epoch, is_comparable, is_prefix, is_without_gaps
from zabspec.parts import Sid
from zabspec.phases import Phase
from zabspec.quorums import is_quorum
from zabspec.zab.disk import durable
from zabspec.zab.expected import (
    acknowledgement_fits,
    commit_fits,
    first_acknowledgement_is_of_newleader,
    proposal_fits,
)
from zabspec.zab.state import Role, State
from zabspec.zab.synchronization import is_leading
from zabspec.zab.witnesses import (
    another_server_leads_too,
    deposed_leader_proposes,
    epoch_is_promised_again,
    everyone_delivers,
    history_is_adopted,
    leader_delivers_before_writing,
    leader_is_cut_off,
    leader_is_established,
    leader_is_not_up_to_date,
    learner_applies_after_trunc,
    learner_gets_diff,
    learner_gets_snap,
    learner_gets_trunc,
    learner_joins_during_broadcast,
    message_outlasts_partition,
    observer_delivers,
    server_refuses_to_start,
)


def delivered(state: State, server: Sid) -> History:
    """Returns what a server has delivered: what clients can see of its tree, nothing before it serves."""
    if state.servers[server].phase != Phase.BROADCAST:
        return ()
    return state.servers[server].tree


prefix_consistency = of_two(deliveries.prefix_consistency, delivered)
agreement = of_two(deliveries.agreement, delivered)
total_order = of_two(deliveries.total_order, delivered)
local_primary_order = of_each(deliveries.local_primary_order, delivered)
global_primary_order = of_each(deliveries.global_primary_order, delivered)


def primary_integrity(state: State, primary: Sid, server: Sid) -> bool:
    """A primary may broadcast only when it has delivered what any server delivers of earlier epochs.

    Source: paper, section III, primary integrity.
    """
    if not leader_is_established(state, primary):
        return True
    epoch = state.servers[primary].current_epoch
    return has_all_before(delivered(state, primary), delivered(state, server), epoch)


def one_leader_in_an_epoch(state: State, one: Sid, other: Sid) -> bool:
    """No two servers lead in phases 2 and 3 of one epoch at the same time.

    Source: Zab.tla, Leadership1.
    """
    if not is_leading(state, one) or not is_leading(state, other):
        return True
    return state.servers[one].current_epoch != state.servers[other].current_epoch


def epochs_in_order(state: State, server: Sid) -> bool:
    """A server's current epoch is not later than the epoch that it has promised.

    Source: Dissecting; ZooKeeper: QuorumPeer.loadDataBase refuses to start otherwise.
    """
    return state.servers[server].current_epoch <= state.servers[server].accepted_epoch


def history_without_gaps(state: State, server: Sid) -> bool:
    """The zxids of a log, and of what waits to be written, rise by one within an epoch and start at 1 in a
    new one.

    Source: paper, section IV, l.3.1 and f.3.1; ZOOKEEPER-4925 for gaps.
    """
    return is_without_gaps(history(state, server))


def committed_is_kept(state: State, server: Sid) -> bool:
    """What a server has delivered is on the disks of a quorum, in the same places.

    Source: paper, section IV: a delivered transaction is never lost. Only disks count and not what waits to
    be written: all servers may crash at once.
    """
    kept = delivered(state, server)
    if not kept:
        return True
    having = [
        Sid(sid) for sid in range(len(state.servers)) if is_prefix(kept, durable(state.servers[Sid(sid)]))
    ]
    return is_quorum(state.quorums, having)


def leader_completeness(state: State, leader: Sid, server: Sid) -> bool:
    """From phase 2 on, a leader's history starts with all that was delivered in earlier epochs.

    Source: Dissecting; NJU's test specification, leaderLogCompleteness.
    """
    if not is_leading(state, leader):
        return True
    if state.servers[server].current_epoch >= state.servers[leader].current_epoch:
        return True
    return is_prefix(delivered(state, server), history(state, leader))


def process_consistency(state: State, leader: Sid, follower: Sid) -> bool:
    """What a follower that serves has on disk is a prefix of its leader's history.

    Source: NJU's test specification, processConsistency.
    """
    if not is_leading(state, leader) or state.servers[follower].leader != leader:
        return True
    if state.servers[follower].phase != Phase.BROADCAST:
        return True
    if state.servers[follower].current_epoch != state.servers[leader].current_epoch:
        return True
    return is_prefix(durable(state.servers[follower]), history(state, leader))


def commit_consistency(state: State, server: Sid) -> bool:
    """A server that serves has delivered the whole initial history of its epoch.

    Source: Dissecting; in Remix (EuroSys 2025), I-9; ZOOKEEPER-3023.
    """
    if state.servers[server].phase != Phase.BROADCAST:
        return True
    initial = before_epoch(history(state, server), state.servers[server].current_epoch)
    return is_prefix(initial, delivered(state, server))


def history_consistency(state: State, one: Sid, other: Sid) -> bool:
    """Of the histories of two servers that serve in the same epoch, one is a prefix of the other.

    Source: Dissecting; in Remix (EuroSys 2025), I-10.
    """
    if state.servers[one].phase != Phase.BROADCAST or state.servers[other].phase != Phase.BROADCAST:
        return True
    if state.servers[one].current_epoch != state.servers[other].current_epoch:
        return True
    return is_comparable(history(state, one), history(state, other))


def tree_is_on_disk(state: State, server: Sid) -> bool:
    """A server that looks for a leader has in its tree exactly what it has on disk.

    Source: its vote speaks of the tree and a restart finds the disk; ZOOKEEPER-2845, 3642, 5094.
    """
    if state.servers[server].role != Role.LOOKING:
        return True
    return state.servers[server].tree == durable(state.servers[server])


def epochs_never_go_back(before: State, after: State, server: Sid) -> bool:
    """A server's epochs only rise.

    Source: paper, section IV, f.1.2 and f.2.1.
    """
    was, now = before.servers[server], after.servers[server]
    return was.accepted_epoch <= now.accepted_epoch and was.current_epoch <= now.current_epoch


def delivered_is_not_taken_back(before: State, after: State, server: Sid) -> bool:
    """What a server has delivered only grows, as long as it serves.

    Source: paper, section II; Zab.tla, on lastCommitted.
    """
    if after.servers[server].phase != Phase.BROADCAST:
        return True
    return is_prefix(delivered(before, server), after.servers[server].tree)


ALWAYS = (
    prefix_consistency,
    agreement,
    total_order,
    local_primary_order,
    global_primary_order,
    primary_integrity,
    one_leader_in_an_epoch,
    epochs_in_order,
    history_without_gaps,
    committed_is_kept,
    leader_completeness,
    process_consistency,
    commit_consistency,
    history_consistency,
    tree_is_on_disk,
    proposal_fits,
    commit_fits,
    acknowledgement_fits,
    first_acknowledgement_is_of_newleader,
)

EVERY_STEP = (epochs_never_go_back, delivered_is_not_taken_back)

SOMETIMES = (
    leader_is_established,
    everyone_delivers,
    another_server_leads_too,
    learner_joins_during_broadcast,
    learner_gets_diff,
    learner_gets_trunc,
    learner_applies_after_trunc,
    learner_gets_snap,
    history_is_adopted,
    epoch_is_promised_again,
    leader_is_not_up_to_date,
    leader_delivers_before_writing,
    server_refuses_to_start,
    leader_is_cut_off,
    deposed_leader_proposes,
    message_outlasts_partition,
    observer_delivers,
)


def history(state: State, server: Sid) -> History:
    """Returns what a server has on disk, and after that what waits to be written."""
    return (*durable(state.servers[server]), *state.servers[server].unsynced)
