"""Worlds as rows of small integers, one column for each part.

A *leaf* of a world is one value that actions read and write as a whole: a field of a process, a channel, a
counter of a budget. Leaves of one *kind* (the history of each process) share a table of the values seen so
far; the id of a value is its index in the table. So a world is a row of ids, and a frontier is a matrix
with a column for each leaf.

Every value also has a digest for each renaming of the processes, the same in every operating system process.
The fingerprint of a world under a renaming is the sum of its leaves' digests, each mixed with the column that
the renaming moves the leaf to. A step changes few leaves, so the sum is updated, not computed anew. The least
sum over all renamings identifies the world up to symmetry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from itertools import permutations
from typing import Any, get_args, get_origin

import numpy as np
import numpy.typing as npt

from zabcheck.explorer.renaming import digest, hints_of, id_checker, renamer
from zabcheck.explorer.running import unusable
from zabspec.parts import Queue, Row

Ids = npt.NDArray[np.int32]
"""Ids, or other small integers; a block may store them in a narrower type."""
Words = npt.NDArray[np.uint64]


class Kind:
    """The values that leaves of one kind have taken.

    Attributes:
        values: the values by id.
        digests: for each id, the digests under each renaming; for the latest values only after `settle`.
    """

    def __init__(self, name: str, hint: Any, renamings: Sequence[tuple[int, ...]]) -> None:
        self.name = name
        self.values: list[Any] = []
        self.digests: Words = np.zeros((0, len(renamings)), np.uint64)
        self.heads: Kind | None = None
        self.head_ids: Ids = np.zeros(0, np.int32)
        self._ids: dict[Any, int] = {}
        self._digested: set[int] = set()
        self.rename = renamer(hint) if len(set(renamings)) > 1 else _unrenamed
        self._renamings = renamings
        self._check = id_checker(hint) if renamings else None
        if get_origin(hint) is Queue:
            self.heads = Kind(f"{name}.head", get_args(hint)[0] | None, ())

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_unsettled(self) -> bool:
        """True if there are values without digests."""
        return len(self.digests) < len(self.values)

    def id_of(self, value: Any) -> int:
        """Returns the id of a value, a new one if the value has not been seen."""
        known = self._ids.get(value)
        if known is None:
            known = self._ids[value] = len(self.values)
            self.values.append(value)
        return known

    def wrong(self, value: Any) -> str:
        """Returns what is wrong with a value of a leaf of this kind, "" if nothing is."""
        if value in self._ids:
            return ""
        found = next(unusable(value), "")
        if not found and self._check is not None:
            found = self._check(value, len(self._renamings[0]))
        return found

    def settle(self) -> None:
        """Computes the digests (and ids of heads) of new values."""
        first = len(self.digests)
        if first == len(self.values):
            return
        news = self.values[first:]
        rows = [[digest(self.rename(value, names)) for names in self._renamings] for value in news]
        self._digested.update(row[0] for row in rows)
        if len(self._digested) < len(self.values):
            raise RuntimeError(f"{self.name}: two values share a digest")
        self.digests = np.concatenate([self.digests, np.array(rows, np.uint64).reshape(len(news), -1)])
        if self.heads is not None:
            heads = [self.heads.id_of(value[0] if value else None) for value in news]
            self.head_ids = np.concatenate([self.head_ids, np.array(heads, np.int32)])


def _unrenamed(value: Any, _: tuple[int, ...]) -> Any:
    return value


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One column: the path to its leaf in a world, and the kind of its values."""

    column: int
    path: tuple[str | int, ...]
    kind: Kind
    is_queue: bool


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A dataclass that is divided into its fields."""

    cls: type
    fields: dict[str, Shape]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A row that is divided into the parts of the processes."""

    items: tuple[Shape, ...]


Shape = Leaf | Record | Rows


@dataclass(slots=True)
class Layout:
    """How worlds of one type are divided into columns.

    Attributes:
        shape: the world as a tree of records, rows and leaves.
        leaves: the columns, in order.
        kinds: all kinds, in order of their first column.
        renamings: all renamings of the processes, the identity first. Without symmetry, the identity twice,
            for a fingerprint is made of at least two sums.
    """

    size: int
    renamings: tuple[tuple[int, ...], ...]
    leaves: list[Leaf] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    shape: Shape = field(init=False)
    _places: dict[tuple[str | int, ...], int] = field(default_factory=dict)

    def ids(self, world: Any) -> list[int]:
        """Returns the row of a world."""
        return [
            leaf.kind.id_of(value)
            for leaf, value in zip(self.leaves, _values(self.shape, world), strict=True)
        ]

    def world(self, row: Sequence[int]) -> Any:
        """Returns the world of a row."""
        return self._build(self.shape, row)

    def place_under(self, leaf: Leaf, renaming: tuple[int, ...]) -> int:
        """Returns the column that a leaf's value moves to under a renaming."""
        return self._places[tuple(renaming[at] if isinstance(at, int) else at for at in leaf.path)]

    def _build(self, shape: Shape, row: Sequence[int]) -> Any:
        match shape:
            case Leaf():
                return shape.kind.values[row[shape.column]]
            case Record():
                return shape.cls(**{name: self._build(sub, row) for name, sub in shape.fields.items()})
            case Rows():
                return Row(self._build(sub, row) for sub in shape.items)


def layout(world: Any, size: int, *, symmetry: bool) -> Layout:
    """Returns how worlds like this one are divided into columns.

    A dataclass is divided into its fields and a row into its parts. A record inside a row is divided once
    more, and its fields are leaves, whatever they hold.

    Args:
        world: a world; rows of other worlds have the same lengths.
        size: the number of processes; without symmetry, rows may be shorter.
        symmetry: True if processes are renamed; then every row has a part for each process.
    """
    names = tuple(permutations(range(size))) if symmetry else ()
    if len(names) < 2:
        names = (tuple(range(size)),) * 2
    made = Layout(size, names)
    made.shape = _shape(made, type(world), world, (), in_row=False)
    made._places = {leaf.path: leaf.column for leaf in made.leaves}
    return made


def _shape(made: Layout, hint: Any, like: Any, path: tuple[str | int, ...], *, in_row: bool) -> Shape:
    if get_origin(hint) is Row:
        (part,) = get_args(hint)
        items = (_shape(made, part, each, (*path, sid), in_row=True) for sid, each in enumerate(like))
        return Rows(tuple(items))
    if is_dataclass(hint):
        hints = hints_of(hint)
        named: dict[str, Shape] = {}
        for each in fields(hint):
            sub = (*path, each.name)
            named[each.name] = (
                _leaf(made, hints[each.name], sub)
                if in_row
                else _shape(made, hints[each.name], getattr(like, each.name), sub, in_row=False)
            )
        assert isinstance(hint, type)
        return Record(hint, named)
    return _leaf(made, hint, path)


def _leaf(made: Layout, hint: Any, path: tuple[str | int, ...]) -> Leaf:
    name = ".".join(at for at in path if isinstance(at, str))
    kind = made.kinds.get(name)
    if kind is None:
        kind = made.kinds[name] = Kind(name, hint, made.renamings)
    leaf = Leaf(len(made.leaves), path, kind, get_origin(hint) is Queue)
    made.leaves.append(leaf)
    return leaf


def _values(shape: Shape, world: Any) -> Iterator[Any]:
    match shape:
        case Leaf():
            yield world
        case Record():
            for name, sub in shape.fields.items():
                yield from _values(sub, getattr(world, name))
        case Rows():
            for sub, part in zip(shape.items, world, strict=True):
                yield from _values(sub, part)
