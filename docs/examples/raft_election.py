"""Raft's leader election: at most one leader is elected in a term.

Follows Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (2014), sections 5.1 and
5.2. All logs are taken to be equally up to date. Messages are never removed: a message that was sent may be
received at any time, more than once, or never; so the messages are also the history.

    zab check docs/examples/raft_election.py
    zab check docs/examples/raft_election.py --set forgetful=true
    zab liveness docs/examples/raft_election.py --set calm=true
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import wraps

from zabcheck.explorer import Action, Model, assume, model_of
from zabspec.parts import Row, Sid, replace

# The state.


class Role(IntEnum):
    """What a server is in its term."""

    FOLLOWER = 0
    CANDIDATE = 1
    LEADER = 2


@dataclass(frozen=True, slots=True)
class Server:
    """A server; its term and its vote are on disk."""

    term: int = 0
    vote: Sid | None = None  # the candidate that the server has voted for in its term
    role: Role = Role.FOLLOWER
    voters: frozenset[Sid] = frozenset()  # who is known to have voted for this candidate


@dataclass(frozen=True, slots=True)
class RequestVote:
    """A candidate asks all others for their votes."""

    term: int
    candidate: Sid


@dataclass(frozen=True, slots=True)
class Vote:
    """A server votes for a candidate."""

    term: int
    voter: Sid
    candidate: Sid


@dataclass(frozen=True, slots=True)
class AppendEntries:
    """A leader tells all others that it leads."""

    term: int
    leader: Sid


@dataclass(frozen=True, slots=True)
class State:
    """The servers, and every message that was ever sent."""

    servers: Row[Server]
    messages: frozenset[RequestVote | Vote | AppendEntries]


# The actions.


def server_starts_election(state: State, server: Sid) -> State | None:
    """A server has heard of no leader for too long: it is a candidate in a new term, and votes for itself."""
    this = state.servers[server]
    if this.role == Role.LEADER:
        return None
    candidate = Server(this.term + 1, server, Role.CANDIDATE, frozenset({server}))
    return replace(
        state,
        servers=state.servers.put(server, candidate),
        messages=state.messages | {RequestVote(candidate.term, server)},
    )


def server_votes(state: State, server: Sid, candidate: Sid, term: int) -> State | None:
    """A server votes for a candidate, unless it has voted for another one in this term."""
    this = state.servers[server]
    if RequestVote(term, candidate) not in state.messages or term < this.term:
        return None
    if term == this.term and this.vote is not None:
        return None
    return replace(
        state,
        servers=state.servers.put(server, Server(term, candidate)),
        messages=state.messages | {Vote(term, server, candidate)},
    )


def candidate_counts_vote(state: State, candidate: Sid, server: Sid, term: int) -> State | None:
    """A candidate receives a vote in its term."""
    this = state.servers[candidate]
    if this.role != Role.CANDIDATE or this.term != term or server in this.voters:
        return None
    if Vote(term, server, candidate) not in state.messages:
        return None
    counted = replace(this, voters=this.voters | {server})
    return replace(state, servers=state.servers.put(candidate, counted))


def candidate_becomes_leader(state: State, candidate: Sid) -> State | None:
    """A candidate with the votes of a majority leads, and says so."""
    this = state.servers[candidate]
    if this.role != Role.CANDIDATE or 2 * len(this.voters) <= len(state.servers):
        return None
    return replace(
        state,
        servers=state.servers.put(candidate, replace(this, role=Role.LEADER, voters=frozenset())),
        messages=state.messages | {AppendEntries(this.term, candidate)},
    )


def server_follows_leader(state: State, server: Sid, leader: Sid, term: int) -> State | None:
    """A server hears of a leader of its term or a later one, and follows it."""
    this = state.servers[server]
    if AppendEntries(term, leader) not in state.messages or term < this.term:
        return None
    if term == this.term and this.role == Role.FOLLOWER:
        return None
    vote = this.vote if term == this.term else None
    return replace(state, servers=state.servers.put(server, Server(term, vote)))


def server_restarts(state: State, server: Sid) -> State | None:
    """A server restarts with what is on its disk."""
    this = state.servers[server]
    if this.role == Role.FOLLOWER:
        return None
    return replace(state, servers=state.servers.put(server, Server(this.term, this.vote)))


def server_restarts_without_vote(state: State, server: Sid) -> State | None:
    """A mistake: the vote is not on disk, so that a server that restarts may vote twice in a term."""
    this = state.servers[server]
    if this.vote is None:
        return None
    return replace(state, servers=state.servers.put(server, Server(this.term)))


# The properties.


def at_most_one_leader_in_a_term(state: State) -> bool:
    """Election safety: at most one leader is elected in a term."""
    terms = [each.term for each in state.messages if isinstance(each, AppendEntries)]
    return len(terms) == len(set(terms))


def leader_is_elected(state: State, server: Sid) -> bool:
    """A server leads."""
    return state.servers[server].role == Role.LEADER


def two_lead_at_once(state: State, one: Sid, other: Sid) -> bool:
    """Two servers lead at the same time, in different terms: the older one has not heard of the newer one."""
    return state.servers[one].role == state.servers[other].role == Role.LEADER


def some_server_leads(state: State) -> bool:
    """In the end a leader is elected."""
    return any(isinstance(each, AppendEntries) for each in state.messages)


# The model.


def model(servers: int = 3, terms: int = 2, forgetful: bool = False, calm: bool = False) -> Model:
    """Returns the model.

    Args:
        servers: how many servers there are.
        terms: how many terms there are at most.
        forgetful: True for servers that restart without knowing for whom they have voted.
        calm: True if nothing disturbs an election: no server restarts, and election timeouts are longer than
            an election takes, so that no server starts another one meanwhile.
    """

    @wraps(server_starts_election)
    def starts_election(state: State, server: Sid) -> State | None:
        if state.servers[server].term == terms:
            return None
        if calm and any(each.role != Role.FOLLOWER for each in state.servers):
            return None
        return server_starts_election(state, server)

    fair: list[Action] = [
        starts_election,
        server_votes,
        candidate_counts_vote,
        candidate_becomes_leader,
        server_follows_leader,
    ]
    faults: list[Action] = [] if calm else [server_restarts_without_vote if forgetful else server_restarts]
    return model_of(
        "Raft's leader election",
        State(Row([Server()] * servers), frozenset()),
        [*fair, *faults],
        processes=servers,
        always=[at_most_one_leader_in_a_term],
        sometimes=[leader_is_elected, *([two_lead_at_once] if terms > 1 and not calm else [])],
        eventually=[some_server_leads],
        fairness=assume(weak=fair, faults=faults),
        choices={"term": range(1, terms + 1)},
        symmetry=True,
        who="server",
    )
