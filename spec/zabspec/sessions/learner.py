"""What a follower keeps of its clients' sessions, and sessions that are local to one server.

The leader decides about sessions, but clients talk to followers. A follower records the sessions that it has
heard of, and reports them to the leader with its next answer to a ping. So the leader may hear of a client
half a tick late.

A local session (`localSessionsEnabled`) is tracked by the server that created it, without a transaction, and
can own no node. It becomes a global session, with the same id, when it first creates an ephemeral node.

ZooKeeper: LearnerSessionTracker, LocalSessionTracker, UpgradeableSessionTracker; Learner.ping;
QuorumZooKeeperServer.checkUpgradeSession.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from zabspec.parts import replace
from zabspec.sessions import tracker as tracking
from zabspec.sessions.tracker import Tracker

Touches = tuple[tuple[int, int], ...]
"""The sessions that a server has heard of, by id, each with the timeout of its connection in milliseconds."""


@dataclass(frozen=True, slots=True)
class Learner:
    """A server's part in sessions.

    Attributes:
        next_session: the id of the next session that it creates.
        touches: the sessions that it has heard of since its last answer to a ping.
        local: its local sessions; None where all sessions are global.
        upgrading: the ids of its local sessions that are becoming global.
    """

    next_session: int
    touches: Touches = ()
    local: Tracker | None = None
    upgrading: tuple[int, ...] = ()


class Upgrade(IntEnum):
    """What a request needs of the session that makes it."""

    NOT_NEEDED = 0
    NEEDED = 1  # the session is first created as a global one
    REFUSED = 2  # answered with EPHEMERALONLOCALSESSION


def created(learner: Learner, timeout: int, now: int) -> tuple[Learner, int]:
    """Returns the server after it gave a new session an id, and the id; a local session exists at once."""
    session = learner.next_session
    learner = replace(learner, next_session=session + 1)
    if learner.local is not None:
        learner = replace(learner, local=tracking.tracked(learner.local, session, timeout, now))
    return learner, session


def is_local(learner: Learner, session: int) -> bool:
    """True if a session is local to this server."""
    return learner.local is not None and tracking.session_of(learner.local, session) is not None


def heard(learner: Learner, session: int, timeout: int, now: int, *, is_global: bool) -> Learner | None:
    """Returns the server after it heard from a client: a request, or a sign that the client is alive.

    Args:
        learner: the server.
        session: the client's.
        timeout: of its connection, in milliseconds.
        now: in milliseconds.
        is_global: True if the server's own tree knows the session.

    Returns:
        None if the server knows of no such session: the connection is closed. Where all sessions are global,
            the server takes the client's word, and the leader judges.
    """
    if learner.local is not None:
        local = tracking.touched(learner.local, session, timeout, now)
        if local is not None:
            return replace(learner, local=local)
        if not is_global and session not in learner.upgrading:
            return None
    others = [each for each in learner.touches if each[0] != session]
    return replace(learner, touches=tuple(sorted([*others, (session, timeout)])))


def reported(learner: Learner) -> tuple[Learner, Touches]:
    """Returns the server after it answered a ping of its leader, and the sessions that it reported."""
    return replace(learner, touches=()), learner.touches


def with_touches(tracker: Tracker, touches: Iterable[tuple[int, int]], now: int) -> Tracker:
    """Returns the leader's tracker after a follower reported sessions.

    A report of a session that is gone is too late.
    """
    for session, timeout in touches:
        tracker = tracking.touched(tracker, session, timeout, now) or tracker
    return tracker


def upgrade(learner: Learner, session: int, *, creates_ephemeral: bool, is_allowed: bool) -> Upgrade:
    """Returns whether a session has to become global for a request.

    Args:
        learner: the server.
        session: the session that makes the request.
        creates_ephemeral: True if a create, create2 or multi asks for an ephemeral node; no other request
            counts.
        is_allowed: `localSessionsUpgradingEnabled`.
    """
    if not creates_ephemeral or not is_local(learner, session):
        return Upgrade.NOT_NEEDED
    return Upgrade.NEEDED if is_allowed else Upgrade.REFUSED


def upgraded(learner: Learner, session: int) -> Learner:
    """Returns the server after a local session stopped being one.

    A transaction that creates a global session with the same id is under way.
    """
    if learner.local is None:
        return learner
    return replace(
        learner,
        local=tracking.removed(learner.local, session),
        upgrading=tuple(sorted({*learner.upgrading, session})),
    )


def committed(learner: Learner, session: int, timeout: int) -> Learner:
    """Returns the server after it applied the transaction that creates a session."""
    local = None if learner.local is None else tracking.removed(learner.local, session)
    others = [each for each in learner.touches if each[0] != session]
    return replace(
        learner,
        local=local,
        touches=tuple(sorted([*others, (session, timeout)])),
        upgrading=tuple(each for each in learner.upgrading if each != session),
    )
