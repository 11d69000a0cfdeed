"""Liveness of `zabspec.paper`: what must happen in the end, and what has to be assumed for it.

Nothing has to happen in an asynchronous system with faults. So each property here speaks of a run from some
point on, where from any reachable state

1. faults are over: nothing in `FAULTS` is taken any more;
2. a quorum of servers, `up`, stays up. What is assumed of the others, each property says;
3. the oracle is right in the end: it changes its mind only while it names no server in `up`, it then turns to
   one, and it does so for certain (strong fairness: a server that waits for the one named is not looking, so
   a change may be possible only now and then);
4. every action of servers in `up` that stays possible is taken (weak fairness), for all in `WEAKLY_FAIR`;
5. a leader without a quorum gives up even if followers come and go (strong fairness). The leader may have
   proposed an epoch that is too low for the only follower left to it: that one connects, is refused, and
   connects again. ZooKeeper counts `initLimit` from when the leader starts to lead;
6. timeouts are long enough: the leader that the oracle names does not give up before its first quorum of
   promises. Without this it could give up each time that the first follower has connected.

A client's request may come or not. A run that ends, because nothing fair is possible, stays where it is.
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
    """The servers that are not up have crashed, and lost their connections with that."""
    return all(server.role == Role.LOOKING for sid, server in enumerate(state.servers) if sid not in up)


def a_leader_is_established(state: State, up: Up) -> bool:
    """Some server that is up leads in broadcast, and a quorum follows it."""
    return any(is_established(state, leader) for leader in sorted(up))


def is_established(state: State, leader: Sid) -> bool:
    """Whether a server leads in broadcast, and a quorum follows it."""
    leading = state.servers[leader]
    if leading.role != Role.LEADING or leading.phase != Phase.BROADCAST:
        return False
    return is_quorum(learners_at(leading.stages, Stage.CONNECTED), leading.stages)


def leads_all_that_are_up(state: State, up: Up, leader: Sid, *_: Sid) -> bool:
    """The leader is established, and every other server that is up is connected to it."""
    connected = (state.servers[sid].leader == leader for sid in up if sid != leader)
    return is_established(state, leader) and all(connected)


def a_quorum_has_delivered(state: State, _: Up, leader: Sid) -> bool:
    """All that the leader has logged is delivered by a quorum of it and its followers."""
    stages = state.servers[leader].stages
    group = learners_at(stages, Stage.CONNECTED)
    return is_quorum([sid for sid in group if has_delivered(state, sid, leader)], stages)


def both_have_delivered(state: State, _: Up, leader: Sid, follower: Sid) -> bool:
    """All that the leader has logged is delivered by it and by the follower."""
    return has_delivered(state, leader, leader) and has_delivered(state, follower, leader)


def has_delivered(state: State, server: Sid, leader: Sid) -> bool:
    """Whether a server has delivered all that the leader has logged."""
    history = state.servers[leader].history
    delivering = state.servers[server]
    return delivering.history[: delivering.committed] == history


def may_be_taken(state: State, up: Up, action: str, servers: tuple[Sid, ...]) -> bool:
    """Whether an action may still be taken when faults are over: assumptions 1, 3 and 6, for servers in `up`.

    Args:
        state: before the action.
        up: the servers that stay up.
        action: its name.
        servers: its arguments, all in `up`.
    """
    match action:
        case "connection_times_out" | "server_restarts":
            return False
        case "server_becomes_oracle_choice":
            return state.oracle not in up
        case "leader_gives_up":
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
