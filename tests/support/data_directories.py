"""Data directories, written and described."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as some

from zabserver.net.disk.disk import Disk, Found
from zabserver.service.node import OPEN, Ace
from zabserver.service.tree import Tree
from zabserver.service.txns import (
    CreateTxn,
    Record,
    Txn,
    decode_record,
    encode_acl,
)
from zabserver.storage import snapshots
from zabserver.wire.jute import INT, data
from zabserver.wire.protocol import Op

SESSION = 0x1000000


def payload(zxid: int, txn: Txn) -> bytes:
    """Returns a transaction as the log holds it."""
    return Record(SESSION, zxid, zxid, 1000 + zxid, txn).encode()


def creates(count: int, first: int = 1) -> list[bytes]:
    """Returns transactions that each create a node named after its zxid."""
    return [
        payload(zxid, CreateTxn(Op.CREATE, b"/n%d" % zxid, b"x" * 20, OPEN, False, zxid))
        for zxid in range(first, first + count)
    ]


def written(folder: Path, *groups: list[bytes], preallocated: int = 1 << 16) -> list[Path]:
    """Writes a directory with a log file for each group of transactions."""
    for group in groups:
        disk = Disk(folder, preallocated=preallocated)
        disk.append(group)
        disk.close()
    return Disk(folder).log_files()


def names(found: Found) -> set[bytes]:
    """Returns the nodes, without those that are always there."""
    return set(found.tree.nodes) - set(Tree().nodes)


def described(tree: Tree) -> dict[bytes, object]:
    """Returns everything in a tree, in a form that can be compared."""
    return {
        path: (node.data, node.acl, node.persisted(), tuple(sorted(node.children)))
        for path, node in tree.nodes.items()
    }


def snapshot_of(tree: Tree, disk: Disk, sessions: dict[int, int]) -> Path:
    """Writes a complete snapshot."""
    file = disk.begin_snapshot(tree.zxid)
    for piece in snapshots.encode_snapshot(tree, sessions):
        file.write(piece)
    file.finish()
    return file.path


def two_snapshots(folder: Path) -> tuple[Path, Path]:
    """Writes a directory with a log of six transactions, and a snapshot after two and after four of them."""
    written(folder, creates(2), creates(2, 3), creates(2, 5))
    disk, tree, made = Disk(folder), Tree(), []
    for zxid, each in enumerate(creates(6), 1):
        tree.apply(decode_record(each))
        if zxid in (2, 4):
            made.append(snapshot_of(tree, disk, {7: 4000}))
    return made[0], made[1]


def some_txns() -> some.SearchStrategy[list[tuple[int, bytes]]]:
    """Returns a strategy for write requests on few nodes, so that they conflict."""
    paths = some.sampled_from([b"/a", b"/b", b"/a/x", b"/a/y", b"/b/x"])
    acl = some.sampled_from([OPEN, (Ace(5, b"world", b"anyone"),), (Ace(31, b"ip", b"1.2.3.4"),)]).map(
        encode_acl
    )
    number = some.just(INT.pack(-1))
    content = some.sampled_from([b"", b"xyz", None]).map(data)
    flags = some.sampled_from([0, 0, 1, 2]).map(INT.pack)
    path = paths.map(data)
    return some.lists(
        some.one_of(
            some.tuples(some.just(Op.CREATE), some.tuples(path, content, acl, flags).map(b"".join)),
            some.tuples(some.just(Op.DELETE), some.tuples(path, number).map(b"".join)),
            some.tuples(some.just(Op.SET_DATA), some.tuples(path, content, number).map(b"".join)),
            some.tuples(some.just(Op.SET_ACL), some.tuples(path, acl, number).map(b"".join)),
            some.tuples(some.just(Op.CLOSE_SESSION), some.just(b"")),
        ),
        max_size=60,
    )
