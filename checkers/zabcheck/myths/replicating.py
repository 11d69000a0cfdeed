"""Myths about what servers tell each other."""

from __future__ import annotations

from zabcheck.models.zab.bounds import Bounds
from zabcheck.myths.case import Myth
from zabspec.parts import Sid
from zabspec.phases import Phase
from zabspec.zab import witnesses
from zabspec.zab.state import Role, State

CALM = Bounds(servers=3, transactions=1, epochs=1)


def acknowledged_and_not_applied(state: State, leader: Sid, follower: Sid) -> bool:
    """A leader knows that a follower has a transaction on disk, which that has not applied."""
    leading, following = state.servers[leader], state.servers[follower]
    if leading.role != Role.LEADING or leading.phase != Phase.BROADCAST or following.leader != leader:
        return False
    return leading.acked[follower] == 1 and not following.tree


def committed_without_one(state: State, leader: Sid, other: Sid) -> bool:
    """A transaction is committed, and a server that is connected has not written it."""
    leading, late = state.servers[leader], state.servers[other]
    if leading.role != Role.LEADING or late.leader != leader:
        return False
    return leading.committed == 1 and not late.log and not late.unsynced


def proposed_without_waiting(state: State, leader: Sid) -> bool:
    """Two transactions are proposed, and neither is committed."""
    leading = state.servers[leader]
    return leading.role == Role.LEADING and (leading.proposed, leading.committed) == (2, 0)


REPLICATING = (
    Myth(
        "acknowledged-means-executed",
        ("0.10", "3.8"),
        "A server executes what is proposed, then acknowledges it.",
        "It writes it to its log and acknowledges that; it is applied when it is committed.",
        CALM,
        acknowledged_and_not_applied,
    ),
    Myth(
        "all-must-answer",
        ("0.11", "0.5"),
        "The leader waits for the answers of all.",
        "For those of a quorum, which need not have itself in it.",
        CALM,
        committed_without_one,
    ),
    Myth(
        "the-leader-writes-first",
        ("0.11",),
        "What is committed is on the leader's disk.",
        "On those of a quorum; the leader's own may be behind.",
        CALM,
        witnesses.leader_delivers_before_writing,
    ),
    Myth(
        "one-at-a-time",
        ("0.12",),
        "The leader proposes the next transaction when the last one is acknowledged.",
        "Proposals are pipelined; only their order of commitment is kept.",
        Bounds(servers=3, transactions=2, epochs=1),
        proposed_without_waiting,
    ),
    Myth(
        "elected-means-leading",
        ("0.3",),
        "Who wins the election leads.",
        "Discovery looks again, and refuses followers that are more up to date: a quorum may be missing.",
        Bounds(servers=3, transactions=0, timeouts=1, epochs=2),
        witnesses.leader_is_not_up_to_date,
    ),
)
