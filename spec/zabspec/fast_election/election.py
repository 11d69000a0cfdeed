"""A server's election: it sends its vote, hears those of others, and decides.

ZooKeeper: FastLeaderElection.lookForLeader, WorkerReceiver.
"""

from __future__ import annotations

from zabspec.fast_election.network import (
    next_from_voter,
    others,
    received_from,
    sent,
    voters,
    with_server,
    with_vote_sent,
)
from zabspec.fast_election.state import ESTABLISHED, Mode, Report, State
from zabspec.fast_election.votes import (
    better_is_under_way,
    decided,
    first_vote,
    is_better,
    is_discarded,
    is_holding_off,
    is_settled,
    no_reports,
    with_received,
    with_round_begun,
    with_vote,
)
from zabspec.parts import Sid, replace


def server_starts(state: State, server: Sid) -> State | None:
    """A server starts and looks for a leader.

    ZooKeeper: QuorumPeer.run, FastLeaderElection.lookForLeader.
    """
    if state.servers[server].mode != Mode.DOWN:
        return None
    return with_round_begun(state, server)


def server_tells_again(state: State, server: Sid) -> State | None:
    """A looking server that has heard nothing for a while sends its vote again.

    ZooKeeper: lookForLeader, poll of the receive queue times out; QuorumCnxManager.haveDelivered.
    """
    if state.servers[server].mode != Mode.LOOKING:
        return None
    if any(state.network[sender][server].head for sender in others(state, server)):
        return None
    if all(state.network[server][receiver].head for receiver in voters(state, server)):
        return None
    return with_vote_sent(state, server)


def server_joins_round(state: State, server: Sid, sender: Sid) -> State | None:
    """A looking server hears of a later round: it joins that round, and votes for the better of two.

    These are the sender's vote and its own first one: what it has heard since belongs to another round.

    ZooKeeper: lookForLeader, electionEpoch > logicalclock.
    """
    message = next_from_voter(state, server, sender)
    voting = state.servers[server]
    if message is None or message.mode != Mode.LOOKING or message.round <= voting.round:
        return None
    if message.vote is None or is_discarded(state, server, message):
        return None
    first = first_vote(voting, server)
    best = message.vote if is_better(state, message.vote, first) else first
    joined = replace(voting, round=message.round, received=no_reports(state))
    state = with_server(received_from(state, server, sender), server, joined)
    state = with_vote_sent(with_vote(state, server, best), server)
    return with_received(state, server, sender, Report(message.vote, message.mode))


def server_counts_vote(state: State, server: Sid, sender: Sid) -> State | None:
    """A looking server counts a vote of its round; if the vote is better than its own, it adopts it.

    ZooKeeper: lookForLeader, electionEpoch == logicalclock.
    """
    message = next_from_voter(state, server, sender)
    voting = state.servers[server]
    if message is None or message.mode != Mode.LOOKING or message.round != voting.round:
        return None
    if message.vote is None or is_discarded(state, server, message):
        return None
    state = received_from(state, server, sender)
    if is_better(state, message.vote, voting.vote):
        state = with_vote_sent(with_vote(state, server, message.vote), server)
    return with_received(state, server, sender, Report(message.vote, message.mode))


def server_discards_vote(state: State, server: Sid, sender: Sid) -> State | None:
    """A looking server that holds off discards every vote that is not better than its own.

    ZooKeeper: lookForLeader, the loop with finalizeWait.
    """
    message = next_from_voter(state, server, sender)
    if message is None or not is_discarded(state, server, message):
        return None
    if message.mode == Mode.LOOKING and message.round < state.servers[server].round:
        return None
    return received_from(state, server, sender)


def server_answers_late(state: State, server: Sid, sender: Sid) -> State | None:
    """A looking server sends its vote to a server in an earlier round, and does not count that one's.

    ZooKeeper: WorkerReceiver.run.
    """
    message = next_from_voter(state, server, sender)
    if message is None or message.mode != Mode.LOOKING or message.round >= state.servers[server].round:
        return None
    return sent(received_from(state, server, sender), server, sender)


def server_weighs_report(state: State, server: Sid, sender: Sid) -> State | None:
    """A looking server hears from a server that has decided, and decides the same if a quorum says so.

    The leader itself must have said that it leads, or servers could elect a crashed one for ever.

    ZooKeeper: FastLeaderElection.receivedFollowingNotification, checkLeader.
    """
    message = next_from_voter(state, server, sender)
    if message is None or message.vote is None or message.mode not in ESTABLISHED:
        return None
    if is_discarded(state, server, message):
        return None
    state = received_from(state, server, sender)
    report = Report(message.vote, message.mode)
    if message.round == state.servers[server].round:
        state = with_received(state, server, sender, report)
        if is_settled(state, server, state.servers[server].received, message):
            return decided(state, server, message.vote, message.round)
    weighing = state.servers[server]
    weighing = replace(weighing, outside=weighing.outside.put(sender, report))
    if is_settled(state, server, weighing.outside, message):
        return decided(state, server, message.vote, message.round)
    return with_server(state, server, weighing)


def server_answers(state: State, server: Sid, sender: Sid) -> State | None:
    """A server that has decided tells a looking one its decision.

    A looking non-voter is told any server's vote.

    ZooKeeper: WorkerReceiver.run.
    """
    message = state.network[sender][server].head
    answering = state.servers[server]
    if message is None or message.mode != Mode.LOOKING or answering.mode == Mode.DOWN:
        return None
    if state.servers[sender].is_voter and answering.mode == Mode.LOOKING:
        return None
    return sent(received_from(state, server, sender), server, sender)


def server_ignores(state: State, server: Sid, sender: Sid) -> State | None:
    """A server that has decided, or hears from a non-voter, ignores word of another's decision.

    ZooKeeper: WorkerReceiver.run; lookForLeader, OBSERVING.
    """
    message = state.network[sender][server].head
    if message is None or message.mode == Mode.LOOKING or state.servers[server].mode == Mode.DOWN:
        return None
    if state.servers[server].mode == Mode.LOOKING and message.mode in ESTABLISHED:
        return None
    return received_from(state, server, sender)


def server_decides(state: State, server: Sid) -> State | None:
    """A looking server with a quorum for its vote has waited long enough: nothing better is in flight to it.

    ZooKeeper: lookForLeader, nothing within finalizeWait.
    """
    voting = state.servers[server]
    if voting.vote is None or not is_holding_off(state, server) or better_is_under_way(state, server):
        return None
    return decided(state, server, voting.vote, voting.round)
