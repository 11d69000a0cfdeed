"""Calls actions and properties, and says in one line what is wrong with one that cannot be explored.

An action must return a state or None, and the same one for the same state and arguments; a property must
return a bool; states must be immutable. A function does not show whether it keeps to that, so each call is
checked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.model import Model, Property, Step, World
from zabcheck.explorer.renaming import hints_of, id_checker

MADE_OF = "a state is made of frozen dataclasses, tuples, frozensets, Row, Queue, numbers, strings and None"

PLAIN = (int, str, bytes, type(None))

Path = tuple[str | int, ...]
"""How to get to a part of a world: the names of fields and the places in rows and tuples."""


def check_model(model: Model) -> None:
    """Checks what can be seen of a model before it is explored.

    Raises:
        SpecError: a property is not a predicate, or the initial state is not immutable.
    """
    for each in (*model.always, *model.every_step, *model.sometimes):
        predicate: Any = each.predicate
        if not callable(predicate):
            raise SpecError(f"{model.name}: property {each.name}: {shown(predicate)} is not a function")
    kind = type(model.initial)
    if not dataclasses.is_dataclass(kind):
        raise SpecError(f"{model.name}: the initial state is a {kind.__name__}, not a frozen dataclass")
    wrong = next(unusable(model.initial), "") or Values(model).out_of_range(model.initial)
    if wrong:
        raise SpecError(f"{model.name}: in the initial state, {wrong}")


def run(action: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a function of a spec.

    Args:
        action: what to call the function in an error, such as `action grab(0)`.
        function: the function.
        arguments: what to call it with.

    Raises:
        SpecError: the function raised an exception.
    """
    try:
        return function(*arguments)
    except (SpecError, MemoryError):
        raise
    except Exception as error:
        raise SpecError(raised(action, error)) from error


def raised(action: str, error: Exception) -> str:
    """Returns the sentence that an action or property raised an exception."""
    text = next(iter(str(error).strip().splitlines()), "")
    hint = ""
    if isinstance(error, dataclasses.FrozenInstanceError):
        hint = "; an action returns a changed copy: replace(state, ...)"
    return f"{action} raised {type(error).__name__}{': ' if text else ''}{text}{hint}"


def successor(model: Model, step: Step, world: World) -> World | None:
    """Returns the world after a step, None if the step is disabled.

    The step is taken twice, to see that it does the same both times.

    Raises:
        SpecError: the action raised an exception, did different things, or returned something else.
    """
    name = f"action {step.label}"
    after = run(name, step.apply, world, *step.arguments)
    check_returned(name, after, type(model.initial))
    again = run(name, step.apply, world, *step.arguments)
    try:
        is_same = after == again
    except Exception as error:
        raise SpecError(raised(name, error)) from error
    if not is_same:
        raise SpecError(not_a_function(name))
    if after is not None:
        check_hashable(name, after)
    return after


class Values:
    """Checks the values in the worlds of a model: that they are immutable, and that process ids are in range.

    Args:
        model: the model.
    """

    def __init__(self, model: Model) -> None:
        self._size = model.size
        self._checks = list(_checkers(type(model.initial), ()))

    def check(self, name: str, world: World) -> None:
        """Checks one world.

        Args:
            name: the step that led to it: `action grab(0)`.
            world: the world.

        Raises:
            SpecError: a value in it cannot be used.
        """
        wrong = next(unusable(world), "")
        if wrong:
            raise SpecError(f"{name} returned a state in which {wrong}")
        wrong = self.out_of_range(world)
        if wrong:
            raise SpecError(f"{name}: {wrong}")

    def out_of_range(self, world: World) -> str:
        """Returns the first field with a process id that is out of range, in words; "" if there is none."""
        for path, check in self._checks:
            value = world
            for at in path:
                value = getattr(value, at)
            wrong = check(value, self._size)
            if wrong:
                return f"{place(path)} = {shown(value)}: {wrong}"
        return ""


def _checkers(
    kind: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Callable[[Any, int], str]]]:
    """Yields a check for every field of a state that process ids may be in, and the way to the field."""
    hints = hints_of(kind)
    for each in dataclasses.fields(kind):
        hint = hints[each.name]
        if dataclasses.is_dataclass(hint):
            yield from _checkers(hint, (*path, each.name))
            continue
        check = id_checker(hint)
        if check is not None:
            yield (*path, each.name), check


def not_a_function(name: str) -> str:
    """Returns the sentence that an action or a property does not depend on its arguments alone."""
    return (
        f"{name} is not a function of the state and its arguments: two calls in the same state differ; "
        "is there a global variable, a random number or a clock in it?"
    )


def check_returned(name: str, after: Any, kind: type) -> None:
    """Checks that an action returned a state, or None.

    Raises:
        SpecError: it returned something else.
    """
    if after is not None and type(after) is not kind:
        raise SpecError(f"{name} returned {shown(after)}, which is neither a {kind.__name__} nor None")


def check_hashable(name: str, after: World) -> None:
    """Checks that a world can be kept in a set.

    Raises:
        SpecError: it cannot, as something in it can be changed.
    """
    try:
        hash(after)
    except TypeError as error:
        wrong = next(unusable(after), str(error))
        raise SpecError(f"{name} returned a state in which {wrong}") from error


def verdict_of(name: str, holds: Any) -> bool:
    """Returns what a property says.

    Raises:
        SpecError: it is not a bool.
    """
    if not isinstance(holds, bool):
        raise SpecError(f"{name} returned {shown(holds)}, which is not a bool")
    return holds


def asked(name: str, predicate: Callable[..., bool], *arguments: Any) -> bool:
    """Calls a property.

    Raises:
        SpecError: it raised an exception, or did not return a bool.
    """
    return verdict_of(name, run(name, predicate, *arguments))


def property_label(each: Property, sids: tuple[int, ...]) -> str:
    """Returns a property as a call: `property holder_waits(0)`."""
    return f"property {each.name}({', '.join(map(str, sids))})" if sids else f"property {each.name}"


def unusable(value: Any, path: Path = ()) -> Iterator[str]:
    """Yields what in a value can be changed or has no stable order, each as a sentence that says where."""
    kind = type(value)
    if isinstance(value, PLAIN):
        return
    if isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from unusable(each, (*path, index))
    elif isinstance(value, frozenset):
        for each in value:
            yield from unusable(each, path)
    elif dataclasses.is_dataclass(kind):
        yield from _unusable_record(value, path)
    else:
        yield f"{place(path)} is {shown(value)}, a {kind.__name__}: {MADE_OF}"


def _unusable_record(value: Any, path: Path) -> Iterator[str]:
    kind = type(value)
    where = f"{place(path)} is a {kind.__name__}, which"
    if not kind.__dataclass_params__.frozen:
        yield f"{where} is not frozen: write @dataclass(frozen=True)"
    elif not kind.__dataclass_params__.eq:
        yield f"{where} is compared by identity: leave out eq=False"
    else:
        for each in dataclasses.fields(kind):
            yield from unusable(getattr(value, each.name), (*path, each.name))


def place(path: Path) -> str:
    """Returns a path in words: `servers[0].role`; the state of the spec is not named."""
    if path[:1] == ("protocol",):
        path = path[1:]
    text = "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in path)
    return text.removeprefix(".") or "the state"


def shown(value: Any, longest: int = 60) -> str:
    """Returns a value as Python writes it, cut off where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def first_difference(one: Any, other: Any, path: Path = ()) -> tuple[Path, Any, Any] | None:
    """Returns the first place in which two values differ, and what is there; None if they are equal."""
    if one == other:
        return None
    parts: list[tuple[str | int, Any, Any]]
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        parts = [(each.name, getattr(one, each.name), getattr(other, each.name)) for each in fields_of(one)]
    elif isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        parts = [(index, *both) for index, both in enumerate(zip(one, other, strict=True))]
    else:
        return path, one, other
    found = (first_difference(left, right, (*path, name)) for name, left, right in parts)
    return next((each for each in found if each is not None), (path, one, other))


def fields_of(record: Any) -> tuple[dataclasses.Field[Any], ...]:
    """Returns the fields of a dataclass that count when two of them are compared."""
    return tuple(each for each in dataclasses.fields(record) if each.compare)
