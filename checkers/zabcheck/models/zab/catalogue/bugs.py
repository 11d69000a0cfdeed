"""Bugs that ZooKeeper had, or has, as ZAB 1.0 with one mistake put in, which a property must catch.

Each bug is named after its issue in ZooKeeper's tracker and tells the story in our words. The mistakes are in
`zabcheck.models.zab.mistakes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from zabcheck.models.mutant import Mutant
from zabcheck.models.zab import mistakes
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.file_mutants import FILE_MUTANTS
from zabcheck.models.zab.model import Action
from zabcheck.models.zab.quorum_mutants import OBSERVERS_COUNTED
from zabspec import zab
from zabspec.zab.state import SyncMode

_ONE_CRASH = Bounds(servers=3, transactions=2, timeouts=0, restarts=1)

_HANDED_ON: Mapping[Action, Action] = {
    zab.follower_persists_history: mistakes.follower_hands_history_on,
    zab.follower_processes_uptodate: mistakes.follower_serves_with_queue,
}
"""At NEWLEADER, a follower queues the transactions after a DIFF for the thread that writes, and does not
wait.
"""

_begun = partial(Mutant, begun=True)

BUGS: tuple[Mutant, ...] = (
    _begun(
        "ZOOKEEPER-2845",
        "A server that goes back to election without a crash keeps its tree, which lacks the transactions "
        "that it has logged and not delivered. It votes with too low a zxid, is sent the transactions after "
        "that zxid, and has one more in its log than it reports.",
        mistakes.shutdowns(mistakes.tree_left_as_it_is),
        _ONE_CRASH,
        "process_consistency",
    ),
    _begun(
        "ZOOKEEPER-3023",
        "At NEWLEADER a follower leaves the initial history to be applied by another thread, and starts to "
        "serve at UPTODATE before the thread has done so: clients read from a tree without the initial "
        "history.",
        {zab.follower_persists_history: mistakes.follower_writes_without_applying},
        _ONE_CRASH,
        "commit_consistency",
        adds=(mistakes.follower_applies_later,),
    ),
    Mutant(
        "ZOOKEEPER-2959",
        "A leader in discovery counts the answers of observers. With one voter and an observer it "
        "establishes its epoch, and the other voters, which do not know that epoch, get a leader that "
        "proposes the same one.",
        OBSERVERS_COUNTED,
        Bounds(servers=4, transactions=0, timeouts=0, epochs=1, observers=1),
        "one_leader_in_an_epoch",
    ),
    Mutant(
        "ZOOKEEPER-3104",
        "A leader labels a snapshot with its last zxid when the snapshot has been written, though "
        "transactions applied meanwhile are not in it. The learner believes that it has them, and no leader "
        "sends them again.",
        {zab.leader_syncs_learner: mistakes.leader_labels_snapshot_late},
        Bounds(servers=3, transactions=2, timeouts=0, restarts=0, epochs=1),
        "process_consistency",
    ),
    Mutant(
        "ZOOKEEPER-3642",
        "A follower that loses its leader after SNAP and before NEWLEADER keeps the tree that it was sent. "
        "The next leader sends it the transactions after that tree; those in the snapshot are not on the "
        "follower's disk.",
        mistakes.shutdowns(mistakes.tree_kept_after(SyncMode.SNAP)),
        Bounds(servers=3, transactions=1, timeouts=1, restarts=1, epochs=3),
        "committed_is_kept",
    ),
    _begun(
        "ZOOKEEPER-3911",
        "A follower acknowledges NEWLEADER with the transactions after DIFF in memory, to be written at "
        "UPTODATE. With a quorum of such followers the leader serves, and what it has delivered is on its "
        "own disk alone.",
        {
            zab.follower_persists_history: mistakes.follower_persists_snapshot_only,
            zab.follower_persists_epoch: mistakes.follower_persists_epoch_first,
            zab.follower_acknowledges_newleader: mistakes.follower_acknowledges_unwritten,
        },
        _ONE_CRASH,
        "committed_is_kept",
    ),
    Mutant(
        "ZOOKEEPER-4394",
        "At NEWLEADER a follower writes all pending proposals and forgets them. A COMMIT that comes before "
        "UPTODATE finds nothing to commit: the follower fails and synchronizes again, perhaps for ever.",
        {zab.follower_persists_history: mistakes.follower_empties_pending},
        Bounds(servers=3, transactions=2, timeouts=0, restarts=0),
        "commit_fits",
    ),
    _begun(
        "ZOOKEEPER-4643",
        "At NEWLEADER a follower writes its current epoch before the transactions that it was sent. If it "
        "crashes in between, its short log counts as one of the latest epoch: it wins the next election and "
        "makes others drop delivered transactions.",
        {
            zab.follower_persists_epoch: mistakes.follower_persists_epoch_first,
            zab.follower_persists_history: mistakes.follower_persists_history_second,
        },
        Bounds(servers=3, transactions=2, timeouts=0, restarts=3, epochs=4),
        "refines_broadcast",
    ),
    _begun(
        "ZOOKEEPER-4646",
        "At NEWLEADER a follower queues the transactions that it was sent for the thread that writes, and "
        "acknowledges without waiting: as in ZOOKEEPER-3911, the leader serves what is not on the disks of "
        "a quorum.",
        {**_HANDED_ON, zab.server_syncs_log: mistakes.server_syncs_without_answer},
        _ONE_CRASH,
        "committed_is_kept",
    ),
    _begun(
        "ZOOKEEPER-4685",
        "As in ZOOKEEPER-4646, and the thread that writes acknowledges a transaction before the follower "
        "has acknowledged NEWLEADER. The leader takes the first acknowledgement for that of NEWLEADER, does "
        "not count it, and waits for ever.",
        _HANDED_ON,
        _ONE_CRASH,
        "first_acknowledgement_is_of_newleader",
    ),
    _begun(
        "ZOOKEEPER-4712",
        "A follower that goes back to election does not stop the thread that writes. The follower votes by "
        "what is on its disk and is synchronized with a new leader; then the old thread adds the "
        "transactions that it still had.",
        {
            **mistakes.shutdowns(mistakes.queue_left_running),
            zab.follower_starts_sync: mistakes.follower_starts_sync_with_queue,
            zab.follower_processes_uptodate: mistakes.follower_serves_with_queue,
        },
        _ONE_CRASH,
        "process_consistency",
    ),
    _begun(
        "ZOOKEEPER-4785",
        "ZOOKEEPER-4646 as it was met in production: a follower restarts before the thread that writes has "
        "written what the follower was sent, and a leader is elected that lacks delivered transactions.",
        {**_HANDED_ON, zab.server_syncs_log: mistakes.server_syncs_without_answer},
        Bounds(servers=3, transactions=2, timeouts=0, restarts=2, epochs=3),
        "leader_completeness",
    ),
    _begun(
        "ZOOKEEPER-4925",
        "The transactions that a follower applies at NEWLEADER are missing from its committed log, from "
        "which a leader sends DIFF. When it leads, learners that need them get a DIFF with a hole.",
        {zab.follower_persists_history: mistakes.follower_applies_past_committed_log},
        Bounds(servers=3, transactions=3, timeouts=0, restarts=2, epochs=3),
        "prefix_consistency",
    ),
    _begun(
        "ZOOKEEPER-5094",
        "A follower that loses its leader after TRUNC and before NEWLEADER keeps its tree, to which more "
        "was applied than is in its log. The next leader sends it the transactions after the tree, and the "
        "log has a gap.",
        mistakes.shutdowns(mistakes.tree_kept_after(SyncMode.TRUNC)),
        Bounds(servers=3, transactions=3, timeouts=2, restarts=0, epochs=2),
        "history_without_gaps",
    ),
    Mutant(
        "acknowledgement-outlives-truncation",
        "A leader still counts a follower's acknowledgements of transactions that TRUNC removed when the "
        "follower returned: the leader commits what is on too few disks. This is no known issue of "
        "ZooKeeper's: see D23 in docs/deviations.md.",
        {zab.leader_syncs_learner: mistakes.leader_remembers_acknowledgements},
        Bounds(servers=3, transactions=1, timeouts=1, restarts=0, epochs=1),
        "committed_is_kept",
    ),
    *FILE_MUTANTS,
)

BY_NAME: Mapping[str, Mutant] = {bug.name: bug for bug in BUGS}
