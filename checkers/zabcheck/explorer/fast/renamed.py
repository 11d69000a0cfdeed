"""Compares each path that is learned with its renamings: how breadth-first search checks symmetry.

Spec code runs only where a path of a tree is learned, so symmetry is checked there, on the world at hand:
the step with renamed arguments, taken in the renamed world, must do the same, renamed. This covers all
worlds that ever take the path, although only one of them is looked at:

The renamed world is never built. What the renamed step reads there is read from the world itself, at the
place that the renaming maps to the one asked for, and is noted on the same path as what the step itself
reads. So the complete path tests everything that either step depends on. Two worlds that agree on these
tests also agree, once renamed, on everything that the renamed step reads; so in the second world both steps
do what they did in the first, where they were compared. Mostly the renamed step reads no more than the
step, and the path is what it would be without the check. It reads more where an action stops early, as
`any()` and `all()` do: then the path is longer, and a few more paths are learned.

Where all renamings are compared, a path that was checked vouches for its renamings too: they are the same
equations. So of the up to n! paths that are renamings of each other, one is checked.

Derived columns are checked in the same way when they are learned. So where a renamed step or property asks
for one, the answer is the renamed value of the column that the renaming maps to it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, get_type_hints

from zabcheck.explorer.errors import NotSymmetricError, SpecError
from zabcheck.explorer.fast.calling import Effect, taken, told
from zabcheck.explorer.fast.columns import Kind, Leaf
from zabcheck.explorer.fast.recording import QueueChange, stand_in
from zabcheck.explorer.fast.rows import AFTER, Recorder
from zabcheck.explorer.model import Model, Property, Step
from zabcheck.explorer.renaming import Permutation, Renamer, inverse, renamer
from zabcheck.explorer.running import property_label, verdict_of
from zabcheck.explorer.symmetry import EVERY_RENAMING, WITHOUT, Renamed, renamings
from zabspec.parts import Queue, Sid


class Renaming:
    """One renaming of the worlds of a compiled model.

    Args:
        source: the compiled model.
        model: the model.
        names: the renaming.
    """

    def __init__(self, source: Any, model: Model, names: Permutation) -> None:
        self.source = source
        self.names, self.undone = names, inverse(names)
        self.of_model = Renamed(model, names)
        layout = source.layout
        self.place = [layout.place_under(leaf, names) for leaf in layout.leaves]
        self.back = [0] * len(self.place)
        for column, place in enumerate(self.place):
            self.back[place] = column
        self._values: dict[tuple[str, int], Any] = {}
        self._state = model.state
        self._rename = renamer(type(model.initial))

    def world(self, row: list[int]) -> Any:
        """Returns the renamed world itself."""
        return self._rename(self.source.layout.world(row), self.names)

    def worlds(self, rows: tuple[list[int], ...], sids: tuple[int, ...]) -> Callable[[], tuple[Any, ...]]:
        """Returns a function that makes the renamed states and processes that a property is asked about."""
        return lambda: (*(self._state(self.world(row)) for row in rows), *self.of_model.sids(sids))

    def test(self, test: int) -> int:
        """Returns the test of the renamed world that is this one of the world itself."""
        found: int = ~self.place[~test] if test < 0 else self.place[test]
        return found

    def value(self, kind: Kind, at: int) -> Any:
        """Returns the renamed value of an id."""
        key = (kind.name, at)
        if key not in self._values:
            self._values[key] = kind.rename(kind.values[at], self.names)
        return self._values[key]


class Noting(Protocol):
    """Notes the tests of a path."""

    def note(self, test: int, found: int) -> None:
        """Notes a test."""


class Reads:
    """Notes the tests of a renamed step apart from those of all others, and passes them on.

    Args:
        recorder: notes all of them.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.path: list[tuple[int, int]] = []
        self._seen: set[int] = set()

    def note(self, test: int, found: int) -> None:
        """Notes a test, the first time it is made."""
        if test not in self._seen and (test >= 0 or ~test not in self._seen):
            self._seen.add(test)
            self.path.append((test, found))
            self.recorder.note(test, found)


class Orbits:
    """Paths with their values numbered apart from ids: renamed values may have been seen in no world.

    Args:
        source: the compiled model.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._numbers: dict[tuple[str, Any], int] = {}
        self._known: dict[tuple[Any, int, int], int] = {}

    def identified(self, path: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        """Returns a path of a step, with numbers for its values."""
        return tuple((test, self._number(None, test, found)) for test, found in path)

    def renamed(self, renaming: Renaming, path: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        """Returns the path that the renamed step takes in the renamed world."""
        return tuple((renaming.test(test), self._number(renaming, test, found)) for test, found in path)

    def _number(self, renaming: Renaming | None, test: int, found: int) -> int:
        column = ~test if test < 0 else test
        kind: Kind = self._source.leaves[column].kind
        key = (renaming and renaming.names, test, found)
        known = self._known.get(key)
        if known is None:
            value = (kind.heads if test < 0 and kind.heads is not None else kind).values[found]
            if renaming is not None:
                if test < 0:
                    value = None if value is None else kind.rename(Queue([value]), renaming.names)[0]
                else:
                    value = kind.rename(value, renaming.names)
            known = self._known[key] = self._numbers.setdefault((kind.name, value), len(self._numbers))
        return known


class RenamedReader:
    """Reads the renamed world from the world itself, and notes what it reads there.

    Args:
        recorder: notes the tests.
        renaming: the renaming.
        row: the world.
        side: AFTER for the world after a step, 0 otherwise.
    """

    __slots__ = ("_recorder", "_renaming", "_row", "_side")

    def __init__(self, recorder: Noting, renaming: Renaming, row: list[int], side: int = 0) -> None:
        self._recorder, self._renaming, self._row, self._side = recorder, renaming, row, side

    def __call__(self, leaf: Leaf, head: bool) -> Any:
        """Returns a leaf of the renamed world, or with True the head of the queue there."""
        column = self._renaming.back[leaf.column]
        found, kind = self._row[column], leaf.kind
        value = self._renaming.value(kind, found)
        if not head:
            self._recorder.note(column + self._side, found)
            return value
        assert kind.heads is not None
        queue = kind.values[found]
        self._recorder.note(~(column + self._side), kind.heads.id_of(queue[0] if queue else None))
        return value[0] if value else None

    def derived(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Returns a derived column of the renamed world."""
        source, renaming = self._renaming.source, self._renaming
        are_ids, rename = hints_of(function)
        original = tuple(
            renaming.undone[each] if is_id else each for each, is_id in zip(arguments, are_ids, strict=True)
        )
        number, found = source.derived_id(function, original, self._row)
        self._recorder.note(source.width + number + self._side, found)
        return rename(source.derived[number].values[found], renaming.names)


_HINTS: dict[Any, tuple[tuple[bool, ...], Renamer]] = {}


def hints_of(function: Callable[..., Any]) -> tuple[tuple[bool, ...], Renamer]:
    """Returns which arguments of a derived function are process ids, and the renaming of what it returns.

    Raises:
        SpecError: its type hints do not say so.
    """
    if function not in _HINTS:
        try:
            hints = get_type_hints(function)
            rename = renamer(hints.pop("return"))
        except (KeyError, NameError, TypeError, SpecError) as error:
            raise SpecError(
                f"derived function {function.__name__}: symmetry needs the type that it returns: {error}"
            ) from error
        _HINTS[function] = tuple(hint is Sid for hint in list(hints.values())[1:]), rename
    return _HINTS[function]


class Comparison:
    """Compares steps, properties and derived columns with their renamings.

    Args:
        source: the compiled model.
        model: the model.
    """

    def __init__(self, source: Any, model: Model) -> None:
        self._source, self._model = source, model
        self._renamings = [Renaming(source, model, names) for names in renamings(model.size)]
        self._orbits = Orbits(source)
        self._checked: set[tuple[str, tuple[tuple[int, int], ...]]] = set()

    def check_step(self, step: Step, recorder: Recorder, row: list[int], effect: Effect | None) -> None:
        """Checks a step in one world.

        Args:
            step: the step.
            recorder: notes what else the path has to test.
            row: the world.
            effect: what the step does there, None if it is disabled.

        Raises:
            NotSymmetricError: a renamed step does something else in the renamed world.
        """
        own = {test for test, _ in recorder.path}
        is_group = self._model.size <= EVERY_RENAMING
        if is_group and (step.label, self._orbits.identified(recorder.path)) in self._checked:
            return
        others: list[tuple[Renaming, Step, list[tuple[int, int]]]] = []
        for renaming in self._renamings:
            renamed, reads = renaming.of_model.step(step), Reads(recorder)
            self._check_renamed(renaming, step, reads, row, effect)
            others.append((renaming, renamed, reads.path))
        if is_group and len(recorder.path) == len(own):
            for renaming, renamed, path in others:
                if {test for test, _ in path} == own:
                    self._checked.add((renamed.label, self._orbits.renamed(renaming, path)))

    def _check_renamed(
        self, renaming: Renaming, step: Step, reads: Reads, row: list[int], effect: Effect | None
    ) -> None:
        """Checks a step in one world under one renaming."""
        renamed = renaming.of_model.step(step)
        reader = RenamedReader(reads, renaming, row)
        found = taken(self._source.layout, renamed, reader, lambda: renaming.world(row))
        if effect is None or found is None:
            if effect is not found:
                raise renaming.of_model.disabled(step, first=effect is None)
            return
        if effect.weight != found.weight:
            raise renaming.of_model.weighs(step)
        self._compare(renaming, step, reads.recorder, row, effect, found)

    def _compare(
        self,
        renaming: Renaming,
        step: Step,
        recorder: Recorder,
        row: list[int],
        effect: Effect,
        found: Effect,
    ) -> None:
        """Compares what a step writes with what the renamed step writes, leaf by leaf."""
        leaves = self._source.leaves
        written = {leaf.column: value for leaf, value in effect.writes.items()}
        others = {renaming.back[leaf.column]: value for leaf, value in found.writes.items()}
        for column in sorted(written.keys() | others.keys()):
            leaf = leaves[column]
            one, other = written.get(column), others.get(column)
            if column in written and column in others and _is_same(renaming, leaf.kind, one, other):
                continue
            # One of them writes what was there before, perhaps: that is known only when it is read.
            recorder.note(column, row[column])
            before = leaf.kind.values[row[column]]
            renamed = leaf.kind.rename(_after(before, one, column in written), renaming.names)
            stepped = _after(renaming.value(leaf.kind, row[column]), other, column in others)
            if renamed != stepped:
                path = leaves[renaming.place[column]].path
                raise renaming.of_model.differs(step, path, stepped, renamed)

    def check_property(
        self,
        each: Property,
        sids: tuple[int, ...],
        recorder: Recorder,
        rows: tuple[list[int], ...],
        holds: bool,
    ) -> None:
        """Checks a property of one world, or of the worlds before and after a step.

        Raises:
            NotSymmetricError: the property says something else of the renamed world.
        """
        for renaming in self._renamings:
            name = property_label(each, renaming.of_model.sids(sids))
            arguments = self._arguments(renaming, recorder, rows, sids)
            found = verdict_of(name, told(name, each.predicate, arguments, renaming.worlds(rows, sids)))
            if found != holds:
                raise renaming.of_model.says(each, sids, holds)

    def check_derived(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        recorder: Recorder,
        row: list[int],
        value: Any,
    ) -> None:
        """Checks a derived column of one world.

        Raises:
            NotSymmetricError: the function returns something else of the renamed world.
        """
        are_ids, rename = hints_of(function)
        for renaming in self._renamings:
            renamed = tuple(
                renaming.names[each] if is_id else each
                for each, is_id in zip(arguments, are_ids, strict=True)
            )
            name = f"derived function {function.__name__}"
            reader = RenamedReader(recorder, renaming, row)
            state = self._model.state(stand_in(self._source.layout.shape, reader))
            worlds = renaming.worlds((row,), ())
            found = told(name, function, (state, *renamed), partial(_joined, worlds, renamed))
            if found != rename(value, renaming.names):
                text = renaming.of_model.refusal(name)
                raise NotSymmetricError(f"{text} changes what it returns; {WITHOUT}")

    def _arguments(
        self, renaming: Renaming, recorder: Recorder, rows: tuple[list[int], ...], sids: tuple[int, ...]
    ) -> tuple[Any, ...]:
        """Returns stand-ins for the renamed states, and the renamed processes."""
        shape = self._source.layout.shape
        readers = [
            RenamedReader(recorder, renaming, row, side) for row, side in zip(rows, (0, AFTER), strict=False)
        ]
        states = [self._model.state(stand_in(shape, reader)) for reader in readers]
        return (*states, *renaming.of_model.sids(sids))


def _joined(states: Callable[[], tuple[Any, ...]], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*states(), *arguments)


def _is_same(renaming: Renaming, kind: Kind, one: Any, other: Any) -> bool:
    """True if a renamed step writes the renamed value, or changes a queue in the renamed way."""
    if isinstance(one, QueueChange) and isinstance(other, QueueChange):
        (taken_, added), (taken_too, added_too) = one.change, other.change
        return taken_ == taken_too and kind.rename(Queue(added), renaming.names) == Queue(added_too)
    if isinstance(one, QueueChange) or isinstance(other, QueueChange):
        return False
    return bool(kind.rename(one, renaming.names) == other)


def _after(before: Any, written: Any, is_written: bool) -> Any:
    """Returns the value of a leaf after a step."""
    if not is_written:
        return before
    if isinstance(written, QueueChange):
        taken_, added = written.change
        return Queue((*before[taken_:], *added))
    return written
