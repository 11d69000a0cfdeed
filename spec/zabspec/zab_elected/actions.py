"""The actions of Fast Leader Election and of ZAB 1.0, made actions of the two together."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import cast

from zabspec import fast_election, zab
from zabspec.fast_election import faults as election_faults
from zabspec.fast_election.network import with_server as with_elector
from zabspec.fast_election.state import Mode
from zabspec.fast_election.votes import with_round_begun
from zabspec.parts import Sid, replace
from zabspec.phases import Phase
from zabspec.zab.election import as_leader, standing
from zabspec.zab.network import with_server
from zabspec.zab.state import Role
from zabspec.zab_elected.state import LEARNING, State

ZabAction = Callable[..., "zab.State | None"]
ElectionAction = Callable[..., "fast_election.State | None"]
Action = Callable[..., "State | None"]


def in_election(action: ElectionAction) -> Action:
    """Returns an action of the election that decides nothing, as an action of both."""

    @wraps(action)
    def elects(state: State, *servers: Sid) -> State | None:
        after = action(state.election, *servers)
        if after is None:
            return None
        return replace(state, election=after)

    return elects


def deciding(action: ElectionAction) -> Action:
    """Returns an action by which a server may decide, as an action of both: a server that decides to lead,
    leads.
    """

    @wraps(action)
    def decides(state: State, server: Sid, *others: Sid) -> State | None:
        after = action(state.election, server, *others)
        if after is None:
            return None
        state = replace(state, election=after)
        if after.servers[server].mode != Mode.LEADING:
            return state
        return _whole(with_server(state, server, as_leader(state.servers[server], server)))

    return decides


def leaving(action: ZabAction) -> Action:
    """Returns an action of `zab` by which its first argument may go back to election, as an action of both.

    A server that goes back to election begins a round.
    """

    @wraps(action)
    def leaves(state: State, server: Sid, *others: Sid) -> State | None:
        after = _whole(action(state, server, *others))
        if after is None or after.servers[server].role != Role.LOOKING:
            return after
        return replace(after, election=with_round_begun(_with_standing(after, server), server))

    return leaves


def synchronizing(action: ZabAction) -> Action:
    """Returns an action of `zab` after which its first argument may serve, as an action of both.

    The vote of a server that serves has the new epoch.

    ZooKeeper: QuorumPeer.updateElectionVote.
    """

    @wraps(action)
    def synchronizes(state: State, server: Sid, *others: Sid) -> State | None:
        after = _whole(action(state, server, *others))
        if after is None or after.servers[server].phase != Phase.BROADCAST:
            return after
        voted = after.election.servers[server]
        if voted.vote is None:
            return after
        vote = voted.vote._replace(epoch=after.servers[server].current_epoch)
        return replace(after, election=with_elector(after.election, server, replace(voted, vote=vote)))

    return synchronizes


def server_starts(state: State, server: Sid) -> State | None:
    """A server starts and looks for a leader, unless it refuses to start.

    ZooKeeper: QuorumPeer.start.
    """
    if state.servers[server].role != Role.LOOKING:
        return None
    after = fast_election.server_starts(_with_standing(state, server), server)
    if after is None:
        return None
    return replace(state, election=after)


def server_looks_again(state: State, server: Sid) -> State | None:
    """A server that cannot connect to the one it is to follow, which does not lead, looks again.

    ZooKeeper: Learner.connectToLeader, QuorumPeer.run.
    """
    if state.servers[server].role != Role.LOOKING or state.election.servers[server].mode not in LEARNING:
        return None
    after = fast_election.server_looks_again(_with_standing(state, server), server)
    if after is None:
        return None
    return replace(state, election=after)


def server_follows_leader(state: State, follower: Sid, leader: Sid) -> State | None:
    """A server connects to the leader that it has decided to follow, and sends it its last promise.

    ZooKeeper: Learner.connectToLeader and registerWithLeader.
    """
    decided = state.election.servers[follower]
    if decided.mode not in LEARNING or decided.vote is None or decided.vote.leader != leader:
        return None
    return _whole(zab.server_follows_leader(state, follower, leader))


def server_restarts(state: State, server: Sid, kept: int) -> State | None:
    """A server crashes; its disk is as `zab` has it, and its election is forgotten until it starts again.

    ZooKeeper: logicalclock is kept in memory alone.
    """
    election = election_faults.server_crashes(state.election, server)
    if election is None:
        return None
    after = _whole(zab.server_restarts(state, server, kept))
    if after is None:
        return None
    return replace(after, election=election)


ELECTION: tuple[Action, ...] = (
    server_starts,
    in_election(fast_election.server_tells_again),
    in_election(fast_election.server_joins_round),
    in_election(fast_election.server_counts_vote),
    in_election(fast_election.server_discards_vote),
    in_election(fast_election.server_answers_late),
    deciding(fast_election.server_weighs_report),
    in_election(fast_election.server_answers),
    in_election(fast_election.server_ignores),
    deciding(fast_election.server_decides),
    deciding(fast_election.server_decides_early),
    server_looks_again,
)
"""Phase 0."""

LEAVING = (
    zab.leader_gives_up,
    zab.leader_stops_waiting,
    zab.follower_notices,
    zab.follower_times_out,
    zab.follower_processes_leaderinfo,
)
"""The actions of `zab` by which a server goes back to election without a crash."""

_REPLACED = (zab.server_is_elected, zab.network_splits, zab.network_heals)

_JOINED: dict[str, Action] = {
    **{action.__name__: leaving(action) for action in LEAVING},
    **{
        action.__name__: synchronizing(action)
        for action in (zab.leader_processes_newleader_ack, zab.follower_processes_uptodate)
    },
    zab.server_follows_leader.__name__: server_follows_leader,
    zab.server_restarts.__name__: server_restarts,
}


def with_votes(actions: tuple[ZabAction, ...]) -> tuple[Action, ...]:
    """Returns Fast Leader Election, and after it the actions of a grain of `zab` without their phase 0."""
    rest = (action for action in actions if action not in _REPLACED)
    return (*ELECTION, *(_JOINED.get(action.__name__, cast(Action, action)) for action in rest))


def _with_standing(state: State, server: Sid) -> fast_election.State:
    """Returns the election in which a server votes with what it has by now."""
    epoch, zxid = standing(state, server)
    return with_elector(
        state.election, server, replace(state.election.servers[server], epoch=epoch, zxid=zxid)
    )


def _whole(after: zab.State | None) -> State | None:
    """Returns a state that an action of `zab` made of a state of both: it keeps the fields it does not
    know.
    """
    return cast("State | None", after)
