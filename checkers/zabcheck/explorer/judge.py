"""Evaluates the properties of a model in the worlds and on the steps that a search finds."""

from __future__ import annotations

from itertools import permutations

from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.model import Model, Property, World
from zabcheck.explorer.running import asked, not_a_function, property_label

Asked = tuple[Property, list[tuple[int, ...]]]
"""A property with all choices of processes that it must hold for."""


class Judge:
    """Checks the properties of a model for all choices of different processes.

    Attributes:
        checked: the names of all properties: always, every step, sometimes.
        of_worlds: the properties of single worlds, `sometimes` among them.
        of_steps: the properties of steps.
    """

    def __init__(self, model: Model) -> None:
        self._state = model.state
        self.checked = tuple(each.name for each in (*model.always, *model.every_step, *model.sometimes))
        self._always = [(each, _choices(model, each)) for each in model.always]
        self._sometimes = [(each, _choices(model, each)) for each in model.sometimes]
        self._not_yet = list(self._sometimes)
        self.of_worlds: list[Asked] = [*self._always, *self._sometimes]
        self.of_steps: list[Asked] = [(each, _choices(model, each)) for each in model.every_step]

    def violated_in(self, world: World) -> str:
        """Returns the name of the first `always` property that a world violates, "" if it violates none."""
        state = self._state(world)
        for each, choices in self._always:
            if not all(_holds(each, sids, state) for sids in choices):
                return each.name
        return ""

    def violated_by(self, before: World, after: World) -> str:
        """Returns the name of the first `every_step` property that a step violates, "" if there is none."""
        old, new = self._state(before), self._state(after)
        for each, choices in self.of_steps:
            if not all(_holds(each, sids, old, new) for sids in choices):
                return each.name
        return ""

    def note(self, world: World) -> None:
        """Records which `sometimes` properties a world reaches."""
        state = self._state(world)
        if self._not_yet:
            self._not_yet = [
                (each, choices)
                for each, choices in self._not_yet
                if not any(_holds(each, sids, state) for sids in choices)
            ]

    @property
    def never_reached(self) -> tuple[str, ...]:
        """The names of the `sometimes` properties that no recorded world reaches, in order."""
        return tuple(each.name for each, _ in self._not_yet)

    @property
    def reached(self) -> tuple[str, ...]:
        """The names of the `sometimes` properties that some recorded world reaches, in order."""
        missing = self.never_reached
        return tuple(each.name for each, _ in self._sometimes if each.name not in missing)


def _holds(each: Property, sids: tuple[int, ...], *states: object) -> bool:
    name = property_label(each, sids)
    holds = asked(name, each.predicate, *states, *sids)
    if holds != asked(name, each.predicate, *states, *sids):
        raise SpecError(not_a_function(name))
    return holds


def _choices(model: Model, each: Property) -> list[tuple[int, ...]]:
    return list(permutations(range(model.size), each.arity))
