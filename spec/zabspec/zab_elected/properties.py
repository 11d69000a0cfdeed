"""The properties of ZAB 1.0 with Fast Leader Election in it, beside all those of `zab`.

The groups are those of `zabspec.zab.properties`. Most are properties of `zabspec.fast_election.properties`,
required of the election that goes on beside the rest.
"""

from __future__ import annotations

from zabspec.fast_election import properties as election
from zabspec.fast_election.state import Mode
from zabspec.fast_election.votes import better_is_under_way, is_holding_off
from zabspec.parts import Sid
from zabspec.phases import Phase
from zabspec.zab.election import server_is_elected, server_is_elected_late
from zabspec.zab.state import Role
from zabspec.zab_elected import State
from zabspec.zab_elected.state import LEARNING


def election_and_role_agree(state: State, server: Sid) -> bool:
    """A server leads if and only if it has decided to, and follows only the server that it has decided
    for.
    """
    voted, role = state.election.servers[server], state.servers[server].role
    if (role == Role.LEADING) != (voted.mode == Mode.LEADING):
        return False
    if role != Role.FOLLOWING:
        return True
    return (
        voted.mode in LEARNING
        and voted.vote is not None
        and voted.vote.leader == (state.servers[server].leader)
    )


def vote_gets_better(before: State, after: State, server: Sid) -> bool:
    """In one round, a looking voter's vote only ever gets better."""
    return election.vote_gets_better(before.election, after.election, server)


def decision_has_quorum(before: State, after: State, server: Sid) -> bool:
    """A server decides for a leader that a quorum has named to it: voters of its round, or servers that have
    decided.
    """
    return election.decision_has_quorum(before.election, after.election, server)


def reported_leader_said_so(before: State, after: State, server: Sid) -> bool:
    """A server that decides on the word of servers that have decided has heard the leader itself say that it
    leads.
    """
    return election.reported_leader_said_so(before.election, after.election, server)


def leader_has_best_vote(before: State, after: State, server: Sid) -> bool:
    """A server that comes to lead has the best first vote, ties broken by id, of some quorum.

    For each server, the first vote of the last round that it began by itself counts.
    """
    return election.leader_has_best_vote(before.election, after.election, server)


def leader_could_be_elected(before: State, after: State, server: Sid) -> bool:
    """A server comes to lead only if `zab.server_is_elected_late` would elect it: so this refines `zab` with
    that.

    This holds only while no server crashes and every hold-off is long enough: a server that has crashed
    looks, and has more by now than when it voted.
    """
    if before.servers[server].role == Role.LEADING or after.servers[server].role != Role.LEADING:
        return True
    return server_is_elected_late(before, server) is not None


def latecomer_finds_established_leader(state: State, server: Sid, leader: Sid) -> bool:
    """A server has decided to follow one that is established already."""
    voted = state.election.servers[server]
    if state.servers[server].role != Role.LOOKING or voted.mode not in LEARNING or voted.vote is None:
        return False
    return voted.vote.leader == leader and state.servers[leader].phase == Phase.BROADCAST


def leader_is_elected_by_past_votes(state: State, server: Sid) -> bool:
    """A server is about to lead that the servers which look now would not elect."""
    voting = state.election.servers[server]
    if not is_holding_off(state.election, server) or voting.vote is None or voting.vote.leader != server:
        return False
    return not better_is_under_way(state.election, server) and server_is_elected(state, server) is None


ALWAYS = (election_and_role_agree,)

EVERY_STEP = (
    vote_gets_better,
    decision_has_quorum,
    reported_leader_said_so,
    leader_has_best_vote,
    leader_could_be_elected,
)

SOMETIMES = (latecomer_finds_established_leader, leader_is_elected_by_past_votes)
