"""Mutants of ZAB 1.0: a mistake for each property that no historical bug breaks, and one for each rule about
what must be on disk before a message is sent.

As in `zabcheck.models.paper.mutants`. The bugs that ZooKeeper had are in
`zabcheck.models.zab.catalogue.bugs`, the rules in `zabcheck.models.zab.catalogue.disk_order`.
"""

from __future__ import annotations

from functools import partial

from zabcheck.models.mutant import Mutant
from zabcheck.models.paper.liveness_mutants import never
from zabcheck.models.zab import disk_mistakes as on_disk
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.catalogue.bugs import BY_NAME as BUGS_BY_NAME
from zabcheck.models.zab.mistakes import changed
from zabspec import zab
from zabspec.parts import Sid
from zabspec.parts import replace as with_changes
from zabspec.phases import Phase
from zabspec.quorums import is_quorum
from zabspec.zab.disk import applied, loaded
from zabspec.zab.network import first_message, received, sent_to_learners, with_channel, with_server
from zabspec.zab.state import LeaderInfo, Stage, State, SyncMode, Trunc


def leader_ignores_promises(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader ignores the epochs in FOLLOWERINFO and proposes the epoch after its own."""
    leading = state.servers[leader]
    done = zab.leader_processes_followerinfo(state, leader, follower)
    if done is None or is_quorum(state.quorums, leading.connecting):
        return done
    noted, epoch = done.servers[leader], leading.proposing_epoch
    if not is_quorum(state.quorums, noted.connecting):
        return changed(done, leader, proposing_epoch=epoch)
    state = received(state, follower, leader)
    state = with_server(state, leader, with_changes(noted, proposing_epoch=epoch, accepted_epoch=epoch))
    told = [sid for sid in map(Sid, range(len(state.servers))) if noted.stages[sid] == Stage.INFORMED]
    return sent_to_learners(state, leader, told, LeaderInfo(epoch))


def follower_promises_again(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower acknowledges a LEADERINFO of an epoch that it has promised before, as if it counted
    again.
    """
    message = first_message(state, leader, follower)
    following = state.servers[follower]
    if not isinstance(message, LeaderInfo) or message.epoch != following.accepted_epoch:
        return zab.follower_processes_leaderinfo(state, follower, leader)
    forgetting = with_changes(following, accepted_epoch=message.epoch - 1)
    return zab.follower_processes_leaderinfo(with_server(state, follower, forgetting), follower, leader)


def follower_promises_anything(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower promises the epoch of LEADERINFO even if it has promised a later one."""
    message = first_message(state, leader, follower)
    following = state.servers[follower]
    if not isinstance(message, LeaderInfo) or message.epoch >= following.accepted_epoch:
        return zab.follower_processes_leaderinfo(state, follower, leader)
    forgetting = with_changes(following, accepted_epoch=message.epoch - 1)
    return zab.follower_processes_leaderinfo(with_server(state, follower, forgetting), follower, leader)


def leader_does_not_compare(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader counts the ACKEPOCH of a follower whose history is more recent than its own."""
    leading = state.servers[leader]
    boasting = with_server(state, leader, with_changes(leading, current_epoch=leading.accepted_epoch + 1))
    done = zab.leader_processes_ackepoch(boasting, leader, follower)
    if done is None or done.servers[leader].phase != leading.phase:
        return done
    return changed(done, leader, current_epoch=leading.current_epoch)


def leader_sends_only_new(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader synchronizes a learner as if the learner had all that the leader has."""
    leading = state.servers[leader]
    reported = leading.reported.put(follower, leading.processed)
    flattered = with_server(state, leader, with_changes(leading, reported=reported))
    return zab.leader_syncs_learner(flattered, leader, follower)


def follower_keeps_tail(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower takes TRUNC and cuts nothing off its log."""
    if not isinstance(first_message(state, leader, follower), Trunc):
        return zab.follower_starts_sync(state, follower, leader)
    keeping = with_changes(state.servers[follower], sync_mode=SyncMode.DIFF)
    return with_server(received(state, leader, follower), follower, keeping)


def follower_persists_backwards(state: State, follower: Sid, leader: Sid) -> State | None:
    """At NEWLEADER a follower writes and applies the committed transactions last one first."""
    following = state.servers[follower]
    committed, rest = following.pending[: following.to_commit], following.pending[following.to_commit :]
    turned = with_changes(following, pending=(*reversed(committed), *rest))
    return zab.follower_persists_history(with_server(state, follower, turned), follower, leader)


def leader_delivers_at_once(state: State, leader: Sid, value: int) -> State | None:
    """A leader delivers a request without waiting for a quorum."""
    done = zab.leader_proposes(state, leader, value)
    if done is None:
        return None
    return with_server(done, leader, applied(done.servers[leader], done.servers[leader].unsynced[-1]))


def leader_proposes_to_synced(state: State, leader: Sid, value: int) -> State | None:
    """A leader sends a proposal to learners that acknowledged NEWLEADER, and not to those that were sent
    it.
    """
    done = zab.leader_proposes(state, leader, value)
    if done is None:
        return None
    for sid, stage in enumerate(state.servers[leader].stages):
        if Stage.FORWARDING <= stage < Stage.SYNCED:
            done = with_channel(done, leader, Sid(sid), state.network[leader][Sid(sid)])
    return done


def leader_reloads_to_sync(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader that synchronizes a learner loads its own log from disk into its tree."""
    leading = state.servers[leader]
    if leading.phase != Phase.BROADCAST:
        return zab.leader_syncs_learner(state, leader, follower)
    waiting = leading.unsynced
    fresh = with_changes(loaded(leading, leading.log), unsynced=waiting)
    return zab.leader_syncs_learner(with_server(state, leader, fresh), leader, follower)


_begun = partial(Mutant, begun=True)

_CALM = Bounds(servers=3, transactions=2, timeouts=0, epochs=1)
_ONE_TIMEOUT = Bounds(servers=3, transactions=1, timeouts=1, epochs=2)
_ONE_CRASH = Bounds(servers=3, transactions=2, timeouts=0, restarts=1)

_TWO_CRASHES = Bounds(servers=3, transactions=2, timeouts=0, restarts=2, epochs=3)

_EPOCH_AT_UPTODATE = {
    zab.follower_persists_epoch: never(zab.follower_persists_epoch),
    zab.follower_acknowledges_newleader: on_disk.follower_acknowledges_without_epoch,
    zab.follower_processes_uptodate: on_disk.follower_takes_up_epoch_at_uptodate,
}

ZAB_MUTANTS: tuple[Mutant, ...] = (
    # Phase 1, discovery
    Mutant(
        "promised-epoch-counts-again",
        "A leader proposes the epoch after its own promise, and counts a follower that has promised that "
        "epoch before. Each mistake alone does no harm; together, two servers lead in one epoch.",
        {
            zab.leader_processes_followerinfo: leader_ignores_promises,
            zab.follower_processes_leaderinfo: follower_promises_again,
        },
        _ONE_TIMEOUT,
        "one_leader_in_an_epoch",
    ),
    Mutant(
        "earlier-epoch-promised",
        "A follower promises any epoch that a leader proposes, earlier ones too.",
        {zab.follower_processes_leaderinfo: follower_promises_anything},
        Bounds(servers=3, transactions=0, timeouts=1, epochs=2),
        "epochs_never_go_back",
    ),
    Mutant(
        "leader-not-compared",
        "Any server may be elected, and a leader does not refuse a follower with a more recent history.",
        {
            zab.server_is_elected: zab.server_leads_unelected,
            zab.leader_processes_ackepoch: leader_does_not_compare,
        },
        _ONE_TIMEOUT,
        "primary_integrity",
    ),
    # Phase 2, synchronization
    Mutant(
        "only-new-sent",
        "A leader sends a learner none of the transactions that it lacks, and goes on from there.",
        {zab.leader_syncs_learner: leader_sends_only_new},
        _CALM,
        "total_order",
    ),
    Mutant(
        "only-new-sent-by-primary",
        "As only-new-sent: a follower delivers the second of a primary's transactions and not the first.",
        {zab.leader_syncs_learner: leader_sends_only_new},
        _CALM,
        "local_primary_order",
    ),
    _begun(
        "written-backwards",
        "A follower writes and applies the transactions before NEWLEADER last one first.",
        {zab.follower_persists_history: follower_persists_backwards},
        Bounds(servers=3, transactions=3, timeouts=0, restarts=1, epochs=2),
        "global_primary_order",
    ),
    Mutant(
        "trunc-ignored",
        "A follower does not truncate its log at TRUNC.",
        {zab.follower_starts_sync: follower_keeps_tail},
        Bounds(servers=3, transactions=2, timeouts=1, epochs=2),
        "history_consistency",
    ),
    # Phase 3, broadcast
    Mutant(
        "deliver-without-quorum",
        "A leader delivers what it proposes without waiting for acknowledgements.",
        {zab.leader_proposes: leader_delivers_at_once},
        Bounds(servers=3, transactions=2, timeouts=1, epochs=2),
        "agreement",
    ),
    Mutant(
        "propose-to-acknowledged",
        "A leader sends proposals to learners that have acknowledged NEWLEADER, not to all that were sent "
        "NEWLEADER.",
        {zab.leader_proposes: leader_proposes_to_synced},
        _CALM,
        "proposal_fits",
    ),
    _begun(
        "leader-reads-its-log",
        "A leader loads its log, and with it its tree, from disk to synchronize a learner: transactions "
        "that it delivered before they were on its own disk are gone.",
        {zab.leader_syncs_learner: leader_reloads_to_sync},
        Bounds(servers=3, transactions=2, timeouts=1, epochs=1),
        "delivered_is_not_taken_back",
    ),
    # Disk
    _begun(
        "tree-behind-log",
        "As ZOOKEEPER-2845: a server looks for a leader with a tree that lacks what is in its log.",
        BUGS_BY_NAME["ZOOKEEPER-2845"].replaces,
        _ONE_CRASH,
        "tree_is_on_disk",
    ),
    _begun(
        "initial-history-acknowledged",
        "As ZOOKEEPER-4685: a follower acknowledges a transaction of an earlier epoch, which no leader "
        "waits for.",
        BUGS_BY_NAME["ZOOKEEPER-4685"].replaces,
        _ONE_CRASH,
        "acknowledgement_fits",
    ),
    Mutant(
        "promise-never-written",
        "A follower acknowledges an epoch and never writes down that it promised it.",
        {zab.follower_processes_leaderinfo: on_disk.follower_promises_late},
        _ONE_TIMEOUT,
        "epochs_in_order",
    ),
    Mutant(
        "ackepoch-before-promise",
        "A follower acknowledges an epoch before its promise is on disk, and writes the promise at "
        "NEWLEADER.",
        {
            zab.follower_processes_leaderinfo: on_disk.follower_promises_late,
            zab.follower_persists_epoch: on_disk.follower_promises_at_newleader,
        },
        _ONE_TIMEOUT,
        "one_leader_in_an_epoch",
    ),
    Mutant(
        "promise-lost",
        "A server that crashes has forgotten what it promised beyond its current epoch.",
        {zab.server_restarts: on_disk.crash_loses_promise},
        Bounds(servers=3, transactions=1, timeouts=0, restarts=2, epochs=3),
        "one_leader_in_an_epoch",
    ),
    Mutant(
        "newleader-acknowledged-before-epoch",
        "A follower acknowledges NEWLEADER before its current epoch is on disk, and writes the epoch at "
        "UPTODATE.",
        _EPOCH_AT_UPTODATE,
        _TWO_CRASHES,
        "refines_broadcast",
    ),
    _begun(
        "newleader-acknowledged-before-epoch-twice",
        "As newleader-acknowledged-before-epoch: a later leader brings back a transaction that an earlier "
        "one had dropped.",
        _EPOCH_AT_UPTODATE,
        _TWO_CRASHES,
        "primary_integrity",
    ),
    Mutant(
        "leader-epoch-lost",
        "A leader counts itself as in its epoch before its current epoch is on disk.",
        {zab.server_restarts: on_disk.crash_of_leader_loses_epoch},
        _TWO_CRASHES,
        "refines_broadcast",
    ),
    _begun(
        "leader-epoch-lost-twice",
        "As leader-epoch-lost: delivered transactions are lost.",
        {zab.server_restarts: on_disk.crash_of_leader_loses_epoch},
        Bounds(servers=3, transactions=3, timeouts=0, restarts=2, epochs=4),
        "committed_is_kept",
    ),
    Mutant(
        "ack-before-writing",
        "A follower acknowledges a proposal as soon as it is queued for the disk.",
        {
            zab.follower_processes_proposal: on_disk.follower_acknowledges_unwritten_proposal,
            zab.server_syncs_log: on_disk.server_syncs_in_silence,
        },
        _CALM,
        "committed_is_kept",
    ),
)

HARMLESS: tuple[Mutant, ...] = (
    Mutant(
        "leaderinfo-before-promise",
        "A leader proposes an epoch before its own promise is on disk, and writes the promise when a quorum "
        "has acknowledged the epoch.",
        {
            zab.leader_processes_followerinfo: on_disk.leader_promises_late,
            zab.leader_processes_ackepoch: on_disk.leader_promises_at_last,
        },
        Bounds(servers=3, transactions=1, timeouts=0, restarts=1, epochs=2),
        "",
    ),
)
"""Changes that look like mistakes and break nothing within their bounds."""
