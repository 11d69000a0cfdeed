"""Partitions of ZAB 1.0: which messages wait, which servers cannot be reached, and all states within
bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exploring import check_passed, explored, short, tell
from zabcheck.cli.check import in_words
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome
from zabcheck.models.registry import Instance, build
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.instances import EXPLORED, instance
from zabcheck.models.zab.model import ZabBudget, begun, model, steps
from zabspec import zab
from zabspec.parts import Sid, replace
from zabspec.phases import Phase
from zabspec.zab.network import first_message
from zabspec.zab.partitions import network_heals, network_splits
from zabspec.zab.state import Commit, Proposal, Role, Stage, State

ONE, OTHER, THIRD = map(Sid, range(3))


def begun_state() -> State:
    """Returns a state in which server 0 leads the two others.

    All have delivered 1.1, and 1.2 is in flight to the two.
    """
    state: State = begun(model(Bounds(3, 2, 0, 0))).initial.protocol
    return state


def split(state: State, *side: Sid) -> State:
    after = network_splits(state, *side)
    assert after is not None
    return after


def test_what_is_sent_across_waits_and_gets_through_after_all() -> None:
    whole = begun_state()
    assert first_message(whole, ONE, OTHER) == Proposal(whole.servers[0].unsynced[0])
    cut = split(whole, ONE)
    assert first_message(cut, ONE, OTHER) is None
    assert zab.follower_processes_proposal(cut, OTHER, ONE) is None
    assert cut.network == whole.network
    more = zab.leader_proposes(cut, ONE, 0)
    assert more is not None
    assert [len(channel) for channel in more.network[0]] == [0, 2, 2]
    assert network_heals(cut) == whole


def test_messages_within_a_side_get_through() -> None:
    cut = split(begun_state(), THIRD)
    assert zab.follower_processes_proposal(cut, OTHER, ONE) is not None
    assert zab.follower_processes_proposal(cut, THIRD, ONE) is None


def test_neither_end_hears_that_the_other_has_closed_and_each_times_out_by_itself() -> None:
    cut = split(begun_state(), ONE)
    left = zab.follower_times_out(cut, OTHER, ONE)
    assert left is not None
    assert zab.leader_notices(left, ONE, OTHER) is None
    dropped = zab.leader_drops_follower(left, ONE, OTHER)
    assert dropped is not None
    assert dropped.servers[0].stages[1] == Stage.ABSENT
    assert zab.follower_notices(dropped, THIRD, ONE) is None
    alone = zab.leader_drops_follower(dropped, ONE, THIRD)
    assert alone is not None
    assert zab.follower_notices(alone, THIRD, ONE) is None
    healed = network_heals(alone)
    assert healed is not None
    assert zab.follower_notices(healed, THIRD, ONE) is not None


def test_a_whole_network_tells_an_end_that_the_other_has_closed() -> None:
    left = zab.follower_times_out(begun_state(), OTHER, ONE)
    assert left is not None
    assert zab.leader_drops_follower(left, ONE, OTHER) is None
    assert zab.leader_notices(left, ONE, OTHER) is not None


def test_an_election_needs_its_quorum_on_one_side() -> None:
    cut = split(zab.initial(3), ONE)
    assert zab.server_is_elected(cut, ONE) is None
    elected = zab.server_is_elected(cut, OTHER)
    assert elected is not None
    assert zab.server_follows_leader(elected, THIRD, OTHER) is not None
    assert zab.server_follows_leader(elected, ONE, OTHER) is None
    halves = split(zab.initial(4), ONE, OTHER)
    assert [zab.server_is_elected(halves, Sid(sid)) for sid in range(4)] == [None] * 4


@pytest.mark.parametrize("side", [(), (ONE, OTHER), (ONE, OTHER, THIRD)])
def test_a_partition_is_named_by_its_smaller_side(side: tuple[Sid, ...]) -> None:
    assert network_splits(zab.initial(3), *side) is None


def test_a_network_splits_when_whole_and_heals_when_split() -> None:
    assert network_heals(zab.initial(3)) is None
    assert network_splits(split(zab.initial(3), ONE), OTHER) is None


def test_every_smaller_side_is_a_step_and_they_are_counted() -> None:
    sides = {
        servers: [step.arguments for step in steps(Bounds(servers)) if step.action == "network_splits"]
        for servers in (1, 2, 3, 4)
    }
    assert (sides[1], sides[2], sides[3]) == ([], [(0,), (1,)], [(0,), (1,), (2,)])
    assert sides[4] == [(0,), (1,), (2,), (3,), (0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    start = model(Bounds(2, partitions=1))
    [first, *_] = [step for step in start.steps if step.action == "network_splits"]
    cut = first.apply(start.initial, *first.arguments)
    assert cut is not None
    assert cut.budget == ZabBudget(partitions=1)
    assert first.apply(replace(cut, protocol=zab.initial(2)), *first.arguments) is None


def test_a_timeout_across_costs_nothing_and_within_a_side_one_timeout() -> None:
    start = begun(model(Bounds(3, 2, timeouts=0, restarts=0, partitions=1)))
    cut = replace(start.initial, protocol=split(start.initial.protocol, THIRD))
    free = [
        step.label
        for step in start.steps
        if step.action in ("follower_times_out", "leader_drops_follower")
        and step.apply(cut, *step.arguments) is not None
    ]
    assert free == ["follower_times_out(2, 0)", "leader_drops_follower(0, 2)"]


def test_a_commit_that_waited_is_delivered_when_the_network_heals() -> None:
    state: State | None = begun_state()
    for action, *who in (
        (zab.server_syncs_log, ONE),
        (zab.follower_processes_proposal, OTHER, ONE),
        (zab.follower_processes_proposal, THIRD, ONE),
        (zab.server_syncs_log, OTHER),
        (network_splits, THIRD),
        (zab.leader_processes_ack, ONE, OTHER),
    ):
        assert state is not None
        state = action(state, *who)
    assert state is not None
    assert zab.follower_processes_commit(state, THIRD, ONE) is None
    assert isinstance(state.network[0][2].head, Commit)
    healed = network_heals(state)
    assert healed is not None
    delivered = zab.follower_processes_commit(healed, THIRD, ONE)
    assert delivered is not None
    assert len(delivered.servers[2].tree) == 2


def test_a_minority_leader_leads_on_and_commits_nothing() -> None:
    """The deposed leader proposes and writes; the others, which it cannot reach, have another leader by
    then.
    """
    state: State | None = split(begun_state(), ONE)
    for action, *who in (
        (zab.server_syncs_log, ONE),
        (zab.follower_times_out, OTHER, ONE),
        (zab.follower_times_out, THIRD, ONE),
        (zab.server_is_elected, OTHER),
    ):
        assert state is not None
        state = action(state, *who)
    assert state is not None
    assert [server.role for server in state.servers] == [Role.LEADING, Role.LEADING, Role.LOOKING]
    assert state.servers[0].phase == Phase.BROADCAST
    assert (state.servers[0].proposed, state.servers[0].committed) == (2, 1)


def test_partitions_lead_to_no_state_that_timeouts_do_not(proved: Callable[[str], None]) -> None:
    """Without the mark of the partition, every state is one that timeouts alone lead to."""
    cut = {replace(each, cut=frozenset()) for each in reachable(Bounds(2, 1, 0, 1, epochs=2, partitions=1))}
    timed_out = reachable(Bounds(2, 1, 2, 1, epochs=2))
    assert cut < timed_out
    tell(proved, f"PASSED  zab, partitions: {len(cut):,} of {len(timed_out):,} states by timeouts, no others")


@pytest.mark.parametrize(
    ("timeouts", "restarts", "partitions", "outcome"),
    [(0, 0, 1, Outcome.VIOLATED), (1, 0, 0, Outcome.PASSED), (0, 1, 0, Outcome.PASSED)],
)
def test_of_single_faults_a_partition_alone_shows_a_quorum_of_the_connected(
    timeouts: int, restarts: int, partitions: int, outcome: Outcome
) -> None:
    bounds = Bounds(3, 2, timeouts, restarts, epochs=2, partitions=partitions)
    asked = Instance("zab", bounds, mutant="quorum-of-the-connected", properties=("committed_is_kept",))
    assert search(build(asked), Options()).outcome == outcome


def reachable(bounds: Bounds) -> set[State]:
    """Returns all states, by the plainest of searches."""
    start = model(bounds)
    found, waiting = {start.initial}, [start.initial]
    while waiting:
        world = waiting.pop()
        for step in start.steps:
            after = step.apply(world, *step.arguments)
            if after is not None and after not in found:
                found.add(after)
                waiting.append(after)
    return {world.protocol for world in found}


SHALLOW = [
    (Bounds(2, 2, 1, 1, epochs=3, partitions=1), (62_911, 213_695, 60)),
    (Bounds(3, 1, 0, 0, epochs=2, partitions=1), (216_572, 726_060, 58)),
]


@pytest.mark.spec
@pytest.mark.parametrize(
    ("bounds", "counts"), SHALLOW, ids=lambda value: short(value) if isinstance(value, Bounds) else ""
)
def test_all_that_is_within_bounds_is_right(
    bounds: Bounds,
    counts: tuple[int, int, int],
    progress: Callable[[Counts], None],
    proved: Callable[[str], None],
    tmp_path: Path,
) -> None:
    """With every property and every `sometimes` that these bounds allow, those of partitions included."""
    found = explored(Instance("zab", bounds), progress)
    check_passed(found, tmp_path)
    assert {"message_outlasts_partition", "refines_broadcast"} <= set(found.verdict.checked)
    assert ("deposed_leader_proposes" in found.verdict.checked) == (bounds.servers == 3)
    assert found.counts == counts
    tell(proved, found.line)


@pytest.mark.spec
@pytest.mark.deep
@pytest.mark.parametrize("bounds", EXPLORED, ids=lambda bounds: f"{short(bounds)}-{bounds.synchronization}")
def test_two_transactions_and_faults_explored_to_the_end(
    bounds: Bounds, progress: Callable[[Counts], None], proved: Callable[[str], None]
) -> None:
    """With every property that must always hold, and the refinement."""
    verdict = search(build(instance(bounds)), Options(), progress)
    assert verdict.outcome == Outcome.PASSED, verdict.property
    counts = verdict.counts
    assert (counts.distinct, counts.generated, counts.depth) == EXPLORED[bounds]
    tell(proved, f"PASSED  {in_words(instance(bounds))}: {counts.distinct:,} distinct states")
