"""The disk in memory, on which simulations run, behaves like the disk of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from zabcheck.simulation.disk import MemoryDisk
from zabserver.net.disk.member_disk import MemberDisk
from zabserver.service.node import OPEN
from zabserver.service.tree import Tree
from zabserver.service.txns import CreateTxn, Record
from zabserver.wire.protocol import Op
from zabserver.zab.storage import Storage

ROUNDS = 30
STEPS = 12


def payload(zxid: int) -> bytes:
    txn = CreateTxn(Op.CREATE, b"/n%x" % zxid, b"x" * 20, OPEN, False, -1)
    return Record(7, 1, zxid, 1000, txn).encode()


def following(zxid: int, choose: Random) -> int:
    """Returns the zxid of a transaction that may come next."""
    if zxid == 0 or choose.random() < 0.3:
        return ((zxid >> 32) + choose.randrange(1, 3) << 32) + 1
    return zxid + 1


def some_zxid(last: int, choose: Random) -> int:
    """Returns a zxid, mostly one that is or was in the log."""
    epoch = choose.randrange((last >> 32) + 2)
    return epoch << 32 | choose.randrange(6)


def step(disks: tuple[Storage, Storage], choose: Random) -> None:
    """Does the same to both disks."""
    last = disks[0].load().tree.zxid
    kind = choose.choice(["write", "write", "write", "truncate", "image", "image of the log"])
    if kind == "write":
        zxids = [following(last, choose)]
        zxids += [zxids[0] + 1 + at for at in range(choose.randrange(3))]
        for disk in disks:
            disk.write([payload(zxid) for zxid in zxids])
    elif kind == "truncate":
        zxid = some_zxid(last, choose)
        assert outcome(lambda: disks[0].truncate(zxid)) == outcome(lambda: disks[1].truncate(zxid)), hex(zxid)
    else:
        tree = Tree()
        tree.zxid = last if kind == "image of the log" else max(some_zxid(last, choose), 1 << 32)
        for disk in disks:
            disk.save(tree, {5: 4000})


def outcome(do: Callable[[], None]) -> bool:
    """Returns True if an operation is refused."""
    try:
        do()
    except ValueError:
        return True
    return False


def answers(disk: Storage, choose: Random) -> list[object]:
    """Returns what a disk reports about its content."""
    found = disk.load()
    zxids = [found.tree.zxid, *(some_zxid(found.tree.zxid, choose) for _ in range(6))]
    return [
        found.tree.zxid,
        sorted(found.tree.nodes),
        found.sessions,
        [list(disk.entries_after(zxid)) for zxid in zxids],
        [disk.recent(count) for count in (0, 1, 3, 500)],
    ]


def answers_are_the_same(folder: Path, seed: int) -> None:
    """Does random things to both disks, with restarts, and compares them after each."""
    choose = Random(seed)
    disk, memory = MemberDisk(folder, preallocated=0), MemoryDisk()
    for _ in range(STEPS):
        step((disk, memory), choose)
        if choose.random() < 0.3:
            disk.close()
            disk = MemberDisk(folder, preallocated=choose.choice([0, 1 << 14]))
        asked = choose.randrange(1 << 30)
        assert answers(disk, Random(asked)) == answers(memory, Random(asked))


def test_answers_are_the_same(tmp_path: Path) -> None:
    for seed in range(ROUNDS):
        answers_are_the_same(tmp_path / str(seed), seed)


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("_has", lambda disk, zxid: True),
        ("_has", lambda disk, zxid: False),
        ("_truncate_file", lambda disk, path, zxid: None),
    ],
)
def test_mistakes_are_caught(
    name: str, mistake: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemberDisk, name, mistake)
    with pytest.raises((AssertionError, ValueError)):
        test_answers_are_the_same(tmp_path)
