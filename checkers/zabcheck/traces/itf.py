"""Converts values to and from ITF, the Informal Trace Format that Apalache and Quint read and write.

Follows Apalache's ADR-015 (https://apalache.informal.systems/docs/adr/015adr-trace.html), revision
2023-09-14, and Quint for tagged values. The type hints of a value's class say how the value is written, so
this works for any spec:

    int, Sid                      {"#bigint": "7"}
    bool, str                     as they are
    bytes                         a string of hexadecimal digits
    an enum                       its name, a string; a set of flags, {"#bigint": "3"}
    a dataclass or NamedTuple     a record: {"epoch": ..., "counter": ...}
    Row                           {"#map": [[sid, part], ...]}
    Queue, tuple[X, ...]          a list
    tuple[X, Y]                   {"#tup": [x, y]}
    frozenset                     {"#set": [...]}, sorted
    X | None                      {"tag": "Some", "value": x} or {"tag": "None", "value": {"#tup": []}}
    X | Y, of dataclasses         {"tag": "X", "value": x}

A value that is read back equals the one that was written. For traces, see `zabcheck.traces.files`.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from enum import Enum, Flag
from functools import cache
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from zabspec.parts import Queue, Row

Json = Any
"""A value that the module `json` reads and writes."""

_HEXADECIMAL = re.compile("([0-9a-f]{2})*")
_DIGITS = re.compile("-?[0-9]{1,1000}")


class ItfError(ValueError):
    """A value in a file is not of the type that its hint says.

    Attributes:
        place: where the value is, such as `servers[1].history`.
        what: what is wrong with the value, in words.
    """

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place = place
        self.what = what


def encode(value: Any, hint: Any) -> Json:
    """Returns a value as ITF.

    Args:
        value: the value, of the type that `hint` names.
        hint: a type hint of the kinds listed above.

    Raises:
        TypeError: the hint is of another kind, or the value is of none of the classes of a union.
    """
    if isinstance(hint, NewType):
        return encode(value, hint.__supertype__)
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _encode_union(value, hint)
    if origin is Row:
        part = get_args(hint)[0]
        return {"#map": [[encode(sid, int), encode(each, part)] for sid, each in enumerate(value)]}
    if origin is frozenset:
        return {"#set": _sorted(value, get_args(hint)[0])}
    if origin in (tuple, Queue):
        return _encode_sequence(value, hint)
    if not isinstance(hint, type):
        raise TypeError(f"no way to write {hint!r} in ITF")
    return _encode_plain(value, hint)


def decode(written: Json, hint: Any, place: str) -> Any:
    """Returns a value from ITF: the inverse of `encode`.

    Args:
        written: what `encode` returned, written to JSON and read back. A plain JSON number is an integer too,
            as in older revisions of ITF.
        hint: the hint that the value was written with.
        place: where the value is, for the error.

    Raises:
        ItfError: the value is not of that type.
        TypeError: the hint is of another kind than those listed above.
    """
    if isinstance(hint, NewType):
        return decode(written, hint.__supertype__, place)
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _decode_union(written, hint, place)
    if origin is Row:
        return _decode_row(written, get_args(hint)[0], place)
    if origin is frozenset:
        (each,) = get_args(hint)
        return frozenset(_decode_items(_inside(written, "#set", place), each, place))
    if origin in (tuple, Queue):
        return _decode_sequence(written, hint, place)
    if not isinstance(hint, type):
        raise TypeError(f"no way to read {hint!r} from ITF")
    return _decode_plain(written, hint, place)


def record_hints(kind: type) -> dict[str, Any] | None:
    """Returns the fields of a dataclass or NamedTuple in order, with their hints; None for other classes."""
    return _record_hints(kind)


@cache
def _record_hints(kind: type) -> dict[str, Any] | None:
    if is_dataclass(kind):
        names = [each.name for each in fields(kind)]
    elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
        names = list(kind._fields)
    else:
        return None
    hints = get_type_hints(kind)
    return {name: hints[name] for name in names}


def _encode_plain(value: Any, kind: type) -> Json:
    if issubclass(kind, Flag):
        return encode(value.value, int)
    if issubclass(kind, Enum):
        return value.name
    if kind in (bool, str):
        return value
    if kind is int:
        return {"#bigint": str(int(value))}
    if kind is bytes:
        return value.hex()
    hints = record_hints(kind)
    if hints is None:
        raise TypeError(f"no way to write {kind.__name__} in ITF")
    return {name: encode(getattr(value, name), hint) for name, hint in hints.items()}


def _encode_sequence(value: Any, hint: Any) -> Json:
    kinds = get_args(hint)
    if get_origin(hint) is Queue or kinds[1:] == (Ellipsis,):
        return [encode(each, kinds[0]) for each in value]
    return {"#tup": [encode(each, kind) for each, kind in zip(value, kinds, strict=True)]}


def _encode_union(value: Any, hint: Any) -> Json:
    some = [kind for kind in get_args(hint) if kind is not NoneType]
    if value is None:
        return {"tag": "None", "value": {"#tup": []}}
    if len(some) == 1:
        return {"tag": "Some", "value": encode(value, some[0])}
    for kind in some:
        if type(value) is kind:
            return {"tag": kind.__name__, "value": encode(value, kind)}
    raise TypeError(f"{value!r} is none of {hint}")


def _sorted(values: frozenset[Any], hint: Any) -> list[Json]:
    """Integers by size, anything else by how it is written: the same in every process."""
    if all(isinstance(each, int) for each in values):
        return [encode(each, hint) for each in sorted(values)]
    return sorted((encode(each, hint) for each in values), key=lambda each: json.dumps(each, sort_keys=True))


def _decode_plain(written: Json, kind: type, place: str) -> Any:
    if issubclass(kind, Flag):
        return _decode_flags(written, kind, place)
    if issubclass(kind, Enum):
        if isinstance(written, str) and written in kind.__members__:
            return kind[written]
        raise ItfError(place, f"{_shown(written)} is not one of {', '.join(kind.__members__)}")
    if kind in (bool, str):
        if isinstance(written, kind):
            return written
        raise ItfError(place, f"{_shown(written)} is not a {kind.__name__}")
    if kind is int:
        return _decode_integer(written, place)
    if kind is bytes:
        return _decode_bytes(written, place)
    hints = record_hints(kind)
    if hints is None:
        raise TypeError(f"no way to read {kind.__name__} from ITF")
    return kind(**_decode_record(written, hints, place))


def _decode_record(written: Json, hints: dict[str, Any], place: str) -> dict[str, Any]:
    if not isinstance(written, dict):
        raise ItfError(place, f"{_shown(written)} is not a record")
    for name in hints:
        if name not in written:
            raise ItfError(place, f"the field {name!r} is missing")
    for name in written:
        if name not in hints:
            raise ItfError(place, f"there is no field {name!r} today")
    return {name: decode(written[name], hint, f"{place}.{name}") for name, hint in hints.items()}


def _decode_integer(written: Json, place: str) -> int:
    if isinstance(written, int) and not isinstance(written, bool):
        return written
    digits = _inside(written, "#bigint", place)
    if not isinstance(digits, str) or not _DIGITS.fullmatch(digits):
        raise ItfError(place, f"{_shown(written)} is not an integer")
    return int(digits)


def _decode_flags(written: Json, kind: type[Flag], place: str) -> Flag:
    number = _decode_integer(written, place)
    if not 0 <= number < 1 << len(kind):
        raise ItfError(place, f"{number} is no set of {', '.join(kind.__members__)}")
    return kind(number)


def _decode_bytes(written: Json, place: str) -> bytes:
    if not isinstance(written, str) or not _HEXADECIMAL.fullmatch(written):
        raise ItfError(place, f"{_shown(written)} is not a string of hexadecimal digits")
    return bytes.fromhex(written)


def _decode_row(written: Json, part: Any, place: str) -> Row[Any]:
    pairs = _inside(written, "#map", place)
    if not isinstance(pairs, list):
        raise ItfError(place, f"{_shown(written)} is not a map")
    parts = []
    for sid, pair in enumerate(pairs):
        if not isinstance(pair, list) or len(pair) != 2 or _decode_integer(pair[0], place) != sid:
            raise ItfError(place, f"entry {sid} is not a pair of server {sid} and its part")
        parts.append(decode(pair[1], part, f"{place}[{sid}]"))
    return Row(parts)


def _decode_sequence(written: Json, hint: Any, place: str) -> tuple[Any, ...]:
    kinds = get_args(hint)
    if get_origin(hint) is Queue:
        return Queue(_decode_items(written, kinds[0], place))
    if kinds[1:] == (Ellipsis,):
        return tuple(_decode_items(written, kinds[0], place))
    items = _inside(written, "#tup", place)
    if not isinstance(items, list) or len(items) != len(kinds):
        raise ItfError(place, f"{_shown(written)} is not a tuple of {len(kinds)}")
    return tuple(decode(each, kinds[i], f"{place}[{i}]") for i, each in enumerate(items))


def _decode_items(written: Json, hint: Any, place: str) -> list[Any]:
    if not isinstance(written, list):
        raise ItfError(place, f"{_shown(written)} is not a list")
    return [decode(each, hint, f"{place}[{i}]") for i, each in enumerate(written)]


def _decode_union(written: Json, hint: Any, place: str) -> Any:
    if not isinstance(written, dict) or "tag" not in written or "value" not in written:
        raise ItfError(place, f"{_shown(written)} is not a variant")
    kinds = get_args(hint)
    some = [kind for kind in kinds if kind is not NoneType]
    named = {"Some": some[0]} if len(some) == 1 else {kind.__name__: kind for kind in some}
    tag = written["tag"]
    if tag == "None" and NoneType in kinds:
        return None
    if not isinstance(tag, str) or tag not in named:
        raise ItfError(place, f"{_shown(tag)} is not one of {', '.join(sorted(named))}")
    return decode(written["value"], named[tag], place)


def _inside(written: Json, key: str, place: str) -> Json:
    if not isinstance(written, dict) or list(written) != [key]:
        raise ItfError(place, f'{_shown(written)} is not of the form {{"{key}": ...}}')
    return written[key]


def _shown(written: Json) -> str:
    """Returns a JSON value, cut short."""
    text = json.dumps(written, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
