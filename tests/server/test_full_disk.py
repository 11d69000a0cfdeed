"""A disk that takes no more: nothing is acknowledged, and the server stops when it is told to."""

from __future__ import annotations

import errno
from collections.abc import Sequence

import pytest

from zabcheck.client.session import Disconnected, Session
from zabserver.net.disk import Disk
from zabserver.testing import ZooKeeper
from zabspec import tree


def test_nothing_is_acknowledged_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with ZooKeeper() as server:
        session = Session("127.0.0.1", server.port)
        session.call(tree.Create("/a"))

        def full(_: Disk, payloads: Sequence[bytes], first_zxid: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", str(first_zxid), len(payloads))

        monkeypatch.setattr(Disk, "append", full)
        with pytest.raises(Disconnected):
            session.call(tree.Create("/b"))
        with pytest.raises(Disconnected):
            Session("127.0.0.1", server.port)
        monkeypatch.undo()
        server.restart()
        found = Session("127.0.0.1", server.port).call(tree.GetChildren("/")).reply
        assert getattr(found, "names", None) == ("a", "zookeeper")
