"""What is found in a data directory at a start: the newest snapshot that is whole, and the log from there on.

Nothing that can be read is passed over in silence: what is left out, and why, is in `Found`, and where that
would leave an older state than a file's name promises, the start is refused.

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
    """What a data directory holds.

    Attributes:
        tree: everything in it, applied.
        sessions: those open at its end, with their timeouts in milliseconds.
        snapshot: the zxid of the snapshot that was loaded; None if there was none.
        replayed: how many transactions came from the log.
        replayed_size: how many bytes they have there.
        skipped: snapshots that could not be used, each with the reason.
        tails: what was left out at the ends of logs.
    """

    tree: Tree = field(default_factory=Tree)
    sessions: dict[int, int] = field(default_factory=dict)
    snapshot: int | None = None
    replayed: int = 0
    replayed_size: int = 0
    skipped: list[str] = field(default_factory=list)
    tails: list[Tail] = field(default_factory=list)


def recover(folder: Path, candidates: Sequence[Path], files: Sequence[Path]) -> Found:
    """Reads the newest snapshot that is whole, and the logs from there on.

    Args:
        folder: where the snapshots are, for errors.
        candidates: the snapshots, the newest first.
        files: the logs, the oldest first.

    Raises:
        Corrupt: there are logs and no usable snapshot, or a log is damaged, or the logs end before a snapshot
            that is; one line says where.
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
            str(folder), 0, f"all else ends at zxid 0x{found.tree.zxid:x}, before this: {found.skipped[0]}"
        )
    return found


def load_snapshot(path: Path, found: Found) -> None:
    """Puts a snapshot's tree and sessions in what was found.

    Raises:
        Corrupt: it is damaged.
        OSError: it cannot be read.
    """
    whole, name = read_snapshot(path)
    if not snapshots.looks_whole(whole):
        raise Corrupt(name, len(whole), "it ends too early")
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
    """A snapshot's bytes, unpacked, and what to call them in errors.

    Raises:
        Corrupt: they cannot be unpacked.
        OSError: the file cannot be read.
    """
    return b"".join(pieces_of_snapshot(path)), name_of_snapshot(path)


def pieces_of_snapshot(path: Path) -> Iterator[bytes]:
    """A snapshot's bytes, unpacked, up to any damage of the packing; errors as of `read_snapshot`."""
    with path.open("rb") as file:
        yield from UNPACK[packing_of(path)](file, str(path), LARGEST)


def is_whole(path: Path) -> bool:
    """Whether a snapshot has all its bytes: its last checksum is of everything before it.

    Raises:
        OSError: it cannot be read.
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
    """What to call a snapshot's bytes in errors: they are counted as they are when unpacked."""
    return f"{path} (unpacked)" if packing_of(path) else str(path)


def packing_of(path: Path) -> str:
    """How a snapshot is compressed, by its name."""
    return path.suffix if path.suffix in UNPACK else ""


def _replay(found: Found, files: Sequence[Path]) -> None:
    """Applies what the logs have beyond the tree."""
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
                gap = f"zxid 0x{record.zxid:x} after 0x{tree.zxid:x}: some are missing"
                raise Corrupt(str(path), entry.offset, gap)
            odd = next(_impossible_paths(record.txn), None)
            if odd is not None:
                raise Corrupt(str(path), entry.offset, f"no transaction creates or deletes {odd!r}")
            tree.apply(record)
            found.replayed += 1
            found.replayed_size += len(entry.payload)
            if isinstance(record.txn, CreateSessionTxn):
                found.sessions[record.session] = record.txn.timeout
            elif isinstance(record.txn, CloseSessionTxn):
                found.sessions.pop(record.session, None)


def _impossible_paths(txn: Txn) -> Iterator[bytes]:
    """What a transaction creates or deletes that can be neither; only one that nobody made has any."""
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
    """The entries of a log file.

    Args:
        path: of the file.
        on_tail: is told, at the end, what is left out there.

    Raises:
        Corrupt: it is damaged.
        OSError: it cannot be read.
    """
    if path.stat().st_size == 0:
        return
    with path.open("rb") as file, closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as whole:
        yield from logs.entries(whole, str(path), on_tail=on_tail)


def zxid_of_file(path: Path) -> int:
    """The zxid that a log or a snapshot is named after."""
    return int(path.name.split(".")[1], 16)
