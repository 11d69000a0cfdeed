"""When a server takes a snapshot on its own: after so many transactions or bytes of log, randomized.

The servers of an ensemble log the same transactions; a limit drawn anew after each snapshot keeps them from
taking snapshots all at once.

ZooKeeper: SyncRequestProcessor.shouldSnapshot, SyncRequestProcessor.resetSnapshotStats.
"""

from __future__ import annotations

from collections.abc import Callable

COUNT = 100_000
"""The default for the most transactions between snapshots (`snapCount`)."""
SIZE = 4 << 30
"""The default for the most bytes of log between snapshots (`snapSizeLimitInKb`)."""


class Schedule:
    """Counts what is logged and tells when a snapshot is due: between half of a limit and all of it.

    Args:
        count: the most transactions between snapshots, 2 or more.
        size: the most bytes of log between snapshots; 0 for no limit.
        draw: returns a random number that is at least 0 and less than its argument.
    """

    def __init__(self, count: int, size: int, draw: Callable[[int], int]) -> None:
        self.count = count
        self.size = size
        self._draw = draw
        self.begin()

    def begin(self) -> None:
        """Restarts the counts, when a snapshot begins."""
        self.logged = self.logged_size = 0
        self._most = self.count // 2 + self._draw(self.count // 2)
        self._most_size = self.size // 2 + self._draw(self.size // 2) if self.size > 1 else 0

    def add(self, count: int, size: int) -> None:
        """Counts transactions that were logged, and their size in bytes."""
        self.logged += count
        self.logged_size += size

    @property
    def is_due(self) -> bool:
        """True if a snapshot should begin."""
        return self.logged > self._most or (self.size > 1 and self.logged_size > self._most_size)
