"""A spec with one mistake put in: what a mutant is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from zabcheck.models.bounds import Bounds

Action = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake.

    Attributes:
        name: as it is written on the command line; of a bug that ZooKeeper had, that of its issue.
        story: what is done wrong.
        replaces: by the name of the spec's action, what is done instead.
        bounds: within which it shows.
        caught_by: the name of the property that must catch it.
        spec: which of `zabcheck.models.instances.SPECS` it is of.
        adds: actions that the spec does not have.
        begun: look for it from `zab.begun`: one transaction delivered, another proposed.
    """

    name: str
    story: str
    replaces: Mapping[str, Action] = field(repr=False)
    bounds: Bounds
    caught_by: str
    spec: str = "paper"
    adds: tuple[Action, ...] = field(default=(), repr=False)
    begun: bool = False


def apply(mutant: Mutant, actions: Sequence[Action]) -> tuple[Action, ...]:
    """A spec's actions with those of the mutant in their places and under their names, then those it adds."""
    replaced = tuple(
        _named(action, mutant.replaces[action.__name__]) if action.__name__ in mutant.replaces else action
        for action in actions
    )
    return replaced + mutant.adds


def _named(action: Action, instead: Action) -> Action:
    """What is done instead, in a function of its own: an action of the spec must keep its own name."""

    @wraps(action)
    def replaced(*arguments: Any) -> Any:
        return instead(*arguments)

    return replaced
