"""The fixtures that `pip install zabkit` gives pytest.

def test_something(zookeeper):
    client = KazooClient(zookeeper.hosts)
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zabserver.testing import Ensemble, ZooKeeper


@pytest.fixture
def zookeeper() -> Iterator[ZooKeeper]:
    """A server of this test's own, empty at its start."""
    with ZooKeeper() as server:
        yield server


@pytest.fixture(scope="session")
def zookeeper_server() -> Iterator[ZooKeeper]:
    """One server for all tests of a run, which share what is in it."""
    with ZooKeeper() as server:
        yield server


@pytest.fixture
def zookeeper_ensemble() -> Iterator[Ensemble]:
    """Three servers of this test's own, with a leader, empty at their start."""
    with Ensemble() as ensemble:
        yield ensemble
