"""A spec with one mistake put in: what a mutant is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Generic, TypeVar

Action = Callable[..., Any]
Functions = TypeVar("Functions")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake.

    Attributes:
        name: as it is written on the command line; of a bug that ZooKeeper had, that of its issue.
        story: what is done wrong.
        replaces: by the spec's action, what is done instead.
        bounds: within which the mistake shows; the `Bounds` of its model.
        caught_by: the name of the property that must catch it.
        adds: actions that the spec does not have.
        begun: whether to look for it from where one transaction is delivered and another one proposed.
    """

    name: str
    story: str
    replaces: Mapping[Action, Action] = field(repr=False)
    bounds: Any
    caught_by: str
    adds: tuple[Action, ...] = field(default=(), repr=False)
    begun: bool = False


@dataclass(frozen=True, slots=True)
class FunctionMutant(Generic[Functions]):
    """A mistake in a spec that consists of functions instead of actions.

    Attributes:
        name: the name of the mutant.
        story: what is done wrong.
        caught_by: the name of the property that must fail.
        functions: the functions of the spec, with the mistake in one of them.
    """

    name: str
    story: str
    caught_by: str
    functions: Functions


def names_of(actions: Iterable[Action]) -> frozenset[str]:
    """Returns the names of actions."""
    return frozenset(action.__name__ for action in actions)


def apply(mutant: Mutant, actions: Sequence[Action]) -> tuple[Action, ...]:
    """Returns a spec's actions, the mutant's in their places under their names, then those it adds.

    An action is found by its name: a finer grain wraps the actions of a coarser one and keeps their names.
    """
    instead = {action.__name__: wrong for action, wrong in mutant.replaces.items()}
    replaced = tuple(
        _named(action, instead[action.__name__]) if action.__name__ in instead else action
        for action in actions
    )
    return replaced + mutant.adds


def _named(action: Action, instead: Action) -> Action:
    """Returns a function of its own that does `instead` under the name of the action."""

    @wraps(action)
    def replaced(*arguments: Any) -> Any:
        return instead(*arguments)

    return replaced
