"""Observers of ZAB 1.0: they are told what is committed, and count in no quorum."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exploring import check_passed, explored, short, tell
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import breadth_first
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome
from zabcheck.models.mutant import Mutant
from zabcheck.models.registry import Instance, build
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.model import begun, model
from zabcheck.models.zab.quorum_mutants import QUORUM_MUTANTS
from zabspec import zab
from zabspec.histories import Txn, Zxid
from zabspec.parts import Queue, Row, Sid, replace
from zabspec.phases import Phase
from zabspec.quorums import majority, smallest
from zabspec.zab.network import with_channel, with_server
from zabspec.zab.state import Ack, Commit, Inform, NewLeader, Proposal, Role, State, SyncMode

LEADER, FOLLOWER, OBSERVER = map(Sid, range(3))
TXN = Txn(Zxid(1, 1), 0)


def begun_state() -> State:
    """Returns a state in which server 0 leads a follower and an observer.

    They have 1.1, and 1.2 is in flight to the follower.
    """
    state: State = begun(model(Bounds(3, 2, 0, 0, observers=1))).initial.protocol
    return state


def run(state: State | None, *steps: tuple[Callable[..., State | None], *tuple[Sid, ...]]) -> State:
    for action, *servers in steps:
        assert state is not None
        state = action(state, *servers)
    assert state is not None
    return state


def synchronizing(mode: SyncMode, *messages: object) -> State:
    """Returns an observer that is being synchronized by `mode`, with messages in flight to it."""
    state = zab.initial(3, observers=frozenset({OBSERVER}))
    observing = replace(
        state.servers[OBSERVER],
        role=Role.FOLLOWING,
        phase=Phase.SYNCHRONIZATION,
        leader=LEADER,
        accepted_epoch=1,
        sync_mode=mode,
    )
    return with_channel(with_server(state, OBSERVER, observing), LEADER, OBSERVER, Queue(messages))  # type: ignore[arg-type]


def test_quorums_are_majorities_of_those_who_vote() -> None:
    assert majority(4, [Sid(3)]) == ((1, 1, 1, 0),)
    assert list(smallest(zab.initial(4, observers=frozenset({Sid(3)})).quorums)) == [(0, 1), (0, 2), (1, 2)]


def test_an_observer_neither_votes_nor_leads() -> None:
    state = zab.initial(3, observers=frozenset({OBSERVER}))
    assert zab.server_is_elected(state, OBSERVER) is None
    assert zab.server_leads_unelected(state, OBSERVER) is None
    leading = run(state, (zab.server_is_elected, LEADER))
    assert zab.server_is_elected(leading, FOLLOWER) is None, "a follower and an observer elect nobody"


def test_what_an_observer_has_promised_raises_the_epoch_and_does_not_count() -> None:
    state = zab.initial(3, observers=frozenset({OBSERVER}))
    promised = replace(state.servers[OBSERVER], accepted_epoch=6)
    state = run(
        with_server(state, OBSERVER, promised),
        (zab.server_is_elected, LEADER),
        (zab.server_follows_leader, OBSERVER, LEADER),
        (zab.leader_processes_followerinfo, LEADER, OBSERVER),
    )
    assert (state.servers[LEADER].proposing_epoch, state.servers[LEADER].accepted_epoch) == (7, 0)
    assert state.network[LEADER][OBSERVER].head is None
    state = run(
        state,
        (zab.server_follows_leader, FOLLOWER, LEADER),
        (zab.leader_processes_followerinfo, LEADER, FOLLOWER),
        (zab.follower_processes_leaderinfo, OBSERVER, LEADER),
        (zab.leader_processes_ackepoch, LEADER, OBSERVER),
    )
    assert state.servers[LEADER].accepted_epoch == 7
    assert state.servers[LEADER].phase == Phase.DISCOVERY
    state = run(
        state,
        (zab.follower_processes_leaderinfo, FOLLOWER, LEADER),
        (zab.leader_processes_ackepoch, LEADER, FOLLOWER),
    )
    assert state.servers[LEADER].phase == Phase.SYNCHRONIZATION


def test_an_observer_is_informed_when_a_transaction_is_committed_and_acknowledges_nothing() -> None:
    state = begun_state()
    proposed = Proposal(state.servers[LEADER].unsynced[-1])
    assert (state.network[LEADER][FOLLOWER].head, state.network[LEADER][OBSERVER].head) == (proposed, None)
    state = run(
        state,
        (zab.server_syncs_log, LEADER),
        (zab.follower_processes_proposal, FOLLOWER, LEADER),
        (zab.server_syncs_log, FOLLOWER),
        (zab.leader_processes_ack, LEADER, FOLLOWER),
    )
    assert state.network[LEADER][FOLLOWER].head == Commit(proposed.txn.zxid)
    assert state.network[LEADER][OBSERVER].head == Inform(proposed.txn)
    state = run(state, (zab.observer_processes_inform, OBSERVER, LEADER))
    assert state.servers[OBSERVER].tree[-1] == proposed.txn
    assert state.servers[OBSERVER].unsynced == (proposed.txn,)
    state = run(state, (zab.server_syncs_log, OBSERVER))
    assert state.servers[OBSERVER].log[-1] == proposed.txn
    assert state.network[OBSERVER][LEADER] == ()


def test_an_observer_that_joins_is_not_sent_what_is_outstanding() -> None:
    joining = run(
        begun_state(),
        (zab.follower_times_out, OBSERVER, LEADER),
        (zab.leader_notices, LEADER, OBSERVER),
        (zab.server_follows_leader, OBSERVER, LEADER),
        (zab.leader_processes_followerinfo, LEADER, OBSERVER),
        (zab.follower_processes_leaderinfo, OBSERVER, LEADER),
        (zab.leader_processes_ackepoch, LEADER, OBSERVER),
        (zab.leader_syncs_learner, LEADER, OBSERVER),
    )
    assert len(joining.network[LEADER][OBSERVER]) == 1
    assert len(joining.servers[LEADER].unsynced) == 1


def test_after_diff_nothing_is_on_disk_when_newleader_is_acknowledged() -> None:
    state = run(
        synchronizing(SyncMode.DIFF, Inform(TXN), NewLeader(1)),
        (zab.observer_queues_inform, OBSERVER, LEADER),
    )
    assert zab.follower_persists_history(state, OBSERVER, LEADER) is None
    state = run(
        state,
        (zab.follower_persists_epoch, OBSERVER, LEADER),
        (zab.follower_acknowledges_newleader, OBSERVER, LEADER),
    )
    observing = state.servers[OBSERVER]
    assert (observing.current_epoch, observing.log, observing.tree) == (1, (), ())
    assert (observing.pending, observing.to_commit) == ((TXN,), 1)
    state = with_channel(state, LEADER, OBSERVER, Queue([zab.state.UpToDate()]))
    observing = run(state, (zab.follower_processes_uptodate, OBSERVER, LEADER)).servers[OBSERVER]
    assert (observing.unsynced, observing.tree, observing.pending) == ((TXN,), (TXN,), ())


def test_after_a_snapshot_it_is_applied_at_once_and_written_with_the_tree() -> None:
    state = run(
        synchronizing(SyncMode.SNAP, Inform(TXN), NewLeader(1)),
        (zab.observer_queues_inform, OBSERVER, LEADER),
    )
    assert state.servers[OBSERVER].tree == (TXN,)
    assert zab.follower_persists_epoch(state, OBSERVER, LEADER) is None
    assert run(state, (zab.follower_persists_history, OBSERVER, LEADER)).servers[OBSERVER].log == (TXN,)


def test_an_acknowledgement_of_an_observer_is_noticed() -> None:
    state = with_channel(begun_state(), OBSERVER, LEADER, Queue([Ack(Zxid(1, 1))]))
    fits = zab.properties.acknowledgement_fits
    assert not fits(state, LEADER, OBSERVER)
    assert fits(replace(state, observers=frozenset(), quorums=(Row([1, 1, 1]),)), LEADER, OBSERVER)


def test_the_fast_search_finds_what_the_plain_one_does() -> None:
    """Symmetry renames voters among themselves and observers among themselves, and does nothing else."""
    bounds = Bounds(3, 0, 0, 0, epochs=1, observers=1)
    asked = build(Instance("zab", bounds, properties=("prefix_consistency",)))
    for symmetry in (True, False):
        options = Options(symmetry=symmetry)
        fast, plain = search(asked, options), breadth_first(asked, options)
        assert fast.outcome == plain.outcome == Outcome.PASSED
        assert (fast.counts.distinct, fast.counts.generated) == (
            plain.counts.distinct,
            plain.counts.generated,
        )
    both = [search(asked, Options(symmetry=each)).counts.distinct for each in (True, False)]
    assert both[0] < both[1] <= 2 * both[0]


@pytest.mark.parametrize("mutant", QUORUM_MUTANTS, ids=lambda mutant: mutant.name)
def test_counting_quorums_wrong_is_caught(mutant: Mutant, proved: Callable[[str], None]) -> None:
    asked = Instance("zab", mutant.bounds, mutant=mutant.name, properties=(mutant.caught_by,))
    verdict = search(build(asked), Options())
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, mutant.caught_by)
    tell(proved, f"FOUND   {mutant.name} by {mutant.caught_by}: {verdict.counts.distinct:,} distinct states")


SHALLOW = [(Bounds(3, 2, 1, 0, epochs=2, observers=1), (174_844, 549_284, 61))]
DEEP = [
    (Bounds(3, 2, 0, 1, epochs=2, observers=1), (162_398, 483_913, 60)),
    (Bounds(3, 2, 0, 0, epochs=2, observers=1, partitions=1), (547_990, 1_986_361, 63)),
    (Bounds(4, 1, 0, 0, epochs=1, observers=1), (293_191, 918_693, 47)),
]


@pytest.mark.spec
@pytest.mark.parametrize(
    ("bounds", "counts"),
    [*SHALLOW, *(pytest.param(*row, marks=pytest.mark.deep) for row in DEEP)],
    ids=lambda value: short(value) if isinstance(value, Bounds) else "",
)
def test_all_that_is_within_bounds_is_right(
    bounds: Bounds,
    counts: tuple[int, int, int],
    progress: Callable[[Counts], None],
    proved: Callable[[str], None],
    tmp_path: Path,
) -> None:
    """Every property holds with observers too, and they deliver."""
    found = explored(Instance("zab", bounds), progress)
    check_passed(found, tmp_path)
    assert {"observer_delivers", "prefix_consistency", "refines_broadcast"} <= set(found.verdict.checked)
    assert found.counts == counts
    tell(proved, found.line)
