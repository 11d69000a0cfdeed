from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from lassos import graph_of, is_counterexample
from zabcheck.explorer.liveness import Graph, check_liveness, judged
from zabcheck.explorer.model import Model, Step
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import breadth_first
from zabcheck.explorer.promises import Assumptions
from zabcheck.explorer.verdicts import Outcome
from zabcheck.models.mutant import Mutant, apply
from zabcheck.models.paper import model as paper
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.paper.fairness import ASSUMPTIONS as OF_PAPER
from zabcheck.models.paper.liveness_mutants import LIVENESS_MUTANTS
from zabspec.paper import NEXT, liveness
from zabspec.paper.liveness import EVENTUALLY
from zabspec.paper.state import Role
from zabspec.parts import Sid
from zabspec.promises import Eventually

ESTABLISHED, BY_QUORUM, BY_FOLLOWER = EVENTUALLY
WEAK = {action.__name__ for action in liveness.WEAKLY_FAIR}
STRONG = {action.__name__ for action in liveness.STRONGLY_FAIR}


@pytest.fixture(scope="module")
def three() -> Graph:
    """Three servers, one transaction, no faults: the oracle alone causes enough trouble."""
    return graph_of(paper.model(Bounds(3, 1, 0, 0, give_up=True)))


# A second opinion on lassos. It knows nothing of graphs: it takes the steps of the trace again.


@pytest.mark.spec
@pytest.mark.parametrize(
    ("bounds", "distinct"),
    [
        (Bounds(2, 1, 1, 1, give_up=True), 1_528),
        (Bounds(2, 2, 1, 1, give_up=True), 4_024),
        (Bounds(3, 1, 0, 0, give_up=True), 1_471),
        (Bounds(3, 2, 0, 0, give_up=True), 9_520),
        (Bounds(3, 1, 1, 0, give_up=True), 25_741),
    ],
)
def test_the_paper_is_live(bounds, distinct):
    verdict = check_liveness(paper.model(bounds), Options())
    assert (verdict.outcome, verdict.counts.distinct) == (Outcome.PASSED, distinct)
    assert verdict.checked == tuple(each.name for each in EVENTUALLY)


@pytest.mark.spec
@pytest.mark.deep
@pytest.mark.parametrize(
    ("bounds", "distinct"),
    [
        (Bounds(3, 1, 0, 1, give_up=True), 30_374),
        (Bounds(3, 2, 1, 0, give_up=True), 188_512),
        (Bounds(3, 1, 1, 1, give_up=True), 217_127),
    ],
)
def test_the_paper_is_live_further_away(bounds, distinct):
    verdict = check_liveness(paper.model(bounds), Options())
    assert (verdict.outcome, verdict.counts.distinct) == (Outcome.PASSED, distinct)


def test_committing_only_on_ack_is_not_live_with_all_servers_up_and_connected():
    """As in Zab.tla; see D22 in docs/deviations.md. It takes one timeout, before the loop begins."""
    [mutant] = [each for each in LIVENESS_MUTANTS if each.name == "only_ack_commits"]
    verdict = check_liveness(
        paper.model(replace(mutant.bounds, timeouts=1), apply(mutant, NEXT)), Options(), [BY_QUORUM]
    )
    assert verdict.outcome == Outcome.VIOLATED
    last = verdict.trace.steps[-1].world.protocol
    assert [server.leader for server in last.servers] == [None, 0, 0]
    assert [server.history for server in last.servers] == [last.servers[0].history] * 3
    assert [server.committed for server in last.servers] == [0, 0, 0]
    assert not any(queue for row in last.network for queue in row)


@pytest.mark.parametrize("mutant", LIVENESS_MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_is_caught_by_a_fair_run(mutant: Mutant):
    model = paper.model(mutant.bounds, apply(mutant, NEXT))
    [asked] = [each for each in EVENTUALLY if each.name == mutant.caught_by]
    verdict = judged(graph_of(model), [asked])
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, mutant.caught_by)
    assert is_counterexample(model, verdict.trace, asked)


def test_each_property_has_a_mutant():
    assert {mutant.caught_by for mutant in LIVENESS_MUTANTS} == {each.name for each in EVENTUALLY}


def test_a_mutant_goes_round_in_circles():
    [mutant] = [each for each in LIVENESS_MUTANTS if each.name == "named_server_follows_itself"]
    trace = judged(graph_of(paper.model(mutant.bounds, apply(mutant, NEXT)))).trace
    assert len(trace.steps) - 1 > trace.loop


def test_without_faults_and_transactions_nothing_can_be_delivered():
    verdict = judged(graph_of(paper.model(Bounds(2, 0, 1, 0, give_up=True))))
    assert (verdict.outcome, verdict.property) == (Outcome.VACUOUS, BY_QUORUM.name)


# Every assumption is needed.


def test_fairness_is_needed(three):
    for asked in EVENTUALLY:
        lazy = replace(OF_PAPER, weak=frozenset(), strong=frozenset())
        assert judged(three, [asked], lazy).outcome == Outcome.VIOLATED


@pytest.mark.parametrize("action", sorted(WEAK))
def test_each_weakly_fair_action_is_needed(three, action):
    lazy = replace(OF_PAPER, weak=frozenset(WEAK - {action}))
    assert judged(three, EVENTUALLY, lazy).outcome == Outcome.VIOLATED


def test_the_oracle_must_be_strongly_fair(three):
    """A follower that waits for a server that is down returns to election only now and then."""
    name = "server_becomes_oracle_choice"
    weaker = replace(OF_PAPER, weak=frozenset(WEAK | {name}), strong=frozenset(STRONG - {name}))
    verdict = judged(three, [ESTABLISHED], weaker)
    assert verdict.outcome == Outcome.VIOLATED
    actions = {step.action for step in verdict.trace.steps[verdict.trace.loop + 1 :]}
    assert {"server_follows_oracle", "follower_gives_up"} <= actions


def test_leaders_must_be_patient(three):
    """A leader that gives up as soon as it may never waits long enough for its first follower."""
    hasty = replace(OF_PAPER, free=frozenset({"leader_gives_up"}))
    verdict = judged(three, [ESTABLISHED], hasty)
    assert verdict.outcome == Outcome.VIOLATED
    assert "leader_gives_up" in {step.action for step in verdict.trace.steps[verdict.trace.loop + 1 :]}


COMES_AND_GOES = (
    # Server 2 accepts epochs 1 and 2 on its own, and no other server learns of it.
    ("server_becomes_oracle_choice", 2),
    ("server_follows_oracle", 1),
    ("follower_connects", 2, 1),
    ("leader_processes_cepoch", 2, 1),
    ("connection_times_out", 2, 1),
    ("server_follows_oracle", 2),
    ("server_follows_oracle", 1),
    ("follower_connects", 2, 1),
    ("leader_processes_cepoch", 2, 1),
    ("connection_times_out", 2, 1),
    # Server 1 promises epoch 1 to server 0; then server 1 is gone, and server 2 is the only follower.
    ("server_becomes_oracle_choice", 0),
    ("server_follows_oracle", 1),
    ("server_follows_oracle", 2),
    ("follower_connects", 0, 1),
    ("follower_connects", 0, 2),
    ("leader_processes_cepoch", 0, 1),
    ("connection_times_out", 0, 1),
)


def test_giving_up_must_be_strongly_fair():
    """A leader whose epoch is too low for its only follower has a quorum again and again."""
    model = paper.model(Bounds(3, 0, 3, 0, give_up=True))
    world, steps = model.initial, {(step.action, *step.arguments): step for step in model.steps}
    for name in COMES_AND_GOES:
        world = steps[name].apply(world, *name[1:])
    graph = graph_of(replace(model, initial=world))
    assert judged(graph, [ESTABLISHED]).outcome == Outcome.PASSED
    weaker = replace(
        OF_PAPER, weak=frozenset(WEAK | {"leader_gives_up"}), strong=frozenset(STRONG - {"leader_gives_up"})
    )
    verdict = judged(graph, [ESTABLISHED], weaker)
    assert verdict.outcome == Outcome.VIOLATED
    loop = {step.action for step in verdict.trace.steps[verdict.trace.loop + 1 :]}
    assert {"follower_connects", "leader_processes_cepoch", "follower_processes_newepoch"} <= loop


def test_every_action_is_a_fault_or_fair_or_the_clients_own():
    assert {action.__name__ for action in NEXT} == WEAK | STRONG | {
        "connection_times_out",
        "server_restarts",
        "leader_accepts_request",
    }


# The procedure itself, on graphs small enough to see through.


@dataclass(frozen=True)
class Protocol:
    """A state that is just a number."""

    number: int


@dataclass(frozen=True)
class Small:
    protocol: Protocol


REACHES_GOAL = Eventually(
    "reaches_goal",
    "The number becomes 9.",
    premise=lambda state, up: True,
    goal=lambda state, up: state.number == 9,
    arity=0,
    others_act=False,
)


def small(**moves: tuple[tuple[int, int], ...]) -> Graph:
    """Returns a graph of numbers that begins with 0, with an action for each name: its steps as pairs."""

    def apply_of(pairs):
        return lambda world: next(
            (Small(Protocol(target)) for source, target in pairs if world.protocol.number == source), None
        )

    steps = tuple(Step(name, (), apply_of(pairs)) for name, pairs in moves.items())
    return graph_of(Model("small", Small(Protocol(0)), steps, 1))


FAIR = Assumptions(weak=frozenset({"weak", "weak_too"}), strong=frozenset({"strong"}))


@pytest.mark.parametrize(
    ("moves", "loop"),
    [
        ({"weak": ((0, 9),)}, None),
        ({"free": ((0, 9),)}, [0]),
        # A cycle with a way out in every world: weak fairness is enough.
        ({"free": ((0, 1), (1, 0)), "weak": ((0, 9), (1, 9))}, None),
        # A way out in one world only: strong fairness is needed.
        ({"weak_too": ((0, 1), (1, 0)), "weak": ((0, 9),)}, [0, 1, 0]),
        ({"weak": ((0, 1), (1, 0)), "strong": ((0, 9),)}, None),
        # The run can stay in a part of the cycle that does not pass the way out.
        ({"free": ((0, 1), (1, 2), (2, 0)), "weak": ((2, 1), (1, 2)), "strong": ((0, 9),)}, [1, 2, 1]),
        # Without the world that has the way out, the rest is no cycle.
        ({"free": ((0, 1), (1, 0)), "weak": ((1, 0),), "strong": ((0, 9),)}, None),
        # A run may end only in a world in which no fair step is enabled.
        ({"free": ((0, 1), (1, 0)), "weak": ((0, 9),)}, [1]),
        ({"weak": ((0, 0),)}, [0, 0]),
    ],
)
def test_fair_cycles(moves, loop):
    verdict = judged(small(**moves), [REACHES_GOAL], FAIR)
    if loop is None:
        assert verdict.outcome == Outcome.PASSED
    else:
        assert verdict.outcome == Outcome.VIOLATED
        trace = verdict.trace
        assert [step.world.protocol.number for step in trace.steps[trace.loop :]] == loop


def test_each_weakly_fair_step_has_its_turn_in_a_loop():
    graph = small(weak=((0, 1), (1, 0)), weak_too=((0, 1), (1, 0)), free=((0, 9),))
    trace = judged(graph, [REACHES_GOAL], FAIR).trace
    assert {step.action for step in trace.steps[trace.loop + 1 :]} == {"weak", "weak_too"}


def test_a_graph_too_large_is_not_judged():
    verdict = check_liveness(paper.model(Bounds(2, 1, 1, 1, give_up=True)), Options(max_states=100))
    assert (verdict.outcome, verdict.note) == (Outcome.OUT_OF_BUDGET, "more than 100 states")
    assert verdict.counts.distinct > 100


def test_counts_are_those_of_the_plain_search():
    model = paper.model(Bounds(2, 1, 1, 0, give_up=True))
    assert check_liveness(model, Options()).counts == breadth_first(model, Options(symmetry=False)).counts


def test_premises_speak_of_what_they_say(three):
    worlds = [world.protocol for world in three.worlds]
    up = frozenset({Sid(0), Sid(1)})
    assert all(state.servers[2].role == Role.LOOKING for state in worlds if ESTABLISHED.premise(state, up))
    for state in worlds:
        if BY_FOLLOWER.premise(state, up, Sid(0), Sid(1)):
            assert state.servers[0].role == Role.LEADING
            assert state.servers[1].leader == 0
