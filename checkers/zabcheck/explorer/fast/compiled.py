"""A model compiled for whole matrices of worlds: its steps and properties as learned trees.

`Compiled` owns the layout and everything that is learned; `explore` drives it. Its methods work on a
*block*: a matrix of ids with a line for each column of the layout and a column for each world.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.fast.branches import UNKNOWN, Branches
from zabcheck.explorer.fast.calling import Effect, at_row, taken, told
from zabcheck.explorer.fast.columns import Ids, Kind, Layout, Leaf, Words, layout
from zabcheck.explorer.fast.learned import Indexes, NotAFunctionError, Tree
from zabcheck.explorer.fast.recording import Append, QueueChange, stand_in
from zabcheck.explorer.fast.renamed import Comparison
from zabcheck.explorer.fast.rows import AFTER, BlockRows, Derived, Recorder, StepRows
from zabcheck.explorer.model import Model, Property, Step
from zabcheck.explorer.renaming import renamer
from zabcheck.explorer.running import not_a_function, place, property_label, shown, verdict_of
from zabspec.parts import Queue

DISABLED = 0
HOLDS = 1
KEEP = UNKNOWN


@dataclass(slots=True)
class Table:
    """An array that grows at its end, indexed by outcome or id."""

    data: Any
    count: int = 0

    def extend(self, more: Any) -> None:
        """Appends lines."""
        need = self.count + len(more)
        if need > len(self.data):
            room = np.zeros((max(need, 2 * len(self.data)), *self.data.shape[1:]), self.data.dtype)
            room[: self.count] = self.data[: self.count]
            self.data = room
        self.data[self.count : need] = more
        self.count = need


class QueueChanges:
    """The results of changes to queues of one kind."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._numbers: dict[Append, int] = {}
        self._changes: list[Append] = []
        self._results = Branches()

    def number(self, change: Append) -> int:
        """Returns the number of a change."""
        known = self._numbers.get(change)
        if known is None:
            known = self._numbers[change] = self._results.add_node()
            self._changes.append(change)
        return known

    def apply(self, numbers: Ids, before: Ids) -> Ids:
        """Returns the ids of queues after changes."""
        after = self._results.look_up(numbers, before)
        missing = (after == UNKNOWN).nonzero()[0]
        if len(missing):
            keys = (numbers[missing].astype(np.int64) << 32) | before[missing]
            for key in np.unique(keys).tolist():
                number, old = key >> 32, key & 0xFFFFFFFF
                taken, added = self._changes[number]
                queue = Queue((*self.kind.values[old][taken:], *added))
                self._results.put(number, old, self.kind.id_of(queue))
            after[missing] = self._results.look_up(numbers[missing], before[missing])
        return after


@dataclass(slots=True)
class LearnedStep:
    """A step of the model, as far as it has been learned.

    Attributes:
        tree: the step as a tree; an outcome is DISABLED, or a line of the tables.
        weights: for each outcome, how many generated states TLC counts.
        written: for each column that the step writes and each outcome, the new id, KEEP, or `-2 - number`
            for a change of the queue there.
        mask: the columns in `written`, as a bit mask.
    """

    step: Step
    tree: Tree = field(default_factory=Tree)
    weights: Table = field(default_factory=lambda: Table(np.zeros(8, np.int64), 1))
    written: dict[int, Table] = field(default_factory=dict)
    mask: int = 0
    outcomes: dict[Any, int] = field(default_factory=dict)


@dataclass(slots=True)
class LearnedProperty:
    """A property for one choice of processes; the outcome of its tree is HOLDS where it is true, 0 elsewhere.

    Attributes:
        concerned: the steps that write what the property reads, behind the number of paths that were known
            when they were determined; None before that.
    """

    property: Property
    sids: tuple[int, ...]
    tree: Tree = field(default_factory=Tree)
    concerned: tuple[int, npt.NDArray[np.bool_]] | None = None


class Compiled:
    """A model with its layout and all that has been learned of it.

    Args:
        model: what to compile.
        symmetry: True if worlds that differ only in the names of processes have the same fingerprint.
        seed: chooses the fingerprint function; two worlds that collide under one seed do not under another.
        trusted: see `Options`.
    """

    def __init__(self, model: Model, *, symmetry: bool, seed: int = 0, trusted: bool = False) -> None:
        self.model = model
        self._trusted = trusted
        if symmetry:
            # The errors of columns would not name the field.
            renamer(type(model.initial))(model.initial, tuple(range(model.size)))
        self.layout: Layout = layout(model.initial, model.size, symmetry=symmetry)
        self.leaves: list[Leaf] = self.layout.leaves
        self.width = len(self.leaves)
        self.steps = [LearnedStep(step) for step in model.steps]
        self.always = _choices(model.always, model.size)
        self.every_step = _choices(model.every_step, model.size)
        self.sometimes = _choices(model.sometimes, model.size)
        self.spec_calls = 0
        self._changes = {
            kind.name: QueueChanges(kind) for kind in self.layout.kinds.values() if kind.heads is not None
        }
        renamings = len(self.layout.renamings)
        self._mixed = [Table(np.zeros((8, renamings), np.uint64)) for _ in self.leaves]
        self._salts = [self._salt(leaf, seed) for leaf in self.leaves]
        self._unsettled = True
        self._paths = 0
        self.derived: list[Derived] = []
        self._derived_numbers: dict[Any, int] = {}
        self._comparison = Comparison(self, model) if symmetry and not trusted else None

    def _salt(self, leaf: Leaf, seed: int) -> Words:
        """Returns what a leaf's digests are mixed with under each renaming, by the column the leaf moves to.

        Without symmetry both renamings are the identity; they get different salts, so that their sums differ.
        """
        renamings = self.layout.renamings
        places = [self.layout.place_under(leaf, names) for names in renamings]
        sides = range(2) if renamings[0] == renamings[1] else [0] * len(renamings)
        numbers = [place + (side << 32) for place, side in zip(places, sides, strict=True)]
        return _mix(_mix(np.array(numbers, np.uint64)) + np.uint64(seed))

    def first_block(self) -> tuple[Ids, Words]:
        """Returns the initial world as a block, and its sums."""
        row = self.layout.ids(self.model.initial)
        self.settle()
        return np.array(row, np.int32)[:, None], self.sums(row)[None, :]

    def sums(self, row: Sequence[int]) -> Words:
        """Returns the sums of one world under all renamings, computed anew; its values must be settled."""
        found: Words = np.sum([self._mixed[column].data[at] for column, at in enumerate(row)], axis=0)
        return found

    @property
    def narrowest(self) -> type[np.uint16 | np.int32]:
        """A type wide enough for all ids so far: the frontier takes most of the memory of a search."""
        widest = max(len(kind) for kind in self.layout.kinds.values())
        return np.uint16 if widest < 1 << 16 else np.int32

    def settle(self) -> None:
        """Computes the digests of new values; needed before new ids are looked up."""
        if not self._unsettled:
            return
        self._unsettled = False
        for kind in self.layout.kinds.values():
            kind.settle()
        for leaf, mixed, salts in zip(self.leaves, self._mixed, self._salts, strict=True):
            if mixed.count < len(leaf.kind):
                mixed.extend(_mix(leaf.kind.digests[mixed.count :] ^ salts))

    def enabled(self, number: int, rows: BlockRows) -> tuple[Indexes, Ids]:
        """Returns the worlds of a block in which a step is enabled, and the outcomes."""
        tree = self.steps[number].tree

        def learn(at: int) -> None:
            with at_row(at):
                self._learn_step(number, rows.row(at))

        return tree.walk(np.arange(rows.size), rows.fetch, learn, DISABLED)

    def after(self, number: int, rows: Indexes, outcomes: Ids, block: Ids) -> dict[int, Ids]:
        """Returns what a step writes in worlds where it is enabled: for each column, the new ids."""
        new: dict[int, Ids] = {}
        for column, table in self.steps[number].written.items():
            before = block[column].take(rows)
            written = table.data.take(outcomes)
            found = np.where(written >= 0, written, before)
            changed = (written < KEEP).nonzero()[0]
            if len(changed):
                changes = self._changes[self.leaves[column].kind.name]
                found[changed] = changes.apply(-2 - written[changed], before[changed])
                self._unsettled |= changes.kind.is_unsettled
            new[column] = found
        return new

    def prints_after(self, prints: Words, rows: Indexes, block: Ids, new: dict[int, Ids]) -> Words:
        """Returns the sums of the worlds that a step leads to: a line for each, by renaming."""
        found = prints.take(rows, axis=0)
        for column, ids in new.items():
            mixed = self._mixed[column].data
            found += mixed.take(ids, axis=0)
            found -= mixed.take(block[column].take(rows), axis=0)
        return found

    def weight(self, number: int, outcomes: Ids) -> int:
        """Returns how many generated states TLC would count."""
        return int(self.steps[number].weights.data.take(outcomes).sum())

    def reads(self, tree: Tree) -> int:
        """Returns the columns that any path of a tree reads, before or after a step, as a bit mask."""
        mask = 0
        for test in tree.tested:
            column = (~test if test < 0 else test) % AFTER
            mask |= 1 << column if column < self.width else self.reads(self.derived[column - self.width].tree)
        return mask

    def concerned_steps(self, learned: LearnedProperty) -> npt.NDArray[np.bool_]:
        """Returns for each step True if it writes a column that a property has read so far."""
        if learned.concerned is None or learned.concerned[0] != self._paths:
            read = self.reads(learned.tree)
            learned.concerned = (self._paths, np.array([bool(step.mask & read) for step in self.steps]))
        return learned.concerned[1]

    def false_in(self, learned: LearnedProperty, at: Indexes, rows: BlockRows) -> Indexes:
        """Returns the worlds, of some, in which a property is false."""

        def learn(at: int) -> None:
            with at_row(at):
                self._learn_property(learned, rows.row(at))

        return learned.tree.walk(at, rows.fetch, learn, HOLDS)[0]

    def false_on(self, learned: LearnedProperty, rows: StepRows) -> Indexes:
        """Returns the occurrences of a step on which a property of steps is false, as indexes of
        `rows.rows`.
        """

        def learn(at: int) -> None:
            with at_row(at):
                self._learn_property(learned, rows.before.row(int(rows.rows[at])), rows.after.row(at))

        return learned.tree.walk(np.arange(len(rows.rows)), rows.fetch, learn, HOLDS)[0]

    def derived_id(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], row: list[int]
    ) -> tuple[int, int]:
        """Returns the number of a derived column, a new one if need be, and the id in it for a row."""
        key = (function, arguments)
        number = self._derived_numbers.setdefault(key, len(self.derived))
        if number == len(self.derived):
            self.derived.append(Derived(function, arguments))
        known = self.derived[number].tree.outcome(lambda test: self._find(test, row))
        return number, self.learn_derived(number, row) if known is None else known

    def _find(self, test: int, row: list[int]) -> int:
        """Returns what a test finds in one world."""
        if test < 0:
            return int(self.leaves[~test].kind.head_ids[row[~test]])
        if test < self.width:
            return row[test]
        column = self.derived[test - self.width]
        return self.derived_id(column.function, column.arguments, row)[1]

    def learn_derived(self, number: int, row: list[int]) -> int:
        """Learns one path of a derived column; returns the id there."""
        self._calls()
        column = self.derived[number]
        name = f"derived function {column.function.__name__}"

        def call(recorder: Recorder) -> Any:
            state = self.model.state(stand_in(self.layout.shape, recorder.before))
            arguments = (state, *column.arguments)
            return told(name, column.function, arguments, lambda: self._real((row,), column.arguments))

        recorder, value = self._twice(name, call, row)
        found = column.id_of(value)
        if self._comparison is not None:
            self._comparison.check_derived(column.function, column.arguments, recorder, row, value)
        self._learn(name, column.tree, recorder, found)
        return found

    def _learn_step(self, number: int, row: list[int]) -> None:
        self._calls()
        learned = self.steps[number]
        name = f"action {learned.step.label}"

        def call(recorder: Recorder) -> Effect | None:
            return taken(self.layout, learned.step, recorder.before, lambda: self.layout.world(row))

        recorder, effect = self._twice(name, call, row)
        if effect is not None:
            self._check_values(name, effect)
        if self._comparison is not None:
            self._comparison.check_step(learned.step, recorder, row, effect)
        outcome = DISABLED if effect is None else self._outcome(learned, effect, dict(recorder.path))
        self._learn(name, learned.tree, recorder, outcome)

    def _outcome(self, learned: LearnedStep, effect: Effect, known: dict[int, int]) -> int:
        """Returns the number of an outcome, a new one if it has not been seen."""
        changes: dict[int, int] = {}
        for leaf, value in effect.writes.items():
            if isinstance(value, QueueChange):
                changes[leaf.column] = -2 - self._changes[leaf.kind.name].number(value.change)
                continue
            new = leaf.kind.id_of(value)
            if known.get(leaf.column) != new:
                changes[leaf.column] = new
        key = (effect.weight, tuple(sorted(changes.items())))
        outcome = learned.outcomes.get(key)
        if outcome is None:
            outcome = learned.outcomes[key] = self._new_outcome(learned, effect.weight, changes)
        return outcome

    def _check_values(self, name: str, effect: Effect) -> None:
        """Checks that what a step writes can be a value of its column."""
        for leaf, value in effect.writes.items():
            wrong = leaf.kind.wrong(value.change[1] if isinstance(value, QueueChange) else value)
            if wrong:
                raise SpecError(f"{name}: {place(leaf.path)} = {shown(value)}: {wrong}")

    def _twice(self, name: str, call: Callable[[Recorder], Any], *rows: list[int]) -> tuple[Recorder, Any]:
        """Calls a function twice on the same worlds, or once; returns what it reads and what comes of it.

        Raises:
            SpecError: it did different things.
        """
        recorder, again = Recorder(self, *rows), Recorder(self, *rows)
        found = call(recorder)
        if self._trusted:
            return recorder, found
        found_again = call(again)
        if isinstance(found, Effect) and isinstance(found_again, Effect):
            is_same = found.is_same(found_again)
        else:
            is_same = bool(found == found_again)
        if not is_same or recorder.path != again.path:
            raise SpecError(not_a_function(name))
        return recorder, found

    def _learn(self, name: str, tree: Tree, recorder: Recorder, outcome: int) -> None:
        try:
            tree.learn(recorder.path, outcome)
        except NotAFunctionError:
            raise SpecError(not_a_function(name)) from None

    def _real(self, rows: tuple[list[int], ...], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns what a property is asked about: the states themselves, and its other arguments."""
        return (*(self.model.state(self.layout.world(row)) for row in rows), *arguments)

    def _calls(self) -> None:
        """Counts a path that is learned: there may be new values, and paths that read more."""
        self.spec_calls += 1
        self._paths += 1
        self._unsettled = True

    def _new_outcome(self, learned: LearnedStep, weight: int, changes: dict[int, int]) -> int:
        outcome = learned.weights.count
        learned.weights.extend([weight])
        for column in changes:
            if column not in learned.written:
                learned.written[column] = Table(np.zeros(8, np.int32))
                learned.written[column].extend(np.full(outcome, KEEP, np.int32))
                learned.mask |= 1 << column
        for column, table in learned.written.items():
            table.extend([changes.get(column, KEEP)])
        return outcome

    def _learn_property(self, learned: LearnedProperty, *rows: list[int]) -> None:
        self._calls()
        name = property_label(learned.property, learned.sids)

        def call(recorder: Recorder) -> bool:
            readers = (recorder.before, recorder.after)[: len(rows)]
            states = [self.model.state(stand_in(self.layout.shape, read)) for read in readers]
            arguments = (*states, *learned.sids)
            real = lambda: self._real(rows, learned.sids)  # noqa: E731 - one line, used once
            return verdict_of(name, told(name, learned.property.predicate, arguments, real))

        recorder, holds = self._twice(name, call, *rows)
        if self._comparison is not None:
            self._comparison.check_property(learned.property, learned.sids, recorder, rows, holds)
        self._learn(name, learned.tree, recorder, HOLDS if holds else 0)


def _choices(properties: Sequence[Property], size: int) -> list[LearnedProperty]:
    return [
        LearnedProperty(each, sids) for each in properties for sids in permutations(range(size), each.arity)
    ]


def _mix(words: Words) -> Words:
    """Mixes the bits of words (the finalizer of splitmix64)."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
