"""Renames process ids in values, and gives values a stable order and digest: the basis of symmetry.

In a symmetric spec a world with its processes renamed behaves as the world does. The type hint of a value
says what a renaming does to it: an `Sid` is renamed, the parts of a `Row` move with the processes that they
belong to, records and containers are renamed inside, and everything else stays as it is.

Python's hashes change from process to process and its sets have no order, so values also have an encoding: it
is the same in every process, and different values have different encodings.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from enum import IntEnum, IntFlag
from functools import cache, partial
from hashlib import blake2b
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from zabcheck.explorer.errors import SpecError
from zabspec.parts import Queue, Row, Sid

Permutation = tuple[int, ...]
"""`permutation[i]` is the new id of process `i`."""

UNKNOWN = "do not know how to rename process ids in values annotated"

Renamer = Callable[[Any, Permutation], Any]
"""Takes a value and a permutation, and returns the value with its process ids renamed."""


def renamer(hint: Any) -> Renamer:
    """Returns the function that renames values annotated `hint`; it is made once for each hint.

    Args:
        hint: a type as `get_type_hints` gives it: dataclasses and named tuples, `Row`, `Queue`, `tuple`,
            `frozenset`, unions whose members differ in class, and plain values.

    Raises:
        SpecError: the hint does not say what renaming means.
    """
    return _renamer(hint)


def is_renamed(hint: Any) -> bool:
    """True if renaming can change a value annotated `hint`, that is, if there are process ids in it."""
    return _renamer(hint) is not _unchanged


def id_checker(hint: Any) -> Callable[[Any, int], str] | None:
    """Returns a function that checks the process ids in values annotated `hint`.

    The function takes a value and the number of processes, and returns a sentence about the first id that is
    out of range, "" if all ids are in range. None if there are no ids in such values, or if the hint does not
    say where they are.
    """
    try:
        rename = _renamer(hint)
    except SpecError:
        return None
    if rename is _unchanged:
        return None

    def check(value: Any, size: int) -> str:
        try:
            rename(value, _Unmoved(range(size)))
        except SpecError as error:
            return str(error)
        return ""

    return check


def inverse(permutation: Permutation) -> Permutation:
    """Returns the permutation that undoes this one."""
    undone = [0] * len(permutation)
    for old, new in enumerate(permutation):
        undone[new] = old
    return tuple(undone)


def encoded(value: Any) -> bytes:
    """Returns a value as bytes: the same for equal values, in any process, and different for different
    values.

    Numbers are encoded by value (an `IntEnum` is a number), tuples of any class by their items, sets by their
    sorted items, dataclasses by the name of their class and their fields. Comparing the bytes orders values.

    Raises:
        SpecError: the value holds something that is none of these.
    """
    encode = _ENCODERS.get(type(value))
    if encode is None:
        encode = _ENCODERS[type(value)] = _encoder(type(value))
    return encode(value)


def digest(value: Any) -> int:
    """Returns 64 bits of a hash of `encoded(value)`, the same in any process."""
    return int.from_bytes(blake2b(encoded(value), digest_size=8).digest(), "big")


class _Unmoved(tuple[int, ...]):
    """The renaming that changes nothing, and takes rows of any length."""


_PLAIN = (int, bool, str, bytes, types.NoneType)


@cache
def _renamer(hint: Any) -> Renamer:
    if hint is Sid:
        return _renamed_sid
    if isinstance(hint, NewType):
        return _renamer(hint.__supertype__)
    if hint in _PLAIN or hint is None or (isinstance(hint, type) and issubclass(hint, IntEnum | IntFlag)):
        return _unchanged
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        return _of_union(arguments)
    if origin is Row:
        return _of_row(_renamer(arguments[0]))
    if origin in (Queue, frozenset) or (origin is tuple and arguments[1:] == (Ellipsis,)):
        return _of_items(origin, _renamer(arguments[0]))
    if origin is tuple:
        return _of_tuple(tuple(map(_renamer, arguments)))
    if dataclasses.is_dataclass(hint) or hasattr(hint, "_fields"):
        return _of_record(hint)
    raise SpecError(f"{UNKNOWN} {hint}")


def _unchanged(value: Any, _: Permutation) -> Any:
    return value


def _renamed_sid(value: Any, permutation: Permutation) -> Any:
    if not 0 <= value < len(permutation):
        raise SpecError(f"{value} is not a process id (0 to {len(permutation) - 1})")
    return permutation[value]


def _of_union(members: tuple[Any, ...]) -> Renamer:
    """Returns the renaming of a union: the class of a value says which member it is."""
    by_class: dict[type, Renamer] = {}
    for member in members:
        kind = _class_of(member)
        if kind in by_class:
            raise SpecError(f"two members of a union are of class {kind.__name__}: {members}")
        by_class[kind] = _renamer(member)
    if all(rename is _unchanged for rename in by_class.values()):
        return _unchanged
    return lambda value, permutation: by_class[type(value)](value, permutation)


def _class_of(hint: Any) -> type:
    """Returns the class of the values annotated `hint`."""
    while isinstance(hint, NewType):
        hint = hint.__supertype__
    kind = get_origin(hint) or hint
    assert isinstance(kind, type)
    return kind


def _of_row(part: Renamer) -> Renamer:
    """Returns the renaming of a row: the part of process `i` becomes that of process `permutation[i]`."""

    def rename(row: Any, permutation: Permutation) -> Any:
        if not isinstance(row, tuple):
            raise SpecError(f"{row!r} is annotated as a Row, and is none")
        parts: list[Any] = [None] * len(row)
        if isinstance(permutation, _Unmoved):
            return Row(part(value, permutation) for value in row)
        if len(row) != len(permutation):
            raise SpecError(f"a Row has {len(row)} parts, but there are {len(permutation)} processes")
        for new, value in zip(permutation, row, strict=True):
            parts[new] = value if part is _unchanged else part(value, permutation)
        return Row(parts)

    return rename


def _of_items(kind: Callable[[list[Any]], Any], item: Renamer) -> Renamer:
    if item is _unchanged:
        return _unchanged
    return lambda items, permutation: kind([item(each, permutation) for each in items])


def _of_tuple(items: tuple[Renamer, ...]) -> Renamer:
    if all(item is _unchanged for item in items):
        return _unchanged
    return lambda value, permutation: tuple(
        item(each, permutation) for item, each in zip(items, value, strict=True)
    )


def _of_record(kind: Any) -> Renamer:
    """Returns the renaming of a dataclass or a named tuple, field by field."""
    if not _has_ids(kind, frozenset()):
        return _unchanged
    if kind in _IN_PROGRESS:  # a record that may contain records of its own class
        return partial(_later, kind)
    _IN_PROGRESS.add(kind)
    try:
        return _by_field(kind)
    finally:
        _IN_PROGRESS.discard(kind)


def _later(kind: Any, value: Any, permutation: Permutation) -> Any:
    return _renamer(kind)(value, permutation)


_IN_PROGRESS: set[Any] = set()
"""The records whose renaming is being made."""


def _has_ids(hint: Any, above: frozenset[Any]) -> bool:
    """True if there may be process ids or rows in values annotated `hint`, a part of records `above`."""
    while isinstance(hint, NewType) and hint is not Sid:
        hint = hint.__supertype__
    if hint is Sid or get_origin(hint) is Row:
        return True
    if get_origin(hint) in (types.UnionType, Union, Queue, frozenset, tuple):
        found = [_has_ids(each, above) for each in get_args(hint) if each is not Ellipsis]
        return any(found)  # after all of them: none may be without a known meaning
    if hint in above or not (dataclasses.is_dataclass(hint) or hasattr(hint, "_fields")):
        return hint not in above and _renamer(hint) is not _unchanged
    is_found = False
    for name, part in hints_of(hint).items():
        try:
            is_found |= _has_ids(part, above | {hint})
        except SpecError as error:
            if str(error).startswith(UNKNOWN):
                raise SpecError(f"{hint.__name__}.{name}: {error}") from error
            raise
    return is_found


def _by_field(kind: Any) -> Renamer:
    is_tuple = issubclass(kind, tuple)
    names = kind._fields if is_tuple else [field.name for field in dataclasses.fields(kind)]
    hints = hints_of(kind)
    fields = [(name, _renamer(hints[name])) for name in names]
    if all(rename is _unchanged for _, rename in fields):
        return _unchanged
    return lambda value, permutation: kind(
        *[
            getattr(value, name) if rename is _unchanged else rename(getattr(value, name), permutation)
            for name, rename in fields
        ]
    )


def hints_of(kind: Any) -> dict[str, Any]:
    """Returns the type hints of a class.

    Raises:
        SpecError: a name in them is not known where the class is defined.
    """
    try:
        return get_type_hints(kind)
    except (NameError, TypeError, SyntaxError) as error:
        raise SpecError(
            f"{kind.__name__}: its annotations cannot be resolved: {error}; define its types at module level"
        ) from error


_ENCODERS: dict[type, Callable[[Any], bytes]] = {}


def _encoder(kind: type) -> Callable[[Any], bytes]:
    """Returns the encoder of a class. A digit or a sign begins a number, `~` is None, and brackets nest."""
    if kind is types.NoneType:
        return lambda _: b"~"
    if issubclass(kind, int):
        return lambda number: b"%d," % number
    if issubclass(kind, str):
        return lambda text: b"'%d:%b" % (len(text.encode()), text.encode())
    if issubclass(kind, bytes):
        return lambda data: b'"%d:%b' % (len(data), data)
    if issubclass(kind, tuple):
        return lambda items: b"(%b)" % b"".join(map(encoded, items))
    if issubclass(kind, frozenset):
        return lambda items: b"{%b}" % b"".join(sorted(map(encoded, items)))
    if dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind) if field.compare]
        start = kind.__qualname__.encode() + b"["
        return lambda record: b"%b%b]" % (start, b"".join([encoded(getattr(record, name)) for name in names]))
    raise SpecError(f"do not know how to encode a {kind.__name__}")
