"""A disk in memory: what was not synced is gone after a crash.

It holds what a real one holds: entries of the log, bytes of snapshots. It answers as `zabserver.net.disk`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from zabserver.service.tree import Tree
from zabserver.service.txns import CloseSessionTxn, CreateSessionTxn, decode_record
from zabserver.storage.snapshots import decode_snapshot, encode_snapshot
from zabserver.wire.jute import LONG

ZXID_AT = 12
"""Where in a transaction's header its zxid is."""


@dataclass(slots=True)
class Found:
    """What a disk holds: the tree with all of the log applied, and the timeouts of the sessions in it."""

    tree: Tree
    sessions: dict[int, int]


def zxid_of(payload: bytes) -> int:
    """The zxid of a transaction."""
    (zxid,) = LONG.unpack_from(payload, ZXID_AT)
    found: int = zxid
    return found


class MemoryDisk:
    """The disk of one member.

    Attributes:
        log: zxids and payloads, in order.
        synced: how many of them a crash leaves.
        snapshot: the zxid and the bytes of the newest snapshot; None before there is one.
        accepted, current: the epoch files.
    """

    def __init__(self) -> None:
        self.log: list[tuple[int, bytes]] = []
        self.synced = 0
        self.snapshot: tuple[int, bytes] | None = None
        self.accepted = self.current = 0

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

    def crash(self) -> None:
        """What was not synced is gone."""
        del self.log[self.synced :]

    # What the core asks (`zabserver.zab.storage.Storage`).

    def load(self) -> Found:
        """The snapshot, and the log from there on."""
        tree, sessions = Tree(), {}
        if self.snapshot is not None:
            zxid, whole = self.snapshot
            found = decode_snapshot(whole, "snapshot")
            tree.restore(found.nodes)
            tree.zxid = zxid
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
        if last_zxid >> 32 > self.current:
            raise ValueError(f"zxid 0x{last_zxid:x} is of a later epoch than {self.current}")
        return self.accepted, self.current

    def set_accepted_epoch(self, epoch: int) -> None:
        """Writes the epoch that was promised."""
        self.accepted = epoch

    def set_current_epoch(self, epoch: int) -> None:
        """Writes the epoch whose history this is."""
        self.current = epoch

    def write(self, payloads: Sequence[bytes]) -> None:
        """Appends to the log and syncs it."""
        self.append(payloads)
        self.sync()

    def truncate(self, zxid: int) -> None:
        """Cuts the log after a zxid."""
        if self.snapshot is not None and self.snapshot[0] > zxid:
            raise ValueError(f"the snapshot has 0x{self.snapshot[0]:x}")
        self.log = [entry for entry in self.log if entry[0] <= zxid]
        self.synced = len(self.log)

    def save(self, tree: Tree, timeouts: Mapping[int, int]) -> None:
        """Writes a snapshot in place of everything later than it."""
        self.log = [entry for entry in self.log if entry[0] <= tree.zxid]
        self.synced = len(self.log)
        self.snapshot = tree.zxid, b"".join(encode_snapshot(tree, timeouts))

    def entries_after(self, zxid: int) -> Iterator[tuple[int, bytes]]:
        """The log from a zxid on; nothing if it begins later."""
        entries = [entry for entry in self.log if entry[0] >= zxid]
        before = [entry for entry in self.log if entry[0] < zxid]
        yield from before[-1:]
        if before or (entries and entries[0][0] == zxid):
            yield from entries

    def recent(self, count: int) -> list[tuple[int, bytes]]:
        """The last entries of the log."""
        return self.log[-count:]

    def sizes(self, zxid: int) -> tuple[int, int]:
        """Bytes of the log from a zxid on, and of the snapshot."""
        logs = sum(len(payload) for each, payload in self.log if each >= zxid)
        return logs, len(self.snapshot[1]) if self.snapshot else 0
