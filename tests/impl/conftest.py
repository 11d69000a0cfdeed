"""Sessions with a server, each closed at the end of its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from zabcheck.servers.session import Session
from zabserver.testing import ZooKeeper
from zabspec.tree import CloseSession

Opened = Callable[[ZooKeeper], AbstractContextManager[Session]]


@pytest.fixture(scope="session")
def opened() -> Opened:
    """Opens a session and closes it afterwards: `with opened(server) as session`."""

    @contextmanager
    def begin(server: ZooKeeper) -> Iterator[Session]:
        session = Session("127.0.0.1", server.port)
        try:
            yield session
        finally:
            if session.is_open:
                session.call(CloseSession())

    return begin
