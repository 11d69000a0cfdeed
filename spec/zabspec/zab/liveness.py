"""Liveness of ZAB 1.0: what must happen in the end, and what has to be assumed for it.

As in `zabspec.paper.liveness`, each property speaks of a run from some point on, where from any reachable
state

1. faults are over: nothing in `FAULTS` is taken any more, and if the network is split, it heals;
2. a quorum of servers, `up`, stays up, and none of them refuses to start. What is assumed of the others, each
   property says;
3. election is right in the end: while a server in `up` leads no other in `up` is elected, and who is elected
   has the best vote of all in `up`;
4. every action of servers in `up` that stays possible is taken (weak fairness), for all in `WEAKLY_FAIR`;
5. a leader without a quorum gives up even if followers come and go (strong fairness): ZooKeeper counts
   `initLimit` and `syncLimit` from when the leader had a quorum last;
6. timeouts are long enough: a leader gives up before a quorum has connected only if no quorum in `up` is left
   that looks or follows it, and it stops waiting for acknowledgements only if too few in `up` may still
   give them.

A client's request may come or not. A run that ends, because nothing fair is possible, stays where it is.
"""

from __future__ import annotations

from zabspec.parts import Sid
from zabspec.phases import Phase
from zabspec.promises import Up, promises
from zabspec.quorums import is_quorum
from zabspec.zab import NEXT_LIVE
from zabspec.zab.broadcast import leader_proposes
from zabspec.zab.disk import durable
from zabspec.zab.election import leader_gives_up, standing
from zabspec.zab.faults import follower_times_out, leader_drops_follower, server_restarts
from zabspec.zab.partitions import network_splits
from zabspec.zab.state import AckEpoch, Role, Stage, State, learners_from

FAULTS = (follower_times_out, leader_drops_follower, server_restarts, network_splits)

STRONGLY_FAIR = (leader_gives_up,)

WEAKLY_FAIR = tuple(
    action
    for action in NEXT_LIVE
    if action not in FAULTS and action not in STRONGLY_FAIR and action is not leader_proposes
)


def others_are_down(state: State, up: Up) -> bool:
    """The servers that are not up have crashed, which all that were connected to them have noticed; those
    that are up have started.
    """
    for sid, server in enumerate(state.servers):
        if sid in up:
            connected = {server.leader, *learners_from(server.stages, Stage.CONNECTED)}
            if server.role == Role.STOPPED or not connected <= {None, *up}:
                return False
        elif server.role not in (Role.LOOKING, Role.STOPPED):
            return False
    return True


def a_leader_is_established(state: State, up: Up) -> bool:
    """Some server that is up leads in broadcast, and a quorum follows it."""
    return any(is_established(state, leader) for leader in sorted(up))


def is_established(state: State, leader: Sid) -> bool:
    """Whether a server leads in broadcast, and a quorum follows it."""
    leading = state.servers[leader]
    if leading.role != Role.LEADING or leading.phase != Phase.BROADCAST:
        return False
    following = [sid for sid in connected_to(state, leader) if state.servers[sid].phase == Phase.BROADCAST]
    return is_quorum(state.quorums, following)


def connected_to(state: State, leader: Sid) -> list[Sid]:
    """The leader, and who is connected to it at both ends."""
    learners = learners_from(state.servers[leader].stages, Stage.CONNECTED)
    return [sid for sid in learners if sid == leader or state.servers[sid].leader == leader]


def leads_all_that_are_up(state: State, up: Up, leader: Sid, *_: Sid) -> bool:
    """The leader is established, and every other server that is up is connected to it, serving or not."""
    leading = state.servers[leader]
    if leading.role != Role.LEADING or leading.phase != Phase.BROADCAST:
        return False
    return up <= set(connected_to(state, leader))


def a_quorum_has_delivered(state: State, _: Up, leader: Sid) -> bool:
    """All that the leader has logged is delivered by a quorum of it and its followers."""
    group = [sid for sid in connected_to(state, leader) if has_delivered(state, sid, leader)]
    return is_quorum(state.quorums, group)


def both_have_delivered(state: State, _: Up, leader: Sid, follower: Sid) -> bool:
    """All that the leader has logged is delivered by it and by the follower."""
    return has_delivered(state, leader, leader) and has_delivered(state, follower, leader)


def has_delivered(state: State, server: Sid, leader: Sid) -> bool:
    """Whether a server serves, and has delivered all that the leader has proposed or begun with."""
    leading, delivering = state.servers[leader], state.servers[server]
    return delivering.phase == Phase.BROADCAST and delivering.tree == (*durable(leading), *leading.unsynced)


def may_come(state: State, up: Up, leader: Sid) -> list[Sid]:
    """Who in `up` follows a leader, or still looks and may come to."""
    followers = {leader, *connected_to(state, leader)}
    return [sid for sid in sorted(up) if sid in followers or state.servers[sid].role == Role.LOOKING]


def may_help(state: State, up: Up, leader: Sid) -> list[Sid]:
    """Who has acknowledged what a leader waits for, and who in `up` may yet do so."""
    leading = state.servers[leader]
    epoch = leading.accepted_epoch
    if leading.phase == Phase.SYNCHRONIZATION:
        return sorted({*leading.adopting, *(sid for sid in up if state.servers[sid].accepted_epoch <= epoch)})
    willing = set(leading.electing)
    for sid in up:
        is_on_its_way = any(
            isinstance(message, AckEpoch) and message.epoch is not None
            for message in state.network[sid][leader]
        )
        is_to_come = state.servers[sid].accepted_epoch < epoch
        if (is_on_its_way or is_to_come) and standing(state, sid) <= standing(state, leader):
            willing.add(sid)
    return sorted(willing)


def may_be_taken(state: State, up: Up, action: str, servers: tuple[Sid, ...]) -> bool:
    """Whether an action may still be taken when faults are over: assumptions 1, 3 and 6, for servers in `up`.

    Args:
        state: before the action.
        up: the servers that stay up.
        action: its name.
        servers: its arguments, all in `up`.
    """
    match action:
        case "follower_times_out" | "leader_drops_follower" | "server_restarts" | "network_splits":
            return False
        case "server_is_elected":
            if any(state.servers[sid].role == Role.LEADING for sid in up):
                return False
            return standing(state, servers[0]) == max(standing(state, sid) for sid in up)
        case "leader_gives_up":
            leader = servers[0]
            had_quorum = is_quorum(state.quorums, state.servers[leader].connecting)
            return had_quorum or not is_quorum(state.quorums, may_come(state, up, leader))
        case "leader_stops_waiting":
            return not is_quorum(state.quorums, may_help(state, up, servers[0]))
        case _:
            return True


EVENTUALLY = promises(
    others_are_down,
    a_leader_is_established,
    leads_all_that_are_up,
    a_quorum_has_delivered,
    both_have_delivered,
)
