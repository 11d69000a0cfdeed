"""Which sessions there are, how long they may still be silent, and who may speak for them.

The leader has one tracker for all sessions; a server alone has one as well. Time is cut into slots of a tick:
a session is put into the slot after the one in which its timeout ends, and each slot is emptied when its time
has come. So a session is ended never early and at most a tick late, by the clock of whoever tracks it, and
counted from when that one last heard of it.

What expires is not dead at once. It is closing: nothing more is accepted for it, and it is gone when the
transaction that closes it has been applied.

ZooKeeper: SessionTrackerImpl, ExpiryQueue, LeaderSessionTracker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from zabspec.parts import replace

Owner = int
"""Who may make requests for a session: a number for the tracking server itself, or for its connection with
another one. A server that connects again is another owner."""


class Standing(IntEnum):
    """What a request of a session is worth. ZooKeeper: SessionExpiredException, SessionMovedException."""

    GOOD = 0
    EXPIRED = 1  # also of a session that there never was
    MOVED = 2


@dataclass(frozen=True, slots=True)
class Session:
    """One session.

    Attributes:
        id: of it.
        timeout: with which it was created, in milliseconds.
        slot: when it expires unless it is touched, in milliseconds.
        owner: None until somebody has made a request for it.
        is_closing: whether it has been told to end.
    """

    id: int
    timeout: int
    slot: int
    owner: Owner | None = None
    is_closing: bool = False


@dataclass(frozen=True, slots=True)
class Tracker:
    """All sessions.

    Attributes:
        tick: the length of a slot, in milliseconds.
        next_slot: the first one that has not been emptied, in milliseconds.
        sessions: by id.
    """

    tick: int
    next_slot: int
    sessions: tuple[Session, ...] = ()


def slot_after(time: int, tick: int) -> int:
    """The first slot after a moment, in milliseconds. ZooKeeper: ExpiryQueue.roundToNextInterval."""
    return (time // tick + 1) * tick


def started(tick: int, now: int, stored: Iterable[tuple[int, int]] = ()) -> Tracker:
    """The tracker of a server that starts to track, such as a new leader.

    Every session that there is gets all of its timeout again, however long it has been silent.

    Args:
        tick: in milliseconds.
        now: in milliseconds.
        stored: the sessions of the server's own tree: ids, and timeouts in milliseconds.
    """
    tracker = Tracker(tick, slot_after(now, tick))
    for session, timeout in stored:
        tracker = tracked(tracker, session, timeout, now)
    return tracker


def session_of(tracker: Tracker, session: int) -> Session | None:
    """A session by its id; None if there is none."""
    return next((each for each in tracker.sessions if each.id == session), None)


def tracked(tracker: Tracker, session: int, timeout: int, now: int) -> Tracker:
    """A session is created; if it is there already, it is touched.

    ZooKeeper: SessionTrackerImpl.trackSession.
    """
    slot = slot_after(now + timeout, tracker.tick)
    known = session_of(tracker, session)
    return _with(tracker, Session(session, timeout, slot) if known is None else replace(known, slot=slot))


def touched(tracker: Tracker, session: int, timeout: int, now: int) -> Tracker | None:
    """Something was heard of a session.

    Args:
        tracker: of all sessions.
        session: its id.
        timeout: of the connection, in milliseconds; it may differ from the one of the session.
        now: in milliseconds.

    Returns:
        None if there is no such session, or it is closing.
    """
    known = session_of(tracker, session)
    if known is None or known.is_closing:
        return None
    return _with(tracker, replace(known, slot=slot_after(now + timeout, tracker.tick)))


def expired(tracker: Tracker, now: int) -> tuple[Tracker, tuple[int, ...]]:
    """Empties the next slot, if its time has come.

    Returns:
        The tracker, and the sessions that are closing from now on: each needs a transaction that closes it.
        One that was closing already may be among them; a second such transaction finds nothing to do.
    """
    if now < tracker.next_slot:
        return tracker, ()
    ended = tuple(each.id for each in tracker.sessions if each.slot == tracker.next_slot)
    tracker = replace(tracker, next_slot=tracker.next_slot + tracker.tick)
    for session in ended:
        tracker = closing(tracker, session)
    return tracker, ended


def closing(tracker: Tracker, session: int) -> Tracker:
    """A session is told to end: nothing more is accepted for it."""
    known = session_of(tracker, session)
    return tracker if known is None else _with(tracker, replace(known, is_closing=True))


def removed(tracker: Tracker, session: int) -> Tracker:
    """The transaction that closes a session has been applied."""
    return replace(tracker, sessions=tuple(each for each in tracker.sessions if each.id != session))


def judged(tracker: Tracker, session: int, owner: Owner) -> tuple[Tracker, Standing]:
    """Judges a request of a session, which comes through `owner`. The first one makes him its owner.

    ZooKeeper: SessionTrackerImpl.checkSession.
    """
    known = session_of(tracker, session)
    if known is None or known.is_closing:
        return tracker, Standing.EXPIRED
    if known.owner is None:
        return _with(tracker, replace(known, owner=owner)), Standing.GOOD
    return tracker, Standing.GOOD if known.owner == owner else Standing.MOVED


def moved(tracker: Tracker, session: int, timeout: int, owner: Owner, now: int) -> Tracker | None:
    """A client has come back to its session, maybe through another server: who took it in is its owner.

    Requests that come late through the one before are refused from now on, so each of them has been
    executed before the client came back, or never is.

    Returns:
        None if there is no such session, or it is closing: to the client it has expired.
        ZooKeeper: Leader.revalidateSession, LeaderZooKeeperServer.revalidateSession.
    """
    tracker_then = touched(tracker, session, timeout, now)
    known = None if tracker_then is None else session_of(tracker_then, session)
    if tracker_then is None or known is None:
        return None
    return _with(tracker_then, replace(known, owner=owner))


def _with(tracker: Tracker, session: Session) -> Tracker:
    others = [each for each in tracker.sessions if each.id != session.id]
    return replace(tracker, sessions=tuple(sorted([*others, session], key=lambda each: each.id)))
