"""Recovery at the start of a server: loads the newest complete snapshot and replays the log after it.

Nothing is ignored silently: `Found` holds what is skipped, with the reason. If skipping a damaged file would
restore an older state than the file's name promises, the start is refused.

ZooKeeper: FileTxnSnapLog.restore, FileSnap.deserialize, FileTxnLog.FileTxnIterator.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from zlib import adler32

from zabserver.service.paths import has_place
from zabserver.service.tree import UNDELETABLE, Tree
from zabserver.service.txns import (
    CloseSessionTxn,
    CreateSessionTxn,
    CreateTxn,
    DeleteTxn,
    MultiTxn,
    Txn,
    decode_record,
)
from zabserver.storage import logs, snapshots
from zabserver.storage.compressed import LARGEST, UNPACK
from zabserver.storage.logs import Corrupt, Tail
from zabserver.wire.jute import LONG, Malformed
from zabserver.zab.history import follows


@dataclass(slots=True)
class Found:
    """The state recovered from a data directory.

    Attributes:
        tree: the data tree after all transactions.
        sessions: timeouts of the open sessions, in milliseconds.
        snapshot: zxid of the loaded snapshot; None if there was none.
        replayed: number of transactions replayed from the log.
        replayed_size: their size in the log, in bytes.
        skipped: damaged snapshots, each with the reason.
        tails: bytes ignored at the ends of logs.
    """

    tree: Tree = field(default_factory=Tree)
    sessions: dict[int, int] = field(default_factory=dict)
    snapshot: int | None = None
    replayed: int = 0
    replayed_size: int = 0
    skipped: list[str] = field(default_factory=list)
    tails: list[Tail] = field(default_factory=list)


def recover(folder: Path, candidates: Sequence[Path], files: Sequence[Path]) -> Found:
    """Loads the newest complete snapshot and replays the logs after it.

    Args:
        folder: directory of the snapshots, for error messages.
        candidates: the snapshots, the newest first.
        files: the logs, the oldest first.

    Raises:
        Corrupt: there are logs but no usable snapshot, a log is damaged, or the logs end before a damaged
            snapshot; the message says where.
    """
    found = Found()
    for path in candidates:
        try:
            load_snapshot(path, found)
            break
        except Corrupt as error:
            found.skipped.append(str(error))
    if found.snapshot is None and (candidates or (files and zxid_of_file(files[0]) > 1)):
        why = "; ".join(found.skipped) or "there is none"
        raise Corrupt(str(folder), 0, f"no usable snapshot ({why})")
    _replay(found, files)
    if found.skipped and found.tree.zxid < zxid_of_file(candidates[0]):
        raise Corrupt(
            str(folder),
            0,
            f"the other files end at zxid 0x{found.tree.zxid:x}, before this snapshot: {found.skipped[0]}",
        )
    return found


def load_snapshot(path: Path, found: Found) -> None:
    """Loads a snapshot's tree and sessions into `found`.

    Raises:
        Corrupt: the snapshot is damaged.
        OSError: the file cannot be read.
    """
    whole, name = read_snapshot(path)
    if not snapshots.looks_whole(whole):
        raise Corrupt(name, len(whole), "the file ends too early")
    snapshot = snapshots.decode_snapshot(whole, name)
    tree, zxid = Tree(), zxid_of_file(path)
    try:
        tree.restore(snapshot.nodes)
    except ValueError as error:
        raise Corrupt(name, 0, str(error)) from None
    tree.zxid = zxid
    tree.digest = snapshot.digest[1] if snapshot.digest and snapshot.digest[0] == zxid else None
    found.tree, found.sessions, found.snapshot = tree, snapshot.sessions, zxid


def read_snapshot(path: Path) -> tuple[bytes, str]:
    """Returns a snapshot's decompressed bytes, and its name for error messages.

    Raises:
        Corrupt: the snapshot cannot be decompressed.
        OSError: the file cannot be read.
    """
    return b"".join(pieces_of_snapshot(path)), name_of_snapshot(path)


def pieces_of_snapshot(path: Path) -> Iterator[bytes]:
    """Yields a snapshot's decompressed bytes until the compressed data is damaged; raises as
    `read_snapshot`.
    """
    with path.open("rb") as file:
        yield from UNPACK[packing_of(path)](file, str(path), LARGEST)


def is_whole(path: Path) -> bool:
    """True if a snapshot is complete, that is, if its last checksum is that of everything before.

    Raises:
        OSError: the file cannot be read.
    """
    checksum, kept = 1, b""
    try:
        for piece in pieces_of_snapshot(path):
            kept += piece
            checksum = adler32(kept[: -snapshots.SEAL], checksum)
            kept = kept[-snapshots.SEAL :]
    except Corrupt:
        return False
    return len(kept) == snapshots.SEAL and kept == LONG.pack(checksum) + snapshots.TERMINATOR


def name_of_snapshot(path: Path) -> str:
    """Returns a snapshot's name for error messages, which count bytes after decompression."""
    return f"{path} (unpacked)" if packing_of(path) else str(path)


def packing_of(path: Path) -> str:
    """Returns the file extension that tells how a snapshot is compressed; empty if it is not."""
    return path.suffix if path.suffix in UNPACK else ""


def _replay(found: Found, files: Sequence[Path]) -> None:
    """Applies the transactions in the logs that the tree does not have."""
    tree = found.tree
    begin = max((at for at, path in enumerate(files) if zxid_of_file(path) <= tree.zxid + 1), default=0)
    for path in files[begin:]:
        for entry in read_log(path, found.tails.append):
            try:
                record = decode_record(entry.payload)
            except Malformed as malformed:
                raise Corrupt(str(path), entry.offset, str(malformed)) from None
            if record.zxid <= tree.zxid:
                continue
            if not follows(record.zxid, tree.zxid):
                gap = f"zxid 0x{record.zxid:x} after 0x{tree.zxid:x}: transactions are missing"
                raise Corrupt(str(path), entry.offset, gap)
            odd = next(_impossible_paths(record.txn), None)
            if odd is not None:
                raise Corrupt(
                    str(path),
                    entry.offset,
                    f"a transaction that creates or deletes {odd!r}, which no server does",
                )
            tree.apply(record)
            found.replayed += 1
            found.replayed_size += len(entry.payload)
            if isinstance(record.txn, CreateSessionTxn):
                found.sessions[record.session] = record.txn.timeout
            elif isinstance(record.txn, CloseSessionTxn):
                found.sessions.pop(record.session, None)


def _impossible_paths(txn: Txn) -> Iterator[bytes]:
    """Yields paths in a transaction that no server creates or deletes."""
    match txn:
        case CreateTxn(path=path) | DeleteTxn(path=path):
            if path in UNDELETABLE or not has_place(path):
                yield path
        case CloseSessionTxn(paths=paths):
            yield from (each for each in paths or () if each in UNDELETABLE or not has_place(each))
        case MultiTxn(parts=parts):
            for part in parts:
                yield from _impossible_paths(part)


def read_log(path: Path, on_tail: Callable[[Tail], None] = logs.ignore) -> Iterator[logs.Entry]:
    """Yields the entries of a log file.

    Args:
        path: the file.
        on_tail: is called at the end with the bytes that are ignored there.

    Raises:
        Corrupt: the log is damaged.
        OSError: the file cannot be read.
    """
    if path.stat().st_size == 0:
        return
    with path.open("rb") as file, closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as whole:
        yield from logs.entries(whole, str(path), on_tail=on_tail)


def zxid_of_file(path: Path) -> int:
    """Returns the zxid in the name of a log or a snapshot."""
    return int(path.name.split(".")[1], 16)
