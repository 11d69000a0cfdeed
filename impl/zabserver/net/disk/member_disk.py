"""The data directory of an ensemble's member: also keeps epochs, and truncates, replaces and rereads the
history, because a leader may have another.

What a method writes is on disk when it returns. Files are deleted and written in an order such that a crash
between any two steps leaves the old history or a prefix of it.

ZooKeeper: FileTxnLog.truncate, FileTxnSnapLog, ZKDatabase.getProposalsFromTxnLog, QuorumPeer.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from zabserver.net.configuration.config_files import ConfigFiles
from zabserver.net.disk import epochs
from zabserver.net.disk.disk import Disk
from zabserver.net.disk.recovery import Found, is_whole, read_log, zxid_of_file
from zabserver.service.tree import Tree
from zabserver.service.txns import zxid_of
from zabserver.storage import logs, snapshots
from zabserver.storage.logs import Corrupt
from zabserver.zab.ensemble import Ensemble
from zabserver.zab.history import follows

BLOCK = 512
"""Unit of `st_blocks`, in bytes."""


class MemberDisk(Disk):
    """A `zabserver.zab.storage.Storage` on files; see `Disk` for its other arguments.

    Args:
        config: files for the configuration of the ensemble; None if clients cannot change it.
    """

    def __init__(
        self,
        data: Path,
        log: Path | None = None,
        preallocated: int = logs.PREALLOCATED,
        is_forced: bool = True,
        config: ConfigFiles | None = None,
    ) -> None:
        super().__init__(data, log, preallocated, is_forced)
        self._config = config
        self._current = 0

    # Epochs.

    def load_epochs(self, last_zxid: int) -> tuple[int, int]:
        """Returns the accepted and the current epoch; see `epochs.load_epochs`."""
        accepted, self._current = epochs.load_epochs(self.data, last_zxid)
        return accepted, self._current

    def set_accepted_epoch(self, epoch: int) -> None:
        """Writes the accepted epoch to disk."""
        epochs.write_epoch(self.data, epochs.ACCEPTED, epoch)

    def set_current_epoch(self, epoch: int) -> None:
        """Writes the current epoch, that of the history, to disk."""
        epochs.write_epoch(self.data, epochs.CURRENT, epoch)
        self._current = epoch
        epochs.remove(self.data / epochs.NEXT)

    def _announce(self, zxid: int) -> None:
        """Announces the epoch of transactions about to be written, if it is later than the current epoch."""
        if zxid >> 32 > self._current:
            epochs.write_epoch(self.data, epochs.NEXT, zxid >> 32)

    def load(self) -> Found:
        """Loads the newest snapshot and replays the log after it; writes a first snapshot if there is none.

        Without a first snapshot, a log that starts with a new epoch looks like one whose beginning is lost.

        Raises:
            Corrupt: the files are damaged, or there are epochs but no history.
            OSError: a file cannot be read or written.
        """
        found = super().load()
        if found.snapshot is None:
            if not found.replayed and epochs.has_any(self.data):
                raise Corrupt(
                    str(self.data), 0, "there are epochs but no history: snapshots and logs are lost"
                )
            self._write_snapshot(found.tree, found.sessions)
        return found

    def save_ensembles(self, committed: Ensemble, last_seen: Ensemble) -> None:
        """Writes the committed configuration and the last proposed one beside zoo.cfg; see `ConfigFiles`."""
        if self._config is not None:
            self._config.save(committed, last_seen)

    # Changing the history.

    def write(self, payloads: Sequence[bytes]) -> None:
        """Appends to the log and syncs it."""
        if payloads:
            self._announce(zxid_of(payloads[-1]))
        self.append(payloads)
        self.sync()

    def truncate(self, zxid: int) -> None:
        """Removes every transaction after a zxid from the history: newer snapshots first, then the end of the
        log.

        Newer snapshots must be deleted, because the newest is loaded at a start. ZooKeeper keeps them, and
        truncates after the first transaction whose zxid is equal or greater, whatever it is.

        Raises:
            Corrupt: the history has no state with this zxid, or nothing older than it would remain. Nothing
                was changed.
            OSError: a file cannot be written or deleted.
        """
        self.close()
        whole = [zxid_of_file(path) for path in self.snapshot_files() if is_whole(path)]
        if not self._has(zxid) and zxid not in whole:
            raise Corrupt(
                str(self.logs), 0, f"cannot truncate after zxid 0x{zxid:x}: it is not in the history"
            )
        if whole and min(whole) > zxid:
            raise Corrupt(
                str(self.data), 0, f"cannot truncate after zxid 0x{zxid:x}: all snapshots are newer"
            )
        self._truncate_after(zxid)

    def save(self, tree: Tree, timeouts: Mapping[int, int]) -> None:
        """Writes a snapshot received from a leader, or of a state received from there; the history then ends
        with it.

        A log that contains the snapshot's last transaction has the leader's history before it, and is kept.
        Any other log may differ from the leader's, and is deleted together with the older snapshots.

        Raises:
            OSError: a file cannot be written or deleted.
        """
        self.close()
        self._announce(tree.zxid)
        is_same = self._has(tree.zxid)
        self._truncate_after(tree.zxid)
        path = self._write_snapshot(tree, timeouts)
        if not is_same:
            for old in (*reversed(self.log_files()), *self.snapshot_files()):
                if old != path:
                    epochs.remove(old)

    def _write_snapshot(self, tree: Tree, timeouts: Mapping[int, int]) -> Path:
        file = self.begin_snapshot(tree.zxid)
        try:
            for piece in snapshots.encode_snapshot(tree, timeouts):
                file.write(piece)
            file.finish()
        except BaseException:
            file.abandon()
            raise
        return file.path

    def _has(self, zxid: int) -> bool:
        """True if the log holds the transaction of a zxid.

        Counter 0 begins an epoch and is no transaction: the first transaction of the epoch counts instead.
        """
        wanted = zxid if zxid & 0xFFFFFFFF else zxid + 1
        for path in self._files_from(wanted)[:1]:
            return any(zxid_of(entry.payload) == wanted for entry in read_log(path))
        return False

    def _truncate_after(self, zxid: int) -> None:
        """Deletes snapshots newer than a zxid, then truncates the log after it, newest file first."""
        for path in self.snapshot_files():
            if zxid_of_file(path) > zxid:
                epochs.remove(path)
        for path in reversed(self.log_files()):
            if zxid_of_file(path) > zxid:
                epochs.remove(path)
            else:
                self._truncate_file(path, zxid)
                break

    def _truncate_file(self, path: Path, zxid: int) -> None:
        """Truncates a file after a zxid, unless only padding follows."""
        end, is_more = logs.HEADER.size, False
        for entry in read_log(path):
            if zxid_of(entry.payload) > zxid:
                is_more = True
                break
            end = entry.end
        if is_more:
            with path.open("r+b") as file:
                os.ftruncate(file.fileno(), end)
                os.fsync(file.fileno())

    # Reading the history.

    def entries_after(self, zxid: int) -> Iterator[tuple[int, bytes]]:
        """Yields zxid and payload of logged transactions: the last one that is not after a zxid, then all
        after it.

        Yields nothing if the log starts later. Stops at a gap: the transactions between are in a snapshot.

        Raises:
            Corrupt: the log is damaged.
            OSError: the log cannot be read.
        """
        before: tuple[int, bytes] | None = None
        is_begun = False
        for entry in self._entries(self._files_from(zxid)):
            if is_begun or entry[0] > zxid:
                if before is None or not follows(entry[0], before[0]):
                    return
                if not is_begun:
                    yield before
                    is_begun = True
                yield entry
            before = entry
        if before is not None and not is_begun:
            yield before

    def recent(self, count: int) -> list[tuple[int, bytes]]:
        """Returns zxid and payload of the last consecutive transactions in the log.

        Args:
            count: maximum number of transactions.

        Raises:
            Corrupt: the log is damaged.
            OSError: the log cannot be read.
        """
        found: list[tuple[int, bytes]] = []
        for path in reversed(self.log_files()):
            here = deque(self._entries([path]), count - len(found))
            while here and (not found or follows(found[-1][0], here[-1][0])):
                found.append(here.pop())
            if here or len(found) == count:
                break
        return found[::-1]

    def sizes(self, zxid: int) -> tuple[int, int]:
        """Returns the size of the log files from the one that may hold a zxid, and of the newest snapshot, in
        bytes.

        Preallocated space is not counted.
        """
        logs_size = sum(map(_size, self._files_from(zxid)))
        return logs_size, max(map(_size, self.snapshot_files()[:1]), default=0)

    def _files_from(self, zxid: int) -> list[Path]:
        """Returns the log files from the one that may hold a zxid; all of them, if they start later."""
        files = self.log_files()
        begin = max((at for at, path in enumerate(files) if zxid_of_file(path) <= zxid), default=0)
        return files[begin:]

    def _entries(self, files: Sequence[Path]) -> Iterator[tuple[int, bytes]]:
        for path in files:
            for entry in read_log(path):
                yield zxid_of(entry.payload), entry.payload


def _size(path: Path) -> int:
    """Returns the size of a file without preallocated space, in bytes; 0 if it was purged meanwhile."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return 0
    return min(stat.st_size, stat.st_blocks * BLOCK)
