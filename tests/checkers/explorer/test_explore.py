"""The fast explorer against its plain twin: the same counts, verdicts and lengths of traces."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import toys
from twins import both
from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.fast import expansion, workers
from zabcheck.explorer.fast.explore import explore
from zabcheck.explorer.model import Property, Step
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import breadth_first
from zabcheck.explorer.verdicts import Counts, Outcome
from zabcheck.models.broadcast import bounds as broadcast
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.registry import MUTANTS, Instance, build
from zabcheck.traces.files import Expect, to_text

SYMMETRY = pytest.mark.parametrize("symmetry", [True, False], ids=["symmetry", "nosymmetry"])


@SYMMETRY
@pytest.mark.parametrize(
    "instance",
    [
        Instance(bounds=Bounds(2, 1, 1, 1)),
        Instance(bounds=Bounds(2, 2, 1, 0, numbered=True, give_up=True)),
        Instance(bounds=Bounds(2, 1, 1, 0, bookkeeping=True)),
        Instance(bounds=Bounds(2, 1, 1, 0), properties=("leader_is_established", "epoch_is_refused")),
        Instance(bounds=Bounds(3, 1, 0, 0)),
        Instance("broadcast", broadcast.Bounds(2, 2, 1, 1)),
    ],
    ids=str,
)
def test_both_searches_agree_on_the_specs(instance: Instance, symmetry: bool) -> None:
    both(build(instance), Options(symmetry=symmetry))


def test_both_searches_agree_on_the_parity_instance() -> None:
    both(build(Instance(bounds=Bounds(2, 1, 1, 1, bookkeeping=True), properties=())), Options())


@SYMMETRY
@pytest.mark.parametrize(
    "name",
    [
        "epoch-from-own-promise",
        "promise-forgotten",
        "epoch-not-adopted",
        "initial-history-not-delivered",
        "request-too-early",
        "counter-not-raised",
        "commit-without-quorum",
        "channel-not-emptied",
        "log-not-on-disk",
        "log-not-on-disk-refinement",
    ],
)
def test_both_searches_agree_on_mutants(name: str, symmetry: bool) -> None:
    mutant = MUTANTS[name]
    instance = Instance(bounds=mutant.bounds, mutant=name, properties=(mutant.caught_by,))
    assert both(build(instance), Options(symmetry=symmetry)).outcome == Outcome.VIOLATED


@SYMMETRY
@pytest.mark.parametrize("action", toys.ACTIONS, ids=lambda action: action.__name__)
def test_both_searches_agree_on_each_way_to_touch_a_state(action: Callable[..., Any], symmetry: bool) -> None:
    """Explores each action together with those that enable it."""
    actions = tuple(dict.fromkeys((toys.writes, toys.opens, toys.trades, toys.posts, action)))
    assert both(toys.model(2, 5, actions), Options(symmetry=symmetry)).counts.distinct > 50


@SYMMETRY
@pytest.mark.parametrize(("size", "steps"), [(2, 4), (3, 2), (1, 5)])
def test_both_searches_agree_on_all_of_them(size: int, steps: int, symmetry: bool) -> None:
    properties: dict[str, Any] = {
        "always": (Property("few", lambda state: toys.letters(state) < 100),),
        "every_step": (Property("bounded", lambda old, new: toys.letters(new) < 100 + toys.letters(old)),),
        "sometimes": (Property("calm", lambda state: toys.letters(state) == 0),),
    }
    assert both(toys.model(size, steps, **properties), Options(symmetry=symmetry)).outcome == Outcome.PASSED


@SYMMETRY
@pytest.mark.parametrize(
    ("group", "predicate", "outcome"),
    [
        ("always", toys.few_letters, Outcome.VIOLATED),
        ("always", toys.nobody_is_cross, Outcome.VIOLATED),
        ("every_step", toys.letters_are_kept, Outcome.VIOLATED),
        ("every_step", toys.stays_a_friend, Outcome.VIOLATED),
        ("sometimes", toys.friends, Outcome.PASSED),
        ("sometimes", toys.never, Outcome.VACUOUS),
    ],
)
def test_both_searches_agree_on_properties(
    group: str, predicate: Callable[..., bool], outcome: Outcome, symmetry: bool
) -> None:
    model = toys.model(2, 4, **{group: (toys.of(predicate),)})
    assert both(model, Options(symmetry=symmetry)).outcome == outcome


def test_a_wrong_initial_world_is_a_trace_of_its_own() -> None:
    verdict = both(toys.model(2, 2, always=(Property("wrong", lambda _: False),)), Options())
    assert verdict.trace is not None
    assert len(verdict.trace.steps) == 1


@pytest.mark.parametrize("size", [1, 7, 100])
def test_the_size_of_blocks_changes_no_count(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expansion, "BLOCK", size)
    model = toys.model(2, 4, sometimes=(toys.of(toys.friends),))
    assert both(model, Options()).outcome == Outcome.PASSED


# Several processes. `FORK_FROM` is lowered so that small models are worth forking for.


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of workers started, in order."""
    monkeypatch.setattr(workers, "FORK_FROM", 2)
    asked: list[int] = []
    started = workers.started

    def noted(*arguments: Any) -> Any:
        asked.append(arguments[-1])
        return started(*arguments)

    monkeypatch.setattr("zabcheck.explorer.fast.explore.started", noted)
    return asked


PAPER = Instance(bounds=Bounds(2, 1, 1, 1))


@SYMMETRY
@pytest.mark.parametrize("count", [2, 3])
def test_workers_find_what_one_process_does(count: int, symmetry: bool, forks: list[int]) -> None:
    for model in (build(PAPER), toys.model(2, 4, sometimes=(toys.of(toys.friends),))):
        alone = explore(model, Options(symmetry=symmetry))
        together = explore(model, Options(symmetry=symmetry, workers=count))
        assert together == alone
    assert forks == [count, count]
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(
    ("group", "predicate"),
    [("always", toys.few_letters), ("every_step", toys.letters_are_kept), ("sometimes", toys.never)],
)
def test_workers_give_the_verdict_and_the_trace_of_one_process(
    group: str, predicate: Callable[..., bool], count: int, forks: list[int]
) -> None:
    model = toys.model(2, 4, **{group: (toys.of(predicate),)})
    assert explore(model, Options(workers=count)) == explore(model, Options())
    assert forks == [count]
    assert not multiprocessing.active_children()


SAME_IN_ANY_PROCESS = """
from zabcheck.explorer.fast import workers
from zabcheck.explorer.fast.explore import explore
from zabcheck.models.registry import Instance, build
from zabcheck.models.paper.mutants import BY_NAME
from zabcheck.explorer.options import Options
from zabcheck.models.broadcast import bounds as broadcast
from zabcheck.models.paper.bounds import Bounds
from zabcheck.traces.files import Expect, to_text
workers.FORK_FROM = 5
mutant = BY_NAME["counter-not-raised"]
broken = Instance(bounds=mutant.bounds, mutant=mutant.name, properties=(mutant.caught_by,))
for instance in (Instance(bounds=Bounds(2, 1, 1, 1)), broken):
    model = build(instance)
    told = set()
    for workers in (1, 2, 3):
        verdict = explore(model, Options(workers=workers))
        counts, trace = verdict.counts, verdict.trace
        text = "" if trace is None else to_text(trace, Expect.VIOLATED)
        told.add((verdict.outcome, verdict.property, counts.distinct, counts.generated, counts.depth, text))
    [said] = told
    print(*said)
"""


def test_verdicts_counts_and_trace_files_are_the_same_in_any_process(
    same_output: Callable[[str], str],
) -> None:
    output = same_output(SAME_IN_ANY_PROCESS)
    assert output.startswith("0  656 1075 28 \n1 zxid_is_new ")
    assert '"format": "ITF"' in output


def test_two_runs_write_the_same_file() -> None:
    model = toys.model(2, 4, always=(toys.of(toys.few_letters),))
    one, other = (explore(model, Options()).trace for _ in range(2))
    assert one == other
    mutant = MUTANTS["promise-forgotten"]
    model = build(Instance(bounds=mutant.bounds, mutant=mutant.name, properties=(mutant.caught_by,)))
    texts = {to_text(trace, Expect.VIOLATED) for _ in range(2) if (trace := explore(model, Options()).trace)}
    assert len(texts) == 1


# Limits: out of budget is never a pass, and leaves nothing behind.


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    "limits", [{"max_states": 400}, {"max_seconds": 0.0}, {"max_depth": 12}, {"max_depth": 0}], ids=str
)
def test_a_search_that_gives_up_does_not_pass(limits: dict[str, Any], count: int, forks: list[int]) -> None:
    verdict = explore(build(PAPER), Options(workers=count, **limits))
    assert verdict.outcome == Outcome.OUT_OF_BUDGET
    assert verdict.outcome.exit_code == 2
    assert "more than" in verdict.note
    assert 1 <= verdict.counts.distinct < 656
    assert verdict.counts.frontier > 0
    assert forks in ([], [count])
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("depth", [0, 1, 5, 22])
@pytest.mark.parametrize("count", [1, 2])
def test_both_searches_go_as_many_steps_as_they_may(depth: int, count: int, forks: list[int]) -> None:
    options = Options(max_depth=depth, workers=count)
    model = build(PAPER)
    assert explore(model, options).counts.distinct == breadth_first(model, options).counts.distinct


def test_a_depth_that_is_never_exceeded_is_no_limit() -> None:
    counts = explore(build(PAPER), Options()).counts
    for search in (explore, breadth_first):
        assert search(build(PAPER), Options(max_depth=counts.depth)).outcome == Outcome.PASSED
        assert search(build(PAPER), Options(max_depth=counts.depth - 1)).outcome == Outcome.OUT_OF_BUDGET


@pytest.mark.parametrize("count", [1, 2])
def test_an_interrupt_keeps_the_counts(count: int, forks: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1_000_000))
    monkeypatch.setattr("zabcheck.explorer.limits.perf_counter", lambda: float(next(clock)))

    def interrupt(counts: Counts) -> None:
        if counts.distinct > 600:
            raise KeyboardInterrupt

    verdict = explore(build(PAPER), Options(workers=count), interrupt)
    assert (verdict.outcome, verdict.note) == (Outcome.OUT_OF_BUDGET, "interrupted")
    assert verdict.counts.distinct > 600
    assert verdict.counts.generated > verdict.counts.distinct
    assert forks == ([] if count == 1 else [count])
    assert not multiprocessing.active_children()


def dies(*_: Any) -> None:
    os._exit(3)


@pytest.mark.parametrize("where", ["expand_unchecked", "check"])
def test_a_worker_that_dies_is_an_error(
    where: str, forks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker may die while it expands a block, or after it has received a reply."""
    started = workers._work

    def work(connection: Any, *arguments: Any) -> None:
        setattr(expansion.Expansion, where, dies)  # only in this process
        started(connection, *arguments)

    monkeypatch.setattr(workers, "_work", work)
    with pytest.raises(RuntimeError, match="a worker died"):
        explore(build(PAPER), Options(workers=2))
    assert forks == [2]
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("count", [1, 2])
def test_a_mistake_in_a_spec_is_an_error(count: int, forks: list[int]) -> None:
    def breaks(world: Any) -> Any:
        assert world.steps < 3, "out of order"

    model = toys.model(2, 4)
    model = replace(model, steps=(*model.steps, Step("breaks", (), breaks)))
    with pytest.raises(
        SpecError, match=r"action breaks\(\) raised AssertionError: out of order \(after 3 steps: "
    ):
        explore(model, Options(workers=count))
    assert not multiprocessing.active_children()
