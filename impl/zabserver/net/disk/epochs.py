"""The two epochs that a member keeps on disk: the last it promised to follow, and that of its history.

Each is a file with a decimal number, written beside its name, synced, and renamed; then the folder is synced.
A member whose files do not fit its history has lost a promise, and must not vote.

What a learner gets from a leader is on disk before the epoch of that is. A crash between the two leaves a
history that is later than the current epoch, and Apache refuses to start. Here, what is about to be written
is announced in a file of its own: if that is there, the current epoch is the last that the history is of. For
whoever has a transaction of an epoch has all that this epoch began with.

ZooKeeper: QuorumPeer.loadDataBase, QuorumPeer.setAcceptedEpoch, AtomicFileWritingIdiom.
"""

from __future__ import annotations

import os
from pathlib import Path

from zabserver.net.disk.disk import sync_path
from zabserver.storage.logs import Corrupt

ACCEPTED = "acceptedEpoch"
CURRENT = "currentEpoch"
NEXT = "currentEpoch.next"
"""The epoch of what is about to be written to the history."""


def load_epochs(folder: Path, last_zxid: int) -> tuple[int, int]:
    """The accepted and the current epoch; a file that is missing is written, with the epoch of the history.

    A history that is of a later epoch than the current one was written just before that was to be: then the
    number is in a file that was not renamed yet, or announced; or the files are not of this history.

    Args:
        folder: where the files are.
        last_zxid: the last of snapshot and log.

    Raises:
        Corrupt: a file is no number, or they do not fit each other or the history. Nothing was written.
        OSError: they cannot be read or written.
    """
    of_history = last_zxid >> 32
    found = _read(folder / ACCEPTED), _read(folder / CURRENT)
    accepted, current = (of_history if epoch is None else epoch for epoch in found)
    if of_history > current:
        current = _unfinished(folder, of_history, current)
    if accepted < current:
        why = f"the accepted epoch, {accepted}, is before the current one, {current}"
        raise Corrupt(str(folder / ACCEPTED), 0, why)
    if found[1] != current:
        write_epoch(folder, CURRENT, current)
    if found[0] is None:
        write_epoch(folder, ACCEPTED, accepted)
    for path in (_beside(folder / ACCEPTED), _beside(folder / CURRENT), folder / NEXT):
        remove(path)
    return accepted, current


def write_epoch(folder: Path, name: str, epoch: int) -> None:
    """Writes an epoch; it is on disk on return, and at no moment is there neither the old one nor the new.

    Args:
        folder: where it is.
        name: `ACCEPTED`, `CURRENT` or `NEXT`.
        epoch: the number.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / name
    with _beside(path).open("wb") as file:
        file.write(str(epoch).encode())
        file.flush()
        os.fsync(file.fileno())
    _beside(path).replace(path)
    sync_path(folder)


def has_any(folder: Path) -> bool:
    """Whether an epoch was ever promised here.

    Raises:
        Corrupt: a file is no number.
        OSError: it cannot be read.
    """
    return any(_read(folder / name) for name in (ACCEPTED, CURRENT))


def remove(path: Path) -> None:
    """Deletes a file, if it is there; it is gone for good on return."""
    if path.exists():
        path.unlink()
        sync_path(path.parent)


def _unfinished(folder: Path, of_history: int, current: int) -> int:
    """The epoch that was to become current when the server stopped; the history's, if that was announced."""
    for path, is_announced in ((_beside(folder / CURRENT), False), (folder / NEXT, True)):
        try:
            epoch = _read(path)
        except Corrupt:  # it was not written to the end
            continue
        if epoch is not None and epoch >= of_history:
            return of_history if is_announced else epoch
    why = f"the current epoch, {current}, is before that of the log, {of_history}"
    raise Corrupt(str(folder / CURRENT), 0, why)


def _read(path: Path) -> int | None:
    """The number in a file; None if there is no file."""
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return None
    text = whole.strip()
    if not text.isdigit() or len(text) > len(str(1 << 63)):
        raise Corrupt(str(path), 0, f"{whole[:40]!r} is no epoch")
    return int(text)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.tmp")
