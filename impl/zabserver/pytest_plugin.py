"""Fixtures that pytest has where zabkit is installed.

def test_something(zookeeper):
    client = KazooClient(zookeeper.hosts)
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zabserver.testing import Ensemble, ZooKeeper


@pytest.fixture
def zookeeper() -> Iterator[ZooKeeper]:
    """A new, empty server for one test."""
    with ZooKeeper() as server:
        yield server


@pytest.fixture(scope="session")
def zookeeper_server() -> Iterator[ZooKeeper]:
    """One server for the whole run, with contents shared by its tests."""
    with ZooKeeper() as server:
        yield server


@pytest.fixture
def zookeeper_ensemble() -> Iterator[Ensemble]:
    """A new, empty ensemble of three servers for one test, with a leader."""
    with Ensemble() as ensemble:
        yield ensemble
