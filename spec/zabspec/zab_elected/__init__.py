"""ZAB 1.0 whose leaders are elected by Fast Leader Election: `zab`, with `fast_election` as its phase 0.

The two specs stand side by side as they are, and neither changes the other's part of the state. They meet in
these steps:

    a server goes back to election   it begins a round, with what it has on disk and in its tree by now
    it decides to lead               it leads
    it decides to follow             it connects to that server if that one leads, and looks again if not
    it has been synchronized         from now on its vote has the new epoch
    it crashes                       its election is forgotten; it begins its first round when it restarts

An election has its own connections, apart from those between a leader and its learners. While a server is not
looking, its part of the election shows its disk as it was when the server last began to look.

Left out: partitions, which cut both kinds of connections.

ZooKeeper: QuorumPeer.run.
"""

from __future__ import annotations

from zabspec import zab
from zabspec.zab_elected.actions import (
    ELECTION,
    LEAVING,
    Action,
    deciding,
    in_election,
    leaving,
    server_follows_leader,
    server_looks_again,
    server_restarts,
    server_starts,
    synchronizing,
    with_votes,
)
from zabspec.zab_elected.state import State, initial

NEXT = with_votes(zab.NEXT)

NEXT_SYNCHRONIZED = with_votes(zab.NEXT_SYNCHRONIZED)
"""As `NEXT`, with synchronization in one step."""

__all__ = [
    "NEXT",
    "NEXT_SYNCHRONIZED",
    "State",
    "initial",
    "ELECTION",
    "LEAVING",
    "Action",
    "deciding",
    "in_election",
    "leaving",
    "server_follows_leader",
    "server_looks_again",
    "server_restarts",
    "server_starts",
    "synchronizing",
    "with_votes",
]
