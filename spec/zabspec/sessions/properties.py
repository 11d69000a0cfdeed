"""What holds of sessions, as whoever tracks them keeps them, each with the sentence that it comes from.

They are about one step: what has been heard of a session before it, and what comes of it. Time is that of the
tracker, in milliseconds.

ZooKeeper: "ZooKeeper Sessions" in the Programmer's Guide; test SessionTrackerTest.
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
        heard: when it was last heard of.
        timeout: from then on.
        owner: through whom the client came last; None if nobody has asked for anything yet.
        is_over: whether it was told to end, or never was.
    """

    heard: int
    timeout: int
    owner: Owner | None
    is_over: bool


class Happening(IntEnum):
    """What a step is."""

    TIME_PASSES = 0
    IS_HEARD_OF = 1
    CLIENT_ASKS = 2
    CLIENT_COMES_BACK = 3
    IS_CLOSED = 4
    LEADER_STARTS = 5  # another one, which has heard of nobody


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a tracker.

    Attributes:
        now: when it is taken.
        tick: of the tracker.
        past: of the session.
        happening: what happens.
        owner: through whom the client asks, or comes back.
        standing: what its request is worth; that it comes back, or is heard of, is worth the same.
        has_expired: whether the session is ended by this step, for its silence.
    """

    now: int
    tick: int
    past: Past
    happening: Happening
    owner: Owner | None = None
    standing: Standing = Standing.GOOD
    has_expired: bool = False


def no_session_expires_early(step: Step) -> bool:
    """A session lives for longer than its timeout after its tracker has heard of it; a new leader has heard
    of all of them when it starts.
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
    """Whoever speaks for a session that is not over is not refused, nor is the first who does."""
    if step.happening != Happening.CLIENT_ASKS or step.past.is_over:
        return True
    return step.past.owner not in (None, step.owner) or step.standing == Standing.GOOD


def session_that_is_over_stays_so(step: Step) -> bool:
    """Nothing is accepted any more for a session that has been told to end, nor can it be had back."""
    asked = (Happening.IS_HEARD_OF, Happening.CLIENT_ASKS, Happening.CLIENT_COMES_BACK)
    return not step.past.is_over or step.happening not in asked or step.standing == Standing.EXPIRED


def live_session_can_be_had_back(step: Step) -> bool:
    """Through whatever server its client comes, a session that is not over is valid."""
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
    """Two times that servers have started, one after the other, and what the first has given out.

    Attributes:
        first: id of the server.
        started: when, in milliseconds.
        created: sessions since then.
        second: id of the server; it may be the same one.
        later: milliseconds between the two.
    """

    first: int
    started: int
    created: int
    second: int
    later: int


def ids_are_unique(servers: Servers, first_id: Callable[[int, int], int] = first_session_id) -> bool:
    """No two sessions have the same id, as long as a server creates less than 65,536 in a millisecond, its
    clock does not go back, and runs for less than 34 years. After a restart of the machine the clock does go
    back: it counts from there.

    Args:
        servers: that create sessions.
        first_id: of the sessions of a server that starts at some time.
    """
    if servers.first == servers.second and servers.created >= servers.later << 16:
        return True
    begin = first_id(servers.first, servers.started)
    other = first_id(servers.second, servers.started + servers.later)
    return not begin <= other < begin + servers.created
