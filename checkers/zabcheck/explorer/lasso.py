"""A lasso: one closed walk through a fair component that denies no step its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

Edge = tuple[int, int, int]
"""From the world of one number to the world of another, by the step of an index."""


class Fairness(IntEnum):
    """What a step is owed in a run that goes on for ever."""

    NONE = 0
    WEAK = 1  # taken, if enabled from some point on
    STRONG = 2  # taken, if enabled again and again


@dataclass(frozen=True, slots=True)
class Owed:
    """Which steps a run owes a turn.

    Attributes:
        enabled: by world, the fair steps that are enabled there.
        fairness: by step.
    """

    enabled: Mapping[int, frozenset[int]]
    fairness: Sequence[Fairness]

    def denied(self, start: int, walk: Sequence[Edge]) -> Iterator[int]:
        """The steps that going round a closed walk for ever denies their turn, in order.

        Args:
            start: where the walk begins and ends.
            walk: its edges; none if it stays.
        """
        passed = [self.enabled[start], *(self.enabled[target] for _, target, _ in walk)]
        taken = frozenset(index for _, _, index in walk)
        always, ever = frozenset.intersection(*passed), frozenset.union(*passed)
        for index in sorted(ever - taken):
            if self.fairness[index] == Fairness.STRONG or index in always:
                yield index


@dataclass(frozen=True, slots=True)
class Lasso:
    """A closed walk.

    Attributes:
        start: the number of the world where it begins and ends.
        edges: once round; none if it stays there for ever.
    """

    start: int
    edges: tuple[Edge, ...]


def lasso_in(edges: Mapping[int, Sequence[Edge]], owed: Owed) -> Lasso:
    """A fair closed walk through a fair component, not the shortest but with no needless turns.

    Args:
        edges: of the component, by the world that they leave.
        owed: what the walk owes a turn.
    """
    start = min(edges, key=lambda number: (bool(owed.enabled[number]), number))
    walk: list[Edge] = []
    while True:
        here = walk[-1][1] if walk else start
        closing = _path(edges, here, lambda number: number == start)
        denied = next(owed.denied(start, [*walk, *closing]), None)
        if denied is None:
            return Lasso(start, (*walk, *closing))
        walk += _turn_of(denied, edges, owed, here)


def _turn_of(index: int, edges: Mapping[int, Sequence[Edge]], owed: Owed, here: int) -> list[Edge]:
    """The shortest way on that gives a step its turn: by it, or to where it is not enabled if that does."""
    is_weak = owed.fairness[index] != Fairness.STRONG
    if is_weak and any(index not in owed.enabled[number] for number in edges):
        return _path(edges, here, lambda number: index not in owed.enabled[number])
    by_it = {number: edge for number in edges for edge in edges[number] if edge[2] == index}
    path = _path(edges, here, lambda number: number in by_it)
    return [*path, by_it[path[-1][1] if path else here]]


def _path(edges: Mapping[int, Sequence[Edge]], start: int, is_there: Callable[[int], bool]) -> list[Edge]:
    """The shortest path to a world, none if it begins at one."""
    level: list[tuple[int, list[Edge]]] = [(start, [])]
    seen = {start}
    while True:
        following: list[tuple[int, list[Edge]]] = []
        for number, path in level:
            if is_there(number):
                return path
            for edge in edges[number]:
                if edge[1] not in seen:
                    seen.add(edge[1])
                    following.append((edge[1], [*path, edge]))
        assert following, "a component is strongly connected"
        level = following
