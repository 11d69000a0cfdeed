"""What must eventually happen in a model, and which assumptions about its runs that rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from itertools import combinations
from typing import Any, Protocol, get_type_hints, runtime_checkable

from zabspec.parts import Sid

Up = frozenset[Sid]
"""The processes that stay up from some point of a run on."""


@runtime_checkable
class Promise(Protocol):
    """A liveness property: any object with the attributes of `Eventually`."""

    @property
    def name(self) -> str:
        """The name used on the command line."""

    @property
    def sentence(self) -> str:
        """What the property says, in a sentence."""

    @property
    def premise(self) -> Callable[..., bool]:
        """Takes (state, up, *sids)."""

    @property
    def goal(self) -> Callable[..., bool]:
        """Takes (state, up, *sids)."""

    @property
    def arity(self) -> int:
        """How many different processes the property is about."""

    @property
    def others_act(self) -> bool:
        """True if processes that are not in `up` may still act."""


@dataclass(frozen=True, slots=True)
class Eventually:
    """A liveness property: as long as its premise holds, its goal is reached again and again.

    Attributes:
        name: the name used on the command line.
        sentence: what the property says, in a sentence.
        premise: takes (state, up, *sids), where `up` is the set of processes that stay up.
        goal: takes the same arguments.
        arity: how many different processes of `up` the property is about; it must hold for every choice.
        others_act: True if processes that are not in `up` may still take steps other than faults; otherwise
            they take none.
    """

    name: str
    sentence: str
    premise: Callable[..., bool]
    goal: Callable[..., bool]
    arity: int = 0
    others_act: bool = False


def eventually(goal: Callable[..., bool], *, when: Callable[..., bool] | None = None) -> Eventually:
    """Returns the promise that a goal is reached, again and again as long as a premise holds.

    Args:
        goal: a predicate of (state, *sids); the property must hold for every choice of different processes
            for its parameters annotated `Sid`. Its name and docstring become those of the property.
        when: the premise, a predicate of the same arguments; None if the goal must be reached in any case.
    """
    arity = sum(hint is Sid for hint in get_type_hints(goal).values())
    premise = _whatever_is_up(when) if when is not None else _always
    sentence = (goal.__doc__ or "").strip()
    return Eventually(goal.__name__, sentence, premise, _whatever_is_up(goal), arity)


def _whatever_is_up(predicate: Callable[..., bool]) -> Callable[..., bool]:
    @wraps(predicate)
    def call(state: Any, _: Up, *sids: Sid) -> bool:
        return predicate(state, *sids)

    return call


def _always(*_: Any) -> bool:
    return True


def everyone(size: int) -> Iterator[Up]:
    """Yields the set of all processes: none of them stops."""
    yield frozenset(map(Sid, range(size)))


def majorities(size: int) -> Iterator[Up]:
    """Yields every majority of the processes, larger ones first."""
    sids = [Sid(sid) for sid in range(size)]
    for count in range(size, size // 2, -1):
        yield from map(frozenset, combinations(sids, count))


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The assumptions about runs under which liveness is checked.

    An action is given by the name of its function. A step of a *weakly* fair action is taken if it stays
    enabled from some point on; of a *strongly* fair one, if it is enabled again and again. Both are assumed
    only of steps whose processes all stay up.

    Attributes:
        weak: the weakly fair actions.
        strong: the strongly fair actions.
        free: the actions that may be taken at any time, whatever `may_be_taken` says.
        faults: the actions that no process takes any more, whether or not it stays up.
        may_be_taken: takes (state, up, action, arguments); True if the action may still be taken there by
            processes of `up`.
        may_stay_up: takes the number of processes; yields the sets of processes that may stay up. Every one
            of these sets is looked at.
    """

    weak: frozenset[str] = frozenset()
    strong: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()
    may_be_taken: Callable[[Any, Up, str, tuple[Sid, ...]], bool] = _always
    may_stay_up: Callable[[int], Iterable[Up]] = everyone


def assume(
    *,
    weak: Iterable[Callable[..., Any]] = (),
    strong: Iterable[Callable[..., Any]] = (),
    faults: Iterable[Callable[..., Any]] = (),
    may_stay_up: Callable[[int], Iterable[Up]] = everyone,
) -> Assumptions:
    """Returns the assumptions about runs for actions that are given as functions.

    Args:
        weak: the weakly fair actions.
        strong: the strongly fair actions.
        faults: the actions that no process takes any more from some point of a run on.
        may_stay_up: takes the number of processes; yields the sets of processes that may stay up.
    """
    names = [frozenset(action.__name__ for action in actions) for actions in (weak, strong, faults)]
    return Assumptions(weak=names[0], strong=names[1], faults=names[2], may_stay_up=may_stay_up)
