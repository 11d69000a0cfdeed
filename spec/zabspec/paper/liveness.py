"""Liveness of `zabspec.paper`: what must happen in the end, and what is assumed for it.

Nothing has to happen in an asynchronous system with faults. So each property here is about a run from some
point on. From any reachable state, these are assumed:

1. faults are over: no action in `FAULTS` is taken any more;
2. a quorum of servers, `up`, stays up. Each property says what is assumed of the others;
3. the oracle is right in the end: it names another server only while the one it names is not in `up`, and
   then names one in `up`. It is certain to do so (strong fairness: a server that waits for the one named is
   not looking, so a change may be possible only now and then);
4. every action of servers in `up` that stays enabled is taken (weak fairness), for all in `WEAKLY_FAIR`;
5. a leader without a quorum gives up even if followers come and go (strong fairness). The leader may have
   proposed an epoch that is too low for the only follower left to it: that follower connects, refuses, and
   connects again. ZooKeeper counts `initLimit` from when the leader starts to lead;
6. timeouts are long enough: the leader that the oracle names does not give up before it first has a quorum of
   promises. Otherwise it could give up each time that the first follower has connected.

A client's request may come or not. A run that ends, because nothing fair is enabled, stays in its last state.
"""

from __future__ import annotations

from zabspec.paper import NEXT
from zabspec.paper.broadcast import leader_accepts_request
from zabspec.paper.election import leader_gives_up, server_becomes_oracle_choice
from zabspec.paper.faults import connection_times_out, server_restarts
from zabspec.paper.state import Role, Stage, State, is_quorum, learners_at
from zabspec.parts import Sid
from zabspec.phases import Phase
from zabspec.promises import Up, promises

FAULTS = (connection_times_out, server_restarts)

STRONGLY_FAIR = (server_becomes_oracle_choice, leader_gives_up)

WEAKLY_FAIR = tuple(
    action
    for action in NEXT
    if action not in FAULTS and action not in STRONGLY_FAIR and action is not leader_accepts_request
)


def others_are_down(state: State, up: Up) -> bool:
    """True if the servers that are not up have crashed and have lost their connections."""
    return all(server.role == Role.LOOKING for sid, server in enumerate(state.servers) if sid not in up)


def a_leader_is_established(state: State, up: Up) -> bool:
    """True if some server that is up leads in phase 3, and a quorum follows it."""
    return any(is_established(state, leader) for leader in sorted(up))


def is_established(state: State, leader: Sid) -> bool:
    """True if a server leads in phase 3, and a quorum follows it."""
    leading = state.servers[leader]
    if leading.role != Role.LEADING or leading.phase != Phase.BROADCAST:
        return False
    return is_quorum(learners_at(leading.stages, Stage.CONNECTED), leading.stages)


def leads_all_that_are_up(state: State, up: Up, leader: Sid, *_: Sid) -> bool:
    """True if the leader is established, and every other server that is up is connected to it."""
    connected = (state.servers[sid].leader == leader for sid in up if sid != leader)
    return is_established(state, leader) and all(connected)


def a_quorum_has_delivered(state: State, _: Up, leader: Sid) -> bool:
    """True if a quorum of the leader and its followers has delivered all that the leader has logged."""
    stages = state.servers[leader].stages
    group = learners_at(stages, Stage.CONNECTED)
    return is_quorum([sid for sid in group if has_delivered(state, sid, leader)], stages)


def both_have_delivered(state: State, _: Up, leader: Sid, follower: Sid) -> bool:
    """True if the leader and the follower have delivered all that the leader has logged."""
    return has_delivered(state, leader, leader) and has_delivered(state, follower, leader)


def has_delivered(state: State, server: Sid, leader: Sid) -> bool:
    """True if a server has delivered all that the leader has logged."""
    history = state.servers[leader].history
    delivering = state.servers[server]
    return delivering.history[: delivering.committed] == history


def may_be_taken(state: State, up: Up, action: str, servers: tuple[Sid, ...]) -> bool:
    """True if an action may be taken once faults are over: assumptions 1, 3 and 6, for servers in `up`.

    Args:
        state: before the action.
        up: the servers that stay up.
        action: its name.
        servers: its arguments, all in `up`.
    """
    match action:
        case connection_times_out.__name__ | server_restarts.__name__:
            return False
        case server_becomes_oracle_choice.__name__:
            return state.oracle not in up
        case leader_gives_up.__name__:
            leading = state.servers[servers[0]]
            return state.oracle != servers[0] or is_quorum(leading.promised, leading.stages)
        case _:
            return True


EVENTUALLY = promises(
    others_are_down,
    a_leader_is_established,
    leads_all_that_are_up,
    a_quorum_has_delivered,
    both_have_delivered,
)
