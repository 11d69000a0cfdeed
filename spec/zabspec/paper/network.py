"""The network of the paper's ZAB: sending, receiving, and losing a connection.

Paper, section II: channels are reliable and first-in-first-out while a connection lasts; when a connection
ends, the messages in flight on it are lost (ZooKeeper: one TCP connection for each learner).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from zabspec.paper.state import Message, Role, Server, Stage, State
from zabspec.parts import Queue, Row, Sid, replace
from zabspec.phases import Phase

EMPTY: Queue[Message] = Queue()

Kind = TypeVar("Kind", bound=Message)


def next_at_leader(state: State, leader: Sid, follower: Sid, kind: type[Kind]) -> Kind | None:
    """Returns the message that a leader receives next from a follower that is connected to it.

    None if there is none, or the oldest message under way is not of this kind.
    """
    message = state.network[follower][leader].head
    if not isinstance(message, kind):
        return None
    leading = state.servers[leader]
    if leading.role != Role.LEADING or leading.stages[follower] == Stage.ABSENT:
        return None
    return message


def next_at_follower(state: State, follower: Sid, leader: Sid, kind: type[Kind]) -> Kind | None:
    """Returns the message that a follower receives next from the leader that it is connected to.

    None if there is none, or the oldest message under way is not of this kind.
    """
    message = state.network[leader][follower].head
    if not isinstance(message, kind):
        return None
    following = state.servers[follower]
    if following.role != Role.FOLLOWING or following.leader != leader:
        return None
    return message


def with_server(state: State, server: Sid, changed: Server) -> State:
    """Returns the state with one server changed."""
    return replace(state, servers=state.servers.put(server, changed))


def with_channel(state: State, sender: Sid, receiver: Sid, channel: Queue[Message]) -> State:
    """Returns the state with the channel from one server to another changed."""
    row = state.network[sender].put(receiver, channel)
    return replace(state, network=state.network.put(sender, row))


def sent(state: State, sender: Sid, receivers: Iterable[Sid], message: Message) -> State:
    """Returns the state after one server sent a message to others; a server never sends to itself."""
    for receiver in receivers:
        if receiver != sender:
            channel = state.network[sender][receiver].with_last(message)
            state = with_channel(state, sender, receiver, channel)
    return state


def received(state: State, sender: Sid, receiver: Sid) -> State:
    """Returns the state after a server received the oldest message from another."""
    return with_channel(state, sender, receiver, state.network[sender][receiver].without_first())


def disconnected(state: State, leader: Sid, follower: Sid) -> State:
    """Returns the state after a follower lost its leader; the leader leads on, messages between the two are
    lost.
    """
    state = with_server(state, follower, as_looking(state.servers[follower]))
    stages = state.servers[leader].stages.put(follower, Stage.ABSENT)
    state = with_server(state, leader, replace(state.servers[leader], stages=stages))
    return with_channel(with_channel(state, leader, follower, EMPTY), follower, leader, EMPTY)


def abandoned(state: State, leader: Sid) -> State:
    """Returns the state after a leader and all its learners went back to phase 0.

    Everything in flight to any of them is lost.
    """
    servers = [Sid(i) for i, _ in enumerate(state.servers[leader].stages)]
    for learner in servers:
        if state.servers[leader].stages[learner] == Stage.ABSENT:
            continue
        for sender in servers:
            if sender != learner:
                state = with_channel(state, sender, learner, EMPTY)
        if learner != leader:
            state = with_server(state, learner, as_looking(state.servers[learner]))
    return with_server(state, leader, as_looking(state.servers[leader], was_leading=True))


def as_looking(server: Server, *, was_leading: bool = False) -> Server:
    """Returns a server as it is back in phase 0; what it knew as a leader is forgotten."""
    looking = replace(server, role=Role.LOOKING, phase=Phase.ELECTION, leader=None)
    if not was_leading:
        return looking
    size = len(server.stages)
    return replace(
        looking,
        stages=Row([Stage.ABSENT] * size),
        promised=frozenset[Sid](),
        highest_epoch=0,
        confirmed=frozenset[Sid](),
        best=None,
        synced=frozenset[Sid](),
        acked=Row([0] * size),
        proposed=0,
    )
