"""Mutants: the paper's ZAB with one mistake put in, which some property must catch.

A property that nobody has seen fail is not yet a property. Each mutant replaces an action or two, by name, mostly
with the original and a change of what came out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zabcheck.model.paper import Action, Bounds
from zabspec import paper


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake.

    Attributes:
        name: as it is written on the command line.
        story: one sentence, what is done wrong.
        replaces: by the name of the spec's action, what is done instead.
        bounds: within which it shows.
        caught_by: the name of the property that must catch it.
    """

    name: str
    story: str
    replaces: Mapping[str, Action] = field(repr=False)
    bounds: Bounds
    caught_by: str


def apply(mutant: Mutant) -> tuple[Action, ...]:
    """The spec's actions with those of the mutant in their places."""
    return tuple(mutant.replaces.get(action.__name__, action) for action in paper.NEXT)


MUTANTS: tuple[Mutant, ...] = ()

BY_NAME: Mapping[str, Mutant] = {mutant.name: mutant for mutant in MUTANTS}
