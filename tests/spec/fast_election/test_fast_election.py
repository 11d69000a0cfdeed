"""Fast Leader Election, explored exhaustively within bounds: counts are pinned, every property can fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from zabcheck.explorer import plain
from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.limits import Limits
from zabcheck.explorer.liveness import explored, judged
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.models.fast_election.bounds import Bounds
from zabcheck.models.fast_election.model import (
    ONLY_UNDISTURBED,
    Ensemble,
    alike,
    ensemble,
    model,
    unlike,
    with_observer,
)
from zabcheck.models.fast_election.mutants import NEVER_ENDING, SAFETY_MUTANTS
from zabcheck.models.mutant import Mutant, apply
from zabcheck.models.registry import Instance, build
from zabspec import fast_election
from zabspec.fast_election import properties
from zabspec.fast_election.liveness import EVENTUALLY
from zabspec.fast_election.network import sent, with_channel
from zabspec.fast_election.state import Mode, Notification, Vote
from zabspec.fast_election.votes import is_better
from zabspec.histories import ZERO, Zxid
from zabspec.parts import Queue, Sid

PLAIN = Options(symmetry=False)
Predicate = Callable[..., bool]
FIRST_WEIGHS_NOTHING = ((0, 1, 1),)


@dataclass(frozen=True, slots=True)
class Within:
    """Bounds, the size of the state space (distinct, generated, depth), and what must be reached."""

    name: str
    ensemble: Ensemble
    counts: tuple[int, int, int]
    reaching: tuple[Predicate, ...] = ()

    def __str__(self) -> str:
        return self.name


DISTURBED = (properties.two_lead_in_two_rounds, properties.voters_have_gone_on)
CALM = tuple(each for each in properties.SOMETIMES if each not in DISTURBED)

INSTANCES = [
    Within("2", Ensemble(alike(2)), (25, 44, 9), (properties.leader_is_followed_by_all,)),
    Within("2-capacity2", Ensemble(alike(2), capacity=2), (25, 44, 10)),
    Within("2-crashes2-again2-early1", Ensemble(unlike(2), crashes=2, again=2, early=1), (1_766, 4_912, 23)),
    Within("3", Ensemble(alike(3)), (10_936, 49_487, 21), CALM),
    Within("3-unlike", Ensemble(unlike(3)), (10_936, 49_487, 21), CALM),
    Within("3-capacity2", Ensemble(alike(3), capacity=2), (96_859, 465_161, 31), CALM),
    Within("3-early1", Ensemble(alike(3), early=1), (13_238, 58_842, 21)),
    Within("3-again1", Ensemble(alike(3), again=1), (64_601, 295_903, 28), properties.SOMETIMES),
    Within("3-crashes1", Ensemble(alike(3), crashes=1), (71_818, 356_768, 26)),
    Within("2-observer", Ensemble(with_observer(alike(2))), (3_366, 11_934, 19)),
    Within("2-observer-crashes1", Ensemble(with_observer(alike(2)), crashes=1), (23_867, 96_366, 27)),
    Within("3-weights", Ensemble(unlike(3), FIRST_WEIGHS_NOTHING), (1_925, 7_127, 18)),
    Within(
        "3-weights-crashes1-again1",
        Ensemble(unlike(3), FIRST_WEIGHS_NOTHING, crashes=1, again=1),
        (87_147, 359_685, 33),
    ),
]

DEEP = [
    Within("3-crashes1-again1", Ensemble(unlike(3), crashes=1, again=1), (558_056, 2_770_665, 37)),
]


def check_passed(row: Within, progress: Callable[[Counts], None]) -> None:
    verdict = search(model(row.ensemble, sometimes=row.reaching), Options(), progress)
    assert (verdict.outcome, verdict.property) == (Outcome.PASSED, "")
    counts = verdict.counts
    assert (counts.distinct, counts.generated, counts.depth) == row.counts


@pytest.mark.spec
@pytest.mark.parametrize("row", INSTANCES, ids=str)
def test_all_that_is_within_bounds_is_right(row: Within, progress: Callable[[Counts], None]) -> None:
    check_passed(row, progress)


@pytest.mark.spec
@pytest.mark.deep
@pytest.mark.parametrize("row", DEEP, ids=str)
def test_all_that_is_within_larger_bounds_is_right(row: Within, progress: Callable[[Counts], None]) -> None:
    check_passed(row, progress)


# Every property can fail.


def found_in(asked: str, within: Ensemble, mutant: Mutant | None = None) -> Verdict:
    """Returns what a search for one property finds."""
    actions = fast_election.NEXT if mutant is None else apply(mutant, fast_election.NEXT)
    calm = model(replace(within, crashes=0, early=0), actions)
    always = tuple(each for each in calm.always if each.name == asked)
    every_step = tuple(each for each in calm.every_step if each.name == asked)
    assert len(always) + len(every_step) == 1
    return search(replace(model(within, actions), always=always, every_step=every_step), PLAIN)


@pytest.mark.spec
@pytest.mark.parametrize("mutant", SAFETY_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mistake_is_caught(mutant: Mutant) -> None:
    verdict = found_in(mutant.caught_by, ensemble(mutant.bounds), mutant)
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, mutant.caught_by)
    assert found_in(mutant.caught_by, ensemble(mutant.bounds)).outcome == Outcome.PASSED


def test_every_property_has_a_mutant() -> None:
    asked = {each.__name__ for each in (*properties.ALWAYS, *properties.EVERY_STEP)}
    assert {mutant.caught_by for mutant in SAFETY_MUTANTS} == asked
    assert {mutant.caught_by for mutant in NEVER_ENDING} == {each.name for each in EVENTUALLY}


# What does not hold.


@pytest.mark.spec
@pytest.mark.parametrize(
    ("asked", "within"),
    [
        ("agreement", Ensemble(alike(3), early=1)),
        ("counted_votes_were_cast", Ensemble(alike(3), crashes=1)),
    ],
    ids=lambda each: each if isinstance(each, str) else "disturbed",
)
def test_a_disturbance_is_what_some_properties_do_not_bear(asked: str, within: Ensemble) -> None:
    assert asked in ONLY_UNDISTURBED
    assert found_in(asked, within).outcome == Outcome.VIOLATED


@pytest.mark.spec
@pytest.mark.parametrize("asked", DISTURBED, ids=lambda asked: asked.__name__)
def test_what_takes_a_disturbance_is_not_reached_without(asked: Predicate) -> None:
    verdict = search(model(Ensemble(alike(3)), sometimes=(asked,)), PLAIN)
    assert (verdict.outcome, verdict.property) == (Outcome.VACUOUS, asked.__name__)


# Liveness.


def ends(within: Ensemble, actions: Sequence[Callable[..., object]] = fast_election.NEXT) -> Outcome:
    """Returns the outcome of checking that every fair run of a stable quorum ends its election."""
    graph = explored(model(within, actions), Limits(PLAIN, None))  # type: ignore[arg-type]
    return judged(graph).outcome


@pytest.mark.spec
@pytest.mark.parametrize(
    "within",
    [
        Ensemble(alike(2)),
        Ensemble(alike(3)),
        Ensemble(with_observer(alike(2))),
        Ensemble(unlike(3), FIRST_WEIGHS_NOTHING),
    ],
    ids=["2", "3", "2-observer", "3-weights"],
)
def test_a_stable_quorum_ends_its_election(within: Ensemble) -> None:
    assert ends(within) == Outcome.PASSED


@pytest.mark.spec
@pytest.mark.parametrize("mutant", NEVER_ENDING, ids=lambda mutant: mutant.name)
def test_a_mistake_that_keeps_an_election_going_is_caught(mutant: Mutant) -> None:
    assert ends(ensemble(mutant.bounds), apply(mutant, fast_election.NEXT)) == Outcome.VIOLATED


# Other tests.


def test_the_catalogue_has_the_same_ensembles() -> None:
    assert ensemble(Bounds(3, timeouts=0, observers=1)).disks == with_observer(alike(2))
    weighed = ensemble(Bounds(3, timeouts=2, restarts=1, weightless=1, unlike=True, early=3, capacity=2))
    assert weighed == Ensemble(unlike(3), FIRST_WEIGHS_NOTHING, 2, crashes=1, again=2, early=3)
    built = build(Instance("fast_election", Bounds(2, timeouts=0)))
    assert search(built, PLAIN).counts.distinct == 25


def test_server_ids_decide_so_symmetry_is_refused() -> None:
    elections = model(Ensemble(alike(2)))
    for run in (search, plain.breadth_first):
        assert run(elections, Options()).counts == run(elections, PLAIN).counts
        with pytest.raises(SpecError, match="fast_election does not declare that process ids are only names"):
            run(elections, Options(symmetry=True))


def test_the_plain_search_counts_the_same() -> None:
    elections = model(Ensemble(with_observer(alike(2))))
    slow, fast = plain.breadth_first(elections, PLAIN), search(elections, PLAIN)
    assert (slow.outcome, slow.counts) == (fast.outcome, fast.counts)


def test_votes_are_compared_by_epoch_then_zxid_then_id() -> None:
    state = fast_election.initial(alike(3), FIRST_WEIGHS_NOTHING)
    in_order = [Vote(0, Zxid(0, 1), Sid(2)), Vote(1, ZERO, Sid(1)), Vote(1, ZERO, Sid(2))]
    in_order.append(Vote(1, Zxid(1, 1), Sid(1)))
    assert sorted(in_order) == in_order
    assert is_better(state, in_order[1], in_order[0])
    assert not is_better(state, in_order[0], in_order[0])
    assert is_better(state, in_order[0], None)
    assert not is_better(state, Vote(9, ZERO, Sid(0)), in_order[0])


def test_a_full_channel_keeps_the_oldest_and_the_newest() -> None:
    state = fast_election.initial(alike(2), ((1, 1),), capacity=2)
    old = [Notification(None, number, Mode.LOOKING) for number in (7, 8)]
    state = with_channel(state, Sid(0), Sid(1), Queue(old))
    newest = Notification(None, 0, Mode.DOWN)
    assert sent(state, Sid(0), Sid(1)).network[0][1] == (old[0], newest)


def test_actions_are_listed_once_and_exported() -> None:
    names = [each.__name__ for each in fast_election.NEXT]
    assert len(set(names)) == len(names)
    assert set(names) <= set(fast_election.__all__)
