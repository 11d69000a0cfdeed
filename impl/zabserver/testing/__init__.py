"""A real ZooKeeper in your tests, without a JVM: a server, or an ensemble of them, in this process.

    with ZooKeeper() as zookeeper:
        client = KazooClient(zookeeper.hosts)

    with Ensemble() as ensemble:
        client = KazooClient(ensemble.hosts)
        ensemble.kill(ensemble.leader)

With `pip install zabkit`, pytest has the fixtures `zookeeper` and `zookeeper_ensemble` (one for each test)
and `zookeeper_server` (one for all of a run).

    alone     a server that stands alone
    ensemble  several that elect a leader, and what may happen to them
    network   the network between those, which can be cut
"""

from zabserver.testing.alone import START_TIMEOUT, ZooKeeper
from zabserver.testing.ensemble import Ensemble

__all__ = ["START_TIMEOUT", "Ensemble", "ZooKeeper"]
