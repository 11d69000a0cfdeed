"""Calls actions and properties on stand-ins for worlds, and checks what they do.

`zabcheck.explorer.running` is the counterpart for worlds as they are. An action that raises on a stand-in is
called again on the world itself, so that the error is the one that its author knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.fast.columns import Layout, Leaf, Record
from zabcheck.explorer.fast.recording import QueueChange, Read, RecordedRecord, stand_in, writes
from zabcheck.explorer.model import Step
from zabcheck.explorer.running import check_hashable, check_returned, raised, run


@contextmanager
def at_row(row: int) -> Iterator[None]:
    """Notes in an error in which row of a block it occurred."""
    try:
        yield
    except SpecError as error:
        error.row = row
        raise


@contextmanager
def located(where: Callable[[int], tuple[int, int | None]]) -> Iterator[None]:
    """Notes in an error, instead of the row of a block, from which world and by which step it is reached."""
    try:
        yield
    except SpecError as error:
        if error.row is not None:
            error.reached, error.row = where(error.row), None
        raise


@dataclass(frozen=True, slots=True)
class Effect:
    """What an enabled step does.

    Attributes:
        weight: how many generated states TLC would count.
        writes: by leaf, its new value or a `QueueChange`; a value may be the one that was there before.
    """

    weight: int
    writes: dict[Leaf, Any]

    def is_same(self, other: Effect) -> bool:
        """True if another effect is the same."""
        if self.weight != other.weight or self.writes.keys() != other.writes.keys():
            return False
        return all(same_write(value, other.writes[leaf]) for leaf, value in self.writes.items())


def same_write(one: Any, other: Any) -> bool:
    """True if two entries of `Effect.writes` are the same."""
    if isinstance(one, QueueChange) and isinstance(other, QueueChange):
        return one.change == other.change
    if isinstance(one, QueueChange) or isinstance(other, QueueChange):
        return False
    return bool(one == other)


def taken(layout: Layout, step: Step, read: Read, world: Callable[[], Any]) -> Effect | None:
    """Returns what a step does, None if it is disabled.

    Args:
        layout: of the worlds.
        step: the step.
        read: reads the world for the stand-in.
        world: makes the world itself, for an error message.

    Raises:
        SpecError: the action raised an exception, returned something else than a state, or one that can be
            changed.
    """
    name, shape = f"action {step.label}", layout.shape
    before = stand_in(shape, read)
    try:
        after = step.apply(before, *step.arguments)
        if after is None:
            return None
        weight = step.weight(before, *step.arguments) if step.weight else 1
        if not (isinstance(after, RecordedRecord) and after.shape is shape):
            assert isinstance(shape, Record)
            check_returned(name, after, shape.cls)
        found = Effect(weight, writes(shape, after))
        for value in found.writes.values():
            hash(value.change if isinstance(value, QueueChange) else value)
    except (SpecError, MemoryError):
        raise
    except Exception as error:
        raise _explained(name, error, step.apply, world(), *step.arguments) from error
    return found


def told(
    name: str,
    predicate: Callable[..., Any],
    arguments: tuple[Any, ...],
    real: Callable[[], tuple[Any, ...]],
) -> Any:
    """Returns what a property or a derived function returns.

    Args:
        name: what to call it in an error.
        predicate: the function.
        arguments: its arguments, with stand-ins for states.
        real: makes the arguments with the states themselves, for an error message.

    Raises:
        SpecError: the function raised an exception.
    """
    try:
        return predicate(*arguments)
    except (SpecError, MemoryError):
        raise
    except Exception as error:
        raise _explained(name, error, predicate, *real()) from error


def _explained(name: str, error: Exception, function: Callable[..., Any], *arguments: Any) -> SpecError:
    """Returns what to say of an exception raised on a stand-in: what happens with the world itself."""
    found = run(name, function, *arguments)
    if name.startswith("action ") and found is not None:
        check_returned(name, found, type(arguments[0]))
        check_hashable(name, found)
    hint = "; use `replace` of zabspec.parts" if "replace() should be called" in str(error) else ""
    return SpecError(
        f"{raised(name, error)}: the breadth-first search cannot follow what it does with the state{hint}; "
        "see `zabspec.parts`, or search depth-first"
    )
