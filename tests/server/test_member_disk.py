"""What a member's disk does to a history: cut it, replace it, read it again; and its two epochs."""

from __future__ import annotations

from pathlib import Path

import pytest

from zabserver.net.member_disk import MemberDisk
from zabserver.service.node import OPEN
from zabserver.service.tree import Tree
from zabserver.service.txns import CreateTxn, Record, decode_record, zxid_of
from zabserver.storage.logs import Corrupt
from zabserver.wire.protocol import Op
from zabserver.zab.storage import Storage

E1, E2, E3 = 1 << 32, 2 << 32, 3 << 32


def creates(*zxids: int) -> list[bytes]:
    """Transactions that each create a node named after its zxid."""
    return [
        Record(7, 1, zxid, 1000, CreateTxn(Op.CREATE, b"/n%x" % zxid, b"x" * 20, OPEN, False, at)).encode()
        for at, zxid in enumerate(zxids, 1)
    ]


def tree_of(payloads: list[bytes]) -> Tree:
    """The tree that these make."""
    tree = Tree()
    for each in payloads:
        tree.apply(decode_record(each))
    return tree


def disk_with(folder: Path, *groups: list[bytes], snapshots: bool = False) -> MemberDisk:
    """A disk with a log file for each group; and a snapshot before each, or before the first alone."""
    disk = MemberDisk(folder, preallocated=1 << 16)
    so_far: list[bytes] = []
    for group in groups:
        if snapshots or not so_far:
            disk.save(tree_of(so_far), {7: 4000})
        disk.write(group)
        disk.roll()
        so_far += group
    return disk


def history(folder: Path) -> list[int]:
    """The zxids of the transactions that are found, in order of their creation."""
    tree = MemberDisk(folder).load().tree
    return sorted(node.czxid for node in tree.nodes.values() if node.czxid)


HISTORY = [E1 + 1, E1 + 2, E1 + 3, E2 + 1, E2 + 2, E3 + 1]


def test_a_member_disk_is_a_storage(tmp_path: Path) -> None:
    storage: Storage = MemberDisk(tmp_path)
    storage.save(Tree(), {})
    storage.write(creates(E1 + 1))
    assert storage.load().tree.zxid == E1 + 1


@pytest.mark.parametrize("with_snapshots", [False, True])
@pytest.mark.parametrize("kept", range(1, 7))
def test_a_history_is_cut_exactly(kept: int, with_snapshots: bool, tmp_path: Path) -> None:
    """Caught: snapshots of more are left (hazard h2), or the first record beyond stays (h1)."""
    groups = creates(*HISTORY)
    disk = disk_with(tmp_path, groups[:2], groups[2:4], groups[4:], snapshots=with_snapshots)
    disk.truncate(HISTORY[kept - 1])
    assert history(tmp_path) == HISTORY[:kept]
    disk.write(creates(E3 + 1 if kept < 6 else E3 + 2))
    assert len(history(tmp_path)) == kept + 1


@pytest.mark.parametrize("zxid", [E1 + 4, E2 + 7, E3 + 2, (4 << 32) + 1])
def test_what_is_not_there_is_not_cut_after(zxid: int, tmp_path: Path) -> None:
    disk = disk_with(tmp_path, creates(*HISTORY))
    with pytest.raises(Corrupt, match="it is not there"):
        disk.truncate(zxid)
    assert history(tmp_path) == HISTORY


def test_entries_after_begin_with_what_they_follow(tmp_path: Path) -> None:
    groups = creates(*HISTORY)
    disk = disk_with(tmp_path, groups[:2], groups[2:4], groups[4:])
    found = {zxid: [at for at, _ in disk.entries_after(zxid)] for zxid in (*HISTORY, E1 + 9, E2, E1, 5 << 32)}
    assert found == {
        **{zxid: HISTORY[at:] for at, zxid in enumerate(HISTORY)},
        E1 + 9: HISTORY[2:],
        E2: HISTORY[2:],
        E1: [],
        5 << 32: HISTORY[-1:],
    }
    assert [zxid_of(each) for _, each in disk.entries_after(E2 + 1)] == HISTORY[3:]
    assert [[at for at, _ in disk.recent(count)] for count in range(8)] == [
        HISTORY[6 - n :] for n in range(7)
    ] + [HISTORY]
