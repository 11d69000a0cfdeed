"""Mistakes about snapshots and log files, read in ZooKeeper's source and not run there.

As in `zabcheck.models.zab.mistakes`, each is the spec's own action, where a disk consists of log records and
a snapshot (`zabspec.zab.state.Disk`). Deviation D28 in docs/deviations.md tells what ZooKeeper does.
"""

from __future__ import annotations

from functools import partial

from zabcheck.models.mutant import Mutant
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.mistakes import changed
from zabspec import zab
from zabspec.histories import up_to
from zabspec.parts import Sid
from zabspec.parts import replace as with_changes
from zabspec.zab.disk import loaded
from zabspec.zab.network import first_message, received, with_server
from zabspec.zab.state import NO_SNAPSHOT, State, SyncMode, Trunc


def follower_reloads_newer_snapshot(state: State, follower: Sid, leader: Sid) -> State | None:
    """After TRUNC a follower loads a snapshot that is newer than the end of its truncated log."""
    message = first_message(state, leader, follower)
    following = state.servers[follower]
    if not isinstance(message, Trunc) or message.zxid >= following.snapshot.zxid:
        return zab.follower_starts_sync(state, follower, leader)
    if following.leader != leader:
        return None
    cut = loaded(following, up_to(following.log, message.zxid))
    cut = with_changes(cut, sync_mode=SyncMode.TRUNC, processed=message.zxid)
    return with_server(received(state, leader, follower), follower, cut)


def follower_leaves_snapshot_unforced(state: State, follower: Sid, leader: Sid) -> State | None:
    """At NEWLEADER after TRUNC a follower does not force its snapshot to disk."""
    if state.servers[follower].sync_mode == SyncMode.TRUNC:
        return None
    return zab.follower_persists_history(state, follower, leader)


def follower_persists_epoch_unforced(state: State, follower: Sid, leader: Sid) -> State | None:
    """At NEWLEADER after TRUNC a follower writes the current epoch without waiting for its snapshot."""
    done = zab.follower_persists_epoch(_without_trunc(state, follower), follower, leader)
    return changed(done, follower, sync_mode=state.servers[follower].sync_mode)


def follower_acknowledges_unforced(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower acknowledges NEWLEADER after TRUNC without waiting for its snapshot."""
    return zab.follower_acknowledges_newleader(_without_trunc(state, follower), follower, leader)


def leader_reads_older_records(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader synchronizes a learner from all its log records, those before the snapshot included."""
    leading = state.servers[leader]
    unaware = with_server(state, leader, with_changes(leading, snapshot=NO_SNAPSHOT))
    done = zab.leader_syncs_learner(unaware, leader, follower)
    return changed(done, leader, snapshot=leading.snapshot)


def _without_trunc(state: State, follower: Sid) -> State:
    following = state.servers[follower]
    if following.sync_mode != SyncMode.TRUNC:
        return state
    return with_server(state, follower, with_changes(following, sync_mode=SyncMode.NONE))


_begun = partial(Mutant, begun=True)

FILE_MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "truncation-leaves-newer-snapshot",
        "TRUNC cuts the log and leaves a newer snapshot: the follower loads that snapshot again, and has "
        "the transactions that it was told to drop.",
        {zab.follower_starts_sync: follower_reloads_newer_snapshot},
        Bounds(servers=3, transactions=1, timeouts=2, restarts=0, epochs=3, disk="files"),
        "process_consistency",
    ),
    Mutant(
        "truncation-snapshot-not-forced",
        "Transactions committed between TRUNC and NEWLEADER are only in a snapshot that is not forced to "
        "disk; later ones are in the log and forced. After a power cut the follower has the later ones, and "
        "a hole before them.",
        {
            zab.follower_persists_history: follower_leaves_snapshot_unforced,
            zab.follower_persists_epoch: follower_persists_epoch_unforced,
            zab.follower_acknowledges_newleader: follower_acknowledges_unforced,
        },
        Bounds(servers=3, transactions=2, timeouts=1, restarts=0, epochs=1, disk="files"),
        "history_without_gaps",
    ),
)

LOG_READ_ACROSS_SNAPSHOT = _begun(
    "log-read-across-snapshot",
    "A leader that was sent a snapshot synchronizes a learner from older log records: the learner gets none "
    "of the transactions that are only in the snapshot, and gets some that were never committed.",
    {zab.leader_syncs_learner: leader_reads_older_records},
    Bounds(servers=4, transactions=4, timeouts=0, restarts=2, epochs=3, observers=1, disk="files"),
    "prefix_consistency",
)
"""The search does not reach this far: tests/spec/zab/test_zab_disk.py takes the steps by hand."""
