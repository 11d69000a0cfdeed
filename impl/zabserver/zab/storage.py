"""What a member needs of its disk, besides the appends of each turn, which go through the shell.

These calls return once their effect is on disk. They are made where nothing else can proceed: at a start, at
the end of a role, while a learner is synchronized. Thus whatever is sent to a peer in the same turn is on
disk by then.

ZooKeeper: FileTxnSnapLog, ZKDatabase, QuorumPeer.setAcceptedEpoch, QuorumPeer.setCurrentEpoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from zabserver.service.tree import Tree
from zabserver.zab.ensemble import Ensemble


class Loaded(Protocol):
    """The state of a member, as loaded from disk."""

    @property
    def tree(self) -> Tree:
        """The tree from snapshot and log, with the tail of the log, whether or not that was committed."""

    @property
    def sessions(self) -> dict[int, int]:
        """The timeouts of the open sessions in the tree, in milliseconds, by session id."""


class Storage(Protocol):
    """The disk of one member."""

    def load(self) -> Loaded:
        """Loads the newest snapshot and the log after it.

        Raises:
            ValueError: a file is damaged; one line says where.
        """

    def load_epochs(self, last_zxid: int) -> tuple[int, int]:
        """Returns the accepted and the current epoch.

        Raises:
            ValueError: they contradict each other or the log.
        """

    def set_accepted_epoch(self, epoch: int) -> None:
        """Writes the accepted epoch: the one that was promised last."""

    def set_current_epoch(self, epoch: int) -> None:
        """Writes the current epoch: that of the leader whose history this is."""

    def save_ensembles(self, committed: Ensemble, last_seen: Ensemble) -> None:
        """Writes the committed ensemble, and the last one seen if its version is later."""

    def write(self, payloads: Sequence[bytes]) -> None:
        """Appends to the log, after everything that the shell was given before, and fsyncs."""

    def truncate(self, zxid: int) -> None:
        """Truncates the log after a zxid, and deletes snapshots that contain anything after it.

        Raises:
            ValueError: the log does not contain the zxid.
        """

    def save(self, tree: Tree, timeouts: Mapping[int, int]) -> None:
        """Writes a snapshot, which replaces everything later in the log."""

    def entries_after(self, zxid: int) -> Iterator[tuple[int, bytes]]:
        """Yields zxids and payloads from the log, starting at a zxid; none if the log begins later."""

    def recent(self, count: int) -> list[tuple[int, bytes]]:
        """Returns the last entries of the log, at most `count`."""

    def sizes(self, zxid: int) -> tuple[int, int]:
        """Returns the size of the log files from the one that may hold a zxid, and of the newest snapshot.

        Both are in bytes.
        """
