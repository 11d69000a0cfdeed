"""Fast Leader Election with one mistake put in, and the property that catches it.

As in `zabcheck.models.paper.mistakes`, a mistake is the spec's own action with a change in the state that
goes in or the state that comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from zabcheck.models.fast_election.bounds import Bounds
from zabcheck.models.fast_election.model import Action
from zabcheck.models.mutant import Mutant
from zabspec import fast_election
from zabspec.fast_election.network import with_server
from zabspec.fast_election.state import Mode, State, Vote
from zabspec.fast_election.votes import decided, is_holding_off, with_received
from zabspec.histories import ZERO
from zabspec.parts import Sid, replace
from zabspec.quorums import is_quorum, majority


def server_decides_alone(state: State, server: Sid) -> State | None:
    """A server decides without a quorum for its vote."""
    voting = state.servers[server]
    if voting.mode != Mode.LOOKING or voting.vote is None:
        return None
    return decided(state, server, voting.vote, voting.round)


def server_decides_at_once(state: State, server: Sid) -> State | None:
    """A server decides without holding off for a better vote."""
    voting = state.servers[server]
    if voting.vote is None or not is_holding_off(state, server):
        return None
    return decided(state, server, voting.vote, voting.round)


def server_decides_with_everyone(state: State, server: Sid) -> State | None:
    """A server decides only when every server has voted."""
    return fast_election.server_decides(state, server) if all(state.servers[server].received) else None


def server_joins_round_with_votes(state: State, server: Sid, sender: Sid) -> State | None:
    """A server that joins a later round keeps the votes it counted in the earlier one."""
    done = fast_election.server_joins_round(state, server, sender)
    if done is None:
        return None
    kept = state.servers[server].received
    for sid, report in enumerate(kept):
        if report is not None and sid not in (server, sender):
            done = with_received(done, server, Sid(sid), report)
    return done


def server_counts_last_vote(state: State, server: Sid, sender: Sid) -> State | None:
    """A server adopts each vote of its round, better or not."""
    voting = state.servers[server]
    if voting.mode != Mode.LOOKING or is_holding_off(state, server):
        return fast_election.server_counts_vote(state, server, sender)
    blank = with_server(state, server, replace(voting, vote=Vote(-1, ZERO, server)))
    return fast_election.server_counts_vote(blank, server, sender)


def server_counts_vote_by_id(state: State, server: Sid, sender: Sid) -> State | None:
    """A server adopts a vote of its round if the id is higher, whatever is on disk."""
    message = state.network[sender][server].head
    own = state.servers[server].vote
    if message is None or message.vote is None or own is None or message.vote.leader <= own.leader:
        return fast_election.server_counts_vote(state, server, sender)
    return server_counts_last_vote(state, server, sender)


def weightless(action: Action) -> Action:
    """Returns an action in which every server weighs the same."""

    @wraps(action)
    def mistaken(state: State, *servers: Sid) -> State | None:
        done = action(replace(state, quorums=majority(len(state.servers))), *servers)
        return None if done is None else replace(done, quorums=state.quorums)

    return mistaken


def server_believes_report(state: State, server: Sid, sender: Sid) -> State | None:
    """A server decides by one report, without a quorum that says the same."""
    return _settled_if(state, server, sender, lambda _: True)


def server_believes_quorum(state: State, server: Sid, sender: Sid) -> State | None:
    """A server decides by reports of a quorum, without a report from the leader itself."""

    def agree(done: State) -> bool:
        reports, said = done.servers[server].received, done.servers[server].received[sender]
        agreeing = [Sid(sid) for sid, each in enumerate(reports) if each and said and each.vote == said.vote]
        return is_quorum(done.quorums, agreeing)

    return _settled_if(state, server, sender, agree)


def silenced(action: Action) -> Action:
    """Returns an action that is never enabled."""

    @wraps(action)
    def mistaken(_: State, *servers: Sid) -> State | None:
        return None

    return mistaken


def _settled_if(state: State, server: Sid, sender: Sid, is_enough: Callable[[State], bool]) -> State | None:
    """A server takes a report and decides by it where `is_enough` says so, though the spec's action does
    not.
    """
    done = fast_election.server_weighs_report(state, server, sender)
    message = state.network[sender][server].head
    if done is None or message is None or message.vote is None or message.vote.leader == server:
        return done
    if done.servers[server].mode != Mode.LOOKING or not is_enough(done):
        return done
    return decided(done, server, message.vote, message.round)


_TWO = Bounds(servers=2, timeouts=0)
_THREE = Bounds(servers=3, timeouts=0)
_UNLIKE = Bounds(servers=3, timeouts=0, unlike=True)

SAFETY_MUTANTS = (
    Mutant(
        "decides-alone",
        "A server decides for its vote without waiting for a quorum that votes the same.",
        {fast_election.server_decides: server_decides_alone},
        _TWO,
        "decision_has_quorum",
    ),
    Mutant(
        "believes-anyone",
        "A server that joins late follows the leader named by the first server that has decided.",
        {fast_election.server_weighs_report: server_believes_report},
        _THREE,
        "decision_has_quorum",
    ),
    Mutant(
        "no-hold-off",
        "A server with a quorum for its vote decides at once, even if a better vote is in flight to it.",
        {fast_election.server_decides: server_decides_at_once},
        _THREE,
        "agreement",
    ),
    Mutant(
        "no-check-of-leader",
        "A server that joins late follows the leader that a quorum names, without checking that it leads.",
        {fast_election.server_weighs_report: server_believes_quorum},
        _THREE,
        "reported_leader_said_so",
    ),
    Mutant(
        "votes-kept",
        "A server that joins a later round keeps the votes it has counted.",
        {fast_election.server_joins_round: server_joins_round_with_votes},
        Bounds(servers=3, timeouts=1),
        "counted_votes_were_cast",
    ),
    Mutant(
        "last-vote-wins",
        "A server adopts the vote that it receives last, better or not.",
        {fast_election.server_counts_vote: server_counts_last_vote},
        _TWO,
        "vote_gets_better",
    ),
    Mutant(
        "highest-id-wins",
        "A server compares votes by the ids of their leaders alone.",
        {fast_election.server_counts_vote: server_counts_vote_by_id},
        _UNLIKE,
        "leader_has_best_vote",
    ),
    Mutant(
        "highest-id-wins-abstractly",
        "As highest-id-wins: no quorum could elect the leader.",
        {fast_election.server_counts_vote: server_counts_vote_by_id},
        _UNLIKE,
        "refines_abstract_election",
    ),
    Mutant(
        "weight-ignored",
        "A server adopts votes for servers that weigh nothing.",
        {fast_election.server_counts_vote: weightless(fast_election.server_counts_vote)},
        Bounds(servers=3, timeouts=0, unlike=True, weightless=1),
        "leader_has_weight",
    ),
)
"""The mutants that break a safety property."""

NEVER_ENDING = (
    Mutant(
        "waits-for-everyone",
        "A server decides only when all servers have voted the same.",
        {fast_election.server_decides: server_decides_with_everyone},
        _THREE,
        "election_ends",
    ),
    Mutant(
        "never-adopts",
        "A server votes for itself for ever.",
        {
            each: silenced(each)
            for each in (fast_election.server_counts_vote, fast_election.server_discards_vote)
        },
        _TWO,
        "election_ends",
    ),
)
"""The mutants with which an election may never end."""

MUTANTS = (*SAFETY_MUTANTS, *NEVER_ENDING)
"""All mutants of Fast Leader Election."""
