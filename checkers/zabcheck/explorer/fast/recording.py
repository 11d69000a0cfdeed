"""Stand-ins for states, which record what an action reads and writes.

An action of a spec accesses its state through attributes, `row[i]`, `row.put`, `queue.head`,
`queue.with_last`, `queue.without_first` and `replace`, and in no other way (see `zabspec.parts`). The
classes here have the same operations. Reading a leaf, the value of one column, is reported to the recorder.
The head of a queue is read separately, so that an action that looks only at the next message does not
depend on the messages behind it. Writing makes a copy with changes, as in the spec; the changes are
gathered at the end.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from zabcheck.explorer.fast.columns import Leaf, Record, Rows, Shape
from zabspec.parts import Queue

Append = tuple[int, tuple[Any, ...]]
"""A change of a queue: the number of messages taken from its front, and the messages added at its end."""


class Read(Protocol):
    """Reads the values behind stand-ins, and records that they were read."""

    def __call__(self, leaf: Leaf, head: bool) -> Any:
        """Returns the value of a leaf; only the head of its queue if `head`."""

    def derived(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Returns the value of a derived column."""


def stand_in(shape: Shape, read: Read) -> Any:
    """Returns a stand-in for a part of a state; a leaf is read at once."""
    match shape:
        case Record():
            return RecordedRecord(shape, read, {})
        case Rows():
            return RecordedRow(shape, read, {})
        case Leaf(is_queue=True):
            return RecordedQueue(shape, read, 0, ())
        case Leaf():
            return read(shape, False)


class Recorded:
    """A stand-in for a part of the state; operations that it does not support raise an error."""

    __slots__ = ("read",)
    read: Read

    def __eq__(self, other: object) -> bool:
        raise TypeError("a record or a Row of the state is compared as a whole: compare what is in it")

    def __hash__(self) -> int:
        raise TypeError("a record or a Row of the state is hashed as a whole: take what is in it")

    def explorer_derives(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Returns the value of a function of the state; see `zabcheck.explorer.derived`."""
        if not isinstance(self, RecordedRecord) or self.changes:
            raise TypeError(f"{function.__name__}: derived of the state as it was, and of nothing else")
        return self.read.derived(function, arguments)


class RecordedRecord(Recorded):
    """A stand-in for a record of the state."""

    __slots__ = ("changes", "shape")

    def __init__(self, shape: Record, read: Read, changes: dict[str, Any]) -> None:
        self.shape, self.read, self.changes = shape, read, changes

    def __getattr__(self, name: str) -> Any:
        if name in self.changes:
            return self.changes[name]
        if name not in self.shape.fields:
            return self._of_class(name)
        return stand_in(self.shape.fields[name], self.read)

    def _of_class(self, name: str) -> Any:
        """Returns a method or property that the record's class defines."""
        found = inspect.getattr_static(self.shape.cls, name)
        return found.__get__(self, self.shape.cls) if hasattr(found, "__get__") else found

    @property  # type: ignore[misc] # `isinstance` and class patterns take it for what it stands for
    def __class__(self) -> type:
        return self.shape.cls

    def __replace__(self, /, **changes: Any) -> RecordedRecord:
        return RecordedRecord(self.shape, self.read, {**self.changes, **changes})


class RecordedRow(Recorded):
    """A stand-in for a row of the state."""

    __slots__ = ("changes", "shape")

    def __init__(self, shape: Rows, read: Read, changes: dict[int, Any]) -> None:
        self.shape, self.read, self.changes = shape, read, changes

    def __len__(self) -> int:
        return len(self.shape.items)

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, int) or index < 0:
            raise TypeError(f"a row of the state is read at {index}: one server at a time")
        if index in self.changes:
            return self.changes[index]
        return stand_in(self.shape.items[index], self.read)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def count(self, part: Any) -> int:
        """Returns how many parts are equal to a value."""
        return sum(each == part for each in self)

    def put(self, index: int, part: Any) -> RecordedRow:
        """Returns a copy with one part replaced."""
        return RecordedRow(self.shape, self.read, {**self.changes, index: part})


class RecordedQueue(Recorded):
    """A stand-in for a queue of the state, with what was taken from it and added to it."""

    __slots__ = ("added", "shape", "taken")

    def __init__(self, shape: Leaf, read: Read, taken: int, added: tuple[Any, ...]) -> None:
        self.shape, self.read, self.taken, self.added = shape, read, taken, added

    @property
    def head(self) -> Any:
        """The message to be received next, None if there is none."""
        if self.taken:
            return self.whole().head
        first = self.read(self.shape, True)
        return self.added[0] if first is None and self.added else first

    def with_last(self, message: Any) -> RecordedQueue:
        """Returns a copy with one more message."""
        return RecordedQueue(self.shape, self.read, self.taken, (*self.added, message))

    def without_first(self) -> Any:
        """Returns a copy without the head."""
        if self.taken or self.read(self.shape, True) is None:
            return self.whole().without_first()
        return RecordedQueue(self.shape, self.read, self.taken + 1, self.added)

    def whole(self) -> Queue[Any]:
        """Returns the queue itself; all of it counts as read."""
        value = self.read(self.shape, False)
        return Queue((*value[self.taken :], *self.added))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.whole())

    def __len__(self) -> int:
        return len(self.whole())

    def __getitem__(self, index: Any) -> Any:
        return self.whole()[index]

    def __eq__(self, other: object) -> bool:
        return self.whole() == (other.whole() if isinstance(other, RecordedQueue) else other)

    def __hash__(self) -> int:
        return hash(self.whole())


def writes(shape: Shape, after: Any) -> dict[Leaf, Any]:
    """Returns what an action has changed in a state: for each leaf, its new value or a `QueueChange`."""
    found: dict[Leaf, Any] = {}
    _gather(shape, after, found)
    return found


class QueueChange:
    """A change of a queue that does not depend on the other messages in it."""

    __slots__ = ("change",)

    def __init__(self, change: Append) -> None:
        self.change = change


def _gather(shape: Shape, after: Any, found: dict[Leaf, Any]) -> None:
    match shape:
        case Record():
            for name, part in _fields(shape, after):
                _gather(shape.fields[name], part, found)
        case Rows():
            for index, part in _items(shape, after):
                _gather(shape.items[index], part, found)
        case Leaf() if isinstance(after, RecordedQueue):
            if after.shape is not shape:
                found[shape] = after.whole()
            elif after.taken or after.added:
                found[shape] = QueueChange((after.taken, after.added))
        case Leaf():
            found[shape] = after


def _fields(shape: Record, after: Any) -> Iterable[tuple[str, Any]]:
    """Returns the changed fields of a record; all fields of one from another place."""
    if isinstance(after, RecordedRecord) and after.shape is shape:
        return after.changes.items()
    return ((name, getattr(after, name)) for name in shape.fields)


def _items(shape: Rows, after: Any) -> Iterable[tuple[int, Any]]:
    """Returns the changed parts of a row; all parts of one from another place.

    Raises:
        TypeError: it is no row, or has another number of parts.
    """
    if isinstance(after, RecordedRow) and after.shape is shape:
        return after.changes.items()
    if not isinstance(after, tuple | RecordedRow) or len(after) != len(shape.items):
        raise TypeError(f"a Row of {len(shape.items)} parts is replaced by {after!r}")
    return enumerate(after)
