"""The files of a server: its log, written and synced, its snapshots, and what is found in both at a start.

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
"""How many bytes of zeros are written ahead: a sync takes longer where the file system must find room."""
_HEXADECIMAL = frozenset("0123456789abcdef")


class Disk:
    """The data directory of one server.

    Args:
        data: where snapshots are.
        log: where transaction logs are; with the snapshots, unless given.
        preallocated: how many bytes a log file grows at once.
        is_forced: whether the disk is synced; without, a crash of the machine loses what was acknowledged.

    Raises:
        OSError: the directories cannot be made.
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
        self._filled = 0  # how far there is room on the disk, not only in the file
        self._unfinished: list[int] = []  # rolled files that are not synced yet
        self._failure: OSError | None = None

    # The log.

    def append(self, payloads: Sequence[bytes]) -> None:
        """Writes transactions to the log; they are on disk after `sync`.

        A log that could not be written once is written no more: what came next would follow a gap. Nor is one
        that could not be synced, for nobody knows what of it is on disk.

        Args:
            payloads: what the entries hold; a new file is named after the zxid of the first.

        Raises:
            OSError: it cannot be written, or could not before.
        """
        with self._for_good():
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
        """Returns when all that was appended is on disk.

        Raises:
            OSError: it is not, or could not be written.
        """
        with self._for_good():
            self._sync()

    @contextmanager
    def _for_good(self) -> Iterator[None]:
        """What fails once fails for good."""
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
        """The next transaction begins a new file."""
        if self._file is not None:
            self._unfinished.append(self._file)
            self._file = None

    def close(self) -> None:
        """Syncs and closes the log; one that has failed is only closed.

        Raises:
            OSError: it cannot be synced.
        """
        self.roll()
        if self._failure is None:
            self.sync()
        else:
            self.abandon()

    def abandon(self) -> None:
        """Closes the log as it is."""
        self.roll()
        for file in self._unfinished:
            os.close(file)
        self._unfinished.clear()

    # Snapshots.

    def begin_snapshot(self, zxid: int) -> SnapshotFile:
        """A snapshot file that has the tree's zxid for its name once it is whole."""
        return SnapshotFile(self.data / f"snapshot.{zxid:x}")

    def purge(self, kept: int = KEPT) -> list[Path]:
        """Deletes all but the newest snapshots, and the logs that those need no more.

        Args:
            kept: how many snapshots stay.

        Returns:
            What was deleted.
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

    # What is found.

    def load(self) -> Found:
        """Reads the newest snapshot that is whole, and the log from there on; logs what is left out.

        Raises:
            Corrupt: what is there cannot be read, or only an older state; see `recover`.
        """
        found = recover(self.data, self.snapshot_files(), self.log_files())
        for why in found.skipped:
            log.warning("snapshot passed over: %s", why)
        for tail in found.tails:
            log.warning("end of a log left out: %s", tail)
        return found

    def log_files(self) -> list[Path]:
        """The transaction logs, the oldest first."""
        return sorted(_named(self.logs, "log", ("",)), key=zxid_of_file)

    def snapshot_files(self) -> list[Path]:
        """The snapshots, the newest first, whether or not they are compressed."""
        return sorted(
            _named(self.data, "snapshot", UNPACK), key=lambda path: (-zxid_of_file(path), path.suffix)
        )

    @property
    def data_size(self) -> int:
        """How many bytes the snapshots have."""
        return sum(path.stat().st_size for path in self.snapshot_files())

    @property
    def log_size(self) -> int:
        """How many bytes the logs have, with what is allocated ahead."""
        return sum(path.stat().st_size for path in self.log_files())


class SnapshotFile:
    """A snapshot that is being written; it gets its name when it is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unfinished = path.with_name(f".{path.name}.tmp")
        self._file = self._unfinished.open("wb")

    def write(self, piece: bytes) -> None:
        """Writes the next piece."""
        self._file.write(piece)

    def finish(self) -> None:
        """All is written: it is synced and named, and the name is synced: older ones may be deleted now."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._unfinished.rename(self.path)
        sync_path(self.path.parent)

    def abandon(self) -> None:
        """It is not wanted any more."""
        self._file.close()
        self._unfinished.unlink(missing_ok=True)


def sync_path(path: Path) -> None:
    """Returns when a file's bytes, or the names in a folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """Makes a folder, and those that it is in, so that they outlast a crash of the machine."""
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
