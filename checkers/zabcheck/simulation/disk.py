"""A disk in memory, which loses in a crash what was not synced.

It holds log entries and the bytes of snapshots, and behaves as `zabserver.net.disk.member_disk` does; a test
compares the two (tests/checkers/simulation/test_memory_disk.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from zabserver.service.tree import Tree
from zabserver.service.txns import CloseSessionTxn, CreateSessionTxn, decode_record, zxid_of
from zabserver.storage.snapshots import decode_snapshot, encode_snapshot
from zabserver.zab.ensemble import Ensemble
from zabserver.zab.history import counter_of


@dataclass(slots=True)
class Found:
    """What a server loads from its disk.

    Attributes:
        tree: the newest snapshot with the rest of the log applied.
        sessions: the timeouts of the open sessions, in milliseconds.
    """

    tree: Tree
    sessions: dict[int, int]


class PowerCut(Exception):
    """A server crashes while its core waits for a write.

    Args:
        disk: the server's disk.
    """


class MemoryDisk:
    """The disk of one server.

    Attributes:
        log: the zxid and the payload of each log entry, in order.
        synced: how many log entries are synced, which a crash leaves.
        snapshots: the zxid and the bytes of each snapshot, the newest last.
        accepted, current: the accepted and the current epoch.
        announced: the epoch of history that is written before its epoch is (`zabserver.net.disk.epochs`).
        ensembles: the committed and the last proposed ensemble; None until they are written.
        fuse: how many more writes the core may wait for before the server crashes; None for no crash.
    """

    def __init__(self) -> None:
        self.log: list[tuple[int, bytes]] = []
        self.synced = 0
        self.snapshots: list[tuple[int, bytes]] = []
        self.accepted = self.current = self.announced = 0
        self.ensembles: tuple[Ensemble, Ensemble] | None = None
        self.fuse: int | None = None

    # Calls of the shell.

    def append(self, payloads: Sequence[bytes]) -> None:
        """Appends to the log; a crash loses the entries that are not synced yet.

        Raises:
            AssertionError: zxids do not rise.
        """
        for payload in payloads:
            zxid = zxid_of(payload)
            if self.log and zxid <= self.log[-1][0]:
                raise AssertionError(f"0x{zxid:x} is logged after 0x{self.log[-1][0]:x}")
            self.log.append((zxid, payload))

    def sync(self) -> int:
        """Syncs the log, and returns its last zxid; 0 if it is empty."""
        self.synced = len(self.log)
        return self.log[-1][0] if self.log else 0

    def crash(self, kept: int = 0) -> None:
        """Drops the log entries that were not synced, but for the first few."""
        del self.log[self.synced + kept :]
        self.synced = len(self.log)
        self.fuse = None

    def take_snapshot(self, tree: Tree, timeouts: Mapping[int, int], count: int) -> None:
        """Syncs the log, writes a snapshot, keeps the last few, and the log from the oldest on."""
        self.sync()
        self.snapshots = [each for each in self.snapshots if each[0] != tree.zxid]
        self.snapshots.append((tree.zxid, b"".join(encode_snapshot(tree, timeouts))))
        del self.snapshots[:-count]
        self.log = [entry for entry in self.log if entry[0] > self.snapshots[0][0]]
        self.synced = len(self.log)

    def _burn(self) -> None:
        """Counts a write of the core.

        Raises:
            PowerCut: it is the one during which the server crashes.
        """
        if self.fuse is None:
            return
        if self.fuse == 0:
            raise PowerCut(self)
        self.fuse -= 1

    # Calls of the core (`zabserver.zab.storage.Storage`).

    def load(self) -> Found:
        """Loads the newest snapshot and applies the rest of the log."""
        tree = Tree()
        if not self.snapshots:
            self.snapshots.append((0, b"".join(encode_snapshot(tree, {}))))
        tree.zxid, whole = self.snapshots[-1]
        found = decode_snapshot(whole, "snapshot")
        tree.restore(found.nodes)
        sessions = found.sessions
        for zxid, payload in self.log:
            if zxid <= tree.zxid:
                continue
            record = decode_record(payload)
            tree.apply(record)
            if isinstance(record.txn, CreateSessionTxn):
                sessions[record.session] = record.txn.timeout
            elif isinstance(record.txn, CloseSessionTxn):
                sessions.pop(record.session, None)
        return Found(tree, sessions)

    def load_epochs(self, last_zxid: int) -> tuple[int, int]:
        """Returns the accepted and the current epoch.

        Raises:
            ValueError: the history is of a later epoch than the current one.
        """
        of_history = last_zxid >> 32
        if self.current < of_history <= self.announced:
            self.current = of_history
        self.announced = 0
        if of_history > self.current:
            raise ValueError(f"zxid 0x{last_zxid:x} is of a later epoch than the current one, {self.current}")
        return self.accepted, self.current

    def set_accepted_epoch(self, epoch: int) -> None:
        """Writes the accepted epoch: the one that was promised."""
        self._burn()
        self.accepted = epoch

    def set_current_epoch(self, epoch: int) -> None:
        """Writes the current epoch: the one whose history this is."""
        self._burn()
        self.current = epoch
        self.announced = 0

    def save_ensembles(self, committed: Ensemble, last_seen: Ensemble) -> None:
        """Writes the committed and the last proposed ensemble."""
        self._burn()
        self.ensembles = (committed, last_seen)

    def write(self, payloads: Sequence[bytes]) -> None:
        """Appends to the log and syncs each entry."""
        if payloads:
            self.announced = max(self.announced, zxid_of(payloads[-1]) >> 32)
        for payload in payloads:
            self._burn()
            self.append([payload])
            self.sync()
        self.sync()

    def truncate(self, zxid: int) -> None:
        """Truncates the log after a zxid, and drops snapshots of later states.

        Raises:
            ValueError: there is no such zxid, or the oldest snapshot is of a later state.
        """
        if not self._has(zxid) and zxid not in dict(self.snapshots):
            raise ValueError(f"there is no zxid 0x{zxid:x}")
        if self.snapshots and self.snapshots[0][0] > zxid:
            raise ValueError(f"the oldest snapshot has 0x{self.snapshots[0][0]:x}")
        self._burn()
        self._cut(zxid)

    def save(self, tree: Tree, timeouts: Mapping[int, int]) -> None:
        """Writes a snapshot, and drops everything later, and the log if it may be of another history."""
        self._burn()
        self.announced = max(self.announced, tree.zxid >> 32)
        is_same = self._has(tree.zxid)
        self._cut(tree.zxid if is_same else 0)
        if not is_same:
            self.snapshots.clear()
        self.snapshots = [each for each in self.snapshots if each[0] != tree.zxid]
        self.snapshots.append((tree.zxid, b"".join(encode_snapshot(tree, timeouts))))

    def _has(self, zxid: int) -> bool:
        """Returns True if the log has a transaction, or the first one of the epoch that a zxid begins."""
        return (zxid if counter_of(zxid) else zxid + 1) in dict(self.log)

    def _cut(self, zxid: int) -> None:
        self.log = [entry for entry in self.log if entry[0] <= zxid]
        self.snapshots = [each for each in self.snapshots if each[0] <= zxid]
        self.synced = len(self.log)

    def entries_after(self, zxid: int) -> Iterator[tuple[int, bytes]]:
        """Yields the log from the last entry up to a zxid on; nothing if the log begins later."""
        begin = sum(each <= zxid for each, _ in self.log) - 1
        yield from self.log[begin:] if begin >= 0 else ()

    def recent(self, count: int) -> list[tuple[int, bytes]]:
        """Returns the last entries of the log."""
        return self.log[max(len(self.log) - count, 0) :]

    def sizes(self, zxid: int) -> tuple[int, int]:
        """Returns the size of the log from a zxid on, and of the newest snapshot, in bytes."""
        logs = sum(len(payload) for each, payload in self.log if each >= zxid)
        return logs, len(self.snapshots[-1][1]) if self.snapshots else 0
