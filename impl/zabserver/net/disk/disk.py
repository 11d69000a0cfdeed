"""The data directory of a server: appends to the transaction log and syncs it, writes, purges and loads
snapshots.

ZooKeeper: FileTxnSnapLog, FileTxnLog, FileSnap, PurgeTxnLog.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from zabserver.net.disk.recovery import Found, is_whole, recover, zxid_of_file
from zabserver.service.txns import zxid_of
from zabserver.storage import logs
from zabserver.storage.compressed import UNPACK

log = logging.getLogger("zabserver")

FOLDER = "version-2"
KEPT = 3
AHEAD = 1 << 18
"""Number of zero bytes written after the last entry: an fsync takes longer if the file system has to allocate
blocks.
"""
_HEXADECIMAL = frozenset("0123456789abcdef")


class Disk:
    """The data directory of one server.

    Args:
        data: directory for snapshots.
        log: directory for transaction logs; by default, that of the snapshots.
        preallocated: number of bytes by which a log file grows at once; 0 to grow with each write.
        is_forced: True to sync the disk; otherwise a crash of the machine loses acknowledged transactions.

    Attributes:
        data: directory of the snapshot files.
        logs: directory of the log files.

    Raises:
        OSError: the directories cannot be created.
    """

    def __init__(
        self,
        data: Path,
        log: Path | None = None,
        preallocated: int = logs.PREALLOCATED,
        is_forced: bool = True,
    ) -> None:
        self.data = data / FOLDER
        self.logs = (log or data) / FOLDER
        for folder in (self.data, self.logs):
            _make_folder(folder)
        for unfinished in self.data.glob(".snapshot.*.tmp"):
            unfinished.unlink()
        self.preallocated = preallocated
        self.is_forced = is_forced
        self._file: int | None = None
        self._position = 0
        self._size = 0
        self._filled = 0  # end of the blocks allocated on disk
        self._unfinished: list[int] = []  # rolled files, not yet synced
        self._failure: OSError | None = None

    # The log.

    def append(self, payloads: Sequence[bytes]) -> None:
        """Writes transactions to the log; they are on disk after `sync`.

        After a failed write, the log is never written again, because a later transaction would follow a gap.
        After a failed sync it is not either, because what is on disk is unknown.

        Args:
            payloads: encoded transactions; a new file is named after the zxid of the first.

        Raises:
            OSError: the log cannot be written, or an earlier write or sync has failed.
        """
        with self._permanent_failure():
            self._append(payloads)

    def _append(self, payloads: Sequence[bytes]) -> None:
        if not payloads:
            return
        if self._file is None:
            self._open(zxid_of(payloads[0]))
        assert self._file is not None
        written = b"".join(map(logs.encode_entry, payloads))
        end = self._position + len(written)
        size = self._size
        while end + logs.BLOCK >= size and self.preallocated > 0:
            size = logs.padded_size(end, size, self.preallocated)
        if size != self._size:
            os.ftruncate(self._file, size)
            self._size = size
        if end > self._filled and self.preallocated > 0:
            self._filled = min(end + AHEAD, size)
            written += bytes(self._filled - end)
        view = memoryview(written)
        at = self._position
        while view:
            done = os.pwrite(self._file, view, at)
            at += done
            view = view[done:]
        self._position = end

    def _open(self, zxid: int) -> None:
        path = self.logs / f"log.{zxid:x}"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(self._file, logs.START)
        self._position = len(logs.START)
        self._size = self._filled = self._position
        if self.preallocated > 0:
            self._size += self.preallocated
            os.ftruncate(self._file, self._size)
        if self.is_forced:
            sync_path(self.logs)

    def sync(self) -> None:
        """Syncs the log; everything appended is on disk on return.

        Raises:
            OSError: the sync has failed, or an earlier write or sync has.
        """
        with self._permanent_failure():
            self._sync()

    @contextmanager
    def _permanent_failure(self) -> Iterator[None]:
        """Makes a failure of the log permanent."""
        if self._failure is not None:
            raise OSError(self._failure.errno, f"the log has failed before: {self._failure}")
        try:
            yield
        except OSError as error:
            self._failure = error
            raise

    def _sync(self) -> None:
        unfinished, self._unfinished = self._unfinished, []
        for file in unfinished:
            if self.is_forced:
                os.fdatasync(file)
            os.close(file)
        if self._file is not None and self.is_forced:
            os.fdatasync(self._file)

    def roll(self) -> None:
        """Starts a new log file with the next transaction."""
        if self._file is not None:
            self._unfinished.append(self._file)
            self._file = None

    def close(self) -> None:
        """Syncs and closes the log; one that has failed is closed without a sync.

        Raises:
            OSError: the log cannot be synced.
        """
        self.roll()
        if self._failure is None:
            self.sync()
        else:
            self.abandon()

    def abandon(self) -> None:
        """Closes the log without a sync."""
        self.roll()
        for file in self._unfinished:
            os.close(file)
        self._unfinished.clear()

    # Snapshots.

    def begin_snapshot(self, zxid: int) -> SnapshotFile:
        """Opens a snapshot file, which gets the name of a zxid when it is finished."""
        return SnapshotFile(self.data / f"snapshot.{zxid:x}")

    def purge(self, kept: int = KEPT) -> list[Path]:
        """Deletes old snapshots, and the logs that no remaining snapshot needs.

        Args:
            kept: number of complete snapshots to keep, at least 1.

        Returns:
            The deleted files.
        """
        whole = [path for path in self.snapshot_files() if is_whole(path)][: max(kept, 1)]
        if not whole:
            return []
        oldest = zxid_of_file(whole[-1])
        files = self.log_files()
        needed = [path for path in files if zxid_of_file(path) <= oldest][-1:]
        needed += [path for path in files if zxid_of_file(path) > oldest]
        gone = [path for path in self.snapshot_files() if path not in whole and zxid_of_file(path) < oldest]
        gone += [path for path in files if path not in needed]
        if gone:
            for path in [*whole, *needed, self.data, self.logs]:
                sync_path(path)
        for path in gone:
            path.unlink()
        return gone

    # Loading.

    def load(self) -> Found:
        """Loads the newest complete snapshot and replays the log after it; logs what is ignored.

        Raises:
            Corrupt: the files are damaged, or only an older state can be recovered; see `recover`.
        """
        found = recover(self.data, self.snapshot_files(), self.log_files())
        for why in found.skipped:
            log.warning("damaged snapshot skipped: %s", why)
        for tail in found.tails:
            log.warning("end of a log ignored: %s", tail)
        return found

    def log_files(self) -> list[Path]:
        """Returns the transaction logs, the oldest first."""
        return sorted(_named(self.logs, "log", ("",)), key=zxid_of_file)

    def snapshot_files(self) -> list[Path]:
        """Returns the snapshots, compressed or not, the newest first."""
        return sorted(
            _named(self.data, "snapshot", UNPACK), key=lambda path: (-zxid_of_file(path), path.suffix)
        )

    @property
    def data_size(self) -> int:
        """Size of the snapshots, in bytes."""
        return sum(path.stat().st_size for path in self.snapshot_files())

    @property
    def log_size(self) -> int:
        """Size of the logs in bytes, including preallocated space."""
        return sum(path.stat().st_size for path in self.log_files())


class SnapshotFile:
    """A snapshot being written under a temporary name.

    Args:
        path: the name that the file gets when it is finished.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unfinished = path.with_name(f".{path.name}.tmp")
        self._file = self._unfinished.open("wb")

    def write(self, piece: bytes) -> None:
        """Writes the next bytes."""
        self._file.write(piece)

    def finish(self) -> None:
        """Syncs the file, gives it its name, and syncs the directory; older snapshots may be deleted
        afterwards.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._unfinished.rename(self.path)
        sync_path(self.path.parent)

    def abandon(self) -> None:
        """Deletes the unfinished file."""
        self._file.close()
        self._unfinished.unlink(missing_ok=True)


def sync_path(path: Path) -> None:
    """Syncs a file, or the names in a directory."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """Creates a directory and its parents, so that they survive a crash of the machine."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_path(folder.parent)


def _named(folder: Path, kind: str, endings: Container[str]) -> Iterator[Path]:
    for path in folder.iterdir():
        name, _, rest = path.name.partition(".")
        zxid, mark, ending = rest.partition(".")
        if name == kind and mark + ending in endings and zxid and all(each in _HEXADECIMAL for each in zxid):
            yield path
