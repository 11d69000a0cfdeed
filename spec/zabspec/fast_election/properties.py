"""What holds of Fast Leader Election, and what does not.

It does *not* elect at most one leader in a round, let alone at a time: a server that has not decided may turn
from one leader, which has counted its vote, to a better one. Discovery makes up for that, for there a leader
needs a quorum that follows it. How far servers do agree, `agreement` says.
"""

from __future__ import annotations

from zabspec.fast_election.network import followers
from zabspec.fast_election.state import DECIDED, ESTABLISHED, Mode, Reports, Server, State
from zabspec.fast_election.votes import better_is_under_way, first_vote, is_holding_off
from zabspec.parts import Row, Sid, replace
from zabspec.quorums import is_quorum, weight
from zabspec.zab import election as abstract
from zabspec.zab import state as zab


def leader_has_weight(state: State, server: Sid) -> bool:
    """No server decides for one that has no weight, such as an observer."""
    deciding = state.servers[server]
    if deciding.mode not in DECIDED or deciding.vote is None:
        return True
    return weight(state.quorums, deciding.vote.leader) > 0


def counted_votes_were_cast(state: State, server: Sid, voter: Sid) -> bool:
    """A voter whose vote a looking server has counted still votes so in that round, or better, or has moved
    on.

    It has moved on to a later round, or has decided; perhaps for a worse leader, if a quorum follows that
    one. This holds only while no server crashes: one that comes back begins with the first round again.
    """
    report, voting = state.servers[server].received[voter], state.servers[voter]
    if report is None or voting.mode in DECIDED or voting.round > state.servers[server].round:
        return True
    is_as_good = voting.vote is not None and voting.vote >= report.vote
    return is_as_good and voting.round == state.servers[server].round


def vote_gets_better(before: State, after: State, server: Sid) -> bool:
    """In one round, a looking voter's vote only ever gets better."""
    old, new = before.servers[server], after.servers[server]
    if old.mode != Mode.LOOKING or new.mode != Mode.LOOKING or old.round != new.round:
        return True
    return old.vote is None or (new.vote is not None and new.vote >= old.vote)


def decision_has_quorum(before: State, after: State, server: Sid) -> bool:
    """A server decides for a leader that a quorum has named to it: voters of its round, or servers that have
    decided.
    """
    leader = _decision(before, after, server)
    if leader is None:
        return True
    deciding = before.servers[server]
    heard_last = _says_so_now(before, after, server, leader)
    return any(
        is_quorum(before.quorums, sorted({*_naming(reports, leader), *heard_last}))
        for reports in (deciding.received, deciding.outside)
    )


def agreement(before: State, after: State, server: Sid) -> bool:
    """Once a quorum has decided for a leader in a round, no other server comes to lead in that round.

    This holds only while no server crashes and every hold-off is long enough. Before a quorum has decided,
    others may come to lead; afterwards, servers may still decide to follow one that will not lead: see
    `decides_against_quorum`.
    """
    if not _comes_to_lead(before, after, server):
        return True
    agreed = agreed_leader(before, after.servers[server].round)
    return agreed is None or agreed == server


def leader_has_best_vote(before: State, after: State, server: Sid) -> bool:
    """A server that comes to lead has the best first vote, ties broken by id, of some quorum."""
    if not _comes_to_lead(before, after, server):
        return True
    best = first_vote(before.servers[server], server)
    beaten = []
    for sid in range(len(before.servers)):
        vote = first_vote(before.servers[Sid(sid)], Sid(sid))
        if vote is not None and best is not None and vote <= best:
            beaten.append(Sid(sid))
    return is_quorum(before.quorums, beaten)


def refines_abstract_election(before: State, after: State, server: Sid) -> bool:
    """A server that comes to lead could be elected in `zab.election`, if all servers still looked there.

    They need not: those whose votes it has counted may have moved on; see `voters_have_gone_on`.
    """
    if not _comes_to_lead(before, after, server):
        return True
    return abstract.server_is_elected(as_abstract(before, all_looking=True), server) is not None


def reported_leader_said_so(before: State, after: State, server: Sid) -> bool:
    """A server that decides on the word of servers that have decided has heard the leader itself say that it
    leads.
    """
    leader = _decision(before, after, server)
    if leader is None or leader == server or not _says_so_now(before, after, server, leader):
        return True
    message = before.network[leader][server].head
    if Sid(leader) in _taken_from(before, after, server) and message and message.mode == Mode.LEADING:
        return True
    kept = (before.servers[server].received[leader], before.servers[server].outside[leader])
    return any(report is not None and report.mode == Mode.LEADING for report in kept)


def leader_is_followed_by_all(state: State, leader: Sid) -> bool:
    """Every voter follows one leader."""
    voting = [sid for sid, each in enumerate(state.servers) if each.is_voter]
    return state.servers[leader].mode == Mode.LEADING and set(voting) <= set(followers(state, leader))


def two_lead_in_one_round(state: State, leader: Sid, other: Sid) -> bool:
    """Two servers lead that decided in the same round."""
    first, second = state.servers[leader], state.servers[other]
    return first.mode == second.mode == Mode.LEADING and first.round == second.round


def two_lead_in_two_rounds(state: State, leader: Sid, other: Sid) -> bool:
    """Two servers lead that decided in different rounds."""
    first, second = state.servers[leader], state.servers[other]
    return first.mode == second.mode == Mode.LEADING and first.round < second.round


def latecomer_hears_of_leader(state: State, server: Sid, leader: Sid) -> bool:
    """A looking server has heard from a leader that it leads."""
    report = state.servers[server].outside[leader]
    return report is not None and report.mode == Mode.LEADING


def voters_have_gone_on(state: State, server: Sid) -> bool:
    """A server is about to lead, but of those that it beats, less than a quorum still elect.

    That takes a disturbance: a voter that has moved on to another round, a crash, or a decision too early.
    """
    voting = state.servers[server]
    if not is_holding_off(state, server) or voting.vote is None or voting.vote.leader != server:
        return False
    if better_is_under_way(state, server):
        return False
    return abstract.server_is_elected(as_abstract(state, all_looking=False), server) is None


def decides_against_quorum(state: State, server: Sid) -> bool:
    """A server is about to follow another server than the leader that a quorum has decided for in its round.

    The server counts a vote whose sender has since decided differently, by the reports of other servers.
    """
    voting = state.servers[server]
    agreed = agreed_leader(state, voting.round)
    if agreed is None or voting.vote is None or voting.vote.leader in (agreed, server):
        return False
    return is_holding_off(state, server) and not better_is_under_way(state, server)


def agreed_leader(state: State, in_round: int) -> Sid | None:
    """Returns the leader that a quorum has decided for in a round, None if there is none."""
    for leader in range(len(state.servers)):
        agreed = [
            Sid(sid)
            for sid, each in enumerate(state.servers)
            if each.mode in ESTABLISHED
            and each.round == in_round
            and each.vote
            and each.vote.leader == leader
        ]
        if is_quorum(state.quorums, agreed):
            return Sid(leader)
    return None


def as_abstract(state: State, *, all_looking: bool) -> zab.State:
    """Returns the state of `zab`, as far as election there looks at it.

    Args:
        state: of Fast Leader Election.
        all_looking: True to have every server look, False to have only those look that elect.
    """
    mapped = zab.initial(len(state.servers), state.quorums)
    servers = (
        replace(
            mapped.servers[Sid(sid)],
            current_epoch=each.epoch,
            processed=each.zxid,
            role=zab.Role.LOOKING if all_looking or is_electing(state, each) else zab.Role.FOLLOWING,
        )
        for sid, each in enumerate(state.servers)
    )
    return replace(mapped, servers=Row(servers))


def is_electing(state: State, server: Server) -> bool:
    """True if a server looks, or has decided to follow one that does not lead yet."""
    if server.mode == Mode.FOLLOWING and server.vote is not None:
        return state.servers[server.vote.leader].mode != Mode.LEADING
    return server.mode == Mode.LOOKING


def _decision(before: State, after: State, server: Sid) -> Sid | None:
    """Returns the server that a server decides for in a step, None if it does not decide."""
    old, new = before.servers[server], after.servers[server]
    if old.mode != Mode.LOOKING or new.mode not in DECIDED or new.vote is None:
        return None
    return new.vote.leader


def _comes_to_lead(before: State, after: State, server: Sid) -> bool:
    return before.servers[server].mode != Mode.LEADING and after.servers[server].mode == Mode.LEADING


def _naming(reports: Reports, leader: Sid) -> list[Sid]:
    return [Sid(sid) for sid, each in enumerate(reports) if each and each.vote.leader == leader]


def _taken_from(before: State, after: State, server: Sid) -> list[Sid]:
    """Returns the senders of the notifications that a server takes in a step."""
    return [
        Sid(sid)
        for sid in range(len(before.servers))
        if before.network[Sid(sid)][server] != after.network[Sid(sid)][server]
    ]


def _says_so_now(before: State, after: State, server: Sid, leader: Sid) -> list[Sid]:
    """Returns the servers that name a leader in the notification that a server takes in a step."""
    saying = []
    for sid in _taken_from(before, after, server):
        message = before.network[sid][server].head
        if message and message.vote and message.vote.leader == leader:
            saying.append(sid)
    return saying


ALWAYS = (leader_has_weight, counted_votes_were_cast)

EVERY_STEP = (
    vote_gets_better,
    decision_has_quorum,
    agreement,
    leader_has_best_vote,
    refines_abstract_election,
    reported_leader_said_so,
)

SOMETIMES = (
    leader_is_followed_by_all,
    two_lead_in_one_round,
    two_lead_in_two_rounds,
    latecomer_hears_of_leader,
    voters_have_gone_on,
    decides_against_quorum,
)
