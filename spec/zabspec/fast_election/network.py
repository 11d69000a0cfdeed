"""Channels that keep few notifications, the newest among them.

ZooKeeper: QuorumCnxManager.
"""

from __future__ import annotations

from zabspec.fast_election.state import Mode, Notification, Server, State
from zabspec.parts import Queue, Sid, replace


def followers(state: State, leader: Sid) -> tuple[Sid, ...]:
    """Returns the leader and the servers that follow it."""
    return tuple(
        Sid(sid)
        for sid, each in enumerate(state.servers)
        if sid == leader or (each.mode == Mode.FOLLOWING and each.vote and each.vote.leader == leader)
    )


def next_from_voter(state: State, server: Sid, sender: Sid) -> Notification | None:
    """Returns the next notification that a looking server gets from a voter, None if there is none."""
    if state.servers[server].mode != Mode.LOOKING or not state.servers[sender].is_voter:
        return None
    return state.network[sender][server].head


def others(state: State, server: Sid) -> tuple[Sid, ...]:
    """Returns all servers but one."""
    return tuple(Sid(sid) for sid in range(len(state.servers)) if sid != server)


def voters(state: State, server: Sid) -> tuple[Sid, ...]:
    """Returns all voters but one server."""
    return tuple(sid for sid in others(state, server) if state.servers[sid].is_voter)


def with_vote_sent(state: State, server: Sid) -> State:
    """Returns the state after a server sent its vote to all voters (ZooKeeper: sendNotifications)."""
    for receiver in voters(state, server):
        state = sent(state, server, receiver)
    return state


def sent(state: State, sender: Sid, receiver: Sid) -> State:
    """Returns the state after a server sent its vote to another; in a full channel it replaces the newest."""
    telling = state.servers[sender]
    channel = state.network[sender][receiver]
    waiting = tuple(channel)[: state.capacity - 1]
    news = Notification(telling.vote, telling.round, telling.mode)
    return with_channel(state, sender, receiver, Queue((*waiting, news)))


def received_from(state: State, receiver: Sid, sender: Sid) -> State:
    """Returns the state after the receiver took the oldest notification from a channel."""
    return with_channel(state, sender, receiver, state.network[sender][receiver].without_first())


def with_server(state: State, sid: Sid, server: Server) -> State:
    """Returns the state with one server replaced."""
    return replace(state, servers=state.servers.put(sid, server))


def with_channel(state: State, sender: Sid, receiver: Sid, channel: Queue[Notification]) -> State:
    """Returns the state with one channel replaced."""
    row = state.network[sender].put(receiver, channel)
    return replace(state, network=state.network.put(sender, row))
