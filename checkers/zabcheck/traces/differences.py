"""The variables in which two worlds differ: `servers[1].committed`, `network[0][2]`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from zabspec.parts import Row


@dataclass(frozen=True, slots=True)
class Difference:
    """A variable with different values in two worlds.

    Attributes:
        place: the variable, such as `servers[1].committed`.
        one: its value in the first world.
        other: its value in the second.
    """

    place: str
    one: Any
    other: Any


def differences(one: Any, other: Any) -> tuple[Difference, ...]:
    """Returns the variables in which two worlds differ, in the order of their fields.

    A variable is a field, or one server's part of a field; a history or a channel is one variable.
    """
    return tuple(_differences("", one, other))


def shown(value: Any) -> str:
    """Returns a value in short, the same in every process: `Propose(Txn(Zxid(1, 1), 0))`."""
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value) and not isinstance(value, type):
        return _called(type(value).__name__, [getattr(value, each.name) for each in fields(value)])
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(shown, value)))}}}"
    if isinstance(value, tuple):
        name = type(value).__name__ if hasattr(value, "_fields") else ""
        return _called(name, list(value))
    return repr(value)


def _differences(place: str, one: Any, other: Any) -> Iterator[Difference]:
    if one == other and type(one) is type(other):
        return
    if type(one) is type(other) and is_dataclass(one) and _is_split(place):
        for each in fields(one):
            inner = each.name if place in ("", "protocol") else f"{place}.{each.name}"
            yield from _differences(inner, getattr(one, each.name), getattr(other, each.name))
    elif isinstance(one, Row) and isinstance(other, Row) and len(one) == len(other):
        for sid, parts in enumerate(zip(one, other, strict=True)):
            yield from _differences(f"{place}[{sid}]", *parts)
    else:
        yield Difference(place, one, other)


def _is_split(place: str) -> bool:
    """True if a record at this place is compared field by field, as worlds and servers are."""
    return place.count(".") == 0


def _called(name: str, parts: list[Any]) -> str:
    return f"{name}({', '.join(map(shown, parts))})"
