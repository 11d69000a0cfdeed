"""Properties of sessions, as a tracker keeps them, each with the sentence that it comes from.

They are about one step: what a tracker has heard of a session before it, and what comes of the step. Time is
that of the tracker, in milliseconds. "Guide" is the Programmer's Guide, section "ZooKeeper Sessions".

ZooKeeper: test SessionTrackerTest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from zabspec.sessions.identity import first_session_id
from zabspec.sessions.tracker import Owner, Standing


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a session before a step.

    Attributes:
        heard: when the tracker last heard of it.
        timeout: from then on.
        owner: through whom the client came last; None if it has asked for nothing yet.
        is_over: True if it was told to end, or never was.
    """

    heard: int
    timeout: int
    owner: Owner | None
    is_over: bool


class Happening(IntEnum):
    """The kinds of steps."""

    TIME_PASSES = 0
    IS_HEARD_OF = 1
    CLIENT_ASKS = 2
    CLIENT_COMES_BACK = 3
    IS_CLOSED = 4
    LEADER_STARTS = 5  # a new leader, which has heard of no session


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a tracker.

    Attributes:
        now: when it is taken.
        tick: of the tracker.
        past: of the session.
        happening: what happens.
        owner: through whom the client asks, or comes back.
        standing: the verdict on its request; on coming back, or on being heard of, likewise.
        has_expired: True if the session is ended by this step, for its silence.
    """

    now: int
    tick: int
    past: Past
    happening: Happening
    owner: Owner | None = None
    standing: Standing = Standing.GOOD
    has_expired: bool = False


def no_session_expires_early(step: Step) -> bool:
    """A session outlives its timeout, counted from when its tracker last heard of it; a new leader counts as
    having heard of all sessions when it starts.
    """
    return not step.has_expired or step.now > step.past.heard + step.past.timeout


def silent_session_expires(step: Step) -> bool:
    """Guide: "Expirations happens when the cluster does not hear from the client within the specified
    session timeout period", and at most a tick later.
    """
    if step.happening != Happening.TIME_PASSES or step.past.is_over or step.has_expired:
        return True
    return step.now < step.past.heard + step.past.timeout + step.tick


def old_owner_is_refused(step: Step) -> bool:
    """Guide: "When the delayed packet arrives at the first server, the old server detects that the session
    has moved, and closes the client connection."
    """
    is_other = step.past.owner is not None and step.owner != step.past.owner
    return step.happening != Happening.CLIENT_ASKS or not is_other or step.standing != Standing.GOOD


def owner_is_served(step: Step) -> bool:
    """The owner of a session that is not over is not refused, nor is the first who makes a request for it."""
    if step.happening != Happening.CLIENT_ASKS or step.past.is_over:
        return True
    return step.past.owner not in (None, step.owner) or step.standing == Standing.GOOD


def session_that_is_over_stays_so(step: Step) -> bool:
    """Nothing is accepted any more for a session that has been told to end, and no client can get it back."""
    asked = (Happening.IS_HEARD_OF, Happening.CLIENT_ASKS, Happening.CLIENT_COMES_BACK)
    return not step.past.is_over or step.happening not in asked or step.standing == Standing.EXPIRED


def live_session_can_be_had_back(step: Step) -> bool:
    """A session that is not over is valid, through whatever server its client comes back."""
    asked = (Happening.IS_HEARD_OF, Happening.CLIENT_COMES_BACK)
    return step.past.is_over or step.happening not in asked or step.standing == Standing.GOOD


EVERY_STEP: tuple[Callable[[Step], bool], ...] = (
    no_session_expires_early,
    silent_session_expires,
    old_owner_is_refused,
    owner_is_served,
    session_that_is_over_stays_so,
    live_session_can_be_had_back,
)


@dataclass(frozen=True, slots=True)
class Servers:
    """Two starts of servers, one after the other, and how many sessions the first has created.

    Attributes:
        first: id of the server that starts first.
        started: when, in milliseconds.
        created: how many sessions it has created since.
        second: id of the server that starts later; it may be the same server.
        later: milliseconds between the two starts.
    """

    first: int
    started: int
    created: int
    second: int
    later: int


def ids_are_unique(servers: Servers, first_id: Callable[[int, int], int] = first_session_id) -> bool:
    """No two sessions have the same id.

    That holds as long as a server creates fewer than 65,536 sessions in a millisecond, its clock does not go
    back, and it runs for less than 34 years. After a restart of the machine the clock does go back: it counts
    from there.

    Args:
        servers: that create sessions.
        first_id: returns the id of the first session of a server that starts at some time.
    """
    if servers.first == servers.second and servers.created >= servers.later << 16:
        return True
    begin = first_id(servers.first, servers.started)
    other = first_id(servers.second, servers.started + servers.later)
    return not begin <= other < begin + servers.created
