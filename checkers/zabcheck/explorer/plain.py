"""The plain search: a dictionary of worlds, and the steps of the model as they are.

The fast explorer is compared with it, so nothing here is clever for the sake of speed: both must give the
same counts, verdicts and lengths of traces. Symmetry is done by the book too: a world stands for its orbit,
all worlds that it becomes by renaming processes, and its key is the least encoding of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations
from typing import Any

from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.judge import Judge
from zabcheck.explorer.limits import Limits, OutOfBudgetError, Progress
from zabcheck.explorer.model import Model, Step, World
from zabcheck.explorer.options import Options, uses_symmetry
from zabcheck.explorer.renaming import encoded, renamer
from zabcheck.explorer.running import Values, check_model, successor
from zabcheck.explorer.symmetry import Symmetry
from zabcheck.explorer.verdicts import Counts, Outcome, Trace, TraceStep, Verdict


def breadth_first(model: Model, options: Options, progress: Progress | None = None) -> Verdict:
    """Explores a model level by level.

    The violation reported is one that the fewest steps lead to. Of several at that depth it is the first,
    with worlds in the order in which they were found and steps in the model's order. Where a step and the
    world after it both violate properties, that of the world is reported.

    Args:
        model: what to explore.
        options: symmetry and limits; other options are ignored.
        progress: called about once a second.
    """
    return _Search(model, options, progress).run(_by_levels)


def depth_first(model: Model, options: Options, progress: Progress | None = None) -> Verdict:
    """Explores a model as deep as possible first: a small frontier, but long traces.

    The counts are those of `breadth_first` except for `depth`, which is the number of worlds on the longest
    path taken. With a `max_depth` the search may miss worlds within that depth; it is out of budget then.

    Args:
        model: what to explore.
        options: symmetry and limits; other options are ignored.
        progress: called about once a second.
    """
    return _Search(model, options, progress).run(_by_paths)


def canonical(world: World, size: int) -> bytes:
    """Returns the least encoding of all worlds that a world becomes by renaming its `size` processes."""
    rename = renamer(type(world))
    return min(encoded(rename(world, names)) for names in permutations(range(size)))


def successors(model: Model, world: World) -> Iterator[tuple[int, World]]:
    """Yields the worlds one step away, each with the index of the step."""
    for index, step in enumerate(model.steps):
        after = successor(model, step, world)
        if after is not None:
            yield index, after


def trace_of(model: Model, path: list[tuple[Step | None, World]], violated: str) -> Trace:
    """Returns a path as a trace; the first world of the path has no step."""
    steps = [
        TraceStep("" if step is None else step.action, () if step is None else step.arguments, world)
        for step, world in path
    ]
    return Trace(model.settings, tuple(steps), violated)


class _Search:
    """A search in either order: the worlds found, how each was reached, and what they violate."""

    def __init__(self, model: Model, options: Options, progress: Progress | None) -> None:
        check_model(model)
        self.model = model
        self.options = options
        self.worlds: list[World] = []
        self.generated = 0
        self.depth = 0
        self.frontier = 0
        self.violated = ""
        self._judge = Judge(model)
        self._values = Values(model)
        self._limits = Limits(options, progress)
        self._symmetry = Symmetry(model) if uses_symmetry(model, options) else None
        is_up_to_names = self._symmetry is not None
        self._key: Callable[[World], Any] = partial(canonical, size=model.size) if is_up_to_names else _itself
        self._numbers: dict[Any, int] = {}
        self._came: list[tuple[int, int]] = []  # for each world, its parent and the step from there
        self._last: list[tuple[Step | None, World]] = []  # the path to a violation

    def run(self, order: Callable[[_Search], None]) -> Verdict:
        """Explores in an order, and returns the verdict."""
        try:
            self.find(self.model.initial, -1, -1)
            if not self.violated:
                order(self)
        except OutOfBudgetError as limit:
            return self._verdict(Outcome.OUT_OF_BUDGET, note=str(limit))
        except KeyboardInterrupt:
            return self._verdict(Outcome.OUT_OF_BUDGET, note="interrupted")
        if self.violated:
            return self._verdict(Outcome.VIOLATED, self.violated, self._trace())
        if self._judge.never_reached:
            return self._verdict(Outcome.VACUOUS, self._judge.never_reached[0])
        return self._verdict(Outcome.PASSED)

    def find(self, world: World, source: int, index: int) -> int | None:
        """Records a step from the world numbered `source`, and checks the properties.

        Sets `violated` if the world or the step violates a property.

        Returns:
            The number of the world that the step leads to; None if it was found before.
        """
        step = self.model.steps[index] if source >= 0 else None
        number = len(self.worlds)
        is_new = self._numbers.setdefault(self._key_of(world, source, step), number) == number
        self._count(source, index)
        if is_new:
            self.worlds.append(world)
            self._came.append((source, index))
        try:
            self._judge_world(world, source, is_new=is_new)
        except SpecError as error:
            raise error.after(_labels([*self._path_to(source), (step, world)])) from error
        if self.violated:
            self._last = [*self._path_to(source), (step, world)]
        return number if is_new else None

    def _key_of(self, world: World, source: int, step: Step | None) -> Any:
        """Returns what a world is known by, after checking its values."""
        try:
            self._values.check("the model" if step is None else f"action {step.label}", world)
            return self._key(world)
        except SpecError as error:
            raise error.after(_labels(self._path_to(source))) from error

    def _judge_world(self, world: World, source: int, *, is_new: bool) -> None:
        """Puts the properties to a world, if it is new, and to the step that leads to it."""
        if is_new:
            self._judge.note(world)
            self.violated = self._judge.violated_in(world)
            if self._symmetry is not None:
                self._symmetry.check_properties(self._judge.of_worlds, world)
        if source >= 0 and not self.violated:
            before = self.worlds[source]
            self.violated = self._judge.violated_by(before, world)
            if self._symmetry is not None:
                self._symmetry.check_properties(self._judge.of_steps, before, world)

    def successors(self, number: int) -> Iterator[tuple[int, World]]:
        """Yields the worlds one step away from the world of a number, each with the index of the step.

        Raises:
            SpecError: a step cannot be taken, or treats process ids as more than names.
        """
        world = self.worlds[number]
        try:
            if self._symmetry is None:
                yield from successors(self.model, world)
                return
            taken = [successor(self.model, step, world) for step in self.model.steps]
            for step, after in zip(self.model.steps, taken, strict=True):
                if after is not None:
                    self._values.check(f"action {step.label}", after)
            self._symmetry.check_steps(world, list(zip(self.model.steps, taken, strict=True)))
        except SpecError as error:
            raise error.after(_labels(self._path_to(number))) from error
        yield from ((index, after) for index, after in enumerate(taken) if after is not None)

    def check_limits(self) -> None:
        """Raises an error if a limit is reached."""
        self._limits.check(len(self.worlds), self.generated, self.depth, self.frontier)

    def _count(self, source: int, index: int) -> None:
        step = self.model.steps[index] if source >= 0 else None
        if step is None or step.weight is None:
            self.generated += 1
        else:
            self.generated += step.weight(self.worlds[source], *step.arguments)

    def _path_to(self, number: int) -> list[tuple[Step | None, World]]:
        """Returns the path by which the search reached a world."""
        path: list[tuple[Step | None, World]] = []
        while number >= 0:
            source, index = self._came[number]
            path.append((self.model.steps[index] if source >= 0 else None, self.worlds[number]))
            number = source
        return path[::-1]

    def _trace(self) -> Trace:
        return trace_of(self.model, self._last, self.violated)

    def _verdict(
        self, outcome: Outcome, asked: str = "", trace: Trace | None = None, note: str = ""
    ) -> Verdict:
        counts: Counts = self._limits.counts(len(self.worlds), self.generated, self.depth, self.frontier)
        return Verdict(outcome, counts, asked, trace, self._judge.checked, note)


def _labels(path: list[tuple[Step | None, World]]) -> list[str]:
    return [step.label for step, _ in path if step is not None]


def _itself(world: World) -> World:
    return world


def _by_levels(search: _Search) -> None:
    """Explores breadth-first: all worlds of a level, then the worlds that these lead to."""
    level = [0]
    search.depth = 1
    while level:
        if search.options.max_depth is not None and search.depth > search.options.max_depth:
            raise OutOfBudgetError(f"worlds more than {search.options.max_depth:,} steps away")
        following: list[int] = []
        for done, number in enumerate(level):
            search.frontier = len(level) - done + len(following)
            search.check_limits()
            for index, world in search.successors(number):
                found = search.find(world, number, index)
                if found is not None:
                    following.append(found)
                if search.violated:
                    search.depth += bool(following)
                    return
        level = following
        search.depth += bool(level)
    search.frontier = 0


def _by_paths(search: _Search) -> None:
    """Explores depth-first: from the latest world on, and back where no step leads to a new world."""
    path = [(0, search.successors(0))]
    cut = False
    while path:
        number, steps = path[-1]
        search.depth = max(search.depth, len(path))
        search.frontier = len(path)
        search.check_limits()
        if search.options.max_depth is not None and len(path) > search.options.max_depth:
            cut = True
            path.pop()
            continue
        found = None
        for index, world in steps:
            found = search.find(world, number, index)
            if search.violated:
                return
            if found is not None:
                break
        if found is None:
            path.pop()
        else:
            path.append((found, search.successors(found)))
    search.frontier = 0
    if cut:
        raise OutOfBudgetError(f"worlds more than {search.options.max_depth:,} steps away")
