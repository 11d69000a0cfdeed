"""Recovery of a data directory after a crash, or after damage that no crash causes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from data_directories import (
    SESSION,
    creates,
    described,
    names,
    payload,
    some_txns,
    two_snapshots,
    written,
)
from zabserver.net.disk.disk import Disk
from zabserver.service.node import OPEN, Ace
from zabserver.service.prepare import Preparer, Request
from zabserver.service.settings import Settings
from zabserver.service.tree import Tree
from zabserver.service.txns import (
    CheckTxn,
    CloseSessionTxn,
    CreateSessionTxn,
    CreateTxn,
    DeleteTxn,
    ErrorTxn,
    MultiTxn,
    Record,
    SetAclTxn,
    SetDataTxn,
    Txn,
)
from zabserver.storage import logs, snapshots
from zabserver.storage.logs import Corrupt
from zabserver.wire.jute import Reader
from zabserver.wire.protocol import Op


def test_what_was_synced_is_found(tmp_path: Path) -> None:
    written(tmp_path, creates(3), creates(2, 4))
    found = Disk(tmp_path).load()
    assert names(found) == {b"/n1", b"/n2", b"/n3", b"/n4", b"/n5"}
    assert (found.tree.zxid, found.replayed, found.snapshot) == (5, 5, None)


def test_files_grow_as_apaches_do(tmp_path: Path) -> None:
    [log] = written(tmp_path, creates(1), preallocated=logs.PREALLOCATED)
    assert log.stat().st_size == 67108880
    assert log.name == "log.1"


@pytest.mark.parametrize("kept", range(0, 200))
def test_a_tail_that_is_cut_off_anywhere_leaves_what_is_whole(kept: int, tmp_path: Path) -> None:
    """Whichever part of the last entries has reached the disk, a prefix of them is recovered, after all
    before.
    """
    group = creates(3)
    [log] = written(tmp_path, group, preallocated=0)
    whole = log.read_bytes()
    ends = [sum(len(logs.encode_entry(each)) for each in group[: count + 1]) for count in range(3)]
    first = len(logs.START) + ends[0]
    cut = first + kept * (len(whole) - first) // 199
    log.write_bytes(whole[:cut] + bytes(4096))
    expected = sum(len(logs.START) + end <= cut for end in ends)
    assert names(Disk(tmp_path).load()) == {b"/n1", b"/n2", b"/n3"} - {b"/n2", b"/n3"} | {
        b"/n%d" % zxid for zxid in range(1, expected + 1)
    }


def change(at: Callable[[bytes], int], to: bytes) -> Callable[[bytes], bytes]:
    """Returns a kind of damage: some bytes of a file are replaced."""

    def damaged(whole: bytes) -> bytes:
        place = at(whole)
        return whole[:place] + to + whole[place + len(to) :]

    return damaged


def second_entry(whole: bytes) -> int:
    """Returns the offset of the second entry."""
    return [each.offset for each in logs.entries(whole, "")][1]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(change(lambda whole: second_entry(whole) + 30, b"\xff"), id="payload"),
        pytest.param(change(second_entry, b"\1\2\3\4\5\6\7\0"), id="checksum"),
        pytest.param(change(lambda whole: second_entry(whole) + 8, b"\0\0\0\0"), id="no length"),
        pytest.param(change(lambda whole: second_entry(whole) + 8, b"\x7f\xff\xff\xff"), id="huge length"),
        pytest.param(
            change(lambda whole: second_entry(whole) + 8, b"\xff\xff\xff\xff"), id="negative length"
        ),
    ],
)
def test_damage_in_the_middle_is_refused_and_said_where(
    damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    [log] = written(tmp_path, creates(3))
    at = second_entry(log.read_bytes())
    log.write_bytes(damage(log.read_bytes()))
    with pytest.raises(Corrupt, match=f"log.1: at byte {at}: a damaged entry; complete entries follow"):
        Disk(tmp_path).load()


def test_an_entry_without_its_end_mark_in_the_middle_is_refused(tmp_path: Path) -> None:
    [log] = written(tmp_path, creates(3))
    whole = bytearray(log.read_bytes())
    entry = list(logs.entries(bytes(whole), ""))[1]
    whole[entry.end - 1] = 0
    log.write_bytes(whole)
    with pytest.raises(Corrupt, match="complete entries follow"):
        Disk(tmp_path).load()


def test_some_missing_within_an_epoch_are_refused(tmp_path: Path) -> None:
    written(tmp_path, creates(2), creates(2, 3), creates(2, 5))[1].unlink()
    with pytest.raises(Corrupt, match="zxid 0x5 after 0x2: transactions are missing"):
        Disk(tmp_path).load()


def test_an_empty_or_zeroed_last_log_is_no_log(tmp_path: Path) -> None:
    written(tmp_path, creates(2))
    folder = Disk(tmp_path).logs
    (folder / "log.3").write_bytes(b"")
    assert names(Disk(tmp_path).load()) == {b"/n1", b"/n2"}
    (folder / "log.3").write_bytes(bytes(10))
    assert names(Disk(tmp_path).load()) == {b"/n1", b"/n2"}
    (folder / "log.3").write_bytes(bytes(100))
    assert names(Disk(tmp_path).load()) == {b"/n1", b"/n2"}


def test_a_file_that_is_no_log_is_refused(tmp_path: Path) -> None:
    [log] = written(tmp_path, creates(1))
    log.write_bytes(b"ZKLX" + log.read_bytes()[4:])
    with pytest.raises(Corrupt, match="not a transaction log"):
        Disk(tmp_path).load()


def test_the_newest_snapshot_is_used(tmp_path: Path) -> None:
    two_snapshots(tmp_path)
    found = Disk(tmp_path).load()
    assert (found.snapshot, found.replayed, found.sessions) == (4, 2, {7: 4000})
    assert len(names(found)) == 6


@pytest.mark.parametrize("kept", [0, 5, 100, -1, -6, -20])
def test_a_snapshot_that_is_cut_is_passed_over(kept: int, tmp_path: Path) -> None:
    _, newest = two_snapshots(tmp_path)
    newest.write_bytes(newest.read_bytes()[:kept])
    found = Disk(tmp_path).load()
    assert (found.snapshot, found.replayed) == (2, 4)
    assert len(names(found)) == 6
    assert str(newest) in found.skipped[0]


def test_a_snapshot_that_is_damaged_is_passed_over(tmp_path: Path) -> None:
    _, newest = two_snapshots(tmp_path)
    whole = bytearray(newest.read_bytes())
    whole[200] ^= 1
    newest.write_bytes(whole)
    assert Disk(tmp_path).load().snapshot == 2


def test_logs_without_the_snapshot_that_they_go_on_from_are_refused(tmp_path: Path) -> None:
    for path in two_snapshots(tmp_path):
        path.write_bytes(b"")
    with pytest.raises(Corrupt, match="no usable snapshot"):
        Disk(tmp_path).load()


def test_nothing_at_all_is_an_empty_tree(tmp_path: Path) -> None:
    found = Disk(tmp_path / "new").load()
    assert (names(found), found.snapshot, found.tree.zxid) == (set(), None, 0)


def test_purging_keeps_what_is_needed(tmp_path: Path) -> None:
    two_snapshots(tmp_path)
    gone = Disk(tmp_path).purge(kept=1)
    assert sorted(path.name for path in gone) == ["log.1", "snapshot.2"]
    assert len(names(Disk(tmp_path).load())) == 6


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(some_txns(), some.integers(1, 5), some.integers(0, 60))
def test_a_snapshot_taken_while_writes_go_on_and_the_log_make_the_tree(
    requests: list[tuple[int, bytes]], between: int, begin: int
) -> None:
    """With writes after each piece of one node, the tree that is loaded is that of the end."""
    tree = Tree()
    preparer = Preparer(tree, lambda _: True, Settings())
    records: list[Record] = []

    def write(count: int) -> None:
        for op, body in requests[len(records) : len(records) + count]:
            zxid = len(records) + 1
            record = preparer.prepare(Request(SESSION, 0, op, Reader(body), ()), zxid, 1000 + zxid)
            tree.apply(record)
            preparer.outstanding.on_applied(zxid)
            records.append(record)

    write(begin)
    start = tree.zxid
    pieces = []
    for piece in snapshots.encode_snapshot(tree, {}, chunk=1):
        pieces.append(piece)
        write(between)
    write(len(requests))
    loaded = Tree()
    loaded.restore(snapshots.decode_snapshot(b"".join(pieces), "snapshot").nodes)
    loaded.zxid = start
    for record in records[start:]:
        loaded.apply(record)
    assert described(loaded) == described(tree)
    assert loaded.measured_digest() == tree.measured_digest()
    assert loaded.ephemerals == tree.ephemerals


def test_a_node_that_comes_again_while_a_snapshot_is_written_has_its_children() -> None:
    """A node is deleted, created again and given a child after its parent was written and before itself
    is.
    """
    tree = Tree()
    records = [
        Record(SESSION, 0, zxid, 1000, txn)
        for zxid, txn in enumerate(
            (
                CreateTxn(Op.CREATE, b"/a", b"", OPEN, False, 1),
                DeleteTxn(Op.DELETE, b"/a"),
                CreateTxn(Op.CREATE, b"/a", b"", OPEN, False, 2),
                CreateTxn(Op.CREATE, b"/a/x", b"x", OPEN, True, 1),
                CreateTxn(Op.CREATE, b"/a/y", b"", OPEN, False, 2),
                CreateTxn(Op.CREATE, b"/a/y/z", b"", OPEN, False, 1),
            ),
            1,
        )
    ]
    tree.apply(records[0])
    writing = snapshots.encode_snapshot(tree, {}, chunk=1)
    pieces = [next(writing) for _ in range(3)]
    for each in records[1:]:
        tree.apply(each)
    loaded = Tree()
    loaded.restore(snapshots.decode_snapshot(b"".join([*pieces, *writing]), "snapshot").nodes)
    assert b"/a/x" in loaded.nodes
    loaded.zxid = 1
    for each in records[1:]:
        loaded.apply(each)
    assert described(loaded) == described(tree)
    assert loaded.data_size == tree.data_size
    assert loaded.ephemerals == tree.ephemerals


def test_a_list_that_a_node_gets_while_a_snapshot_is_written_does_not_cost_the_node() -> None:
    tree, acl = Tree(), (Ace(31, b"ip", b"9.9.9.9"),)
    records = [
        Record(SESSION, 0, zxid, 1000, txn)
        for zxid, txn in enumerate(
            (
                CreateTxn(Op.CREATE, b"/a", b"", OPEN, False, 1),
                CreateTxn(Op.CREATE, b"/a/x", b"", OPEN, False, 1),
                SetAclTxn(Op.SET_ACL, b"/a", acl, 1),
                CreateTxn(Op.CREATE, b"/new", b"", acl, False, 2),
            ),
            1,
        )
    ]
    for each in records[:2]:
        tree.apply(each)
    writing = snapshots.encode_snapshot(tree, {}, chunk=1)
    pieces = [next(writing)]
    for each in records[2:]:
        tree.apply(each)
    loaded = Tree()
    loaded.restore(snapshots.decode_snapshot(b"".join([*pieces, *writing]), "snapshot").nodes)
    loaded.zxid = 2
    for each in records[2:]:
        loaded.apply(each)
    assert described(loaded) == described(tree)


def test_entries_behind_a_header_that_is_gone_are_refused(tmp_path: Path) -> None:
    [log] = written(tmp_path, creates(2))
    log.write_bytes(bytes(16) + log.read_bytes()[16:])
    with pytest.raises(Corrupt, match="the header is missing; complete entries follow from byte 16"):
        Disk(tmp_path).load()


def test_a_snapshot_that_was_not_finished_is_deleted(tmp_path: Path) -> None:
    left = Disk(tmp_path).begin_snapshot(5)
    left.write(b"x")
    Disk(tmp_path)
    assert list((tmp_path / "version-2").iterdir()) == []


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(some.binary(max_size=300), some.data())
def test_rubbish_in_files_is_refused_in_one_line(rubbish: bytes, choose: some.DataObject) -> None:
    """A log or a snapshot with a random part replaced is read, or refused in a line that says where."""
    log = logs.START + b"".join(map(logs.encode_entry, creates(4)))
    snapshot = b"".join(snapshots.encode_snapshot(Tree(), {1: 2}))
    whole = choose.draw(some.sampled_from([log, snapshot, b""]))
    at = choose.draw(some.integers(0, len(whole)))
    gone = choose.draw(some.integers(0, 60))
    damaged = whole[:at] + rubbish + whole[at + gone :]
    for why in (
        refusal(lambda: list(logs.entries(damaged, "file"))),
        refusal(lambda: read_snapshot(damaged)),
    ):
        assert why is None or (why.startswith("file: at byte ") and "\n" not in why)


def read_snapshot(whole: bytes) -> snapshots.Snapshot:
    """Returns the contents of a snapshot."""
    return snapshots.decode_snapshot(whole, "file")


def refusal(read: Callable[[], object]) -> str | None:
    """Returns why something is refused; None if it is not."""
    try:
        read()
    except Corrupt as error:
        return str(error)
    return None


def test_all_kinds_of_transactions_are_read_back(tmp_path: Path) -> None:
    txns: list[Txn] = [
        CreateSessionTxn(Op.CREATE_SESSION, 4000),
        CreateTxn(Op.CREATE, b"/a", b"x", OPEN, False, 1),
        CreateTxn(Op.CREATE2, b"/e", None, (Ace(1, b"ip", b"::1"),), True, 2),
        CreateTxn(Op.CREATE_CONTAINER, b"/c", b"", OPEN, False, 3),
        CreateTxn(Op.CREATE_TTL, b"/t", b"", OPEN, False, 4, 9),
        SetDataTxn(Op.SET_DATA, b"/a", b"y", 1),
        SetAclTxn(Op.SET_ACL, b"/a", OPEN, 1),
        DeleteTxn(Op.DELETE, b"/c"),
        ErrorTxn(Op.ERROR, -101),
        MultiTxn(Op.MULTI, [CreateTxn(Op.CREATE, b"/m", b"", OPEN, False, 5), CheckTxn(Op.CHECK, b"/m", 1)]),
        MultiTxn(Op.MULTI, [CreateTxn(Op.CREATE, b"/never", b"", OPEN, False, 6), ErrorTxn(Op.ERROR, -101)]),
        CloseSessionTxn(Op.CLOSE_SESSION, [b"/e"]),
    ]
    written(tmp_path, [payload(zxid, txn) for zxid, txn in enumerate(txns, 1)])
    found = Disk(tmp_path).load()
    assert names(found) == {b"/a", b"/t", b"/m"}
    assert found.sessions == {}
    assert found.tree.ttls == {b"/t": None}
