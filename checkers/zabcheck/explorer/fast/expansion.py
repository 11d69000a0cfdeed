"""Expands a block of worlds: takes every step from each, and checks the properties of the worlds found.

A block is a matrix of ids with a line for each column of the layout and a column for each world. The order of
the worlds found is fixed: by step, and for one step by world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zabcheck.explorer.fast.calling import located
from zabcheck.explorer.fast.columns import Ids, Words
from zabcheck.explorer.fast.compiled import Compiled, LearnedProperty
from zabcheck.explorer.fast.learned import Indexes
from zabcheck.explorer.fast.reduction import Reduction
from zabcheck.explorer.fast.rows import BlockRows, StepRows
from zabcheck.explorer.fast.visited import Mask, Prints, Visited, prints_of

BLOCK = 1 << 15
"""The number of worlds expanded together: a constant, since the order of worlds depends on it."""

Numbers = npt.NDArray[np.int64]
Fresh = Callable[[Prints], Mask]
"""Returns a mask of the fingerprints that are new; of equal ones, only one is marked."""


@dataclass(slots=True)
class Block:
    """Worlds still to be expanded.

    Attributes:
        ids: a line for each column of the layout.
        prints: a line for each world: its sum under each renaming (`visited.prints_of`).
        first: the number of the first world; the others are numbered on from there.
    """

    ids: Ids
    prints: Words
    first: int

    @property
    def size(self) -> int:
        """The number of worlds."""
        return len(self.prints)

    def part(self, start: int, end: int) -> Block:
        """Returns the worlds from index `start` up to `end`."""
        return Block(self.ids[:, start:end], self.prints[start:end], self.first + start)


@dataclass(slots=True)
class Made:
    """The worlds that a block leads to.

    Attributes:
        block: the new worlds.
        causes: for each new world, the index of the step that led to it.
        parents: for each new world, the number of the world before the step.
        generated: the number of successors, as TLC counts.
        violation: the first violation found; None if there is none.
    """

    block: Block
    causes: Ids
    parents: Numbers
    generated: int
    violation: Violation | None

    def only(self, chosen: Indexes, first: int) -> Made:
        """Returns some of the worlds, numbered from `first`."""
        block = Block(self.block.ids.take(chosen, axis=1), self.block.prints.take(chosen, axis=0), first)
        return Made(block, self.causes[chosen], self.parents[chosen], self.generated, self.violation)


@dataclass(frozen=True, slots=True)
class Violation:
    """A property is violated in world number `parent`, or after `step` from there."""

    property: str
    parent: int
    step: int | None

    def order(self) -> tuple[int, int]:
        """Returns the order in which violations of one block are found: by step, and for one step by
        world.
        """
        return (-1 if self.step is None else self.step, self.parent)


@dataclass(slots=True)
class _Found:
    """The worlds that one step leads to from the worlds of a block."""

    step: int
    rows: Indexes
    new: dict[int, Ids]
    prints: Words


class Expansion:
    """Expands blocks of one model.

    Args:
        compiled: the model.
        reduction: chooses the steps to take; None to take all.

    Attributes:
        reached: the names of the `sometimes` properties that were true in some world.
    """

    def __init__(self, compiled: Compiled, reduction: Reduction | None = None) -> None:
        self.compiled = compiled
        self.reduction = reduction
        self.reached: set[str] = set()

    def expand(self, block: Block, fresh: Fresh) -> Made:
        """Takes every step from every world of a block, and checks the steps and the worlds found."""
        made = self._expand(block, fresh)
        wrong = [found for found in (self.check(made), made.violation) if found is not None]
        # The first violation counts; of a step and the world that it leads to, that of the world.
        made.violation = min(wrong, key=Violation.order) if wrong else None
        return made

    def expand_unchecked(self, block: Block) -> Made:
        """Takes every step from every world of a block; returns all worlds found, each fingerprint once,
        unchecked.
        """
        return self._expand(block, each_once)

    def check(self, made: Made) -> Violation | None:
        """Returns the first violation in worlds found."""
        return self._check(made.block, made.causes, made.parents)

    def check_first(self, block: Block) -> Violation | None:
        """Checks the initial world."""
        return self._check(block, None, np.zeros(1, np.int64))

    def _expand(self, block: Block, fresh: Fresh) -> Made:
        every, generated, violation = self._steps(block)
        made = self._chosen(block, every, fresh)
        made.generated, made.violation = generated, violation
        return made

    def _steps(self, block: Block) -> tuple[list[_Found], int, Violation | None]:
        compiled, ids = self.compiled, block.ids
        compiled.settle()
        worlds = BlockRows(compiled, ids)
        with located(lambda at: (block.first + at, None)):
            enabled = [compiled.enabled(step, worlds) for step in range(len(compiled.steps))]
        if self.reduction is not None:
            enabled = self.reduction.chosen(worlds, enabled)
        every: list[_Found] = []
        generated = 0
        violation: Violation | None = None
        for step, (rows, outcomes) in enumerate(enabled):
            if not len(rows):
                continue
            generated += compiled.weight(step, outcomes)
            new = compiled.after(step, rows, outcomes, ids)
            compiled.settle()
            violation = violation or self._check_step(block, worlds, step, rows, new)
            every.append(_Found(step, rows, new, compiled.prints_after(block.prints, rows, ids, new)))
        return every, generated, violation

    def _chosen(self, block: Block, every: list[_Found], fresh: Fresh) -> Made:
        """Returns the worlds found that are new."""
        width, renamings = self.compiled.width, block.prints.shape[1]
        is_new = (
            fresh(prints_of(np.concatenate([found.prints for found in every])))
            if every
            else np.zeros(0, np.bool_)
        )
        total = int(is_new.sum())
        made = Block(
            np.empty((width, total), self.compiled.narrowest), np.empty((total, renamings), np.uint64), 0
        )
        causes, parents = np.empty(total, np.int32), np.empty(total, np.int64)
        start = end = 0
        for found in every:
            chosen = is_new[start : start + len(found.rows)].nonzero()[0]
            start += len(found.rows)
            if not len(chosen):
                continue
            begin, end = end, end + len(chosen)
            rows = found.rows[chosen]
            for column in range(width):
                ids = found.new.get(column)
                made.ids[column, begin:end] = (
                    block.ids[column].take(rows) if ids is None else ids.take(chosen)
                )
            made.prints[begin:end] = found.prints.take(chosen, axis=0)
            causes[begin:end] = found.step
            parents[begin:end] = rows + block.first
        return Made(made, causes, parents, 0, None)

    def _check(self, made: Block, causes: Ids | None, parents: Numbers) -> Violation | None:
        """Checks new worlds, each for the properties that the step to it can have changed."""

        def found(at: int) -> tuple[int, int | None]:
            return int(parents[at]), None if causes is None else int(causes[at])

        with located(found):
            false = self._false_in(made, causes)
        if not false:
            return None
        at, _, learned = min(false, key=lambda each: each[:2])
        return Violation(learned.property.name, *found(at))

    def _false_in(self, made: Block, causes: Ids | None) -> list[tuple[int, int, LearnedProperty]]:
        """Returns each violated property, behind the first world that violates it and its own place."""
        compiled = self.compiled
        compiled.settle()
        worlds = BlockRows(compiled, made.ids)
        false: list[tuple[int, int, LearnedProperty]] = []
        for order, learned in enumerate(compiled.always):
            rows = self._concerned(learned, causes)
            bad = compiled.false_in(learned, rows, worlds) if len(rows) else rows
            if len(bad):
                false.append((int(bad[0]), order, learned))
        for order, learned in enumerate(compiled.every_step, len(compiled.always)):
            # A property of steps must hold of a step that changes nothing. This also learns what it reads.
            rows = self._concerned(learned, causes)
            bad = rows[compiled.false_on(learned, StepRows(worlds, rows, {}))] if len(rows) else rows
            if len(bad):
                false.append((int(bad[0]), order, learned))
        for learned in compiled.sometimes:
            if learned.property.name in self.reached:
                continue
            rows = self._concerned(learned, causes)
            if len(rows) and len(compiled.false_in(learned, rows, worlds)) < len(rows):
                self.reached.add(learned.property.name)
        return false

    def _concerned(self, learned: LearnedProperty, causes: Ids | None) -> Indexes:
        """Returns the worlds reached by a step that writes a column which the property has read so far.

        In all others the property has the value that it has in the world before, where it was checked.
        """
        if causes is None:
            return np.zeros(1, np.intp)
        return self.compiled.concerned_steps(learned)[causes].nonzero()[0]

    def _check_step(
        self, block: Block, worlds: BlockRows, step: int, rows: Indexes, new: dict[int, Ids]
    ) -> Violation | None:
        sides = StepRows(worlds, rows, new)
        false: list[tuple[int, str]] = []
        for learned in self.compiled.every_step:
            if self.compiled.concerned_steps(learned)[step]:
                with located(lambda at: (block.first + int(rows[at]), step)):
                    bad = self.compiled.false_on(learned, sides)
                if len(bad):
                    false.append((int(rows[bad[0]]), learned.property.name))
        if not false:
            return None
        at, name = min(false, key=lambda each: each[0])
        return Violation(name, block.first + at, step)


def shared_out(level: list[Block], shares: int) -> list[list[Block]]:
    """Returns a level divided into shares of equal size."""
    cuts = [[block.size * share // shares for share in range(shares + 1)] for block in level]
    return [
        [block.part(ends[share], ends[share + 1]) for block, ends in zip(level, cuts, strict=True)]
        for share in range(shares)
    ]


def each_once(prints: Prints) -> Mask:
    """Returns a mask that marks the first of equal fingerprints."""
    return Visited().add(prints)


def of_size(level: list[Block]) -> Iterator[Block]:
    """Yields the blocks of a level, with large ones divided and small ones joined, and empties the list."""
    level.reverse()
    while level:
        joined = [level.pop()]
        if joined[0].size > BLOCK:
            block = joined[0]
            for start in range(0, block.size, BLOCK):
                yield block.part(start, start + BLOCK)
            continue
        size = joined[0].size
        while level and size + level[-1].size <= BLOCK:
            joined.append(level.pop())
            size += joined[-1].size
        if len(joined) == 1:
            yield joined[0]
            continue
        yield Block(
            np.concatenate([each.ids for each in joined], axis=1),
            np.concatenate([each.prints for each in joined]),
            joined[0].first,
        )
