"""Checks that a model treats process ids as nothing but names: renaming and stepping may change places.

Symmetry explores one of all worlds that are renamings of each other. That is sound only if a renamed step
does in the renamed world what the step does in the world itself, renamed, and if properties say the same of
both. An action in which `i == 0`, `i < j` or `(i + 1) % n` decides is not like that: with symmetry, the
spec would end as PASSED or VIOLATED by the order of its actions. So every step and every property is
compared with its renamings where it is explored.

The renamings compared are more than generators of the group: a search with symmetry sees one world of each
orbit, and a step that is odd for process 2 alone differs from its neighbours only under a renaming that
takes the process at hand to 2. For up to three processes all renamings are compared, which makes the check
complete. For more, those that turn all processes round, and one that swaps two: then no single process can
be treated apart unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import permutations
from typing import Any

from zabcheck.explorer.errors import NotSymmetricError, SpecError
from zabcheck.explorer.model import Model, Property, Step, World
from zabcheck.explorer.renaming import Permutation, renamer
from zabcheck.explorer.running import Path, asked, first_difference, place, property_label, run, shown

EVERY_RENAMING = 3
"""Up to so many processes, all renamings are compared; above, one that swaps two and those that turn all."""

WITHOUT = "symmetry=False (--no-symmetry) explores without renaming"


def renamings(size: int) -> tuple[Permutation, ...]:
    """Returns the renamings of `size` processes that steps and properties are compared under."""
    same = tuple(range(size))
    if size <= EVERY_RENAMING:
        return tuple(names for names in permutations(range(size)) if names != same)
    swap = (1, 0, *range(2, size))
    return (swap, *((*range(turn, size), *range(turn)) for turn in range(1, size)))


class Renamed:
    """The steps and properties of a model under one renaming of its processes.

    Args:
        model: the model.
        names: the renaming: `names[i]` is the new id of process `i`.
    """

    def __init__(self, model: Model, names: Permutation) -> None:
        self.names = names
        self._model = model
        self._steps = {(step.action, step.arguments): step for step in model.steps}

    @cached_property
    def words(self) -> str:
        """The renaming in words: `renaming 0 to 1 and 1 to 0`."""
        moved = [f"{old} to {new}" for old, new in enumerate(self.names) if old != new]
        return f"renaming {', '.join(moved[:-1])} and {moved[-1]}"

    def sids(self, sids: tuple[int, ...]) -> tuple[int, ...]:
        """Returns some processes by their new ids."""
        return tuple(self.names[sid] for sid in sids)

    def step(self, step: Step) -> Step:
        """Returns the step that does for the renamed processes what `step` does.

        Its arguments may stand in another order, for a step of a set of processes.

        Raises:
            SpecError: an argument that must be a process id is none.
            NotSymmetricError: the model has no such step.
        """
        are_ids = step.are_ids or (True,) * len(step.arguments)
        for each, is_id in zip(step.arguments, are_ids, strict=True):
            if is_id and not 0 <= each < self._model.size:
                raise SpecError(
                    f"action {step.label}: {each} is not a process id (0 to {self._model.size - 1}); "
                    "`are_ids` of a Step says which of its arguments are"
                )
        arguments = tuple(
            self.names[each] if is_id else each for each, is_id in zip(step.arguments, are_ids, strict=True)
        )
        found = self._steps.get((step.action, arguments)) or self._in_another_order(step, arguments)
        if found is None:
            label = f"{step.action}({', '.join(map(str, arguments))})"
            text = self.refusal(f"action {step.label}")
            raise NotSymmetricError(f"{text} leads to {label}, which is no step of the model; {WITHOUT}")
        return found

    def _in_another_order(self, step: Step, arguments: tuple[int, ...]) -> Step | None:
        if step.are_ids is not None:
            return None
        ordered = sorted(arguments)
        return next(
            (
                each
                for each in self._model.steps
                if each.action == step.action and sorted(each.arguments) == ordered
            ),
            None,
        )

    def refusal(self, name: str) -> str:
        """Returns the beginning of the sentence that says what is wrong with an action or property."""
        return f"{name} treats process ids as more than names: {self.words}"

    def disabled(self, step: Step, *, first: bool) -> NotSymmetricError:
        """Returns the error that a step is disabled, and enabled in the renamed world; or the reverse.

        Args:
            step: the step.
            first: True if it is the step itself that is disabled.
        """
        label = self.step(step).label
        ways = (f"{step.label} is disabled", f"{label} is enabled")
        if not first:
            ways = (f"{step.label} is enabled", f"{label} is disabled")
        return NotSymmetricError(
            f"{self.refusal(f'action {step.label}')}, {ways[1]} where {ways[0]} without renaming; {WITHOUT}"
        )

    def differs(self, step: Step, path: Path, stepped: Any, renamed: Any) -> NotSymmetricError:
        """Returns the error that a step writes something else into the renamed world.

        Args:
            step: the step.
            path: the first variable that differs.
            stepped: what the renamed step writes there.
            renamed: what the step writes there, renamed.
        """
        return NotSymmetricError(
            f"{self.refusal(f'action {step.label}')} before {self.step(step).label} gives {place(path)} = "
            f"{shown(stepped)}, and after {step.label} {shown(renamed)}; {WITHOUT}"
        )

    def weighs(self, step: Step) -> NotSymmetricError:
        """Returns the error that a step has another weight in the renamed world."""
        return NotSymmetricError(f"{self.refusal(f'weight of {step.label}')} changes it; {WITHOUT}")

    def says(self, each: Property, sids: tuple[int, ...], holds: bool) -> NotSymmetricError:
        """Returns the error that a property says something else of the renamed world."""
        name, renamed = property_label(each, sids), property_label(each, self.sids(sids))
        return NotSymmetricError(
            f"{self.refusal(name)} makes {renamed.removeprefix('property ')} {not holds} where "
            f"{name.removeprefix('property ')} is {holds}; {WITHOUT}"
        )


class Symmetry:
    """Compares steps and properties of worlds with their renamings, for the plain searches.

    Args:
        model: declares symmetry.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._renamings = [Renamed(model, names) for names in renamings(model.size)]
        self._rename: Callable[[World, Permutation], World] = renamer(type(model.initial))

    def check_steps(self, world: World, taken: list[tuple[Step, World | None]]) -> None:
        """Checks every step from a world.

        Args:
            world: the world.
            taken: every step of the model with the world after it, None where it is disabled.

        Raises:
            NotSymmetricError: a step treats process ids as more than names.
        """
        for renaming in self._renamings:
            elsewhere = self._rename(world, renaming.names)
            for step, after in taken:
                self._check_step(renaming, world, elsewhere, step, after)

    def _check_step(
        self, renaming: Renamed, world: World, elsewhere: World, step: Step, after: World | None
    ) -> None:
        renamed_step = renaming.step(step)
        name = f"action {renamed_step.label}"
        stepped = run(name, renamed_step.apply, elsewhere, *renamed_step.arguments)
        if (stepped is None) != (after is None):
            raise renaming.disabled(step, first=after is None)
        if after is None:
            return
        found = first_difference(stepped, self._rename(after, renaming.names))
        if found is not None:
            raise renaming.differs(step, *found)
        if step.weight is not None:
            weighed = step.weight(world, *step.arguments)
            if renamed_step.weight is None or weighed != renamed_step.weight(
                elsewhere, *renamed_step.arguments
            ):
                raise renaming.weighs(step)

    def check_properties(
        self, properties: list[tuple[Property, list[tuple[int, ...]]]], *worlds: World
    ) -> None:
        """Checks properties of a world, or of the worlds before and after a step.

        Args:
            properties: the properties, each with all choices of processes.
            worlds: the world, or the two worlds.

        Raises:
            NotSymmetricError: a property treats process ids as more than names.
        """
        states = [self._model.state(world) for world in worlds]
        for renaming in self._renamings:
            renamed = [self._model.state(self._rename(world, renaming.names)) for world in worlds]
            for each, choices in properties:
                for sids in choices:
                    name = property_label(each, sids)
                    holds = asked(name, each.predicate, *states, *sids)
                    if holds != asked(name, each.predicate, *renamed, *renaming.sids(sids)):
                        raise renaming.says(each, sids, holds)
