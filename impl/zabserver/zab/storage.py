"""What a member needs of its disk, besides the appends of each turn, which go through the shell.

These calls return when what they say is on disk. They come where nothing else can go on: at a start, at the
end of a role, while a learner is synchronized. So order needs no further word: what a peer is told in the
same turn is on disk by then.

ZooKeeper: FileTxnSnapLog, ZKDatabase, QuorumPeer.setAcceptedEpoch, QuorumPeer.setCurrentEpoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from zabserver.service.tree import Tree
from zabserver.zab.ensemble import Ensemble


class Loaded(Protocol):
    """What was found on disk."""

    @property
    def tree(self) -> Tree:
        """Snapshot and log, the tail of the log with it, whether or not that was ever committed."""

    @property
    def sessions(self) -> dict[int, int]:
        """Timeouts of the sessions that are open in it, in milliseconds."""


class Storage(Protocol):
    """The disk of one member."""

    def load(self) -> Loaded:
        """Reads the newest snapshot, and the log from there on.

        Raises:
            ValueError: what is there is damaged; one line says where.
        """

    def load_epochs(self, last_zxid: int) -> tuple[int, int]:
        """The accepted and the current epoch.

        Raises:
            ValueError: they do not fit each other, or the log.
        """

    def set_accepted_epoch(self, epoch: int) -> None:
        """Writes the epoch that was promised."""

    def set_current_epoch(self, epoch: int) -> None:
        """Writes the epoch whose history this is."""

    def save_ensembles(self, committed: Ensemble, last_seen: Ensemble) -> None:
        """Writes who the members are, and who they are to be if that is of a later version."""

    def write(self, payloads: Sequence[bytes]) -> None:
        """Appends to the log, after all that the shell was given before, and syncs it."""

    def truncate(self, zxid: int) -> None:
        """Cuts all after a zxid off the log, and deletes snapshots that have any of it.

        Raises:
            ValueError: the log does not hold it.
        """

    def save(self, tree: Tree, timeouts: Mapping[int, int]) -> None:
        """Writes a snapshot, in place of everything later than it that the log has."""

    def entries_after(self, zxid: int) -> Iterator[tuple[int, bytes]]:
        """Zxids and payloads in the log, from a zxid on if that is there; none where the log begins later."""

    def recent(self, count: int) -> list[tuple[int, bytes]]:
        """The last entries of the log, as many as there are."""

    def sizes(self, zxid: int) -> tuple[int, int]:
        """Bytes of the log files from the one that may hold a zxid on, and of the newest snapshot."""
