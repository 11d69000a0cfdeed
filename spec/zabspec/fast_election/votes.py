"""Votes: which is better and who agrees, and how a server begins and ends an election.

ZooKeeper: FastLeaderElection, Vote, SyncedLearnerTracker.
"""

from __future__ import annotations

from zabspec.fast_election.network import voters, with_server, with_vote_sent
from zabspec.fast_election.state import Mode, Notification, Report, Reports, Server, State, Vote
from zabspec.parts import Row, Sid, replace
from zabspec.quorums import is_quorum, weight


def is_better(state: State, vote: Vote, than: Vote | None) -> bool:
    """True if a vote beats another (ZooKeeper: totalOrderPredicate).

    A vote for a server of weight 0 beats none.
    """
    return weight(state.quorums, vote.leader) > 0 and (than is None or vote > than)


def first_vote(server: Server, sid: Sid) -> Vote | None:
    """Returns the vote of a server for itself; None for a non-voter (ZooKeeper: Long.MIN_VALUE)."""
    return Vote(server.epoch, server.zxid, sid) if server.is_voter else None


def is_holding_off(state: State, server: Sid) -> bool:
    """True if a looking server has a quorum for its vote (ZooKeeper: getVoteTracker, hasAllQuorums)."""
    voting = state.servers[server]
    if voting.mode != Mode.LOOKING:
        return False
    agreeing = [Sid(sid) for sid, each in enumerate(voting.received) if each and each.vote == voting.vote]
    return is_quorum(state.quorums, agreeing)


def is_discarded(state: State, server: Sid, message: Notification) -> bool:
    """True if a server holds off and a message does not make it go on: it brings no better vote."""
    if message.vote is not None and is_better(state, message.vote, state.servers[server].vote):
        return False
    return is_holding_off(state, server)


def better_is_under_way(state: State, server: Sid) -> bool:
    """True if a better vote than a server's own is in flight to it."""
    own = state.servers[server].vote
    return any(
        message.vote is not None and is_better(state, message.vote, own)
        for sender in voters(state, server)
        for message in state.network[sender][server]
    )


def is_settled(state: State, server: Sid, reports: Reports, message: Notification) -> bool:
    """True if a quorum of reports agrees with a message, and one of them is its leader's word that it
    leads.
    """
    vote = message.vote
    if vote is None:
        return False
    agreeing = [Sid(sid) for sid, each in enumerate(reports) if each and is_same_decision(each, vote)]
    if not is_quorum(state.quorums, agreeing):
        return False
    if vote.leader == server:
        return message.round == state.servers[server].round
    leading = reports[vote.leader]
    return leading is not None and leading.mode == Mode.LEADING


def is_same_decision(report: Report, vote: Vote) -> bool:
    """True if a report agrees with the vote of a server that has decided (ZooKeeper: Vote.equals).

    Between two servers that have decided, leader and epoch count: they may remember different zxids.
    """
    if report.mode == Mode.LOOKING:
        return report.vote == vote
    return (report.vote.leader, report.vote.epoch) == (vote.leader, vote.epoch)


def no_reports(state: State) -> Reports:
    """Returns reports in which no server has been heard of."""
    return Row([None] * len(state.servers))


def with_round_begun(state: State, server: Sid) -> State:
    """Returns the state after a server began a round of its own and sent everyone its first vote."""
    was = state.servers[server]
    clean = replace(
        was, mode=Mode.LOOKING, round=was.round + 1, received=no_reports(state), outside=no_reports(state)
    )
    return with_vote_sent(
        with_vote(with_server(state, server, clean), server, first_vote(was, server)), server
    )


def decided(state: State, server: Sid, vote: Vote, in_round: int) -> State:
    """Returns the state after a server ended its election and forgot what it had heard."""
    mode = Mode.FOLLOWING if state.servers[server].is_voter else Mode.OBSERVING
    if vote.leader == server:
        mode = Mode.LEADING
    done = replace(
        state.servers[server],
        mode=mode,
        round=in_round,
        vote=vote,
        received=no_reports(state),
        outside=no_reports(state),
    )
    return with_server(state, server, done)


def with_vote(state: State, server: Sid, vote: Vote | None) -> State:
    """Returns the state in which a looking server has this vote; a voter counts its own vote."""
    voting = replace(state.servers[server], vote=vote)
    state = with_server(state, server, voting)
    if vote is None or not voting.is_voter:
        return state
    return with_received(state, server, server, Report(vote, Mode.LOOKING))


def with_received(state: State, server: Sid, sender: Sid, report: Report) -> State:
    """Returns the state after a server counted a report."""
    counting = state.servers[server]
    return with_server(state, server, replace(counting, received=counting.received.put(sender, report)))
