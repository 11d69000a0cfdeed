"""The columns that decision trees read, of a block of worlds and of the worlds after a step.

A test of a tree is a number. Below the width of the layout it is a column, and its complement (`~`) the
head of the queue in that column. From the width on it is a *derived* column: the value of a function of the
world, which is learned as a tree too. With `AFTER` added it refers to the world after a step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from zabcheck.explorer.fast.columns import Ids, Kind, Leaf
from zabcheck.explorer.fast.learned import Indexes, Tree

AFTER = 1 << 20


class Derived:
    """A function of a state, for one choice of arguments, as a column.

    Attributes:
        values: the values that it has taken.
        tree: its outcomes are ids of those.
    """

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.function, self.arguments = function, arguments
        self.values: list[Any] = []
        self.tree = Tree()
        self._ids: dict[Any, int] = {}

    def id_of(self, value: Any) -> int:
        """Returns the id of a value, a new one if the value has not been seen."""
        known = self._ids.setdefault(value, len(self.values))
        if known == len(self.values):
            self.values.append(value)
        return known


class Source(Protocol):
    """The leaves and derived columns of a model, and what is learned about them."""

    width: int
    leaves: list[Leaf]
    derived: list[Derived]

    def learn_derived(self, number: int, row: list[int]) -> int:
        """Learns one path of a derived column."""

    def reads(self, tree: Tree) -> int:
        """Returns the columns that any path of a tree reads, as a bit mask."""


class Rows:
    """Some worlds, in the order of the entries of a column."""

    def __init__(self, source: Source, size: int) -> None:
        self.source, self.size = source, size
        self._found: dict[int, Ids] = {}

    def plain(self, column: int) -> Ids:
        """Returns a column of the layout."""
        raise AssertionError("a block or what a step makes of it")

    def row(self, at: int) -> list[int]:
        """Returns all columns of one world."""
        raise AssertionError("a block or what a step makes of it")

    def whole(self, test: int) -> Ids:
        """Returns what a test finds in each world."""
        found = self._found.get(test)
        if found is None:
            found = self._found[test] = self._look(test)
        return found

    def fetch(self, test: int, rows: Indexes) -> Ids:
        """Returns what a test finds in some worlds."""
        column = self.whole(test)
        return column if len(rows) == self.size else column.take(rows)

    def _look(self, test: int) -> Ids:
        source = self.source
        if test < 0:
            return source.leaves[~test].kind.head_ids.take(self.plain(~test))
        if test < source.width:
            return self.plain(test)
        number = test - source.width
        tree = source.derived[number].tree
        return tree.walk(
            np.arange(self.size), self.fetch, lambda at: source.learn_derived(number, self.row(at)), None
        )[1]


class BlockRows(Rows):
    """The worlds of a block: a matrix with a line for each column."""

    def __init__(self, source: Source, ids: Ids) -> None:
        super().__init__(source, ids.shape[1])
        self.ids = ids

    def plain(self, column: int) -> Ids:
        """Returns a line of the matrix."""
        line: Ids = self.ids[column]
        return line

    def row(self, at: int) -> list[int]:
        """Returns a column of the matrix."""
        found: list[int] = self.ids[:, at].tolist()
        return found


class AfterRows(Rows):
    """The worlds that a step leads to.

    Args:
        before: a block of worlds.
        rows: the worlds of the block from which the step is taken.
        new: the values that the step writes, for each column that it writes.
    """

    def __init__(self, before: BlockRows, rows: Indexes, new: dict[int, Ids]) -> None:
        super().__init__(before.source, len(rows))
        self.before, self.rows, self.new = before, rows, new
        self._written = sum(1 << column for column in new)

    def plain(self, column: int) -> Ids:
        """Returns a column after the step: what the step writes, or the column before."""
        ids = self.new.get(column)
        return self.before.ids[column].take(self.rows) if ids is None else ids

    def row(self, at: int) -> list[int]:
        """Returns the row of a world after the step."""
        found = self.before.row(int(self.rows[at]))
        for column, ids in self.new.items():
            found[column] = int(ids[at])
        return found

    def _look(self, test: int) -> Ids:
        source = self.source
        if test < source.width:
            return super()._look(test)
        # The worlds before come first: then it is known which columns their values depend on.
        before = self.before.whole(test).take(self.rows)
        if self._written & source.reads(source.derived[test - source.width].tree):
            return super()._look(test)
        return before


class StepRows:
    """The worlds before and after a step, side by side."""

    def __init__(self, before: BlockRows, rows: Indexes, new: dict[int, Ids]) -> None:
        self.before, self.rows = before, rows
        self.after = AfterRows(before, rows, new)

    def fetch(self, test: int, at: Indexes) -> Ids:
        """Returns what a test finds before or after the step."""
        head = test < 0
        place = ~test if head else test
        if place < AFTER:
            return self.before.whole(test).take(self.rows.take(at))
        place -= AFTER
        return self.after.fetch(~place if head else place, at)


class Recorder:
    """Reads one world, or the worlds before and after a step, and records the tests made.

    Args:
        source: whose leaves and derived columns they are.
        before: the row.
        after: the row after the step, where there is one.
    """

    def __init__(self, source: Any, before: list[int], after: list[int] | None = None) -> None:
        self.path: list[tuple[int, int]] = []
        self.before = Reader(self, source, before, 0)
        self.after = Reader(self, source, after or before, AFTER)
        self._seen: set[int] = set()

    def note(self, test: int, found: int) -> None:
        """Records a test the first time it is made; the head of a queue that was read is known already."""
        if test not in self._seen and (test >= 0 or ~test not in self._seen):
            self._seen.add(test)
            self.path.append((test, found))


class Reader:
    """Reads one world for a recorder."""

    __slots__ = ("_recorder", "_row", "_side", "_source")

    def __init__(self, recorder: Recorder, source: Any, row: list[int], side: int) -> None:
        self._recorder, self._source, self._row, self._side = recorder, source, row, side

    def __call__(self, leaf: Leaf, head: bool) -> Any:
        """Returns a leaf; the head of its queue if `head`."""
        found = self._row[leaf.column]
        column = leaf.column + self._side
        value = leaf.kind.values[found]
        if not head:
            self._recorder.note(column, found)
            return value
        heads: Kind | None = leaf.kind.heads
        assert heads is not None
        first = value[0] if value else None
        self._recorder.note(~column, heads.id_of(first))
        return first

    def derived(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Returns the value of a derived column."""
        number, found = self._source.derived_id(function, arguments, self._row)
        self._recorder.note(self._source.width + number + self._side, found)
        return self._source.derived[number].values[found]
