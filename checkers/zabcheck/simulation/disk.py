"""A disk in memory: what was not synced is gone after a crash.

It holds what a real one holds: entries of the log, bytes of snapshots. It answers as
`zabserver.net.disk.member_disk`, and is compared with that (tests/checkers/simulation/test_memory_disk.py).
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
    """What a disk holds: the tree with all of the log applied, and the timeouts of the sessions in it."""

    tree: Tree
    sessions: dict[int, int]


class PowerCut(Exception):
    """A member is gone, in the middle of what its core was doing.

    Args:
        disk: what is left of it.
    """


class MemoryDisk:
    """The disk of one member.

    Attributes:
        log: zxids and payloads, in order.
        synced: how many of them a crash leaves.
        snapshots: their zxids and bytes, the newest last.
        accepted, current: the epoch files.
        announced: the epoch of what was to be written to the history before its epoch (`net.disk.epochs`).
        ensembles: who the members are, and who they are to be; None until that was written.
        fuse: how many more writes of the core there are before a power cut; None if there is to be none.
    """

    def __init__(self) -> None:
        self.log: list[tuple[int, bytes]] = []
        self.synced = 0
        self.snapshots: list[tuple[int, bytes]] = []
        self.accepted = self.current = self.announced = 0
        self.ensembles: tuple[Ensemble, Ensemble] | None = None
        self.fuse: int | None = None

    # What the shell does.

    def append(self, payloads: Sequence[bytes]) -> None:
        """Writes to the log; a crash forgets it until `sync`."""
        for payload in payloads:
            zxid = zxid_of(payload)
            if self.log and zxid <= self.log[-1][0]:
                raise AssertionError(f"0x{zxid:x} is logged after 0x{self.log[-1][0]:x}")
            self.log.append((zxid, payload))

    def sync(self) -> int:
        """All that was written is on disk; the last zxid."""
        self.synced = len(self.log)
        return self.log[-1][0] if self.log else 0

    def crash(self, kept: int = 0) -> None:
        """What was not synced is gone, all but the first few entries of it."""
        del self.log[self.synced + kept :]
        self.synced = len(self.log)
        self.fuse = None

    def take_snapshot(self, tree: Tree, timeouts: Mapping[int, int], count: int) -> None:
        """Syncs, writes a snapshot of what is applied, and keeps so many, and the log from the oldest on."""
        self.sync()
        self.snapshots = [each for each in self.snapshots if each[0] != tree.zxid]
        self.snapshots.append((tree.zxid, b"".join(encode_snapshot(tree, timeouts))))
        del self.snapshots[:-count]
        self.log = [entry for entry in self.log if entry[0] > self.snapshots[0][0]]
        self.synced = len(self.log)

    def _burn(self) -> None:
        """One more write of the core."""
        if self.fuse is None:
            return
        if self.fuse == 0:
            raise PowerCut(self)
        self.fuse -= 1

    # What the core asks (`zabserver.zab.storage.Storage`).

    def load(self) -> Found:
        """The snapshot, and the log from there on."""
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
        """The accepted and the current epoch."""
        of_history = last_zxid >> 32
        if self.current < of_history <= self.announced:
            self.current = of_history
        self.announced = 0
        if of_history > self.current:
            raise ValueError(f"zxid 0x{last_zxid:x} is of a later epoch than {self.current}")
        return self.accepted, self.current

    def set_accepted_epoch(self, epoch: int) -> None:
        """Writes the epoch that was promised."""
        self._burn()
        self.accepted = epoch

    def set_current_epoch(self, epoch: int) -> None:
        """Writes the epoch whose history this is."""
        self._burn()
        self.current = epoch
        self.announced = 0

    def save_ensembles(self, committed: Ensemble, last_seen: Ensemble) -> None:
        """Writes who the members are, and who they are to be."""
        self._burn()
        self.ensembles = (committed, last_seen)

    def write(self, payloads: Sequence[bytes]) -> None:
        """Appends to the log and syncs it."""
        if payloads:
            self.announced = max(self.announced, zxid_of(payloads[-1]) >> 32)
        for payload in payloads:
            self._burn()
            self.append([payload])
            self.sync()
        self.sync()

    def truncate(self, zxid: int) -> None:
        """Cuts all after a zxid off the log, and drops the snapshots that have more."""
        if not self._has(zxid) and zxid not in dict(self.snapshots):
            raise ValueError(f"0x{zxid:x} is not there")
        if self.snapshots and self.snapshots[0][0] > zxid:
            raise ValueError(f"the oldest snapshot has 0x{self.snapshots[0][0]:x}")
        self._burn()
        self._cut(zxid)

    def save(self, tree: Tree, timeouts: Mapping[int, int]) -> None:
        """Writes a snapshot in place of everything later, and of a log that may have another history."""
        self._burn()
        self.announced = max(self.announced, tree.zxid >> 32)
        is_same = self._has(tree.zxid)
        self._cut(tree.zxid if is_same else 0)
        if not is_same:
            self.snapshots.clear()
        self.snapshots = [each for each in self.snapshots if each[0] != tree.zxid]
        self.snapshots.append((tree.zxid, b"".join(encode_snapshot(tree, timeouts))))

    def _has(self, zxid: int) -> bool:
        """Whether the log has a transaction, or the first of an epoch."""
        return (zxid if counter_of(zxid) else zxid + 1) in dict(self.log)

    def _cut(self, zxid: int) -> None:
        self.log = [entry for entry in self.log if entry[0] <= zxid]
        self.snapshots = [each for each in self.snapshots if each[0] <= zxid]
        self.synced = len(self.log)

    def entries_after(self, zxid: int) -> Iterator[tuple[int, bytes]]:
        """The log from the last entry that is not after a zxid on; nothing if it begins later."""
        begin = sum(each <= zxid for each, _ in self.log) - 1
        yield from self.log[begin:] if begin >= 0 else ()

    def recent(self, count: int) -> list[tuple[int, bytes]]:
        """The last entries of the log."""
        return self.log[max(len(self.log) - count, 0) :]

    def sizes(self, zxid: int) -> tuple[int, int]:
        """Bytes of the log from a zxid on, and of the snapshot."""
        logs = sum(len(payload) for each, payload in self.log if each >= zxid)
        return logs, len(self.snapshots[-1][1]) if self.snapshots else 0
