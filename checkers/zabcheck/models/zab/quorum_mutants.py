"""Mutants of ZAB 1.0 that count wrong: observers as voters, heads instead of weights, connected servers
alone.

Most of them ask the right question of the wrong quorums. So a mistake is the spec's own action, on a state in
which other sets of servers are quorums.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from zabcheck.models.mutant import Action, Mutant
from zabcheck.models.zab.bounds import Bounds
from zabspec import zab
from zabspec.parts import Row, Sid, replace
from zabspec.quorums import majority
from zabspec.zab.state import Stage, State

Weights = tuple[Row[int], ...]


def asking(action: Action, chosen: Callable[[State, Sid], Weights]) -> Action:
    """Returns an action of a leader that asks other quorums than there are.

    Args:
        action: an action of the spec; the leader is the first of its arguments.
        chosen: the quorums that it asks, from the state before and the leader.
    """

    @wraps(action)
    def mistaken(state: State, leader: Sid, *others: Sid) -> State | None:
        done: State | None = action(replace(state, quorums=chosen(state, leader)), leader, *others)
        return None if done is None else replace(done, quorums=state.quorums)

    return mistaken


def with_observers(state: State, leader: Sid) -> Weights:
    """Returns quorums of as many servers as are more than half of the voters, observers included.

    A leader counts itself. If the leader weighs as much as is left out here, and every other server 1, then
    any so many servers with the leader among them have more than half the weight.
    """
    size = len(state.servers)
    needed = (size - len(state.observers)) // 2 + 1
    return (Row([1] * size).put(leader, size + 2 - 2 * needed),)


def by_heads(state: State, _: Sid) -> Weights:
    """Returns quorums of more than half of the servers, whatever they weigh."""
    return tuple(map(Row, majority(len(state.servers))))


def of_the_connected(state: State, leader: Sid) -> Weights:
    """Returns quorums of more than half of the servers that the leader is connected to."""
    stages = state.servers[leader].stages
    return (Row(int(stage != Stage.ABSENT) for stage in stages),)


def server_acknowledges_as_a_follower(state: State, server: Sid) -> State | None:
    """An observer acknowledges the transactions that it has written."""
    if server not in state.observers:
        return zab.server_syncs_log(state, server)
    done = zab.server_syncs_log(replace(state, observers=frozenset()), server)
    return None if done is None else replace(done, observers=state.observers)


def _of_commits(chosen: Callable[[State, Sid], Weights]) -> dict[Action, Action]:
    """Returns the actions in which a leader commits, asking other quorums."""
    return {action: asking(action, chosen) for action in (zab.leader_processes_ack, zab.server_syncs_log)}


OBSERVERS_COUNTED = {
    action: asking(action, with_observers)
    for action in (zab.leader_processes_followerinfo, zab.leader_processes_ackepoch)
}
"""ZOOKEEPER-2959: in discovery, the answer of an observer counts like that of a voter."""

QUORUM_MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "observer-acknowledges",
        "An observer acknowledges the transactions that it was informed of, as a follower does: the leader "
        "gets acknowledgements of committed transactions from a server that does not vote.",
        {zab.server_syncs_log: server_acknowledges_as_a_follower},
        Bounds(servers=3, transactions=1, timeouts=0, epochs=1, observers=1),
        "acknowledgement_fits",
    ),
    Mutant(
        "heads-counted",
        "A leader commits what more than half of the servers have, though servers weigh differently: two "
        "light servers are no quorum, and a heavy one without the transaction may be elected.",
        _of_commits(by_heads),
        Bounds(servers=3, transactions=1, timeouts=0, epochs=1, weights="2,1,1"),
        "committed_is_kept",
    ),
    Mutant(
        "quorum-of-the-connected",
        "A leader commits what more than half of the servers connected to it have. Where all are connected, "
        "no single timeout or crash shows the mistake; a partition does.",
        _of_commits(of_the_connected),
        Bounds(servers=3, transactions=2, timeouts=0, partitions=1),
        "committed_is_kept",
        begun=True,
    ),
)
