from __future__ import annotations

import itertools
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from itertools import permutations

import pytest

from zabcheck.explorer.model import Model, Property, Step, World
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import breadth_first, depth_first, successors
from zabcheck.explorer.renaming import renamer
from zabcheck.explorer.verdicts import Counts, Outcome
from zabcheck.explorer.walk import random_walks
from zabcheck.models.paper import model as paper
from zabcheck.models.paper import zab_tla
from zabcheck.models.paper.bounds import Bounds
from zabspec.paper import State
from zabspec.paper.state import Role
from zabspec.parts import Sid
from zabspec.phases import Phase

SEARCHES = [breadth_first, depth_first]


def nobody_delivers(state: State, server: Sid) -> bool:
    return state.servers[server].committed == 0


def nobody_forgets(before: State, after: State, server: Sid) -> bool:
    return after.servers[server].committed >= before.servers[server].committed


def both_lead(state: State, one: Sid, other: Sid) -> bool:
    return state.servers[one].role == state.servers[other].role == Role.LEADING


def is_established(state: State, server: Sid) -> bool:
    return state.servers[server].phase == Phase.BROADCAST


def never(_: State) -> bool:
    return False


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize(
    ("bounds", "symmetry", "distinct", "generated", "depth"),
    [
        (Bounds(2, 1, 1, 0), True, 355, 402, 24),
        (Bounds(2, 1, 1, 0), False, 709, 801, 24),
        (Bounds(2, 1, 1, 1), True, 5_110, 6_708, 33),
    ],
)
def test_counts_are_those_of_tlc(search, bounds, symmetry, distinct, generated, depth):
    verdict = search(zab_tla.model(bounds), Options(symmetry=symmetry))
    assert verdict.outcome == Outcome.PASSED
    counts = verdict.counts
    assert (counts.distinct, counts.generated) == (distinct, generated)
    # TLC searches breadth-first; the depth of a depth-first search depends on the order of steps.
    assert counts.depth == depth if search is breadth_first else counts.depth >= depth


def test_counts_without_symmetry_at_a_larger_size_are_those_of_tlc():
    verdict = breadth_first(zab_tla.model(Bounds(2, 2, 2, 0)), Options(symmetry=False))
    assert verdict.counts == Counts(30_993, 39_957, 38)


def all_worlds(model: Model) -> set[World]:
    found, waiting = {model.initial}, [model.initial]
    while waiting:
        for _, world in successors(model, waiting.pop()):
            if world not in found:
                found.add(world)
                waiting.append(world)
    return found


@pytest.mark.parametrize("bounds", [Bounds(2, 1, 1, 1, give_up=True), Bounds(3, 1, 0, 0), Bounds(3, 0, 0, 1)])
def test_symmetry_keeps_one_world_of_each_orbit(bounds):
    """Burnside's lemma: the number of orbits is the mean number of worlds that a renaming leaves alone."""
    model = paper.model(bounds)
    worlds, rename = all_worlds(model), renamer(type(model.initial))
    names = list(permutations(range(bounds.servers)))
    alone = sum(rename(world, each) == world for world in worlds for each in names)
    assert breadth_first(model, Options(symmetry=False)).counts.distinct == len(worlds)
    assert breadth_first(model, Options(symmetry=True)).counts.distinct == alone / len(names)
    assert alone / len(names) < len(worlds) / (len(names) - 1)


def with_properties(**properties: tuple[Property, ...]) -> Model:
    return replace(paper.model(Bounds(2, 1, 1, 1)), **properties)


@pytest.mark.parametrize("symmetry", [True, False])
@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize(
    ("properties", "outcome", "named"),
    [
        ({"always": (Property("nobody_delivers", nobody_delivers, 1),)}, Outcome.VIOLATED, "nobody_delivers"),
        (
            {"every_step": (Property("nobody_forgets", nobody_forgets, 1),)},
            Outcome.VIOLATED,
            "nobody_forgets",
        ),
        ({"sometimes": (Property("both_lead", both_lead, 2),)}, Outcome.PASSED, ""),
        (
            {"sometimes": (Property("is_established", is_established, 1), Property("never", never))},
            Outcome.VACUOUS,
            "never",
        ),
    ],
)
def test_verdicts(search, symmetry, properties, outcome, named):
    verdict = search(with_properties(**properties), Options(symmetry=symmetry))
    assert (verdict.outcome, verdict.property) == (outcome, named)
    assert verdict.checked == tuple(each.name for kind in properties.values() for each in kind)
    assert (verdict.trace is None) == (outcome != Outcome.VIOLATED)


@pytest.mark.parametrize("symmetry", [True, False])
@pytest.mark.parametrize("search", SEARCHES)
def test_a_trace_is_a_run_that_ends_in_the_violation(search, symmetry):
    model = with_properties(every_step=(Property("nobody_forgets", nobody_forgets, 1),))
    trace = search(model, Options(symmetry=symmetry)).trace
    assert trace.steps[0].world == model.initial
    for before, after in zip(trace.steps, trace.steps[1:], strict=False):
        labels = [
            (model.steps[index].action, model.steps[index].arguments)
            for index, world in successors(model, before.world)
            if world == after.world
        ]
        assert (after.action, after.arguments) in labels
    last, final = trace.steps[-2].world.protocol, trace.steps[-1].world.protocol
    assert not all(nobody_forgets(last, final, Sid(sid)) for sid in range(2))


def test_breadth_first_finds_the_shortest_trace():
    """A leader is chosen, followed and connected to; three pairs of messages; delivery by the leader."""
    model = with_properties(always=(Property("nobody_delivers", lambda s, i: s.servers[i].phase < 3, 1),))
    for symmetry in (True, False):
        trace = breadth_first(model, Options(symmetry=symmetry)).trace
        assert [step.action for step in trace.steps[1:]] == [
            "server_becomes_oracle_choice",
            "server_follows_oracle",
            "follower_connects",
            "leader_processes_cepoch",
            "follower_processes_newepoch",
            "leader_processes_ackepoch",
            "follower_processes_newleader",
            "leader_processes_ackleader",
        ]


@dataclass(frozen=True)
class Number:
    """A world without processes."""

    protocol: int


def counting(limit: int, **properties: tuple[Property, ...]) -> Model:
    """Returns a model that begins with 0 and adds one or doubles."""
    steps = (
        Step("add_one", (), lambda world: Number(world.protocol + 1) if world.protocol < limit else None),
        Step("double", (), lambda world: Number(2 * world.protocol) if 2 * world.protocol <= limit else None),
    )
    return Model("counting", Number(0), steps, 0, **properties)


PLAIN = Options(symmetry=False)


def test_of_violations_at_one_depth_the_first_in_the_order_of_worlds_and_steps_is_reported():
    low = (Property("low", lambda state: state not in (3, 4)),)
    trace = breadth_first(counting(8, always=low), PLAIN).trace
    assert [step.world.protocol for step in trace.steps] == [0, 1, 2, 3]
    slow = (Property("slow", lambda before, after: after != 4),)
    trace = breadth_first(counting(8, every_step=slow), PLAIN).trace
    assert [(step.action, step.world.protocol) for step in trace.steps[1:]] == [
        ("add_one", 1),
        ("add_one", 2),
        ("double", 4),
    ]


@pytest.mark.parametrize("search", SEARCHES)
def test_steps_into_worlds_found_before_are_judged(search):
    """Doubling 0 gives no new world, but counts as a step."""
    grows = (Property("grows", lambda before, after: after > before),)
    verdict = search(counting(8, every_step=grows), PLAIN)
    assert verdict.outcome == Outcome.VIOLATED
    assert [step.world.protocol for step in verdict.trace.steps[-2:]] == [0, 0]


@pytest.mark.parametrize("search", [*SEARCHES, random_walks])
def test_a_wrong_initial_world_is_a_trace_of_its_own(search):
    verdict = search(counting(8, always=(Property("never", never),)), PLAIN)
    assert (verdict.outcome, len(verdict.trace.steps)) == (Outcome.VIOLATED, 1)


@pytest.mark.parametrize(
    ("limits", "note"),
    [
        ({"max_states": 100}, "more than 100 states"),
        ({"max_depth": 5}, "worlds more than 5 steps away"),
        ({"max_seconds": 0.0}, "more than 0 seconds"),
    ],
)
@pytest.mark.parametrize("search", SEARCHES)
def test_a_search_that_gives_up_does_not_pass(search, limits, note):
    verdict = search(paper.model(Bounds(2, 1, 1, 1)), Options(symmetry=False, **limits))
    assert (verdict.outcome, verdict.note) == (Outcome.OUT_OF_BUDGET, note)
    assert verdict.outcome.exit_code == 2


def test_a_depth_that_is_never_exceeded_is_no_limit():
    counts = breadth_first(counting(8), PLAIN).counts
    for search in SEARCHES:
        assert search(counting(8), replace(PLAIN, max_depth=9)).outcome == Outcome.PASSED
    assert (
        breadth_first(counting(8), replace(PLAIN, max_depth=counts.depth - 1)).outcome
        == Outcome.OUT_OF_BUDGET
    )


@pytest.mark.parametrize("search", SEARCHES)
def test_an_interrupt_keeps_the_counts(search):
    def interrupt(world: Number) -> Number | None:
        if world.protocol == 5:
            raise KeyboardInterrupt
        return None

    model = counting(8)
    model = replace(model, steps=(*model.steps, Step("interrupt", (), interrupt)))
    verdict = search(model, PLAIN)
    assert (verdict.outcome, verdict.note) == (Outcome.OUT_OF_BUDGET, "interrupted")
    assert verdict.counts.distinct > 5


@pytest.mark.parametrize("search", [*SEARCHES, random_walks])
def test_progress_is_told_once_a_second_of_the_clock(search, monkeypatch):
    """The clock advances by a quarter of a second each time it is read."""
    clock = itertools.count()
    monkeypatch.setattr("zabcheck.explorer.limits.perf_counter", lambda: next(clock) / 4)
    told: list[Counts] = []
    search(counting(40), replace(PLAIN, walks=5), told.append)
    seconds = [counts.seconds for counts in told]
    assert len(told) > 5
    assert all(1 <= later - earlier < 2 for earlier, later in itertools.pairwise(seconds))
    assert all(counts.memory > 1_000_000 for counts in told)


def test_walks_that_run_out_of_time_say_how_many_were_done():
    verdict = random_walks(counting(8), replace(PLAIN, max_seconds=0.0))
    assert verdict.note == (
        "0 walks of seed 0 found nothing wrong, which proves nothing; stopped after more than 0 seconds"
    )


def test_walks_prove_nothing_and_say_so():
    model = with_properties(
        sometimes=(Property("is_established", is_established, 1), Property("never", never))
    )
    verdict = random_walks(model, Options(walks=30, seed=1))
    assert verdict.outcome == Outcome.OUT_OF_BUDGET
    assert verdict.note == (
        "30 walks of seed 1 found nothing wrong, which proves nothing; "
        "reached is_established; never reached never"
    )


def test_walks_find_what_is_there():
    model = with_properties(always=(Property("nobody_delivers", nobody_delivers, 1),))
    verdict = random_walks(model, Options(walks=200, seed=1))
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, "nobody_delivers")
    assert not all(nobody_delivers(verdict.trace.steps[-1].world.protocol, Sid(sid)) for sid in range(2))


def test_walks_are_no_longer_than_asked():
    assert random_walks(counting(8), replace(PLAIN, walks=20, max_depth=3)).counts == Counts(0, 60, 4)


SAME_IN_ANY_PROCESS = """
from zabcheck.explorer.options import Options
from zabcheck.explorer.model import Property
from zabcheck.explorer.plain import breadth_first, depth_first
from zabcheck.explorer.renaming import digest
from zabcheck.explorer.renaming import renamer
from zabcheck.explorer.walk import random_walks
from zabcheck.models.paper import zab_tla
from zabcheck.models.paper.bounds import Bounds
from dataclasses import replace
model = zab_tla.model(Bounds(3, 1, 1, 1))
model = replace(model, always=(Property("p", lambda state, i: state.servers[i].committed == 0, 1),))
for search in (random_walks, depth_first):
    verdict = search(model, Options(seed=3, walks=50, max_states=300))
    print(verdict.outcome, verdict.note, verdict.counts.generated)
    for step in verdict.trace.steps if verdict.trace else ():
        print(step.action, step.arguments, digest(step.world))
verdict = breadth_first(model, Options(max_states=300))
print(verdict.counts.distinct, verdict.counts.generated, verdict.counts.depth)
"""


def test_searches_are_the_same_under_any_hash_seed():
    def output(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", SAME_IN_ANY_PROCESS]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    one = output("1")
    assert one == output("2")
    assert len(one.splitlines()) > 20
