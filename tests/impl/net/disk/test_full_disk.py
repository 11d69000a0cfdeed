"""A server with a full disk acknowledges nothing, and stops when it is told to."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from zabcheck.servers.session import Disconnected, Session
from zabserver.net.disk.disk import Disk, SnapshotFile
from zabserver.service.txns import CreateSessionTxn, Record
from zabserver.testing import ZooKeeper
from zabserver.wire.protocol import Op
from zabspec import tree


def test_nothing_is_acknowledged_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with ZooKeeper() as server:
        session = Session("127.0.0.1", server.port)
        session.call(tree.Create("/a"))

        def full(_: Disk, payloads: Sequence[bytes]) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", len(payloads))

        monkeypatch.setattr(Disk, "append", full)
        with pytest.raises(Disconnected):
            session.call(tree.Create("/b"))
        with pytest.raises(Disconnected):
            Session("127.0.0.1", server.port)
        monkeypatch.undo()
        server.restart()
        found = Session("127.0.0.1", server.port).call(tree.GetChildren("/")).reply
        assert getattr(found, "names", None) == ("a", "zookeeper")


def test_a_snapshot_that_cannot_be_written_is_logged_and_the_server_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_: SnapshotFile) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with ZooKeeper(data=tmp_path, settings={"snapCount": "2"}) as server:
        session = Session("127.0.0.1", server.port)
        monkeypatch.setattr(SnapshotFile, "finish", full)
        with caplog.at_level(logging.ERROR):
            for name in "abcdef":
                session.call(tree.Create(f"/{name}"))
        said = [each.getMessage() for each in caplog.records]
        assert "snapshot not written: [Errno 28] No space left on device" in said
        assert set(said) == {"snapshot not written: [Errno 28] No space left on device"}
    assert [path.name for path in (tmp_path / "version-2").glob("*snapshot*")] == ["snapshot.0"]


@pytest.mark.parametrize("what", ["pwrite", "fdatasync"])
def test_a_log_that_has_failed_is_written_no_more(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later writes would follow a gap, and the server would not start again."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def payload(zxid: int) -> bytes:
        return Record(7, 0, zxid, 0, CreateSessionTxn(Op.CREATE_SESSION, 4000)).encode()

    def write(zxid: int) -> None:
        disk.append([payload(zxid)])
        disk.sync()

    disk = Disk(tmp_path)
    write(1)
    with monkeypatch.context() as patched:
        patched.setattr(os, what, full)
        with pytest.raises(OSError, match="No space left"):
            write(2)
    for _ in range(2):
        with pytest.raises(OSError, match=r"has failed before: .*No space left"):
            disk.append([payload(3)])
        with pytest.raises(OSError, match="has failed before"):
            disk.sync()
    disk.close()
    assert Disk(tmp_path).load().tree.zxid <= 2
