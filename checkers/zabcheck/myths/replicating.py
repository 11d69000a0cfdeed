"""Myths about how servers replicate."""

from __future__ import annotations

from zabcheck.models.zab.bounds import Bounds
from zabcheck.myths.case import Myth
from zabspec.parts import Sid
from zabspec.phases import Phase
from zabspec.zab import witnesses
from zabspec.zab.state import Role, Stage, State

CALM = Bounds(servers=3, transactions=1, epochs=1)


def acknowledged_and_not_applied(state: State, leader: Sid, follower: Sid) -> bool:
    """A leader knows that a follower has a transaction on disk, and the follower has not applied it."""
    leading, following = state.servers[leader], state.servers[follower]
    if leading.role != Role.LEADING or leading.phase != Phase.BROADCAST or following.leader != leader:
        return False
    return leading.acked[follower] == 1 and not following.tree


def committed_without_one(state: State, leader: Sid, other: Sid) -> bool:
    """A transaction is committed, and a connected server has not written it."""
    leading, late = state.servers[leader], state.servers[other]
    if leading.role != Role.LEADING or late.leader != leader:
        return False
    return leading.committed == 1 and not late.log and not late.unsynced


def proposed_without_waiting(state: State, leader: Sid) -> bool:
    """Two transactions are proposed, and neither is committed."""
    leading = state.servers[leader]
    return leading.role == Role.LEADING and (leading.proposed, leading.committed) == (2, 0)


def elected_and_refusing(state: State, leader: Sid, follower: Sid) -> bool:
    """An elected leader, still in discovery, has refused a follower with a later current epoch."""
    leading, refused = state.servers[leader], state.servers[follower]
    if leading.role != Role.LEADING or leading.phase != Phase.DISCOVERY or refused.leader != leader:
        return False
    has_promised = refused.phase == Phase.SYNCHRONIZATION and refused.accepted_epoch == leading.accepted_epoch
    is_refused = leading.stages[follower] == Stage.ABSENT and refused.current_epoch > leading.current_epoch
    return has_promised and is_refused


REPLICATING = (
    Myth(
        "acknowledged-means-executed",
        ("0.10", "3.8"),
        "A server executes a proposal, and then acknowledges it.",
        "It writes the proposal to its log and acknowledges that. The transaction is applied when it is "
        "committed.",
        CALM,
        acknowledged_and_not_applied,
    ),
    Myth(
        "all-must-answer",
        ("0.11", "0.5"),
        "The leader waits for the acknowledgements of all servers.",
        "It waits for those of a quorum, which need not contain the leader itself.",
        CALM,
        committed_without_one,
    ),
    Myth(
        "the-leader-writes-first",
        ("0.11",),
        "What is committed is on the leader's disk.",
        "It is on the disks of a quorum; the leader's own disk may be behind.",
        CALM,
        witnesses.leader_delivers_before_writing,
    ),
    Myth(
        "one-at-a-time",
        ("0.12",),
        "The leader proposes a transaction when the last one has been acknowledged.",
        "Proposals are pipelined; only the order of commits is kept.",
        Bounds(servers=3, transactions=2, epochs=1),
        proposed_without_waiting,
    ),
    Myth(
        "elected-means-leading",
        ("0.3",),
        "The server that wins the election leads.",
        "Discovery compares histories again, and the leader refuses followers that have more; then it may "
        "lack a quorum.",
        Bounds(servers=3, transactions=0, timeouts=1, epochs=2),
        elected_and_refusing,
    ),
)
