"""What disturbs elections: a hold-off that is too short, leaders that are lost, crashes.

ZooKeeper: QuorumPeer.run.
"""

from __future__ import annotations

from zabspec.fast_election.network import followers, others, with_channel, with_server
from zabspec.fast_election.state import DECIDED, Mode, State
from zabspec.fast_election.votes import (
    better_is_under_way,
    decided,
    is_holding_off,
    no_reports,
    with_round_begun,
)
from zabspec.parts import Queue, Sid, replace
from zabspec.quorums import is_quorum


def server_decides_early(state: State, server: Sid) -> State | None:
    """A looking server with a quorum for its vote decides while a better vote is in flight to it.

    ZooKeeper: lookForLeader, where finalizeWait is too short.
    """
    voting = state.servers[server]
    if voting.vote is None or not is_holding_off(state, server) or not better_is_under_way(state, server):
        return None
    return decided(state, server, voting.vote, voting.round)


def server_looks_again(state: State, server: Sid) -> State | None:
    """A leader without a quorum of followers, or a server that follows one that does not lead, looks again.

    ZooKeeper: QuorumPeer.run, back to LOOKING; Leader.lead and Learner.connectToLeader say when.
    """
    leaving = state.servers[server]
    if leaving.mode not in DECIDED or leaving.vote is None:
        return None
    if leaving.mode == Mode.LEADING:
        is_lost = not is_quorum(state.quorums, followers(state, server))
    else:
        is_lost = state.servers[leaving.vote.leader].mode != Mode.LEADING
    if not is_lost:
        return None
    return with_round_begun(state, server)


def server_crashes(state: State, server: Sid) -> State | None:
    """A server crashes: its round is forgotten, and what was in flight to it is lost.

    ZooKeeper: logicalclock is kept in memory alone.
    """
    crashing = state.servers[server]
    if crashing.mode == Mode.DOWN:
        return None
    gone = replace(
        crashing, mode=Mode.DOWN, round=0, vote=None, received=no_reports(state), outside=no_reports(state)
    )
    for sender in others(state, server):
        state = with_channel(state, sender, server, Queue())
    return with_server(state, server, gone)
