"""Specs in which process ids are more than names, declared to be symmetric: each is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from twins import both
from zabcheck.explorer import (
    Model,
    NotSymmetricError,
    Options,
    Outcome,
    SpecError,
    Step,
    derived,
    model_of,
    search,
)
from zabcheck.explorer.fast.explore import explore
from zabcheck.explorer.symmetry import renamings
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.registry import Instance, build
from zabspec.parts import Queue, Row, Sid, replace


@dataclass(frozen=True, slots=True)
class Turn:
    """Processes that take turns: who has the turn, who has had it, and a number that means nothing."""

    holder: Sid | None
    done: Row[bool]
    seen: tuple[bool, ...]
    last: int
    passed: Queue[Sid]


START = Turn(None, Row([False] * 3), (False,) * 3, 0, Queue())


def process_takes_turn(state: Turn, process: Sid) -> Turn | None:
    """A process takes the turn."""
    return replace(state, holder=process) if state.holder is None and not state.done[process] else None


def process_passes(state: Turn, process: Sid, other: Sid) -> Turn | None:
    """A process passes the turn on."""
    if state.holder != process or state.done[process] or state.done[other]:
        return None
    passed = state.passed.with_last(process)
    return replace(state, holder=other, done=state.done.put(process, True), passed=passed)


def process_stops(state: Turn, process: Sid) -> Turn | None:
    """A process gives up its turn."""
    return replace(state, holder=None) if state.holder == process else None


SOUND = (process_takes_turn, process_passes, process_stops)


def first_takes_turn(state: Turn, process: Sid) -> Turn | None:
    """Only process 0 may begin: a constant in a guard."""
    return process_takes_turn(state, process) if process == 0 else None


def last_stops_not(state: Turn, process: Sid) -> Turn | None:
    """All but process 2 may give up: the search looks at process 2 as holder only through renaming."""
    return process_stops(state, process) if process != 2 else None


def lower_passes(state: Turn, process: Sid, other: Sid) -> Turn | None:
    """The turn is passed on only to a higher process: an order."""
    return process_passes(state, process, other) if process < other else None


def process_passes_round(state: Turn, process: Sid) -> Turn | None:
    """The turn goes round: arithmetic."""
    other = Sid((process + 1) % 3)
    return replace(state, holder=other) if state.holder == process else None


def process_is_last(state: Turn, process: Sid) -> Turn | None:
    """A process is kept in a field annotated int, which renaming leaves alone."""
    return replace(state, last=process) if state.holder == process else None


def process_is_seen(state: Turn, process: Sid) -> Turn | None:
    """A tuple is indexed by process where a Row should be."""
    if state.holder != process:
        return None
    return replace(state, seen=tuple(state.seen[i] or i == process for i in range(3)))


def lowest_takes_turn(state: Turn) -> Turn | None:
    """The first process that has not had the turn takes it: an order, in a step without processes."""
    waiting = [Sid(sid) for sid in range(3) if not state.done[sid]]
    return replace(state, holder=waiting[0]) if state.holder is None and waiting else None


def first_is_not_the_holder(state: Turn) -> bool:
    """A constant in a property."""
    return state.holder != 0


def first_is_the_holder(state: Turn) -> bool:
    """The same for a situation that must come up; a situation that has come up is not looked for any more."""
    return state.holder == 0


def lower_is_done_first(before: Turn, after: Turn, process: Sid, other: Sid) -> bool:
    """An order in a property of steps."""
    return not (process < other and after.done[other] and not before.done[other]) or after.done[process]


def model(*actions: Callable[..., Any], processes: int = 3, **parts: Any) -> Model:
    return model_of("turns", START, actions, processes=processes, symmetry=True, **parts)


def refusals(refused: Model) -> set[str]:
    """What each search says of a model."""
    told = set()
    for options in (Options(), Options(kind="dfs"), Options(seed=3), Options(symmetry=True)):
        with pytest.raises(NotSymmetricError) as error:
            search(refused, options)
        told.add(str(error.value))
    return told


ODD = (
    first_takes_turn,
    last_stops_not,
    lower_passes,
    process_passes_round,
    process_is_last,
    process_is_seen,
    lowest_takes_turn,
)


@pytest.mark.parametrize("odd", ODD, ids=lambda action: action.__name__)
@pytest.mark.parametrize("first", [True, False])
def test_an_action_that_looks_at_ids_is_refused_by_name(odd: Callable[..., Any], first: bool) -> None:
    actions = (odd, *SOUND) if first else (*SOUND, odd)
    told = refusals(model(*actions))
    assert all(f"action {odd.__name__}(" in each for each in told), told
    assert all("treats process ids as more than names: renaming" in each for each in told), told
    assert all("symmetry=False (--no-symmetry) explores without renaming" in each for each in told), told
    assert not any("\n" in each for each in told)


@pytest.mark.parametrize("group", ["always", "sometimes"])
def test_a_property_that_looks_at_ids_is_refused_by_name(group: str) -> None:
    asked = first_is_not_the_holder if group == "always" else first_is_the_holder
    told = refusals(model(*SOUND, **{group: [asked]}))
    assert all(each.startswith(f"property {asked.__name__} treats process ids as more") for each in told)


def test_a_property_of_steps_that_looks_at_ids_is_refused_by_name() -> None:
    told = refusals(model(*SOUND, every_step=[lower_is_done_first]))
    assert all(each.startswith("property lower_is_done_first(") for each in told), told


def test_messages_name_the_renaming_and_what_differs() -> None:
    assert refusals(model(process_takes_turn, process_is_last)) == {
        "action process_is_last(0) treats process ids as more than names: renaming 0 to 1 and 1 to 0 before "
        "process_is_last(1) gives last = 1, and after process_is_last(0) 0; symmetry=False (--no-symmetry) "
        "explores without renaming (after 1 step: process_takes_turn(0))"
    }
    assert refusals(model(first_takes_turn)) == {
        "action first_takes_turn(0) treats process ids as more than names: renaming 0 to 1 and 1 to 0, "
        "first_takes_turn(1) is disabled where first_takes_turn(0) is enabled without renaming; "
        "symmetry=False (--no-symmetry) explores without renaming (in the initial state)"
    }


@pytest.mark.parametrize("odd", ODD, ids=lambda action: action.__name__)
def test_without_symmetry_ids_may_be_looked_at(odd: Callable[..., Any]) -> None:
    assert both(model(odd, *SOUND), Options(symmetry=False)).outcome == Outcome.PASSED


def test_sound_actions_are_not_refused() -> None:
    assert both(model(*SOUND), Options()).outcome == Outcome.PASSED


@pytest.mark.parametrize("size", [2, 3, 4])
def test_an_action_odd_for_any_one_process_is_refused(size: int) -> None:
    """The renamings compared take every process to every other, so no single one is treated apart unseen."""
    start = replace(START, done=Row([False] * size))
    for odd in range(size):

        def stops(state: Turn, process: Sid, odd: int = odd) -> Turn | None:
            return process_stops(state, process) if process != odd else None

        steps = [
            Step(action.__name__, (sid,), action)
            for action in (process_takes_turn, stops)
            for sid in range(size)
        ]
        refused = Model("turns", start, tuple(steps), size, symmetry=True)
        assert all("action stops(" in each for each in refusals(refused))


def test_up_to_three_processes_all_renamings_are_compared() -> None:
    assert {(0, 1, 2), *renamings(3)} == set(permutations(range(3)))
    assert renamings(2) == ((1, 0),)
    assert renamings(1) == ()
    for size in (4, 5):
        for old in range(size):
            assert {old, *(names[old] for names in renamings(size))} == set(range(size))


def test_a_step_without_its_renamings_is_refused() -> None:
    steps = tuple(Step("process_takes_turn", (sid,), process_takes_turn) for sid in (0, 1))
    told = refusals(Model("turns", START, steps, 3, symmetry=True))
    assert all("leads to process_takes_turn(2), which is no step of the model" in each for each in told), told


def test_a_weight_that_looks_at_ids_is_refused() -> None:
    steps = tuple(
        Step("process_takes_turn", (sid,), process_takes_turn, weight=lambda _, sid: 1 + (sid == 1))
        for sid in range(3)
    )
    told = refusals(Model("turns", START, steps, 3, symmetry=True))
    assert all(each.startswith("weight of process_takes_turn(") for each in told), told


def test_an_argument_that_is_no_process_id_is_told_apart() -> None:
    def counts(state: Turn, number: int) -> Turn | None:
        return replace(state, last=number)

    assert both(model(counts, choices={"number": (0, 7)}), Options()).outcome == Outcome.PASSED
    steps = (Step("counts", (7,), counts),)
    with pytest.raises(SpecError, match=r"action counts\(7\): 7 is not a process id \(0 to 2\)"):
        search(Model("turns", START, steps, 3, symmetry=True))


def test_what_a_path_covers_is_what_the_renamed_step_reads_too() -> None:
    """The first world in which the path is learned hides what a renamed step sees in another.

    The action stops at the first process that is done; the renamed one looks at others before. So the path
    has to test these as well, or worlds in which they differ would never be compared.
    """

    def odd(state: Turn, process: Sid) -> Turn | None:
        for sid in range(3):
            if state.done[sid]:
                return replace(state, last=5) if sid == 2 and state.holder == process else None
        return None

    told = refusals(model(*SOUND, odd))
    assert all("action odd(" in each for each in told)


@derived
def lowest_done(state: Turn) -> Sid | None:
    """The lowest process that is done."""
    return next((Sid(sid) for sid in range(3) if state.done[sid]), None)


@derived
def how_many(state: Turn):  # type: ignore[no-untyped-def] # that is the point
    """How many processes are done."""
    return sum(state.done)


def lowest_is_not_the_holder(state: Turn) -> bool:
    return lowest_done(state) is None or lowest_done(state) != state.holder


def not_all_are_done(state: Turn) -> bool:
    count: int = how_many(state)
    return count < 3


def test_a_derived_column_that_looks_at_ids_is_refused() -> None:
    with pytest.raises(NotSymmetricError, match="derived function lowest_done treats process ids as more"):
        search(model(*SOUND, always=[lowest_is_not_the_holder]))


def test_a_derived_column_must_say_what_it_is() -> None:
    with pytest.raises(SpecError, match="derived function how_many: symmetry needs the type that it returns"):
        search(model(*SOUND, always=[not_all_are_done]))


def test_messages_are_the_same_whatever_the_hash_seed(same_output: Callable[[str], str]) -> None:
    folder = Path(__file__).parent
    told = same_output(
        f"import sys; sys.path[:0] = {[str(folder), str(folder.parents[1] / 'support')]!r}\n"
        "import test_symmetry as t\n"
        "for odd in t.ODD: print(*sorted(t.refusals(t.model(*t.SOUND, odd))), sep='\\n')"
    )
    assert told.count("treats process ids as more than names") >= len(ODD)


def test_a_trusted_spec_is_not_compared_with_its_renamings() -> None:
    """What `trusted` leaves out is the check alone: a spec that passes it has the same counts."""
    wrong = model(first_takes_turn)
    with pytest.raises(SpecError, match="more than names"):
        explore(wrong, Options())
    assert explore(wrong, Options(trusted=True)).outcome != Outcome.OUT_OF_BUDGET
    right = build(Instance(bounds=Bounds(3, 1, 1, 0)))
    assert explore(right, Options(trusted=True)).counts == explore(right, Options()).counts
