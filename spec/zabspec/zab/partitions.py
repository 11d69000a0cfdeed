"""Partitions: some servers are cut off from the others, until the network heals.

During a partition, nothing sent across it is received and no connection is made across it; an election needs
its quorum on one side (`network.first_message`, `network.is_reachable`). Neither end of a connection across
it notices that the other has closed: each times out by itself (`faults`). What was sent across waits in its
channel, and gets through after all if the network heals while both ends still hold the connection.

To the servers, a partition is many timeouts at once and messages that take long: it leads to no state that
timeouts alone would not lead to, but takes fewer faults to get there.
"""

from __future__ import annotations

from zabspec.parts import Sid, replace
from zabspec.zab.state import State


def network_splits(state: State, *side: Sid) -> State | None:
    """The network splits in two; `side` has the servers of one part, no more than half of all."""
    if state.cut or not 0 < 2 * len(side) <= len(state.servers):
        return None
    return replace(state, cut=frozenset(side))


def network_heals(state: State) -> State | None:
    """The network is whole again."""
    if not state.cut:
        return None
    return replace(state, cut=frozenset())
