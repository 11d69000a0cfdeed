"""When a server writes a snapshot by itself: after so much has been logged, and at a time of its own.

Servers of an ensemble log the same; drawn anew after each snapshot, the moments differ, and they do not all
write at once.

ZooKeeper: SyncRequestProcessor.shouldSnapshot, SyncRequestProcessor.resetSnapshotStats.
"""

from __future__ import annotations

from collections.abc import Callable

COUNT = 100_000
"""Transactions between snapshots, if `snapCount` does not say."""
SIZE = 4 << 30
"""Bytes of log between snapshots, if `snapSizeLimitInKb` does not say."""


class Schedule:
    """Counts what is logged, and says when a snapshot is due: between half of either limit and all of it.

    Args:
        count: transactions, 2 or more.
        size: bytes of log; 0 for no such limit.
        draw: a random number from 0 up to its argument, which it is less than.
    """

    def __init__(self, count: int, size: int, draw: Callable[[int], int]) -> None:
        self.count = count
        self.size = size
        self._draw = draw
        self.begin()

    def begin(self) -> None:
        """A snapshot is begun: what is logged from here on counts for the next."""
        self.logged = self.logged_size = 0
        self._most = self.count // 2 + self._draw(self.count // 2)
        self._most_size = self.size // 2 + self._draw(self.size // 2) if self.size > 1 else 0

    def add(self, count: int, size: int) -> None:
        """So many transactions were logged, of so many bytes."""
        self.logged += count
        self.logged_size += size

    @property
    def is_due(self) -> bool:
        """Whether a snapshot is to be begun."""
        return self.logged > self._most or (self.size > 1 and self.logged_size > self._most_size)
