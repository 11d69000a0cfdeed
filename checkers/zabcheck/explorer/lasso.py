"""Lassos: a closed walk through a fair component, in which each step gets the turn that fairness promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

Edge = tuple[int, int, int]
"""The number of a world, the number of the next world, and the index of the step between them."""


class Fairness(IntEnum):
    """How far an infinite run must be fair to a step."""

    NONE = 0
    WEAK = 1  # taken, if enabled from some point on
    STRONG = 2  # taken, if enabled again and again


@dataclass(frozen=True, slots=True)
class Owed:
    """The steps to which a run must be fair.

    Attributes:
        enabled: for each world, the fair steps that are enabled in it.
        fairness: for each step, how fair runs are to it.
    """

    enabled: Mapping[int, frozenset[int]]
    fairness: Sequence[Fairness]

    def denied(self, start: int, walk: Sequence[Edge]) -> Iterator[int]:
        """Yields, in order, the steps to which repeating a closed walk for ever is not fair.

        Args:
            start: the world in which the walk begins and ends.
            walk: the edges of the walk; none for a run that stays in `start`.
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
        start: the number of the world in which the walk begins and ends.
        edges: the edges of the walk; none for a run that stays in `start` for ever.
    """

    start: int
    edges: tuple[Edge, ...]


def lasso_in(edges: Mapping[int, Sequence[Edge]], owed: Owed) -> Lasso:
    """Returns a fair closed walk through a fair component; it need not be the shortest.

    Args:
        edges: the edges of the component, for each world that they leave.
        owed: the steps to which the walk must be fair.
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
    """Returns the shortest path that is fair to a step: it takes it, or for weak fairness leads to where it
    is disabled.
    """
    is_weak = owed.fairness[index] != Fairness.STRONG
    if is_weak and any(index not in owed.enabled[number] for number in edges):
        return _path(edges, here, lambda number: index not in owed.enabled[number])
    by_it = {number: edge for number in edges for edge in edges[number] if edge[2] == index}
    path = _path(edges, here, lambda number: number in by_it)
    return [*path, by_it[path[-1][1] if path else here]]


def _path(edges: Mapping[int, Sequence[Edge]], start: int, is_there: Callable[[int], bool]) -> list[Edge]:
    """Returns the shortest path to a world that satisfies `is_there`; no edges if `start` does."""
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
