"""The properties of a model, put to the worlds and steps that a search comes by."""

from __future__ import annotations

from itertools import permutations

from zabcheck.explorer.model import Model, Property, World


class Judge:
    """Checks the properties of a model for all choices of different servers.

    Attributes:
        checked: the names of all its properties: always, every step, sometimes.
    """

    def __init__(self, model: Model) -> None:
        self._state = model.state
        self.checked = tuple(each.name for each in (*model.always, *model.every_step, *model.sometimes))
        self._always = [(each, _choices(model, each)) for each in model.always]
        self._every_step = [(each, _choices(model, each)) for each in model.every_step]
        self._sometimes = [(each, _choices(model, each)) for each in model.sometimes]
        self._not_yet = list(self._sometimes)

    def violated_in(self, world: World) -> str:
        """The name of the first `always` that does not hold in a world, "" if all do."""
        state = self._state(world)
        for each, choices in self._always:
            if not all(each.predicate(state, *servers) for servers in choices):
                return each.name
        return ""

    def violated_by(self, before: World, after: World) -> str:
        """The name of the first `every_step` that does not hold of a step, "" if all do."""
        old, new = self._state(before), self._state(after)
        for each, choices in self._every_step:
            if not all(each.predicate(old, new, *servers) for servers in choices):
                return each.name
        return ""

    def note(self, world: World) -> None:
        """Note which `sometimes` the world reaches."""
        state = self._state(world)
        if self._not_yet:
            self._not_yet = [
                (each, choices)
                for each, choices in self._not_yet
                if not any(each.predicate(state, *servers) for servers in choices)
            ]

    @property
    def never_reached(self) -> tuple[str, ...]:
        """The names of the `sometimes` that no world noted has reached, in order."""
        return tuple(each.name for each, _ in self._not_yet)

    @property
    def reached(self) -> tuple[str, ...]:
        """The names of the `sometimes` that some world noted has reached, in order."""
        missing = self.never_reached
        return tuple(each.name for each, _ in self._sometimes if each.name not in missing)


def _choices(model: Model, asked: Property) -> list[tuple[int, ...]]:
    return list(permutations(range(model.size), asked.arity))
