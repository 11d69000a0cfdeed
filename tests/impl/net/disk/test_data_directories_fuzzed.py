"""Damaged data directories give a state or a refusal in one line, with bounded memory and work; nothing is
deleted.

A directory has snapshots, some of them compressed, and logs. Damage is random, from a seed: bytes are
changed, removed, inserted or zeroed; a file is truncated, extended, emptied, deleted or replaced by another;
or a payload with a correct checksum is malformed or absurd. The state that must be recovered is known for
undamaged files: each state that a directory had is one that the history went through.
"""

from __future__ import annotations

import gzip
import random
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from zlib import adler32

import pytest

from data_directories import described, payload, snapshot_of
from snappy import snapped
from zabserver.net.disk.disk import Disk
from zabserver.service.node import OPEN, Ace, Acl
from zabserver.service.tree import Tree
from zabserver.service.txns import (
    CloseSessionTxn,
    CreateSessionTxn,
    CreateTxn,
    DeleteTxn,
    MultiTxn,
    SetAclTxn,
    SetDataTxn,
    Txn,
    decode_record,
)
from zabserver.storage import logs, snapshots
from zabserver.storage.logs import Corrupt
from zabserver.wire.jute import INT, LONG
from zabserver.wire.protocol import Op

OWN: Acl = (Ace(31, b"ip", b"1.2.3.4"),)
LIMITS = b"/zookeeper/quota/a/zookeeper_limits"
MEMORY_FACTOR, MEMORY_LEAST = 60, 1 << 20
"""Most bytes allocated: for each byte in the directory, and in addition."""
CALLS_FACTOR, CALLS_LEAST = 40, 20_000
"""Most function calls: for each byte in the directory, and in addition."""


def history() -> list[bytes]:
    """Returns twenty-four transactions of all kinds."""
    txns: list[Txn] = [
        CreateSessionTxn(Op.CREATE_SESSION, 4000),
        CreateTxn(Op.CREATE, b"/a", b"x" * 100, OPEN, False, 1),
        CreateTxn(Op.CREATE, b"/zookeeper/quota/a", b"", OPEN, False, 1),
        CreateTxn(Op.CREATE, LIMITS, b"count=5,bytes=-1", OPEN, False, 1),
        CreateTxn(Op.CREATE2, b"/a/e", None, OWN, True, 1),
        CreateTxn(Op.CREATE_CONTAINER, b"/c", b"", OPEN, False, 2),
        CreateTxn(Op.CREATE_TTL, b"/t", b"", OPEN, False, 3, 9),
        SetDataTxn(Op.SET_DATA, b"/a", bytes(300), 1),
        SetAclTxn(Op.SET_ACL, b"/a", OWN, 1),
        MultiTxn(Op.MULTI, [CreateTxn(Op.CREATE, b"/m", b"", OPEN, False, 4), DeleteTxn(Op.DELETE, b"/c")]),
        CloseSessionTxn(Op.CLOSE_SESSION, [b"/a/e"]),
    ]
    txns += [CreateTxn(Op.CREATE, b"/n%d" % each, b"y" * each, OPEN, False, 5 + each) for each in range(13)]
    return [payload(zxid, txn) for zxid, txn in enumerate(txns, 1)]


HISTORY = history()


def states() -> list[dict[bytes, object]]:
    """Returns the tree after each transaction, with the empty tree first."""
    tree = Tree()
    found = [described(tree)]
    for each in HISTORY:
        tree.apply(decode_record(each))
        found.append(described(tree))
    return found


STATES = states()


def whole_directory(folder: Path) -> None:
    """Writes logs of eight transactions each, and snapshots after 0, 6, 12 and 20, the last two
    compressed.
    """
    tree = Tree()
    disk = Disk(folder, preallocated=4096, is_forced=False)
    snapshot_of(tree, disk, {})
    for zxid, each in enumerate(HISTORY, 1):
        disk.append([each])
        tree.apply(decode_record(each))
        if zxid in (6, 12, 20):
            snapshot_of(tree, disk, {5: 4000})
        if zxid % 8 == 0:
            disk.roll()
    disk.close()
    for zxid, ending, pack in ((12, ".gz", gzip.compress), (20, ".snappy", snapped)):
        path = folder / "version-2" / f"snapshot.{zxid:x}"
        path.with_name(path.name + ending).write_bytes(pack(path.read_bytes()))
        path.unlink()


@dataclass
class Damage:
    """Random damage to one directory."""

    chance: random.Random
    folder: Path

    def do(self) -> str:
        """Damages the directory, and returns a description."""
        kinds = [
            self.change,
            self.take_out,
            self.put_in,
            self.zero,
            self.cut,
            self.lengthen,
            self.empty,
            self.remove,
            self.copy_over,
            self.crafted_log,
            self.crafted_snapshot,
        ]
        done = []
        for _ in range(self.chance.choice((1, 1, 1, 2, 4))):
            kind = self.chance.choice(kinds)
            files = sorted((self.folder / "version-2").iterdir())
            if files:
                path = self.chance.choice(files)
                kind(path)
                done.append(f"{kind.__name__} {path.name}")
        return ", ".join(done)

    def place(self, whole: bytes) -> int:
        """Returns a random offset, more often within data than within zeros."""
        return self.chance.randint(0, len(whole.rstrip(b"\0")) + (20 if self.chance.random() < 0.2 else 0))

    def some(self) -> bytes:
        """Returns random bytes."""
        return self.chance.choice(
            (
                self.chance.randbytes(self.chance.randint(1, 60)),
                INT.pack(self.chance.choice((-1, 0, 1, 1 << 30, -(1 << 31), 0x7FFFFFFF))),
                LONG.pack(self.chance.choice((-1, 0, 1 << 40))),
                bytes(self.chance.randint(1, 600)),
            )
        )

    def change(self, path: Path) -> None:
        whole = path.read_bytes()
        at, other = self.place(whole), self.some()
        path.write_bytes(whole[:at] + other + whole[at + len(other) :])

    def take_out(self, path: Path) -> None:
        whole = path.read_bytes()
        at = self.place(whole)
        path.write_bytes(whole[:at] + whole[at + self.chance.randint(1, 200) :])

    def put_in(self, path: Path) -> None:
        whole = path.read_bytes()
        at = self.place(whole)
        path.write_bytes(whole[:at] + self.some() + whole[at:])

    def zero(self, path: Path) -> None:
        whole = path.read_bytes()
        at, size = self.place(whole), self.chance.randint(1, 300)
        path.write_bytes(whole[:at] + bytes(size) + whole[at + size :])

    def cut(self, path: Path) -> None:
        whole = path.read_bytes()
        path.write_bytes(whole[: self.place(whole)])

    def lengthen(self, path: Path) -> None:
        path.write_bytes(path.read_bytes() + self.some())

    def empty(self, path: Path) -> None:
        path.write_bytes(b"")

    def remove(self, path: Path) -> None:
        path.unlink()

    def copy_over(self, path: Path) -> None:
        files = sorted(path.parent.iterdir())
        path.write_bytes(self.chance.choice(files).read_bytes())

    def crafted_log(self, _: Path) -> None:
        """Adds a log with correct checksums and transactions that no server writes."""
        txns: list[Txn] = [
            CreateTxn(Op.CREATE, self.path(), b"", OPEN, False, 1),
            DeleteTxn(Op.DELETE, self.path()),
            SetDataTxn(Op.SET_DATA, self.path(), None, 1),
            SetAclTxn(Op.SET_ACL, self.path(), (), 1),
            CloseSessionTxn(Op.CLOSE_SESSION, [self.path(), self.path()]),
            MultiTxn(Op.MULTI, [DeleteTxn(Op.DELETE, self.path())]),
        ]
        self.chance.shuffle(txns)
        first = len(HISTORY) + 1
        payloads = [payload(zxid, txn) for zxid, txn in enumerate(txns, first)]
        if self.chance.random() < 0.3:
            at = self.chance.randrange(len(payloads))
            rubbish = bytearray(payloads[at])
            rubbish[self.chance.randrange(20, len(rubbish))] ^= 1 << self.chance.randrange(8)
            payloads[at] = bytes(rubbish)
        whole = logs.START + b"".join(map(logs.encode_entry, payloads))
        (self.folder / "version-2" / f"log.{first:x}").write_bytes(whole)

    def crafted_snapshot(self, _: Path) -> None:
        """Adds a snapshot with a correct checksum and nodes that no server writes."""
        nodes = [(path.encode(), self.path()) for path in ("", "/zookeeper", "/a")]
        tree = Tree()
        body = snapshots.HEADER.pack(snapshots.MAGIC, snapshots.VERSION, -1) + INT.pack(0) + INT.pack(0)
        for path, other in nodes[self.chance.randint(0, 2) :]:
            chosen = other if self.chance.random() < 0.5 else path
            body += snapshots.encode_node(chosen, tree.nodes[b"/"], {})
        body += snapshots.TERMINATOR
        whole = body + LONG.pack(adler32(body)) + snapshots.TERMINATOR
        (self.folder / "version-2" / f"snapshot.{len(HISTORY):x}").write_bytes(whole)

    def path(self) -> bytes:
        """Returns a path, valid or not."""
        odd = (b"", b"/", b"//", b"a", b"/a", b"/a/b/c", b"/zookeeper", LIMITS, b"/zookeeper/quota", b"\xff/")
        return self.chance.choice(odd)


@dataclass
class Cost:
    """The cost of a call: the most bytes allocated at a time, and the number of function calls."""

    memory: int = 0
    calls: int = 0


def measured(call: Callable[[], object]) -> tuple[object, Cost]:
    """Returns what a call returns or raises, and its cost."""
    cost = Cost()

    def count(_: FrameType, event: str, __: object) -> None:
        cost.calls += event in ("call", "c_call")

    tracemalloc.start()
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        outcome = call()
    except Exception as error:  # what it is, is judged by who asked
        outcome = error
    finally:
        sys.setprofile(before)
        cost.memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return outcome, cost


def check_one(seed: int, folder: Path, undamaged: dict[str, bytes]) -> str:
    """Damages a directory, reads it, checks the outcome, and returns its kind."""
    (folder / "version-2").mkdir(parents=True)
    for name, content in undamaged.items():
        (folder / "version-2" / name).write_bytes(content)
    done = Damage(random.Random(seed), folder).do()
    before = contents(folder)
    size = sum(map(len, before.values()))
    outcome, cost = measured(lambda: Disk(folder, is_forced=False).load())
    where = f"seed {seed}: {done}: {outcome}"
    assert cost.memory <= MEMORY_FACTOR * size + MEMORY_LEAST, (where, cost)
    assert cost.calls <= CALLS_FACTOR * size + CALLS_LEAST, (where, cost)
    assert contents(folder) == before, where
    if isinstance(outcome, Exception):
        assert isinstance(outcome, Corrupt), where
        assert "\n" not in str(outcome), where
        assert str(folder) in str(outcome), where
        assert "at byte " in str(outcome), where
        return "refused"
    is_unknown = "crafted" in done or "copy_over snapshot" in done  # a file's name is believed
    assert is_unknown or described(outcome.tree) in STATES, where  # type: ignore[attr-defined]
    if "crafted_snapshot" not in done:  # a purge trusts a checksum that is right
        check_purge(folder, where)
    return "read"


def check_purge(folder: Path, where: str) -> None:
    """Checks that a purge does not change the state that is recovered."""
    disk = Disk(folder, is_forced=False)
    before = disk.load()
    disk.purge(kept=1)
    after = disk.load()
    assert described(after.tree) == described(before.tree), where
    assert (after.tree.zxid, after.sessions) == (before.tree.zxid, before.sessions), where


def contents(folder: Path) -> dict[str, bytes]:
    """Returns the contents of all files."""
    return {path.name: path.read_bytes() for path in sorted((folder / "version-2").iterdir())}


def test_the_directory_is_read_undamaged(tmp_path: Path) -> None:
    whole_directory(tmp_path)
    found = Disk(tmp_path).load()
    assert described(found.tree) == STATES[-1]
    assert (found.snapshot, found.skipped, found.tails) == (20, [], [])


def fuzz(seeds: range, folder: Path) -> dict[str, int]:
    """Returns how often each outcome occurred."""
    counts = {"read": 0, "refused": 0}
    whole_directory(folder / "whole")
    undamaged = contents(folder / "whole")
    for seed in seeds:
        counts[check_one(seed, folder / str(seed), undamaged)] += 1
    return counts


def test_a_damaged_directory_is_read_or_refused(tmp_path: Path) -> None:
    counts = fuzz(range(250), tmp_path)
    assert min(counts.values()) > 50, counts


@pytest.mark.deep
def test_many_damaged_directories_are_read_or_refused(tmp_path: Path) -> None:
    counts = fuzz(range(1000, 6000), tmp_path)
    assert min(counts.values()) > 500, counts
