"""What a server that follows keeps of its clients' sessions, and sessions that are its own affair.

The leader decides on sessions, but clients talk to followers. A follower notes whom it has heard of, and
tells the leader with its next answer to a ping, so the leader may hear of a client half a tick late.

A local session (`localSessionsEnabled`) is tracked by the server that has created it, without a transaction,
and can own no node. It becomes a global one, with the same id, when it first creates an ephemeral node.

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
"""Sessions that were heard of, by id, each with the timeout of its connection in milliseconds."""


@dataclass(frozen=True, slots=True)
class Learner:
    """A server's part in sessions.

    Attributes:
        next_session: the id of the next session that it creates.
        touches: since its last answer to a ping.
        local: its own sessions; None where all are global.
        upgrading: sessions of its own that are becoming global, by id.
    """

    next_session: int
    touches: Touches = ()
    local: Tracker | None = None
    upgrading: tuple[int, ...] = ()


class Upgrade(IntEnum):
    """What a request asks of the session that makes it."""

    NOT_NEEDED = 0
    NEEDED = 1  # the session is created as a global one first
    REFUSED = 2  # EPHEMERALONLOCALSESSION


def created(learner: Learner, timeout: int, now: int) -> tuple[Learner, int]:
    """A session gets its id; if it is local, it is there already."""
    session = learner.next_session
    learner = replace(learner, next_session=session + 1)
    if learner.local is not None:
        learner = replace(learner, local=tracking.tracked(learner.local, session, timeout, now))
    return learner, session


def is_local(learner: Learner, session: int) -> bool:
    """Whether a session is this server's own affair."""
    return learner.local is not None and tracking.session_of(learner.local, session) is not None


def heard(learner: Learner, session: int, timeout: int, now: int, *, is_global: bool) -> Learner | None:
    """A client has said something: a request, or that it is still there.

    Args:
        learner: the server.
        session: the client's.
        timeout: of its connection, in milliseconds.
        now: in milliseconds.
        is_global: whether the server's own tree knows the session.

    Returns:
        None if the server knows of no such session: the connection is closed. Where all are global, it takes
        the client's word, and the leader judges.
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
    """The server answers a ping of its leader: whom it has heard of since the last one."""
    return replace(learner, touches=()), learner.touches


def with_touches(tracker: Tracker, touches: Iterable[tuple[int, int]], now: int) -> Tracker:
    """The leader learns whom a follower has heard of; of sessions that are gone it hears too late."""
    for session, timeout in touches:
        tracker = tracking.touched(tracker, session, timeout, now) or tracker
    return tracker


def upgrade(learner: Learner, session: int, *, creates_ephemeral: bool, is_allowed: bool) -> Upgrade:
    """Whether a session has to become global for a request.

    Args:
        learner: the server.
        session: who asks.
        creates_ephemeral: whether a create, create2 or multi asks for an ephemeral node; others do not count.
        is_allowed: `localSessionsUpgradingEnabled`.
    """
    if not creates_ephemeral or not is_local(learner, session):
        return Upgrade.NOT_NEEDED
    return Upgrade.NEEDED if is_allowed else Upgrade.REFUSED


def upgraded(learner: Learner, session: int) -> Learner:
    """A local session stops being one; a transaction that creates it with the same id is on its way."""
    if learner.local is None:
        return learner
    return replace(
        learner,
        local=tracking.removed(learner.local, session),
        upgrading=tuple(sorted({*learner.upgrading, session})),
    )


def committed(learner: Learner, session: int, timeout: int) -> Learner:
    """The transaction that creates a session has been applied by this server."""
    local = None if learner.local is None else tracking.removed(learner.local, session)
    others = [each for each in learner.touches if each[0] != session]
    return replace(
        learner,
        local=local,
        touches=tuple(sorted([*others, (session, timeout)])),
        upgrading=tuple(each for each in learner.upgrading if each != session),
    )
