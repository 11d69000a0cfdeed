"""Liveness of ZAB 1.0: what must happen in the end, and what is assumed for it.

As in `zabspec.paper.liveness`, each property is about a run from some point on. From any reachable state,
these are assumed:

1. faults are over: no action in `FAULTS` is taken any more, and if the network is split, it heals;
2. a quorum of servers, `up`, stays up, and none of them refuses to start. Each property says what is assumed
   of the others;
3. election is right in the end: while a server in `up` leads no other in `up` is elected, and the server that
   is elected has the best vote of all in `up`;
4. every action of servers in `up` that stays enabled is taken (weak fairness), for all in `WEAKLY_FAIR`;
5. a leader without a quorum gives up even if followers come and go (strong fairness): ZooKeeper counts
   `initLimit` and `syncLimit` from when the leader last had a quorum;
6. timeouts are long enough: a leader gives up before a quorum has connected only if no quorum in `up` is left
   that looks or follows it, and it stops waiting for acknowledgements only if too few servers in `up` may
   still send them.

A client's request may come or not. A run that ends, because nothing fair is enabled, stays in its last state.
"""

from __future__ import annotations

from zabspec.parts import Sid
from zabspec.phases import Phase
from zabspec.promises import Up, promises
from zabspec.quorums import is_quorum
from zabspec.zab import NEXT_LIVE
from zabspec.zab.broadcast import leader_proposes
from zabspec.zab.disk import durable
from zabspec.zab.election import leader_gives_up, leader_stops_waiting, server_is_elected, standing
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
    """True if the servers that are up have started and all others have crashed.

    Every server that was connected to one of those has noticed.
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
    """True if some server that is up leads in phase 3, and a quorum follows it."""
    return any(is_established(state, leader) for leader in sorted(up))


def is_established(state: State, leader: Sid) -> bool:
    """True if a server leads in phase 3, and a quorum follows it."""
    leading = state.servers[leader]
    if leading.role != Role.LEADING or leading.phase != Phase.BROADCAST:
        return False
    following = [sid for sid in connected_to(state, leader) if state.servers[sid].phase == Phase.BROADCAST]
    return is_quorum(state.quorums, following)


def connected_to(state: State, leader: Sid) -> list[Sid]:
    """Returns the leader, and the servers whose connection to it is open at both ends."""
    learners = learners_from(state.servers[leader].stages, Stage.CONNECTED)
    return [sid for sid in learners if sid == leader or state.servers[sid].leader == leader]


def leads_all_that_are_up(state: State, up: Up, leader: Sid, *_: Sid) -> bool:
    """True if the leader is in phase 3, and every other server that is up is connected to it, serving or
    not.
    """
    leading = state.servers[leader]
    if leading.role != Role.LEADING or leading.phase != Phase.BROADCAST:
        return False
    return up <= set(connected_to(state, leader))


def a_quorum_has_delivered(state: State, _: Up, leader: Sid) -> bool:
    """True if a quorum of the leader and its followers has delivered all that the leader has logged."""
    group = [sid for sid in connected_to(state, leader) if has_delivered(state, sid, leader)]
    return is_quorum(state.quorums, group)


def both_have_delivered(state: State, _: Up, leader: Sid, follower: Sid) -> bool:
    """True if the leader and the follower have delivered all that the leader has logged."""
    return has_delivered(state, leader, leader) and has_delivered(state, follower, leader)


def has_delivered(state: State, server: Sid, leader: Sid) -> bool:
    """True if a server serves, and has delivered all that the leader has proposed or begun with."""
    leading, delivering = state.servers[leader], state.servers[server]
    return delivering.phase == Phase.BROADCAST and delivering.tree == (*durable(leading), *leading.unsynced)


def may_come(state: State, up: Up, leader: Sid) -> list[Sid]:
    """Returns the servers in `up` that follow a leader, or still look and may come to follow it."""
    followers = {leader, *connected_to(state, leader)}
    return [sid for sid in sorted(up) if sid in followers or state.servers[sid].role == Role.LOOKING]


def may_help(state: State, up: Up, leader: Sid) -> list[Sid]:
    """Returns the servers that have acknowledged what a leader waits for, and those in `up` that may yet do
    so.
    """
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
    """True if an action may be taken once faults are over: assumptions 1, 3 and 6, for servers in `up`.

    Args:
        state: before the action.
        up: the servers that stay up.
        action: its name.
        servers: its arguments, all in `up`.
    """
    match action:
        case (
            follower_times_out.__name__
            | leader_drops_follower.__name__
            | server_restarts.__name__
            | network_splits.__name__
        ):
            return False
        case server_is_elected.__name__:
            if any(state.servers[sid].role == Role.LEADING for sid in up):
                return False
            return standing(state, servers[0]) == max(standing(state, sid) for sid in up)
        case leader_gives_up.__name__:
            leader = servers[0]
            had_quorum = is_quorum(state.quorums, state.servers[leader].connecting)
            return had_quorum or not is_quorum(state.quorums, may_come(state, up, leader))
        case leader_stops_waiting.__name__:
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
