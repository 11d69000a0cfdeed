"""What ZAB 1.0 promises to happen in the end does, on every fair run within bounds; and mutants are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from lassos import graph_of, is_counterexample
from zabcheck.explorer.liveness import Graph, check_liveness, judged
from zabcheck.explorer.options import Options
from zabcheck.explorer.promises import Assumptions
from zabcheck.explorer.verdicts import Outcome
from zabcheck.models.mutant import Mutant
from zabcheck.models.registry import Instance, build
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.fairness import ASSUMPTIONS as ASSUMED
from zabcheck.models.zab.liveness_mutants import ZAB_LIVENESS_MUTANTS
from zabspec import zab
from zabspec.zab.liveness import EVENTUALLY


def instance(*bounds: int, epochs: int, **more: int) -> Instance:
    return Instance("zab", Bounds(*bounds, epochs=epochs, give_up=True, **more), properties=())


@pytest.fixture(scope="module")
def two() -> Graph:
    """Two servers, one transaction, one timeout."""
    return graph_of(build(instance(2, 1, 1, 0, epochs=3)))


@pytest.mark.spec
@pytest.mark.parametrize(
    ("asked", "distinct"),
    [
        (instance(2, 1, 1, 1, epochs=3), 14_526),
        (instance(2, 2, 1, 0, epochs=2), 3_837),
        (instance(2, 1, 0, 0, epochs=3, partitions=1), 5_768),
        pytest.param(instance(3, 0, 0, 0, epochs=2), 24_474, marks=pytest.mark.deep),
        pytest.param(instance(3, 1, 0, 0, epochs=2), 59_544, marks=pytest.mark.deep),
    ],
    ids=str,
)
def test_zab_is_live(asked: Instance, distinct: int, proved: Callable[[str], None]) -> None:
    verdict = check_liveness(build(asked), Options())
    assert (verdict.outcome, verdict.property) == (Outcome.PASSED, "")
    assert verdict.counts.distinct == distinct
    bounds = asked.bounds
    proved(f"PASSED  zab is live, {bounds.servers} servers: {verdict.counts.distinct:,} distinct states")


@pytest.mark.parametrize("mutant", ZAB_LIVENESS_MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_is_caught_by_a_fair_run_of_zab(mutant: Mutant) -> None:
    model = build(Instance("zab", mutant.bounds, mutant=mutant.name, properties=()))
    [asked] = [each for each in EVENTUALLY if each.name == mutant.caught_by]
    verdict = judged(graph_of(model), [asked])
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, mutant.caught_by)
    assert verdict.trace is not None
    assert is_counterexample(model, verdict.trace, asked)


def test_each_property_of_zab_has_a_mutant() -> None:
    assert {mutant.caught_by for mutant in ZAB_LIVENESS_MUTANTS} == {each.name for each in EVENTUALLY}


def test_every_action_of_zab_is_a_fault_or_fair_or_the_clients_own() -> None:
    names = {action.__name__ for action in zab.NEXT_LIVE}
    assert names == ASSUMED.weak | ASSUMED.strong | ASSUMED.faults | {"leader_proposes"}
    assert not ASSUMED.weak & (ASSUMED.strong | ASSUMED.faults)


def test_fairness_is_needed_of_zab(two: Graph) -> None:
    for asked in EVENTUALLY:
        nothing: frozenset[str] = frozenset()
        lazy = replace(ASSUMED, weak=nothing, strong=nothing)
        assert judged(two, [asked], lazy).outcome == Outcome.VIOLATED


def with_free(action: str) -> Assumptions:
    """What is assumed, but that an action may be taken at any time."""
    return replace(ASSUMED, free=frozenset({action}))


def test_leaders_of_zab_must_be_patient(two: Graph) -> None:
    """One that gives up as soon as it may never waits long enough for its first follower."""
    assert judged(two, EVENTUALLY[:1], with_free("leader_gives_up")).outcome == Outcome.VIOLATED


def test_elections_must_be_right_in_the_end() -> None:
    """Two servers are elected by turns, and neither waits for the other."""
    graph = graph_of(build(instance(3, 0, 0, 0, epochs=1)))
    assert judged(graph, EVENTUALLY[:1]).outcome == Outcome.PASSED
    verdict = judged(graph, EVENTUALLY[:1], with_free("server_is_elected"))
    assert verdict.outcome == Outcome.VIOLATED
    assert verdict.trace is not None
    taken = {step.action for step in verdict.trace.steps[verdict.trace.loop + 1 :]}
    assert taken == {"server_is_elected", "leader_gives_up"}


def test_a_leader_that_stops_waiting_while_there_is_hope_would_hide_that_there_is_none() -> None:
    """It goes on to ever later epochs, out of bounds, where nothing is judged."""
    [mutant] = [each for each in ZAB_LIVENESS_MUTANTS if each.name == "newleader_not_sent"]
    graph = graph_of(build(Instance("zab", mutant.bounds, mutant=mutant.name, properties=())))
    assert judged(graph, EVENTUALLY[:1]).outcome == Outcome.VIOLATED
    assert judged(graph, EVENTUALLY[:1], with_free("leader_stops_waiting")).outcome == Outcome.PASSED


def test_what_is_at_the_bound_on_epochs_is_not_judged() -> None:
    """There, nobody can be elected any more: with one epoch allowed, no one can be established."""
    graph = graph_of(build(instance(2, 1, 1, 0, epochs=1)))
    assert judged(graph, EVENTUALLY[:1]).outcome == Outcome.PASSED
    unlimited = replace(graph, model=replace(graph.model, is_at_bound=lambda _: False))
    assert judged(unlimited, EVENTUALLY[:1]).outcome == Outcome.VIOLATED
