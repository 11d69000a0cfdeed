"""Which sets of servers are quorums: majorities, or majorities of weight in a majority of groups.

A group gives each server a weight, 0 to those that are not in it. A quorum has more than half the weight of
more than half of the groups that have any weight. One group in which each server has weight 1 makes plain
majorities. Any two quorums share a server, which is all that ZAB needs of them. An observer has weight 0.

ZooKeeper: QuorumMaj, QuorumHierarchical.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator
from itertools import combinations

from zabspec.parts import Sid

Quorums = tuple[tuple[int, ...], ...]
"""For each group, the weight of each server in it."""


def majority(size: int, observers: Container[Sid] = ()) -> Quorums:
    """Returns the quorums that are more than half of `size` servers, not counting observers."""
    return (tuple(int(Sid(sid) not in observers) for sid in range(size)),)


def is_quorum(quorums: Quorums, some: Collection[Sid]) -> bool:
    """True if `some` servers are a quorum.

    ZooKeeper: QuorumVerifier.containsQuorum.
    """
    weighing = [group for group in quorums if sum(group)]
    won = sum(2 * sum(group[sid] for sid in some) > sum(group) for group in weighing)
    return 2 * won > len(weighing)


def weight(quorums: Quorums, sid: Sid) -> int:
    """Returns the total weight of a server; a server of weight 0 may follow, and is never elected."""
    return sum(group[sid] for group in quorums)


def smallest(quorums: Quorums) -> Iterator[tuple[Sid, ...]]:
    """Yields every quorum that contains no smaller quorum, the smallest first."""
    found: list[frozenset[Sid]] = []
    size = len(quorums[0])
    for count in range(1, size + 1):
        for some in combinations([Sid(sid) for sid in range(size)], count):
            if is_quorum(quorums, some) and not any(each.issubset(some) for each in found):
                found.append(frozenset(some))
                yield some
