"""Partitions: some servers are cut off from the others, until the network heals.

While it is cut, nothing sent across is received and no connection is made across; an election needs its
quorum on one side (`network.first_message`, `network.is_reachable`). Neither end of a connection across hears
that the other has closed: each times out by itself (`faults`). What was sent across waits in its channel, and
gets through after all if the network heals while both ends still hold the connection.

To the servers, a partition is no more than many timeouts at once and messages that take long: it leads to
nothing that timeouts alone would not lead to, but takes fewer faults to get there.
"""

from __future__ import annotations

from zabspec.parts import Sid, replace
from zabspec.zab.state import State


def network_splits(state: State, *side: Sid) -> State | None:
    """The network falls into two parts; `side` are the servers of one of them, no more than half of all."""
    if state.cut or not 0 < 2 * len(side) <= len(state.servers):
        return None
    return replace(state, cut=frozenset(side))


def network_heals(state: State) -> State | None:
    """The network is whole again."""
    if not state.cut:
        return None
    return replace(state, cut=frozenset())
