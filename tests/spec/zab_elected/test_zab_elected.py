"""ZAB 1.0 with Fast Leader Election in it, explored exhaustively; each grain is checked against the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from exploring import check_passed, explored, short, tell
from zabcheck.explorer import plain
from zabcheck.explorer.model import Step
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome
from zabcheck.models.mutant import Mutant, apply
from zabcheck.models.registry import Instance, build
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.elected_mutants import MUTANTS
from zabcheck.models.zab.grains import actions, model, unmatched
from zabspec import fast_election, zab, zab_elected
from zabspec.fast_election.state import Mode
from zabspec.parts import Sid
from zabspec.zab_elected import properties as zab_elected_properties

PAST_VOTES = "leader_is_elected_by_past_votes"


def by_votes(servers: int, transactions: int, timeouts: int, restarts: int, **others: Any) -> Bounds:
    """Returns bounds of ZAB 1.0 whose leaders are elected by votes."""
    return Bounds(servers, transactions, timeouts, restarts, election="votes", **others)


@dataclass(frozen=True, slots=True)
class Within:
    """Bounds, the size of the state space (distinct, generated, depth), and what else must be reached."""

    bounds: Bounds
    counts: tuple[int, int, int]
    reaching: tuple[str, ...] = ()

    @property
    def instance(self) -> Instance:
        """The instance with every property that holds there."""
        asked = build(Instance("zab", self.bounds))
        groups = (asked.always, asked.every_step, asked.sometimes)
        names = tuple(each.name for group in groups for each in group)
        return Instance("zab", self.bounds, properties=(*names, *self.reaching))

    def __str__(self) -> str:
        return short(self.bounds)


SHALLOW = [
    Within(by_votes(2, 1, 1, 1, epochs=2), (14_906, 40_044, 47)),
    Within(by_votes(3, 0, 0, 0, epochs=1, rounds=1, early=3), (337_656, 1_492_105, 39)),
]

DEEP = [
    Within(by_votes(2, 2, 1, 1, epochs=3, rounds=3), (112_514, 343_778, 65)),
    Within(by_votes(2, 2, 2, 0, epochs=4, rounds=4), (84_767, 251_406, 68)),
    Within(by_votes(2, 2, 2, 2, epochs=4, rounds=4), (2_281_264, 7_522_278, 84)),
    Within(by_votes(3, 0, 0, 0, epochs=2), (1_715_495, 7_927_005, 56), (PAST_VOTES,)),
    Within(by_votes(3, 1, 0, 0, epochs=1, rounds=1), (2_713_997, 14_083_454, 49)),
    Within(by_votes(3, 1, 0, 0, epochs=1, rounds=1, synchronization="one-step"), (1_429_250, 7_335_926, 40)),
]


@pytest.mark.spec
@pytest.mark.parametrize(
    "row", [*SHALLOW, *(pytest.param(row, marks=pytest.mark.deep) for row in DEEP)], ids=str
)
def test_all_that_is_within_bounds_is_right(
    row: Within, progress: Callable[[Counts], None], proved: Callable[[str], None], tmp_path: Path
) -> None:
    found = explored(row.instance, progress)
    check_passed(found, tmp_path)
    assert found.counts == row.counts
    tell(proved, found.line)


# Each grain is checked against the next.

SMALL = Bounds(2, 1, 1, 0, epochs=2)
CRASHES = replace(SMALL, restarts=1)
FINE = Bounds(2, 1)


@pytest.mark.spec
@pytest.mark.parametrize(
    ("checked", "against", "longest"),
    [
        (replace(SMALL, election="votes"), replace(FINE, election="late"), 1),
        (by_votes(2, 1, 0, 1, epochs=2), replace(FINE, election="anyone"), 1),
        (CRASHES, replace(FINE, election="late"), 1),
        (replace(CRASHES, election="late"), replace(FINE, election="anyone"), 1),
        (replace(SMALL, synchronization="one-step"), FINE, 14),
        (by_votes(2, 1, 0, 0, epochs=2, synchronization="one-step"), replace(FINE, election="late"), 14),
        pytest.param(
            Bounds(2, 2, 1, 1, epochs=3, synchronization="one-step"), Bounds(2, 2), 20, marks=pytest.mark.deep
        ),
        pytest.param(
            by_votes(2, 2, 1, 1, epochs=3), Bounds(2, 2, election="anyone"), 1, marks=pytest.mark.deep
        ),
        pytest.param(
            by_votes(3, 0, 0, 0, epochs=1, rounds=1), Bounds(3, 0, election="late"), 1, marks=pytest.mark.deep
        ),
    ],
    ids=lambda each: str(each) if isinstance(each, int) else f"{each.election}-{each.synchronization}",
)
def test_every_step_of_a_grain_is_one_of_the_other(checked: Bounds, against: Bounds, longest: int) -> None:
    assert unmatched(model(checked, actions(checked)), against, longest) is None


def adopted_without_epoch(state: zab.State, leader: Sid, follower: Sid) -> zab.State | None:
    """Synchronization in one step that leaves the current epoch as it was."""
    after = zab.learner_adopts_history(state, leader, follower)
    if after is None:
        return None
    kept = replace(after.servers[follower], current_epoch=state.servers[follower].current_epoch)
    return replace(after, servers=after.servers.put(follower, kept))


def test_a_step_that_is_too_coarse_is_found() -> None:
    bounds = replace(SMALL, synchronization="one-step")
    mutant = Mutant("m", "", {zab.learner_adopts_history: adopted_without_epoch}, bounds, "")
    found = unmatched(model(bounds, apply(mutant, actions(bounds))), FINE, 14)
    assert found is not None
    assert found.label.startswith("learner_adopts_history(")


def test_a_leader_that_no_quorum_has_elected_is_found() -> None:
    alone = next(each for each in MUTANTS if each.name == "elected-alone")
    bounds = replace(alone.bounds, transactions=0)
    wrong = model(bounds, apply(alone, actions(bounds)))
    found = unmatched(wrong, Bounds(2, 0, election="late"))
    assert found is not None
    assert found.label.startswith("server_decides(")
    assert unmatched(wrong, Bounds(2, 0, election="anyone")) is None


def test_grains_that_begin_differently_are_not_compared() -> None:
    with pytest.raises(ValueError, match="do not begin in the same state"):
        unmatched(model(SMALL, actions(SMALL)), Bounds(3, 1))


@pytest.mark.spec
@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("leader_could_be_elected", by_votes(2, 2, 2, 2, epochs=4, rounds=4)),
        ("leader_has_best_vote", by_votes(2, 2, 2, 2, epochs=4, rounds=4)),
    ],
)
def test_after_crashes_old_votes_may_elect_anyone(name: str, bounds: Bounds) -> None:
    verdict = search(build(Instance("zab", bounds, properties=(name,))), Options())
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, name)


# Every property can fail.


@pytest.mark.spec
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mistake_is_caught(mutant: Mutant) -> None:
    asked = Instance("zab", mutant.bounds, mutant=mutant.name, properties=(mutant.caught_by,))
    verdict = search(build(asked), Options())
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, mutant.caught_by)


def test_every_property_has_a_mutant() -> None:
    groups = (*zab_elected_properties.ALWAYS, *zab_elected_properties.EVERY_STEP)
    assert {mutant.caught_by for mutant in MUTANTS} == {each.__name__ for each in groups}


@pytest.mark.spec
@pytest.mark.parametrize(
    "mutant",
    [each for each in MUTANTS if each.name in ("elected-alone", "old-standing", "last-vote-elects")],
    ids=lambda mutant: mutant.name,
)
def test_the_properties_of_zab_do_not_depend_on_votes(mutant: Mutant) -> None:
    """Every property holds whoever is elected and however, because discovery checks what the followers
    have.
    """
    of_zab = build(Instance("zab", Bounds(2)))
    wrong = build(Instance("zab", mutant.bounds, mutant=mutant.name, properties=()))
    verdict = search(replace(wrong, always=of_zab.always, every_step=of_zab.every_step), Options())
    assert verdict.outcome == Outcome.PASSED, verdict.property


# Other tests.


def test_the_plain_search_counts_the_same() -> None:
    built = build(Instance("zab", by_votes(2, 1, 0, 1, epochs=2)))
    slow, fast = plain.breadth_first(built, Options()), search(built, Options())
    assert (slow.outcome, slow.counts) == (fast.outcome, fast.counts)


def test_every_action_of_both_is_there_but_for_what_is_replaced() -> None:
    both = {each.__name__ for each in (*zab.NEXT, *fast_election.NEXT)}
    left_out = {"server_is_elected", "server_crashes", "network_splits", "network_heals"}
    assert {each.__name__ for each in zab_elected.NEXT} == both - left_out
    steps = model(by_votes(2, 1, 1, 1), zab_elected.NEXT).steps
    assert {each.action for each in steps} == both - left_out


def test_a_leader_tells_its_new_epoch_once_it_is_established() -> None:
    steps = {step.label: step for step in model(by_votes(2, 0, 0, 0), zab_elected.NEXT).steps}
    world = model(by_votes(2, 0, 0, 0), zab_elected.NEXT).initial

    def take(*labels: str) -> None:
        nonlocal world
        for label in labels:
            step: Step = steps[label]
            world = step.apply(world, *step.arguments)
            assert world is not None, label

    take("server_starts(0)", "server_starts(1)", "server_counts_vote(0, 1)", "server_counts_vote(1, 0)")
    take("server_decides(1)", "server_decides(0)", "server_follows_leader(0, 1)")
    assert world.protocol.election.servers[1].mode == Mode.LEADING
    take("leader_processes_followerinfo(1, 0)", "follower_processes_leaderinfo(0, 1)")
    take("leader_processes_ackepoch(1, 0)", "leader_syncs_learner(1, 0)", "leader_sends_newleader(1, 0)")
    take("follower_starts_sync(0, 1)", "follower_persists_epoch(0, 1)")
    take("follower_acknowledges_newleader(0, 1)", "leader_processes_newleader_ack(1, 0)")
    votes = [server.vote for server in world.protocol.election.servers]
    assert [vote.epoch for vote in votes if vote] == [0, 1]
    take("follower_processes_uptodate(0, 1)")
    assert world.protocol.election.servers[0].vote == votes[1]
