"""ZAB 1.0 whose leaders are elected by Fast Leader Election: `zab`, with `fast_election` as its phase 0.

Both go on as they are, side by side, and change nothing of each other. How they hang together is here:

    a server goes back to election   it begins a round, with what it has on disk and in its tree by now
    it decides to lead               it leads
    it decides to follow             it connects to that server if it leads, and else looks again
    it has been synchronized         its vote says so from now on
    it crashes                       it has forgotten its election, and begins its first round when it is up

An election has its own connections, apart from those between a leader and its learners. While a server is not
looking, what its part of the election says of its disk is what was there when it last began to look.

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
"""The same, with synchronization in one step."""

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
