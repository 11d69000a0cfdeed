"""Specs with a mistake that makes them impossible to explore, and the message that their author gets.

Each is explored breadth-first, depth-first and at random: all refuse it, none takes it for a violation.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as replace_of_dataclasses
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

from zabcheck.explorer import (
    Model,
    Options,
    Outcome,
    Property,
    SpecError,
    check_liveness,
    eventually,
    model_of,
    search,
)
from zabspec.parts import Queue, Row, Sid, replace


class Light(IntEnum):
    RED = 0
    GREEN = 1


@dataclass(frozen=True)
class Lamp:
    """A state that may hold anything, for what must not be in one."""

    light: Light
    holder: Sid | None
    shown: Row[bool]
    anything: Any = None


START = Lamp(Light.RED, None, Row([False, False]))


def turns_green(state: Lamp, process: Sid) -> Lamp | None:
    """A process switches the light."""
    return None if state.light == Light.GREEN else replace(state, light=Light.GREEN, holder=process)


def lamp(*actions: Callable[..., Any], start: Any = START, **parts: Any) -> Model:
    return model_of("lamp", start, actions, processes=2, **parts)


def message_of(model: Model, kind: str) -> str:
    with pytest.raises(SpecError) as error:
        search(model, Options(kind=kind, walks=20))
    assert "\n" not in str(error.value)
    return str(error.value)


def messages(model: Model) -> tuple[str, str, str]:
    """What breadth-first search, depth-first search and random walks say."""
    return message_of(model, "bfs"), message_of(model, "dfs"), message_of(model, "walk")


def test_an_action_that_raises_is_named_with_the_way_there() -> None:
    def breaks(state: Lamp, process: Sid) -> Lamp | None:
        return replace(state, light=Light(1 // (1 - state.light))) if state.holder == process else None

    breadth, depth, walk = messages(lamp(turns_green, breaks))
    said = "action breaks(0) raised ZeroDivisionError: integer division or modulo by zero"
    assert breadth == depth == f"{said} (after 1 step: turns_green(0))"
    assert walk.startswith("action breaks(")
    assert "raised ZeroDivisionError" in walk
    assert "(after 1 step: turns_green(" in walk


def test_a_property_that_raises_is_named_with_the_way_there() -> None:
    def is_fine(state: Lamp, process: Sid) -> bool:
        return state.light == Light.RED or {"known": True}[str(process)]

    breadth, depth, _ = messages(lamp(turns_green, always=[is_fine]))
    assert breadth == depth == "property is_fine(0) raised KeyError: '0' (after 1 step: turns_green(0))"

    def is_shown(state: Lamp) -> bool:
        return state.light == Light.GREEN and 1 // state.anything

    start = replace(START, anything=0)
    breadth, depth, _ = messages(lamp(turns_green, start=start, sometimes=[is_shown]))
    assert breadth == depth
    assert breadth.startswith("property is_shown raised ZeroDivisionError")

    def step_is_fine(before: Lamp, after: Lamp) -> bool:
        return before.light == after.light or {}["nothing"]

    breadth, depth, _ = messages(lamp(turns_green, every_step=[step_is_fine]))
    assert (
        breadth == depth == "property step_is_fine raised KeyError: 'nothing' (after 1 step: turns_green(0))"
    )


def test_an_assertion_in_a_spec_is_no_violation() -> None:
    def asserts(state: Lamp) -> Lamp | None:
        if state.light == Light.GREEN:
            raise AssertionError("the light cannot be green")
        return None

    said = "action asserts() raised AssertionError: the light cannot be green (after 1 step: turns_green(0))"
    assert messages(lamp(turns_green, asserts))[:2] == (said, said)


@dataclass
class Thawed:
    number: int


@dataclass(frozen=True, eq=False)
class Nameless:
    number: int


MUTABLE = {
    "list": (
        [1],
        "[1], a list: a state is made of frozen dataclasses, tuples, frozensets, Row, Queue, numbers",
    ),
    "dict": ({1: 2}, "{1: 2}, a dict: a state is made of"),
    "set": ({1}, "{1}, a set: a state is made of"),
    "list in a tuple": (((1, [2]),), "anything[0][1] is [2], a list: a state is made of"),
    "not frozen": (Thawed(1), "is a Thawed, which is not frozen: write @dataclass(frozen=True)"),
    "by identity": (Nameless(1), "is a Nameless, which is compared by identity: leave out eq=False"),
    "float": (0.5, "0.5, a float: a state is made of"),
}


@pytest.mark.parametrize(("value", "said"), MUTABLE.values(), ids=MUTABLE)
def test_a_value_that_is_no_part_of_a_state_is_named(value: Any, said: str) -> None:
    for message in messages(lamp(turns_green, start=replace(START, anything=value))):
        assert message.startswith("lamp: in the initial state, anything")
        assert said in message

    def keeps(state: Lamp, process: Sid) -> Lamp | None:
        return replace(state, anything=value) if state.holder == process else None

    for message in messages(lamp(turns_green, keeps))[:2]:
        assert message.startswith("action keeps(0)")
        assert said in message
        assert message.endswith("(after 1 step: turns_green(0))")


def test_a_state_is_a_frozen_dataclass() -> None:
    for message in messages(lamp(turns_green, start=(1, 2))):
        assert message == "lamp: the initial state is a tuple, not a frozen dataclass"
    for message in messages(lamp(turns_green, start=Thawed(1))):
        assert message == (
            "lamp: in the initial state, the state is a Thawed, which is not frozen: write "
            "@dataclass(frozen=True)"
        )


def test_an_action_that_counts_its_calls_is_no_function() -> None:
    calls = itertools.count()

    def counts(state: Lamp) -> Lamp | None:
        return replace(state, anything=next(calls))

    for message in messages(lamp(counts)):
        assert message.startswith(
            "action counts() is not a function of the state and its arguments: two calls in"
        )
        assert "a global variable, a random number or a clock" in message
        assert message.endswith("(in the initial state)")


def test_an_action_that_counts_how_often_it_was_disabled_is_no_function() -> None:
    calls = itertools.count()

    def counts(state: Lamp) -> Lamp | None:
        return state if next(calls) % 2 else None

    for message in messages(lamp(counts)):
        assert message.startswith("action counts() is not a function of the state and its arguments")


def test_an_action_that_draws_a_number_is_no_function() -> None:
    def draws(state: Lamp) -> Lamp | None:
        return replace(state, anything=random.random() < 2 and random.getrandbits(60))

    for message in messages(lamp(draws)):
        assert message.startswith("action draws() is not a function of the state and its arguments")


def test_a_property_that_counts_its_calls_is_no_function() -> None:
    calls = itertools.count()

    def alternates(state: Lamp) -> bool:
        return next(calls) % 2 == 0

    for message in messages(lamp(turns_green, always=[alternates])):
        assert message.startswith("property alternates is not a function of the state and its arguments")


def test_a_property_returns_a_bool() -> None:
    def holder_of(state: Lamp) -> Any:
        return state.holder

    for message in messages(lamp(turns_green, always=[holder_of])):
        assert message == "property holder_of returned None, which is not a bool (in the initial state)"
    for message in messages(lamp(turns_green, sometimes=[holder_of])):
        assert message == "property holder_of returned None, which is not a bool (in the initial state)"


@pytest.mark.parametrize("wrong", [True, 3, "done", (START,), Thawed(1)], ids=repr)
def test_an_action_returns_a_state_or_none(wrong: Any) -> None:
    def acts(state: Lamp) -> Any:
        return wrong

    for message in messages(lamp(acts)):
        assert message.startswith("action acts() returned ")
        assert message.endswith(", which is neither a Lamp nor None (in the initial state)")


def test_an_action_that_assigns_is_told_how_to_copy() -> None:
    def assigns(state: Lamp) -> Lamp:
        state.light = Light.GREEN  # type: ignore[misc]
        return state

    for message in messages(lamp(assigns)):
        assert message == (
            "action assigns() raised FrozenInstanceError: cannot assign to field 'light'; an action returns "
            "a changed copy: replace(state, ...) (in the initial state)"
        )


@dataclass(frozen=True)
class Pointer:
    to: Sid | None
    others: Row[Sid]


@pytest.mark.parametrize("symmetry", [False, True])
def test_a_process_id_out_of_range_is_named(symmetry: bool) -> None:
    start = Pointer(None, Row([Sid(0), Sid(0)]))

    def points_beyond(state: Pointer) -> Pointer | None:
        return replace(state, to=Sid(2))

    def points_below(state: Pointer) -> Pointer | None:
        return replace(state, to=Sid(-1))

    def others_point(state: Pointer) -> Pointer | None:
        return replace(state, others=Row([Sid(5), Sid(5)]))

    for message in messages(lamp(points_below, start=replace(start, to=Sid(7)), symmetry=symmetry)):
        assert message == "lamp: in the initial state, to = 7: 7 is not a process id (0 to 1)"
    said = "is not a process id (0 to 1) (in the initial state)"
    for message in messages(lamp(points_beyond, start=start, symmetry=symmetry)):
        assert (
            message == "action points_beyond(): to = 2: 2 is not a process id (0 to 1) (in the initial state)"
        )
    for message in messages(lamp(points_below, start=start, symmetry=symmetry)):
        assert (
            message
            == "action points_below(): to = -1: -1 is not a process id (0 to 1) (in the initial state)"
        )
    for message in messages(lamp(others_point, start=start, symmetry=symmetry)):
        assert message.startswith("action others_point(): others")
        assert message.endswith(f"5 {said}")


@dataclass(frozen=True)
class Vague:
    holder: Sid
    names: dict[str, int]


@dataclass(frozen=True)
class Lost:
    holder: NoSuchType  # type: ignore[name-defined] # noqa: F821 - that is the point


@dataclass(frozen=True)
class Short:
    holder: Sid
    parts: Row[bool]


def both_messages(model: Model) -> tuple[str, str]:
    """What breadth-first and depth-first search say."""
    return message_of(model, "bfs"), message_of(model, "dfs")


def test_symmetry_needs_type_hints_that_say_where_ids_are() -> None:
    def acts(state: Any) -> Any:
        return None

    start = replace(START, anything=())
    for message in both_messages(lamp(acts, start=start, symmetry=True)):
        assert message.startswith("Lamp.anything: do not know how to rename process ids in values annotated")
    vague = Vague(Sid(0), ())  # type: ignore[arg-type]
    for message in both_messages(lamp(acts, start=vague, symmetry=True)):
        assert message.startswith(
            "Vague.names: do not know how to rename process ids in values annotated dict["
        )
    assert search(lamp(acts, start=vague)).outcome == Outcome.PASSED
    for symmetry in (False, True):
        message = message_of(lamp(acts, start=Lost(0), symmetry=symmetry), "bfs")
        assert message == (
            "Lost: its annotations cannot be resolved: name 'NoSuchType' is not defined; define its types at "
            "module level"
        )
    short = Short(Sid(0), Row([True]))
    for message in both_messages(lamp(acts, start=short, symmetry=True)):
        assert "a Row has 1 parts, but there are 2 processes" in message


def test_what_only_the_depth_first_search_can_follow_is_said() -> None:
    def copies(state: Lamp) -> Lamp:
        return replace_of_dataclasses(state, light=Light.GREEN)

    said = message_of(lamp(copies), "bfs")
    assert said.startswith(
        "action copies() raised TypeError: replace() should be called on dataclass instances"
    )
    assert "use `replace` of zabspec.parts" in said
    assert search(lamp(copies), Options(kind="dfs")).counts.distinct == 2


@dataclass(frozen=True)
class Switch:
    light: Light
    holder: Sid | None
    shown: Row[bool]

    def is_green(self) -> bool:
        """True if the light is green."""
        return self.light == Light.GREEN

    @property
    def is_shown(self) -> bool:
        """True if somebody shows the light."""
        return any(self.shown)


@pytest.mark.parametrize(("symmetry", "distinct"), [(False, 12), (True, 7)])
def test_methods_and_patterns_work_on_a_state(symmetry: bool, distinct: int) -> None:
    def by_method(state: Switch) -> Switch | None:
        return None if state.is_green() else replace(state, light=Light.GREEN)

    def by_pattern(state: Switch, process: Sid) -> Switch | None:
        match state:
            case Switch(light=Light.GREEN, holder=None):
                return replace(state, holder=process)
        return None

    def by_property(state: Switch, process: Sid) -> Switch | None:
        return None if state.is_shown else replace(state, shown=state.shown.put(process, True))

    def by_count(state: Switch) -> Switch | None:
        return replace(state, light=Light.RED) if state.shown.count(True) == 2 else None

    start = Switch(Light.RED, None, Row([False, False]))
    model = lamp(by_method, by_pattern, by_property, by_count, start=start, symmetry=symmetry)
    for kind in ("bfs", "dfs"):
        assert search(model, Options(kind=kind)).counts.distinct == distinct


def test_properties_are_predicates_or_properties() -> None:
    for wrong in ("is_green", 3, None):
        with pytest.raises(SpecError, match=r"lamp: always: .* is not a function"):
            lamp(turns_green, always=[wrong])
    by_name = Property("is_green", "is_green")  # type: ignore[arg-type]
    for message in messages(lamp(turns_green, always=[by_name])):
        assert message == "lamp: property is_green: 'is_green' is not a function"
    with pytest.raises(SpecError, match="lamp: actions: 'turns_green' is not a function"):
        lamp("turns_green")  # type: ignore[arg-type]


BAD_OPTIONS = {
    "kind": ("fastest", "no search 'fastest': one of bfs, dfs, walk"),
    "workers": (0, "workers is 0: at least 1 is needed"),
    "walks": (-1, "walks is -1: at least 0 is needed"),
    "max_states": (-5, "max_states is -5: at least 0 is needed"),
    "max_seconds": (-0.5, "max_seconds is -0.5: at least 0 is needed"),
    "max_depth": ("deep", "max_depth is 'deep', not a whole number"),
    "seed": (1.5, "seed is 1.5, not a whole number"),
    "symmetry": ("yes", "symmetry is 'yes': True, False or None"),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_options_are_checked(name: str) -> None:
    value, said = BAD_OPTIONS[name]
    with pytest.raises(SpecError) as error:
        Options(**{name: value})
    assert str(error.value) == said


def test_a_mistake_in_a_promise_is_named() -> None:
    def is_green_at_last(state: Lamp) -> Any:
        return state.light

    promise = eventually(is_green_at_last)
    with pytest.raises(SpecError, match=r"property is_green_at_last returned .*RED.*, which is not a bool"):
        check_liveness(lamp(turns_green, eventually=[promise]))

    def breaks(state: Lamp) -> Lamp | None:
        raise LookupError("nothing here")

    with pytest.raises(SpecError, match=r"action breaks\(\) raised LookupError: nothing here"):
        check_liveness(lamp(breaks, eventually=[promise]))


def test_messages_are_the_same_whatever_the_hash_seed(same_output: Callable[[str], str]) -> None:
    folder = str(Path(__file__).parent)
    told = same_output(
        f"import sys; sys.path.insert(0, {folder!r})\n"
        "import test_mistakes as t\n"
        "for value, _ in t.MUTABLE.values():\n"
        "    print(t.messages(t.lamp(t.turns_green, start=t.replace(t.START, anything=value))))"
    )
    assert told.count("in the initial state") >= len(MUTABLE)


def test_an_empty_queue_has_no_head_to_process() -> None:
    """What a spec of ours does as a matter of course is no mistake."""

    def takes(state: Lamp) -> Lamp | None:
        return (
            None if state.anything.head is None else replace(state, anything=state.anything.without_first())
        )

    assert search(lamp(takes, start=replace(START, anything=Queue([1, 2])))).counts.distinct == 3
