"""Breadth-first exploration of a model, a block of worlds at a time.

The fast twin of `plain.breadth_first`. Worlds are rows of ids (`columns`), steps and properties are learned trees
(`learned`, `compiled`), and what was seen is a set of fingerprints (`visited`), the least over all renamings of the
servers when symmetry is on. Of each world found, only the number of its parent and of the step that led to
it are kept, so a trace is worked out again from the start, with the spec itself.

Order is fixed: blocks as they were found, in a block by step, in a step by world. So counts, verdicts and
traces are the same in every process.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zabcheck.model.columns import Ids, Words
from zabcheck.model.compiled import Compiled, LearnedProperty, Table
from zabcheck.model.learned import Indexes
from zabcheck.model.model import Model
from zabcheck.model.options import Options
from zabcheck.model.visited import Visited
from zabcheck.verdicts import Counts, Outcome, Trace, TraceStep, Verdict

BLOCK = 1 << 15
PROGRESS_SECONDS = 0.5


@dataclass(slots=True)
class Block:
    """Worlds still to be expanded.

    Attributes:
        ids: a line for each column.
        prints: a line for each world: its fingerprint under each renaming.
        first: the number of the first world; the others follow on.
    """

    ids: Ids
    prints: Words
    first: int


@dataclass(slots=True)
class Found:
    """What one step leads to from the worlds of a block."""

    step: int
    rows: Indexes
    new: dict[int, Ids]
    prints: Words


class Violation(Exception):
    """A property is violated: after `step` in world number `parent`."""

    def __init__(self, learned: LearnedProperty, parent: int, step: int | None) -> None:
        super().__init__(learned.property.name)
        self.property, self.parent, self.step = learned.property.name, parent, step


class GaveUp(Exception):
    """A limit was reached."""


def explore(
    model: Model, options: Options, progress: Callable[[Counts], None] | None = None
) -> Verdict:
    """Explore a model breadth-first.

    Args:
        model: what to explore.
        options: see there; `kind` and `seed` do not matter here.
        progress: called with the counts so far, about twice a second.

    Returns:
        PASSED only if every reachable world was expanded. An interrupt from the keyboard ends as OUT_OF_BUDGET.
    """
    return Explorer(model, options, progress).run()


@dataclass
class Explorer:
    """One exploration, under way."""

    model: Model
    options: Options
    progress: Callable[[Counts], None] | None
    generated: int = 1
    depth: int = 0
    waiting: int = 1
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.compiled = Compiled(self.model, symmetry=self.options.symmetry)
        self.visited = Visited()
        self.parents = Table(np.zeros(1 << 10, np.uint32))
        self.causes = Table(np.zeros(1 << 10, np.uint16))
        self.unreached = list(self.compiled.sometimes)
        self.reached: set[str] = set()
        self._reported = self.started

    def run(self) -> Verdict:
        """Explore until there is nothing left, something is violated, or a limit is reached."""
        try:
            self._search()
        except Violation as found:
            trace = self._trace(found.parent, found.step, found.property)
            return self._verdict(Outcome.VIOLATED, found.property, trace)
        except GaveUp as why:
            return self._verdict(Outcome.OUT_OF_BUDGET, note=str(why))
        except KeyboardInterrupt:
            return self._verdict(Outcome.OUT_OF_BUDGET, note="interrupted")
        for each in self.model.sometimes:
            if each.name not in self.reached:
                return self._verdict(Outcome.VACUOUS, each.name, note=f"{each.name} was never reached")
        return self._verdict(Outcome.PASSED)

    def _search(self) -> None:
        ids, prints = self.compiled.first_block()
        self.visited.add(prints.min(axis=1))
        self.parents.extend([0])
        self.causes.extend([0])
        first = Block(ids, prints, 0)
        self._check(first, np.zeros(1, np.int32), np.zeros(1, np.int64), initial=True)
        level = [first]
        while level:
            self.depth += 1
            if self.options.max_depth is not None and self.depth > self.options.max_depth:
                raise GaveUp(f"reached the maximum depth of {self.options.max_depth}")
            level = self._next_level(level)

    def _next_level(self, level: list[Block]) -> list[Block]:
        found: list[Block] = []
        for block in _of_size(level):
            found.append(self._expand(block))
            self.waiting += found[-1].ids.shape[1] - block.ids.shape[1]
            self._report()
        return [block for block in found if block.ids.shape[1]]

    def _expand(self, block: Block) -> Block:
        compiled, ids = self.compiled, block.ids
        compiled.settle()
        fetch = compiled.fetch(ids)
        every: list[Found] = []
        for step in range(len(compiled.steps)):
            rows, outcomes = compiled.enabled(step, ids, fetch)
            if not len(rows):
                continue
            self.generated += compiled.weight(step, outcomes)
            new = compiled.after(step, rows, outcomes, ids)
            compiled.settle()
            self._check_step(block, step, rows, new)
            every.append(Found(step, rows, new, compiled.prints_after(block.prints, rows, ids, new)))
        return self._admit(block, every)

    def _admit(self, block: Block, every: list[Found]) -> Block:
        width, renamings = self.compiled.width, block.prints.shape[1]
        if not every:
            return Block(np.zeros((width, 0), np.int32), np.zeros((0, renamings), np.uint64), self.parents.count)
        fresh = self.visited.add(np.concatenate([_least(found.prints) for found in every]))
        total = int(fresh.sum())
        made = Block(
            np.empty((width, total), np.int32), np.empty((total, renamings), np.uint64), self.parents.count
        )
        causes, parents = np.empty(total, np.int32), np.empty(total, np.int64)
        start = end = 0
        for found in every:
            chosen = fresh[start : start + len(found.rows)].nonzero()[0]
            start += len(found.rows)
            if not len(chosen):
                continue
            begin, end = end, end + len(chosen)
            rows = found.rows[chosen]
            for column in range(width):
                ids = found.new.get(column)
                made.ids[column, begin:end] = block.ids[column].take(rows) if ids is None else ids.take(chosen)
            made.prints[begin:end] = found.prints.take(chosen, axis=0)
            causes[begin:end] = found.step
            parents[begin:end] = rows
        parents += block.first
        self.parents.extend(parents)
        self.causes.extend(causes)
        self._check(made, causes, parents)
        if self.options.max_states is not None and self.parents.count > self.options.max_states:
            raise GaveUp(f"found more than {self.options.max_states:,} states")
        return made

    def _check(self, made: Block, causes: Ids, parents: npt.NDArray[np.int64], *, initial: bool = False) -> None:
        """Check the worlds just found, those properties that the step to them can have changed."""
        compiled = self.compiled
        compiled.settle()
        fetch = compiled.fetch(made.ids)
        steps = range(len(compiled.steps))
        false: list[tuple[int, LearnedProperty]] = []
        for learned in compiled.always:
            rows = self._concerned(learned, causes, steps, initial)
            bad = compiled.false_in(learned, rows, made.ids, fetch) if len(rows) else rows
            if len(bad):
                false.append((int(bad[0]), learned))
        for learned in compiled.every_step:
            # A step of properties must hold of standing still; checked, so that all it reads there is known.
            rows = self._concerned(learned, causes, steps, initial)
            bad = rows[compiled.false_on(learned, rows, made.ids, {})] if len(rows) else rows
            if len(bad):
                false.append((int(bad[0]), learned))
        for learned in list(self.unreached):
            if learned.property.name in self.reached:
                self.unreached.remove(learned)
                continue
            rows = self._concerned(learned, causes, steps, initial)
            if len(rows) and len(compiled.false_in(learned, rows, made.ids, fetch)) < len(rows):
                self.reached.add(learned.property.name)
        if false:
            at, learned = min(false, key=lambda each: each[0])
            raise Violation(learned, int(parents[at]), None if initial else int(causes[at]))

    def _concerned(self, learned: LearnedProperty, causes: Ids, steps: range, initial: bool) -> Indexes:
        if initial:
            return np.zeros(1, np.intp)
        concerned = np.array([self.compiled.concerns(learned, step) for step in steps])
        return concerned[causes].nonzero()[0]

    def _check_step(self, block: Block, step: int, rows: Indexes, new: dict[int, Ids]) -> None:
        compiled = self.compiled
        for learned in compiled.every_step:
            if not compiled.concerns(learned, step):
                continue
            bad = compiled.false_on(learned, rows, block.ids, new)
            if len(bad):
                raise Violation(learned, block.first + int(rows[bad[0]]), step)

    def _trace(self, parent: int, step: int | None, name: str) -> Trace:
        """The run to a world and one step on, taken again with the spec."""
        causes = [] if step is None else [step]
        at = parent
        while at:
            causes.append(int(self.causes.data[at]))
            at = int(self.parents.data[at])
        world = self.model.initial
        steps = [TraceStep("", (), world)]
        for cause in reversed(causes):
            taken = self.model.steps[cause]
            world = taken.apply(world, *taken.arguments)
            assert world is not None
            steps.append(TraceStep(taken.action, taken.arguments, world))
        return Trace(self.model.settings, tuple(steps), name)

    def _counts(self) -> Counts:
        return Counts(
            distinct=self.parents.count,
            generated=self.generated,
            depth=self.depth,
            frontier=self.waiting,
            seconds=time.monotonic() - self.started,
            memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )

    def _report(self) -> None:
        now = time.monotonic()
        if self.progress is not None and now - self._reported >= PROGRESS_SECONDS:
            self._reported = now
            self.progress(self._counts())
        limit = self.options.max_seconds
        if limit is not None and now - self.started > limit:
            raise GaveUp(f"took more than {limit:g} seconds")

    def _verdict(
        self, outcome: Outcome, name: str = "", trace: Trace | None = None, note: str = ""
    ) -> Verdict:
        groups = (self.model.always, self.model.every_step, self.model.sometimes)
        checked = tuple(each.name for group in groups for each in group)
        return Verdict(outcome, self._counts(), name, trace, checked, note)


def _least(prints: Words) -> Words:
    """The least fingerprint of each line."""
    least = prints[:, 0].copy()
    for renaming in range(1, prints.shape[1]):
        np.minimum(least, prints[:, renaming], out=least)
    return least


def _of_size(level: list[Block]) -> Iterator[Block]:
    """The blocks of a level, large ones cut and small ones joined; the list is emptied."""
    level.reverse()
    while level:
        joined = [level.pop()]
        if joined[0].ids.shape[1] > BLOCK:
            block = joined[0]
            for start in range(0, block.ids.shape[1], BLOCK):
                part = slice(start, start + BLOCK)
                yield Block(block.ids[:, part], block.prints[part], block.first + start)
            continue
        size = joined[0].ids.shape[1]
        while level and size + level[-1].ids.shape[1] <= BLOCK:
            joined.append(level.pop())
            size += joined[-1].ids.shape[1]
        if len(joined) == 1:
            yield joined[0]
            continue
        yield Block(
            np.concatenate([each.ids for each in joined], axis=1),
            np.concatenate([each.prints for each in joined]),
            joined[0].first,
        )
