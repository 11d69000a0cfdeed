"""Connections between a leader and its learners: sending, receiving, and losing one.

A connection has two ends, and each end learns for itself that the connection is lost. The follower's end is
its `leader`, the leader's end an entry of its `stages`. What is sent to an end that is closed is lost; what
was sent before the other end closed is still read, and then the loss is noticed.

ZooKeeper: one TCP connection for each learner (LearnerHandler, Learner).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from zabspec.histories import ZERO
from zabspec.parts import Queue, Row, Sid, replace
from zabspec.phases import Phase
from zabspec.zab.disk import shut_down
from zabspec.zab.state import Message, Role, Server, Stage, State, SyncMode

EMPTY: Queue[Message] = Queue()

Kind = TypeVar("Kind", bound=Message)


def with_server(state: State, server: Sid, changed: Server) -> State:
    """Returns the state with one server changed."""
    return replace(state, servers=state.servers.put(server, changed))


def with_channel(state: State, sender: Sid, receiver: Sid, channel: Queue[Message]) -> State:
    """Returns the state with the channel from one server to another changed."""
    row = state.network[sender].put(receiver, channel)
    return replace(state, network=state.network.put(sender, row))


def sent_to_learners(state: State, leader: Sid, learners: Iterable[Sid], *messages: Message) -> State:
    """Returns the state after a leader sent messages to learners.

    A learner that has closed its end gets nothing.

    A learner that has closed its end gets nothing.
    """
    for learner in learners:
        if learner == leader or state.servers[learner].leader != leader:
            continue
        channel = state.network[leader][learner]
        for message in messages:
            channel = channel.with_last(message)
        state = with_channel(state, leader, learner, channel)
    return state


def sent_to_leader(state: State, follower: Sid, leader: Sid, message: Message) -> State:
    """Returns the state after a follower sent a message to its leader.

    The message is lost if the leader has closed its end.
    """
    if state.servers[leader].stages[follower] == Stage.ABSENT:
        return state
    return with_channel(state, follower, leader, state.network[follower][leader].with_last(message))


def is_reachable(state: State, one: Sid, other: Sid) -> bool:
    """True if messages between two servers get through: no partition separates them."""
    return (one in state.cut) == (other in state.cut)


def first_message(state: State, sender: Sid, receiver: Sid) -> Message | None:
    """Returns the message that the receiver takes next, None if there is none or the two are cut off.

    What was sent waits: TCP sends it again until it gets through or one end gives up.
    """
    message = state.network[sender][receiver].head
    return message if message is not None and is_reachable(state, sender, receiver) else None


def next_at_leader(state: State, leader: Sid, follower: Sid, kind: type[Kind]) -> Kind | None:
    """Returns the message that a leader takes next from a learner, None if there is none of this kind."""
    message = first_message(state, follower, leader)
    return message if isinstance(message, kind) else None


def next_at_follower(state: State, follower: Sid, leader: Sid, kind: type[Kind]) -> Kind | None:
    """Returns the message that a learner takes next from its leader, None if there is none of this kind.

    None too if the learner has closed its end of the connection.
    """
    message = first_message(state, leader, follower)
    return message if isinstance(message, kind) and is_follower_of(state, follower, leader) else None


def received(state: State, sender: Sid, receiver: Sid) -> State:
    """Returns the state after the receiver took the oldest message."""
    return with_channel(state, sender, receiver, state.network[sender][receiver].without_first())


def is_follower_of(state: State, follower: Sid, leader: Sid) -> bool:
    """True if the follower's end of its connection with a leader is open."""
    return state.servers[follower].leader == leader


def closed_by_follower(state: State, follower: Sid, leader: Sid) -> State:
    """Returns the state after a follower closed its end of the connection and went back to election."""
    state = with_server(state, follower, as_looking(state.servers[follower]))
    return with_channel(state, leader, follower, EMPTY)


def closed_by_leader(state: State, leader: Sid, follower: Sid) -> State:
    """Returns the state after a leader closed its end of the connection to one learner; it leads on."""
    stages = state.servers[leader].stages.put(follower, Stage.ABSENT)
    reported = state.servers[leader].reported.put(follower, ZERO)
    state = with_server(state, leader, replace(state.servers[leader], stages=stages, reported=reported))
    return with_channel(state, follower, leader, EMPTY)


def stepped_down(state: State, leader: Sid) -> State:
    """Returns the state after a leader closed its ends of all connections and went back to election."""
    for sid, stage in enumerate(state.servers[leader].stages):
        if stage != Stage.ABSENT:
            state = with_channel(state, Sid(sid), leader, EMPTY)
    return with_server(state, leader, as_looking(without_leadership(state.servers[leader])))


def follower_notices(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower notices that its leader has closed the connection, and goes back to election.

    ZooKeeper: Learner.readPacket fails; Follower.shutdown.
    """
    if not is_follower_of(state, follower, leader):
        return None
    if state.servers[leader].stages[follower] != Stage.ABSENT or not is_reachable(state, follower, leader):
        return None
    return closed_by_follower(state, follower, leader)


def leader_notices(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader notices that a learner has closed the connection; what the learner sent before may be lost.

    ZooKeeper: LearnerHandler.run ends; Leader.removeLearnerHandler.
    """
    if state.servers[leader].stages[follower] == Stage.ABSENT:
        return None
    if is_follower_of(state, follower, leader) or not is_reachable(state, leader, follower):
        return None
    return closed_by_leader(state, leader, follower)


def as_looking(server: Server) -> Server:
    """Returns a server back in election: what waited is written, and the tree has all that the log has."""
    return replace(
        shut_down(server),
        role=Role.LOOKING,
        phase=Phase.ELECTION,
        leader=None,
        sync_mode=SyncMode.NONE,
        pending=(),
        to_commit=0,
    )


def without_leadership(server: Server) -> Server:
    """Returns a server that has forgotten what it knew as a leader."""
    size = len(server.stages)
    nobody: frozenset[Sid] = frozenset()
    return replace(
        server,
        stages=Row([Stage.ABSENT] * size),
        connecting=nobody,
        proposing_epoch=0,
        electing=nobody,
        reported=Row([ZERO] * size),
        adopting=nobody,
        proposed=0,
        committed=0,
        acked=Row([0] * size),
    )
