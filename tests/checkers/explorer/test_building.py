"""Models of specs that are a list of functions and a state, with nothing of ours beside them."""

from __future__ import annotations

import sys
import textwrap
import types
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import pytest

from twins import both
from zabcheck import explorer
from zabcheck.explorer import (
    Assumptions,
    Model,
    Options,
    Outcome,
    SpecError,
    assume,
    check_liveness,
    eventually,
    majorities,
    model_of,
    search,
)
from zabcheck.traces.files import Expect, load, save
from zabcheck.traces.replay import replay
from zabspec.parts import Row, Sid, replace


class Vote(IntEnum):
    NO = 0
    YES = 1


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that processes ask for."""

    holder: Sid | None
    waiting: Row[bool]


START = Lock(None, Row([False] * 3))


def process_asks(state: Lock, process: Sid) -> Lock | None:
    """A process asks for the lock."""
    if state.waiting[process] or state.holder == process:
        return None
    return replace(state, waiting=state.waiting.put(process, True))


def process_gets_lock(state: Lock, process: Sid) -> Lock | None:
    """The lock is free, and a process that asked for it gets it."""
    if state.holder is not None or not state.waiting[process]:
        return None
    return replace(state, holder=process, waiting=state.waiting.put(process, False))


def process_releases_lock(state: Lock, process: Sid) -> Lock | None:
    """The holder of the lock releases it."""
    return replace(state, holder=None) if state.holder == process else None


def holder_does_not_wait(state: Lock, process: Sid) -> bool:
    """The holder of the lock does not ask for it."""
    return state.holder != process or not state.waiting[process]


def lock_is_passed_on(before: Lock, after: Lock) -> bool:
    """The lock goes from one process to another only while it is free."""
    return None in (before.holder, after.holder) or before.holder == after.holder


def all_wait(state: Lock) -> bool:
    """Every process waits."""
    return all(state.waiting)


def nobody_waits(state: Lock) -> bool:
    """No process waits."""
    return not any(state.waiting)


def process_is_served(state: Lock, process: Sid) -> bool:
    """A process that waits gets the lock."""
    return not state.waiting[process]


NEXT = (process_asks, process_gets_lock, process_releases_lock)
FAIR = Assumptions(strong=frozenset({"process_gets_lock"}), weak=frozenset({"process_releases_lock"}))


def lock(*, symmetry: bool = False, **parts: object) -> Model:
    return model_of("lock", START, NEXT, processes=3, symmetry=symmetry, **parts)


@pytest.mark.parametrize(("symmetry", "distinct"), [(False, 20), (True, 7)])
def test_a_state_may_be_the_whole_world(symmetry: bool, distinct: int) -> None:
    model = lock(
        symmetry=symmetry,
        always=[holder_does_not_wait],
        every_step=[lock_is_passed_on],
        sometimes=[all_wait, nobody_waits],
    )
    verdict = both(model, Options())
    assert verdict.outcome == Outcome.PASSED
    assert verdict.counts.distinct == distinct
    assert verdict.checked == ("holder_does_not_wait", "lock_is_passed_on", "all_wait", "nobody_waits")
    assert search(model, Options(kind="dfs")).counts.distinct == distinct
    assert search(model, Options(kind="walk", walks=5)).outcome == Outcome.OUT_OF_BUDGET


def test_a_violation_of_a_state_that_is_the_world_is_kept_and_replayed(tmp_path: Path) -> None:
    model = lock(always=[nobody_waits])
    verdict = both(model, Options())
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, "nobody_waits")
    assert verdict.trace is not None
    assert verdict.trace.steps[1].world == replace(START, waiting=Row([True, False, False]))
    kept = load(save(verdict.trace, tmp_path), lambda _: model)
    assert kept.trace == verdict.trace
    assert replay(model, kept.trace, Expect.VIOLATED).is_as_expected


def test_actions_are_taken_in_order_with_every_choice_of_arguments() -> None:
    def one(state: Lock, process: Sid, vote: Vote, other: Sid) -> Lock | None: ...

    def two(state: Lock, value: int, urgent: bool) -> Lock | None: ...

    made = model_of("made up", START, [two, one], processes=2, choices={"value": (7, 9)})
    assert [step.label for step in made.steps] == [
        *("two(7, False)", "two(7, True)", "two(9, False)", "two(9, True)"),
        *("one(0, 0, 1)", "one(0, 1, 1)", "one(1, 0, 0)", "one(1, 1, 0)"),
    ]
    assert [step.sids for step in made.steps[3:5]] == [(), (0, 1)]


def test_liveness_of_a_state_that_is_the_world() -> None:
    served = lock(eventually=[process_is_served], fairness=FAIR)
    assert check_liveness(served, Options()).outcome == Outcome.PASSED
    unfair = lock(eventually=[process_is_served])
    verdict = check_liveness(unfair, Options())
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, "process_is_served")
    assert verdict.note == "with processes 0, 1, 2 up, for process 0"
    assert verdict.trace is not None
    assert replay(unfair, verdict.trace, Expect.VIOLATED).is_as_expected


def test_a_holder_that_stops_keeps_the_lock() -> None:
    weak = Assumptions(
        strong=FAIR.strong, weak=FAIR.weak, faults=frozenset({"process_asks"}), may_stay_up=majorities
    )
    model = lock(eventually=[eventually(process_is_served)], fairness=weak)
    verdict = check_liveness(model, Options())
    assert (verdict.outcome, verdict.note) == (Outcome.VIOLATED, "with processes 0, 1 up, for process 0")


def test_assumptions_are_about_actions_of_the_model() -> None:
    fair = assume(weak=[process_releases_lock], strong=[process_gets_lock], faults=[process_asks])
    assert fair == Assumptions(
        weak=frozenset({"process_releases_lock"}),
        strong=frozenset({"process_gets_lock"}),
        faults=frozenset({"process_asks"}),
    )
    assert lock(fairness=fair).fairness == fair
    with pytest.raises(SpecError, match="names an action 'process_is_served', which the model does not have"):
        lock(fairness=assume(weak=[process_is_served]))


def test_a_goal_may_have_a_premise() -> None:
    def waits(state: Lock, process: Sid) -> bool:
        return state.waiting[process]

    def is_free(state: Lock, process: Sid) -> bool:
        """While a process waits, the lock is free from time to time."""
        return state.holder is None

    promise = eventually(is_free, when=waits)
    assert (promise.name, promise.arity) == ("is_free", 1)
    assert check_liveness(lock(eventually=[promise], fairness=FAIR), Options()).outcome == Outcome.PASSED


def test_what_cannot_be_built_is_named() -> None:
    def proposes(state: Lock, process: Sid, value: int) -> Lock | None: ...

    with pytest.raises(SpecError, match="lock: 0 processes: at least 1 is needed"):
        model_of("lock", START, NEXT, processes=0)
    with pytest.raises(SpecError, match="lock: no action can be taken: there are none, or they need more"):
        model_of("lock", START, [], processes=2)
    with pytest.raises(SpecError, match="action proposes: no values for its parameter 'value': annotate it"):
        model_of("lock", START, [proposes], processes=2)
    with pytest.raises(SpecError, match="action proposes: the values of its parameter 'value' are not whole"):
        model_of("lock", START, [proposes], processes=2, choices={"value": ("a", "b")})


def test_symmetry_must_be_declared() -> None:
    for kind in ("bfs", "dfs"):
        with pytest.raises(SpecError, match="lock does not declare that process ids are only names"):
            search(lock(), Options(kind=kind, symmetry=True))
    assert search(lock(symmetry=True), Options(symmetry=False)).counts.distinct == 20


def test_the_tutorial_of_the_package_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert explorer.__doc__ is not None
    lines = explorer.__doc__.splitlines()
    code = textwrap.dedent("\n".join(line for line in lines if line.startswith("    ") or not line))
    tutorial = types.ModuleType("tutorial")
    tutorial.__dict__.update(dataclass=dataclass, model_of=model_of, search=search)
    tutorial.__dict__.update(Sid=Sid, Row=Row, replace=replace)
    monkeypatch.setitem(sys.modules, "tutorial", tutorial)
    exec(code, tutorial.__dict__)
    verdict = tutorial.verdict
    assert (verdict.outcome, verdict.counts.distinct) == (Outcome.PASSED, 20)
    again = replace(tutorial.lock, symmetry=True)
    assert search(again).counts.distinct == 7


def test_everything_exported_is_there_and_documented() -> None:
    for name in explorer.__all__:
        assert name in ("Action", "Progress") or getattr(explorer, name).__doc__, name
    assert list(explorer.__all__) == sorted(explorer.__all__, key=lambda name: (name[0].islower(), name))
