"""Liveness of Fast Leader Election: what must happen in the end, and what is assumed for it.

From some point on, in any reachable state, these are assumed:

1. a quorum of servers, `up`, stays up; all others are down and do not come back;
2. no server in `up` crashes any more, and none decides while a better vote is in flight to it: hold-offs are
   long enough;
3. every other action of servers in `up` that stays enabled is taken (weak fairness), for all in
   `WEAKLY_FAIR`. Messages are received, a server that waits sends its vote again, a server leaves a leader
   that is lost.
"""

from __future__ import annotations

from zabspec.fast_election import NEXT
from zabspec.fast_election.faults import server_crashes, server_decides_early
from zabspec.fast_election.network import followers
from zabspec.fast_election.state import Mode, State
from zabspec.promises import Eventually, Up
from zabspec.quorums import is_quorum

FAULTS = (server_crashes, server_decides_early)

WEAKLY_FAIR = tuple(action for action in NEXT if action not in FAULTS)


def others_are_down(state: State, up: Up) -> bool:
    """True if the servers that are up are a quorum, and all others are down."""
    down = all(server.mode == Mode.DOWN for sid, server in enumerate(state.servers) if sid not in up)
    return down and is_quorum(state.quorums, sorted(up))


def a_leader_is_followed(state: State, up: Up) -> bool:
    """True if a quorum of the servers that are up has decided for one of them, and that one leads."""
    return any(
        state.servers[leader].mode == Mode.LEADING
        and is_quorum(state.quorums, [sid for sid in followers(state, leader) if sid in up])
        for leader in sorted(up)
    )


EVENTUALLY = (
    Eventually(
        "election_ends",
        "With a stable quorum, and everyone else down, a leader is elected that a quorum follows.",
        others_are_down,
        a_leader_is_followed,
        arity=0,
        others_act=False,
    ),
)
