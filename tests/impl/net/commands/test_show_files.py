"""`zab log` and `zab snapshot` print what files hold, and say where they are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from zabserver.net.commands.entry import main
from zabserver.net.disk.disk import Disk
from zabserver.service.node import OPEN, Ace
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
from zabserver.storage import snapshots
from zabserver.wire.protocol import Op

TXNS: list[tuple[Txn, str]] = [
    (CreateSessionTxn(Op.CREATE_SESSION, 4000), "createSession timeout=4000"),
    (
        CreateTxn(Op.CREATE, b"/a", b"x\n", OPEN, True, 1),
        r"create /a ephemeral data='x\n' acl=world:anyone:31 cversion=1",
    ),
    (
        CreateTxn(Op.CREATE_TTL, b"/t", None, (Ace(1, b"ip", b"::1"),), False, 2, 9),
        "createTTL /t ttl=9 data=null acl=ip:::1:1 cversion=2",
    ),
    (
        SetDataTxn(Op.SET_DATA, b"/a", b"y" * 50, 1),
        f"setData /a data='{'y' * 40}'...(50 bytes) version=1",
    ),
    (SetAclTxn(Op.SET_ACL, b"/a", (), 1), "setACL /a acl=none version=1"),
    (DeleteTxn(Op.DELETE, b"/t"), "delete /t"),
    (ErrorTxn(Op.ERROR, -101), "error NO_NODE(-101)"),
    (ErrorTxn(Op.ERROR, -9999), "error -9999"),
    (
        MultiTxn(Op.MULTI, [DeleteTxn(Op.DELETE, b"/x"), CheckTxn(Op.CHECK, b"/y", 2)]),
        "multi [delete /x; check /y version=2]",
    ),
    (CloseSessionTxn(Op.CLOSE_SESSION, [b"/a"]), "closeSession /a"),
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    disk = Disk(tmp_path, preallocated=0)
    disk.append([Record(-1, 3, zxid, 0, txn).encode() for zxid, (txn, _) in enumerate(TXNS, 1)])
    disk.close()
    return disk.log_files()[0]


def test_a_log_is_printed_line_by_line(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", str(log)]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = "1970-01-01T00:00:00.000Z 0xffffffffffffffff 3"
    assert lines == [f"0x{zxid:x} {start} {words}" for zxid, (_, words) in enumerate(TXNS, 1)]


def test_a_damaged_log_is_printed_as_far_as_it_goes(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = bytearray(log.read_bytes())
    whole[120] ^= 1
    log.write_bytes(whole)
    assert main(["log", str(log)]) == 1
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 1
    assert said.err.startswith(f"zab log: {log}: at byte ")
    assert said.err.count("\n") == 1


def test_a_snapshot_is_printed_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = Tree()
    tree.apply(Record(5, 0, 1, 1000, CreateTxn(Op.CREATE, b"/a", b"x", OPEN, True, 1), digest=0xAB))
    path = tmp_path / "snapshot.1"
    path.write_bytes(b"".join(snapshots.encode_snapshot(tree, {5: 4000})))
    assert main(["snapshot", str(path)]) == 0
    first, *_, last = lines = capsys.readouterr().out.splitlines()
    assert first == "session 0x5 timeout=4000"
    assert last == "digest zxid=0x1 ab"
    assert (
        "/a data='x' acl=world:anyone:31 czxid=0x1 mzxid=0x1 pzxid=0x1 ctime=1970-01-01T00:00:01.000Z "
        "mtime=1970-01-01T00:00:01.000Z version=0 cversion=0 aversion=0 owner=0x5"
    ) in lines


def test_what_is_none_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "snapshot.1").write_bytes(b"rubbish")
    assert main(["snapshot", str(tmp_path / "snapshot.1")]) == 1
    assert "not a snapshot" in capsys.readouterr().err
    assert main(["log", str(tmp_path / "log.1")]) == 2
    assert capsys.readouterr().err == f"zab log: {tmp_path / 'log.1'}: No such file or directory\n"
