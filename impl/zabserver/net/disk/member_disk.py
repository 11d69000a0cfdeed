"""The disk of an ensemble's member: besides its log and its snapshots, its epochs; and a history that can be
cut, replaced and read again, for a leader may have another.

What these methods are asked for is on disk when they return. The order in which files go is such that after a
crash between any two steps there is a history that was there before, or the beginning of one.

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
"""The unit of `st_blocks`, in bytes."""


class MemberDisk(Disk):
    """A `zabserver.zab.storage.Storage` on files; see `Disk` for its arguments."""

    _current = 0
    config: ConfigFiles | None = None
    """Where who is a member is written; None where no client may change that."""

    # Epochs.

    def load_epochs(self, last_zxid: int) -> tuple[int, int]:
        """The accepted and the current epoch; see `epochs.load_epochs`."""
        accepted, self._current = epochs.load_epochs(self.data, last_zxid)
        return accepted, self._current

    def set_accepted_epoch(self, epoch: int) -> None:
        """Writes the epoch that was promised."""
        epochs.write_epoch(self.data, epochs.ACCEPTED, epoch)

    def set_current_epoch(self, epoch: int) -> None:
        """Writes the epoch whose history this is."""
        epochs.write_epoch(self.data, epochs.CURRENT, epoch)
        self._current = epoch
        epochs.remove(self.data / epochs.NEXT)

    def _announce(self, zxid: int) -> None:
        """What is of a later epoch than the current one is about to be written."""
        if zxid >> 32 > self._current:
            epochs.write_epoch(self.data, epochs.NEXT, zxid >> 32)

    def load(self) -> Found:
        """Reads the newest snapshot, and the log from there on; writes a first snapshot where there is none.

        Without that, nobody could tell a log that begins with an epoch from one that has lost its beginning.

        Raises:
            Corrupt: what is there cannot be read; or there is nothing but epochs, so that a history is lost.
            OSError: it cannot be read or written.
        """
        found = super().load()
        if found.snapshot is None:
            if not found.replayed and epochs.has_any(self.data):
                raise Corrupt(
                    str(self.data), 0, "there are epochs, and no history: snapshots and logs are lost"
                )
            self._write_snapshot(found.tree, found.sessions)
        return found

    def save_ensembles(self, committed: Ensemble, last_seen: Ensemble) -> None:
        """Writes who the members are, and who they are to be, beside zoo.cfg; see `ConfigFiles`."""
        if self.config is not None:
            self.config.save(committed, last_seen)

    # What changes the history.

    def write(self, payloads: Sequence[bytes]) -> None:
        """Appends to the log, and syncs it."""
        if payloads:
            self._announce(zxid_of(payloads[-1]))
        self.append(payloads)
        self.sync()

    def truncate(self, zxid: int) -> None:
        """Makes the history end with a zxid: snapshots that have more go first, then the end of the log.

        The snapshots must go, because the newest is what is loaded. ZooKeeper leaves them, and cuts after the
        first transaction that is not before the zxid, whichever that is.

        Raises:
            Corrupt: no state here has this zxid, or all that would be left begins later. Nothing was changed.
            OSError: it failed.
        """
        self.close()
        whole = [zxid_of_file(path) for path in self.snapshot_files() if is_whole(path)]
        if not self._has(zxid) and zxid not in whole:
            raise Corrupt(str(self.logs), 0, f"cannot cut after zxid 0x{zxid:x}: it is not there")
        if whole and min(whole) > zxid:
            raise Corrupt(str(self.data), 0, f"cannot cut after zxid 0x{zxid:x}: all snapshots have more")
        self._cut_after(zxid)

    def save(self, tree: Tree, timeouts: Mapping[int, int]) -> None:
        """Writes a snapshot that came from a leader, or is of what came from there: the history ends with it.

        A log that has the snapshot's last transaction has the same as the leader's before that, and stays.
        Otherwise nobody knows what it has, and it goes, with the snapshots that it went on from.

        Raises:
            OSError: it failed.
        """
        self.close()
        self._announce(tree.zxid)
        is_same = self._has(tree.zxid)
        self._cut_after(tree.zxid)
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
        """Whether the log has a transaction; of the label of an epoch, whether it has the first of that."""
        wanted = zxid if zxid & 0xFFFFFFFF else zxid + 1
        for path in self._files_from(wanted)[:1]:
            return any(zxid_of(entry.payload) == wanted for entry in read_log(path))
        return False

    def _cut_after(self, zxid: int) -> None:
        """Deletes snapshots of more than a zxid, and what the log has after it, the last first."""
        for path in self.snapshot_files():
            if zxid_of_file(path) > zxid:
                epochs.remove(path)
        for path in reversed(self.log_files()):
            if zxid_of_file(path) > zxid:
                epochs.remove(path)
            else:
                self._cut(path, zxid)
                break

    def _cut(self, path: Path, zxid: int) -> None:
        """Cuts what is after a zxid off a file, where there is anything but padding."""
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

    # What is read again.

    def entries_after(self, zxid: int) -> Iterator[tuple[int, bytes]]:
        """Zxids and payloads from the log: the last that is not after a zxid, and all after that.

        Nothing, if the log begins later. It ends where a transaction does not follow the one before it: what
        is between them is in a snapshot.

        Raises:
            Corrupt: the log is damaged.
            OSError: it cannot be read.
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
        """The last transactions of the log that follow each other.

        Args:
            count: how many at most.

        Raises:
            Corrupt: the log is damaged.
            OSError: it cannot be read.
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
        """Bytes of the log files from the one that may hold a zxid on, and of the newest snapshot.

        What is allocated ahead and not written does not count.
        """
        logs_size = sum(map(_size, self._files_from(zxid)))
        return logs_size, max(map(_size, self.snapshot_files()[:1]), default=0)

    def _files_from(self, zxid: int) -> list[Path]:
        """The log files from the one that may hold a zxid on; all, if they begin later."""
        files = self.log_files()
        begin = max((at for at, path in enumerate(files) if zxid_of_file(path) <= zxid), default=0)
        return files[begin:]

    def _entries(self, files: Sequence[Path]) -> Iterator[tuple[int, bytes]]:
        for path in files:
            for entry in read_log(path):
                yield zxid_of(entry.payload), entry.payload


def _size(path: Path) -> int:
    """How many bytes a file has, without what is allocated ahead; none, if it was purged meanwhile."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return 0
    return min(stat.st_size, stat.st_blocks * BLOCK)
