"""The files of a server: its log, written and synced, its snapshots, and what is found in both at a start.

ZooKeeper: FileTxnSnapLog, FileTxnLog, FileSnap, PurgeTxnLog.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from zabserver.service.tree import Tree
from zabserver.service.txns import CloseSessionTxn, CreateSessionTxn, decode_record, zxid_of
from zabserver.storage import logs, snapshots
from zabserver.storage.logs import Corrupt
from zabserver.wire.jute import Malformed

FOLDER = "version-2"
KEPT = 3


@dataclass(slots=True)
class Found:
    """What a data directory holds.

    Attributes:
        tree: everything in it, applied.
        sessions: those open at its end, with their timeouts in milliseconds.
        snapshot: the zxid of the snapshot that was loaded; None if there was none.
        replayed: how many transactions came from the log.
        skipped: snapshots that could not be used, each with the reason.
    """

    tree: Tree
    sessions: dict[int, int]
    snapshot: int | None
    replayed: int
    skipped: list[str]


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
        self.data.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        for unfinished in self.data.glob(".snapshot.*.tmp"):
            unfinished.unlink()
        self.preallocated = preallocated
        self.is_forced = is_forced
        self._file: int | None = None
        self._position = 0
        self._size = 0
        self._unfinished: list[int] = []  # rolled files that are not synced yet

    # The log.

    def append(self, payloads: Sequence[bytes]) -> None:
        """Writes transactions to the log; they are on disk after `sync`.

        Args:
            payloads: what the entries hold; a new file is named after the zxid of the first.
        """
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
        view = memoryview(written)
        while view:
            done = os.pwrite(self._file, view, self._position)
            self._position += done
            view = view[done:]

    def _open(self, zxid: int) -> None:
        path = self.logs / f"log.{zxid:x}"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(self._file, logs.START)
        self._position = len(logs.START)
        self._size = self._position
        if self.preallocated > 0:
            self._size += self.preallocated
            os.ftruncate(self._file, self._size)
        self._sync_folder(self.logs)

    def sync(self) -> None:
        """Returns when all that was appended is on disk."""
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
        """Syncs and closes the log."""
        self.roll()
        self.sync()

    def _sync_folder(self, folder: Path) -> None:
        if self.is_forced:
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

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
        for path in gone:
            path.unlink()
        return gone

    # What is found.

    def load(self) -> Found:
        """Reads the newest snapshot that is whole, and the log from there on.

        Raises:
            Corrupt: there are logs and no usable snapshot, or a log is damaged; one line says where.
        """
        skipped: list[str] = []
        tree, sessions, zxid = Tree(), {}, None
        candidates = self.snapshot_files()
        for path in candidates:
            try:
                buffer = path.read_bytes()
                if not snapshots.looks_whole(buffer):
                    raise Corrupt(str(path), len(buffer), "it ends too early")
                found = snapshots.decode_snapshot(buffer, str(path))
                tree.restore(found.nodes)
            except (Corrupt, ValueError) as error:
                skipped.append(str(error))
                tree = Tree()
                continue
            sessions, zxid = found.sessions, zxid_of_file(path)
            tree.zxid = zxid
            tree.digest = found.digest[1] if found.digest and found.digest[0] == zxid else None
            break
        files = self.log_files()
        if zxid is None and (candidates or (files and zxid_of_file(files[0]) > 1)):
            why = "; ".join(skipped) or "there is none"
            raise Corrupt(str(self.data), 0, f"no usable snapshot ({why})")
        replayed = self._replay(tree, sessions, files)
        return Found(tree, sessions, zxid, replayed, skipped)

    def _replay(self, tree: Tree, sessions: dict[int, int], files: Sequence[Path]) -> int:
        """Applies what the logs have beyond the tree."""
        begin = max((at for at, path in enumerate(files) if zxid_of_file(path) <= tree.zxid + 1), default=0)
        count = 0
        for path in files[begin:]:
            for entry in read_log(path):
                try:
                    record = decode_record(entry.payload)
                except Malformed as malformed:
                    raise Corrupt(str(path), entry.offset, str(malformed)) from None
                if record.zxid <= tree.zxid:
                    continue
                if not follows(record.zxid, tree.zxid):
                    gap = f"zxid 0x{record.zxid:x} after 0x{tree.zxid:x}: some are missing"
                    raise Corrupt(str(path), entry.offset, gap)
                tree.apply(record)
                count += 1
                if isinstance(record.txn, CreateSessionTxn):
                    sessions[record.session] = record.txn.timeout
                elif isinstance(record.txn, CloseSessionTxn):
                    sessions.pop(record.session, None)
        return count

    def log_files(self) -> list[Path]:
        """The transaction logs, the oldest first."""
        return sorted(_named(self.logs, "log"), key=zxid_of_file)

    def snapshot_files(self) -> list[Path]:
        """The snapshots, the newest first."""
        return sorted(_named(self.data, "snapshot"), key=zxid_of_file, reverse=True)

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
        """All is written: it is synced and named."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._unfinished.rename(self.path)

    def abandon(self) -> None:
        """It is not wanted any more."""
        self._file.close()
        self._unfinished.unlink(missing_ok=True)


def read_log(path: Path) -> Iterator[logs.Entry]:
    """The entries of a log file.

    Raises:
        Corrupt: it is damaged.
        OSError: it cannot be read.
    """
    if path.stat().st_size == 0:
        return
    with path.open("rb") as file, closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as whole:
        yield from logs.entries(whole, str(path))


def follows(zxid: int, before: int) -> bool:
    """Whether a transaction may come right after another: it is the next, or the first of a later epoch."""
    return zxid == before + 1 or (zxid >> 32 > before >> 32 and zxid & 0xFFFFFFFF == 1)


def _named(folder: Path, kind: str) -> Iterator[Path]:
    for path in folder.iterdir():
        name, _, zxid = path.name.partition(".")
        if name == kind and zxid and all(each in "0123456789abcdef" for each in zxid):
            yield path


def zxid_of_file(path: Path) -> int:
    """The zxid that a log or a snapshot is named after."""
    return int(path.name.partition(".")[2], 16)


def is_whole(path: Path) -> bool:
    """Whether a file may be a whole snapshot."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        if file.tell() < snapshots.LEAST:
            return False
        file.seek(-5, os.SEEK_END)
        return file.read() == snapshots.TERMINATOR
