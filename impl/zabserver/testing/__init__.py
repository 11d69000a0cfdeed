"""A real ZooKeeper in your tests, without a JVM: one server or an ensemble, in the test's process.

    with ZooKeeper() as zookeeper:
        client = KazooClient(zookeeper.hosts)

    with Ensemble() as ensemble:
        client = KazooClient(ensemble.hosts)
        ensemble.kill(ensemble.leader)

With `pip install zabkit`, pytest has the fixtures `zookeeper` and `zookeeper_ensemble` (a new one for each
test) and `zookeeper_server` (one for the whole run).

    alone     a server that stands alone
    ensemble  an ensemble, with crashes, pauses and partitions
    network   the network between its members
"""

from zabserver.testing.alone import START_TIMEOUT, ZooKeeper
from zabserver.testing.ensemble import Ensemble

__all__ = ["START_TIMEOUT", "Ensemble", "ZooKeeper"]
