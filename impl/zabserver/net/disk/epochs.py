"""The two epochs that a member keeps on disk: the last epoch that it accepted, and the epoch of its history.

Each is a file with a decimal number. It is written under a temporary name, synced and renamed, then the
directory is synced. A member whose epoch files contradict its history has lost a promise, and must not vote.

A learner writes the history that it gets from a leader before it writes the epoch of that history. A crash
between the two leaves a history that is newer than the current epoch; Apache ZooKeeper then refuses to start.
Here, a third file announces the epoch of a history before that history is written. If this file exists at a
start, the current epoch is the newest that the history has transactions of, because a server that has a
transaction of an epoch has the whole initial history of that epoch.

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
"""Name of the file that announces the epoch of a history about to be written."""


def load_epochs(folder: Path, last_zxid: int) -> tuple[int, int]:
    """Returns the accepted and the current epoch. A missing file is created, with the epoch of the history.

    If the history is of a later epoch than the current one, the server stopped before it wrote the current
    epoch. The number is then in a temporary file or was announced; otherwise the files do not belong to this
    history.

    Args:
        folder: directory of the files.
        last_zxid: last zxid of snapshot and log.

    Raises:
        Corrupt: a file does not hold a number, or the epochs contradict each other or the history. Nothing
            was written.
        OSError: a file cannot be read or written.
    """
    of_history = last_zxid >> 32
    found = _read(folder / ACCEPTED), _read(folder / CURRENT)
    accepted, current = (of_history if epoch is None else epoch for epoch in found)
    if of_history > current:
        current = _unfinished(folder, of_history, current)
    if accepted < current:
        why = f"the accepted epoch, {accepted}, is less than the current epoch, {current}"
        raise Corrupt(str(folder / ACCEPTED), 0, why)
    if found[1] != current:
        write_epoch(folder, CURRENT, current)
    if found[0] is None:
        write_epoch(folder, ACCEPTED, accepted)
    for path in (_beside(folder / ACCEPTED), _beside(folder / CURRENT), folder / NEXT):
        remove(path)
    return accepted, current


def write_epoch(folder: Path, name: str, epoch: int) -> None:
    """Writes an epoch to disk, so that a crash leaves either the old one or the new one.

    Args:
        folder: directory of the file.
        name: `ACCEPTED`, `CURRENT` or `NEXT`.
        epoch: the number.

    Raises:
        OSError: the file cannot be written.
    """
    path = folder / name
    with _beside(path).open("wb") as file:
        file.write(str(epoch).encode())
        file.flush()
        os.fsync(file.fileno())
    _beside(path).replace(path)
    sync_path(folder)


def has_any(folder: Path) -> bool:
    """True if the directory holds an epoch.

    Raises:
        Corrupt: a file does not hold a number.
        OSError: a file cannot be read.
    """
    return any(_read(folder / name) for name in (ACCEPTED, CURRENT))


def remove(path: Path) -> None:
    """Deletes a file if it exists, and syncs the directory."""
    if path.exists():
        path.unlink()
        sync_path(path.parent)


def _unfinished(folder: Path, of_history: int, current: int) -> int:
    """Returns the epoch that was to become current when the server stopped; if it was announced, the
    history's.
    """
    for path, is_announced in ((_beside(folder / CURRENT), False), (folder / NEXT, True)):
        try:
            epoch = _read(path)
        except Corrupt:  # the write was interrupted
            continue
        if epoch is not None and epoch >= of_history:
            return of_history if is_announced else epoch
    why = f"the current epoch, {current}, is less than that of the log, {of_history}"
    raise Corrupt(str(folder / CURRENT), 0, why)


def _read(path: Path) -> int | None:
    """Returns the number in a file; None if the file does not exist."""
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return None
    text = whole.strip()
    if not text.isdigit() or len(text) > len(str(1 << 63)):
        raise Corrupt(str(path), 0, f"{whole[:40]!r} is not an epoch")
    return int(text)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.tmp")
