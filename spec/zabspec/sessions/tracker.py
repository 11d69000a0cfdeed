"""Which sessions there are, how long they may still be silent, and who may make requests for them.

The leader has one tracker for all sessions; so has a server that runs alone. Time is divided into slots of
one tick: a session is put into the slot after the one in which its timeout ends, and each slot is emptied
when its time has come. So a session never expires early and at most a tick late, by the clock of the server
that tracks it, counted from when that server last heard of it.

A session that expires is closing first: nothing more is accepted for it, and it is gone once the transaction
that closes it has been applied.

ZooKeeper: SessionTrackerImpl, ExpiryQueue, LeaderSessionTracker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from zabspec.parts import replace

Owner = int
"""Who may make requests for a session: a number for the tracking server itself, or for its connection with
another server. A server that connects again is another owner.
"""


class Standing(IntEnum):
    """The verdict on a request of a session. ZooKeeper: SessionExpiredException, SessionMovedException."""

    GOOD = 0
    EXPIRED = 1  # or the session never existed
    MOVED = 2


@dataclass(frozen=True, slots=True)
class Session:
    """One session.

    Attributes:
        id: its id.
        timeout: with which it was created, in milliseconds.
        slot: when it expires unless it is touched, in milliseconds.
        owner: None until a request has been made for it.
        is_closing: True if it has been told to end.
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
        next_slot: the first slot that has not been emptied, in milliseconds.
        sessions: in the order of their ids.
    """

    tick: int
    next_slot: int
    sessions: tuple[Session, ...] = ()


def slot_after(time: int, tick: int) -> int:
    """Returns the first slot after a moment, in milliseconds. ZooKeeper: ExpiryQueue.roundToNextInterval."""
    return (time // tick + 1) * tick


def started(tick: int, now: int, stored: Iterable[tuple[int, int]] = ()) -> Tracker:
    """Returns the tracker of a server that starts to track, such as a new leader.

    Every session gets its whole timeout again, however long it has been silent.

    Args:
        tick: in milliseconds.
        now: in milliseconds.
        stored: the sessions in the server's own tree: ids, and timeouts in milliseconds.
    """
    tracker = Tracker(tick, slot_after(now, tick))
    for session, timeout in stored:
        tracker = tracked(tracker, session, timeout, now)
    return tracker


def session_of(tracker: Tracker, session: int) -> Session | None:
    """Returns a session by its id; None if there is none."""
    return next((each for each in tracker.sessions if each.id == session), None)


def tracked(tracker: Tracker, session: int, timeout: int, now: int) -> Tracker:
    """Returns the tracker after a session was created; a session that is there already is touched.

    ZooKeeper: SessionTrackerImpl.trackSession.
    """
    slot = slot_after(now + timeout, tracker.tick)
    known = session_of(tracker, session)
    return _with(tracker, Session(session, timeout, slot) if known is None else replace(known, slot=slot))


def touched(tracker: Tracker, session: int, timeout: int, now: int) -> Tracker | None:
    """Returns the tracker after it heard of a session.

    Args:
        tracker: of all sessions.
        session: its id.
        timeout: of the connection, in milliseconds; it may differ from that of the session.
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
        The tracker, and the sessions that are closing from now on: each needs a transaction that closes it. A
            session that was closing already may be among them; a second such transaction does nothing.
    """
    if now < tracker.next_slot:
        return tracker, ()
    ended = tuple(each.id for each in tracker.sessions if each.slot == tracker.next_slot)
    tracker = replace(tracker, next_slot=tracker.next_slot + tracker.tick)
    for session in ended:
        tracker = closing(tracker, session)
    return tracker, ended


def closing(tracker: Tracker, session: int) -> Tracker:
    """Returns the tracker after a session was told to end: nothing more is accepted for it."""
    known = session_of(tracker, session)
    return tracker if known is None else _with(tracker, replace(known, is_closing=True))


def removed(tracker: Tracker, session: int) -> Tracker:
    """Returns the tracker after the transaction that closes a session was applied."""
    return replace(tracker, sessions=tuple(each for each in tracker.sessions if each.id != session))


def judged(tracker: Tracker, session: int, owner: Owner) -> tuple[Tracker, Standing]:
    """Returns the verdict on a request of a session that comes through `owner`.

    The first one to make a request becomes the session's owner.

    ZooKeeper: SessionTrackerImpl.checkSession.
    """
    known = session_of(tracker, session)
    if known is None or known.is_closing:
        return tracker, Standing.EXPIRED
    if known.owner is None:
        return _with(tracker, replace(known, owner=owner)), Standing.GOOD
    return tracker, Standing.GOOD if known.owner == owner else Standing.MOVED


def moved(tracker: Tracker, session: int, timeout: int, owner: Owner, now: int) -> Tracker | None:
    """Returns the tracker after a client came back to its session, whose owner is now `owner`.

    The client may have come back through another server. Requests that arrive late through the former owner
    are refused from now on: each of them has been executed before the client came back, or never is.

    Returns:
        None if there is no such session, or it is closing: to the client it has expired. ZooKeeper:
            Leader.revalidateSession, LeaderZooKeeperServer.revalidateSession.
    """
    tracker_then = touched(tracker, session, timeout, now)
    known = None if tracker_then is None else session_of(tracker_then, session)
    if tracker_then is None or known is None:
        return None
    return _with(tracker_then, replace(known, owner=owner))


def _with(tracker: Tracker, session: Session) -> Tracker:
    others = [each for each in tracker.sessions if each.id != session.id]
    return replace(tracker, sessions=tuple(sorted([*others, session], key=lambda each: each.id)))
