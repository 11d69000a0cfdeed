"""The parts that states are made of: records, rows by server, queues.

A state of any spec here is a frozen dataclass. Its fields are plain values, records (frozen dataclasses
again), or rows that hold one part for each server. Nothing is changed in place: `replace` copies a record,
`Row.put` a row, `Queue.with_last` and `Queue.without_first` a queue. Specs touch their state through these
few operations and no others. So a checker may hand an action a stand-in for a state that notes what the
action reads and writes.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NewType, SupportsIndex, TypeVar, overload

Sid = NewType("Sid", int)
"""The id of a server, 0 to n - 1. Symmetry reduction renames values annotated `Sid`, and no others."""

Part = TypeVar("Part")
Message = TypeVar("Message")
Record = TypeVar("Record")


class Row(tuple[Part, ...]):
    """One part for each server: `row[sid]`. The type is written `Row[Part]`."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: SupportsIndex) -> Part: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Part, ...]: ...
    def __getitem__(self, index: Any) -> Any:
        """Returns the part of one server."""
        return tuple.__getitem__(self, index)

    def put(self, index: int, part: Part) -> Row[Part]:
        """Returns a copy in which server `index` has another part."""
        return Row((*self[:index], part, *self[index + 1 :]))


class Queue(tuple[Message, ...]):
    """A reliable first-in-first-out channel from one server to another, the oldest message first."""

    __slots__ = ()

    @property
    def head(self) -> Message | None:
        """The message that is received next, None if there is none."""
        return self[0] if self else None

    def with_last(self, message: Message) -> Queue[Message]:
        """Returns a copy with one more message at its end."""
        return Queue((*self, message))

    def without_first(self) -> Queue[Message]:
        """Returns a copy without its head."""
        return Queue(self[1:])


def replace(record: Record, **changes: Any) -> Record:
    """Returns a copy of a record with some fields changed: `copy.replace` of Python 3.13, for 3.11 and later.

    Raises:
        TypeError: a name in `changes` is not a field of the record.
    """
    method = getattr(type(record), "__replace__", None)
    if method is not None:
        copied: Record = method(record, **changes)
        return copied
    return dataclasses.replace(record, **changes)  # type: ignore[type-var]
