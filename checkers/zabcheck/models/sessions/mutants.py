"""Sessions with one mistake put in, and the property that catches it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from zabcheck.models.mutant import FunctionMutant
from zabcheck.models.sessions.model import Rules
from zabspec import sessions
from zabspec.parts import replace
from zabspec.sessions import Session, Standing, Tracker
from zabspec.sessions.tracker import slot_after


def _changed(tracker: Tracker, session: int, change: Callable[[Session], Session]) -> Tracker:
    return replace(
        tracker, sessions=tuple(change(each) if each.id == session else each for each in tracker.sessions)
    )


def _later(session: Session, by: int) -> Session:
    return replace(session, slot=session.slot + by)


# Expiry.


def tracked_in_slot_of_timeout(tracker: Tracker, session: int, timeout: int, now: int) -> Tracker:
    """The session expires in the slot in which its timeout ends, not in the one after."""
    done = sessions.tracked(tracker, session, timeout, now)
    return _changed(done, session, lambda each: _later(each, -tracker.tick))


def touched_too_long(tracker: Tracker, session: int, timeout: int, now: int) -> Tracker | None:
    """Activity moves the session one slot too far."""
    done = sessions.touched(tracker, session, timeout, now)
    return None if done is None else _changed(done, session, lambda each: _later(each, tracker.tick))


def touched_without_effect(tracker: Tracker, session: int, timeout: int, now: int) -> Tracker | None:
    """Activity leaves the session in its slot."""
    return None if sessions.touched(tracker, session, timeout, now) is None else tracker


def slots_kept(tick: int, now: int, stored: Iterable[tuple[int, int]]) -> Tracker:
    """A new leader counts the silence from before it led."""
    done = sessions.started(tick, now, stored)
    return replace(done, sessions=tuple(_later(each, -tick) for each in done.sessions))


def slot_skipped(tracker: Tracker, now: int) -> tuple[Tracker, tuple[int, ...]]:
    """Only one of two due slots is emptied."""
    return sessions.expired(replace(tracker, next_slot=slot_after(now - 1, 2 * tracker.tick)), now)


# Owners.


def anyone_may_ask(tracker: Tracker, session: int, owner: int) -> tuple[Tracker, Standing]:
    """The owner of a session is not checked."""
    done, standing = sessions.judged(tracker, session, owner)
    return done, Standing.GOOD if standing == Standing.MOVED else standing


def asking_is_owning(tracker: Tracker, session: int, owner: int) -> tuple[Tracker, Standing]:
    """A server that sends a request of a session becomes its owner."""
    return sessions.judged(_changed(tracker, session, lambda each: replace(each, owner=None)), session, owner)


def moved_without_owner(
    tracker: Tracker, session: int, timeout: int, _owner: int, now: int
) -> Tracker | None:
    """A client reconnects to another server, and the earlier one stays the owner."""
    return sessions.touched(tracker, session, timeout, now)


def moved_once(tracker: Tracker, session: int, timeout: int, owner: int, now: int) -> Tracker | None:
    """A session that has an owner cannot be moved."""
    known = sessions.session_of(tracker, session)
    if known is not None and known.owner is not None:
        return None
    return sessions.moved(tracker, session, timeout, owner, now)


# The end.


def judged_while_closing(tracker: Tracker, session: int, owner: int) -> tuple[Tracker, Standing]:
    """A session that is closing may write until the transaction has been applied."""
    opened = _changed(tracker, session, lambda each: replace(each, is_closing=False))
    _, standing = sessions.judged(opened, session, owner)
    return tracker, standing


def revived(tracker: Tracker, session: int, timeout: int, now: int) -> Tracker | None:
    """Activity keeps a session alive that is closing."""
    opened = _changed(tracker, session, lambda each: replace(each, is_closing=False))
    return sessions.touched(opened, session, timeout, now)


def sign_extended(server: int, now: int) -> int:
    """The clock is shifted back with its sign, over the id of the server (ZOOKEEPER-1622)."""
    clock = now << 24 & (1 << 64) - 1
    clock = clock - (1 << 64) if clock >> 63 else clock
    return clock >> 8 | (server - 256 if server >= 128 else server) << 56


def without_server(_server: int, now: int) -> int:
    """The id consists of the clock alone."""
    return sessions.first_session_id(0, now)


MUTANTS = (
    FunctionMutant(
        "rounded-down",
        "A session is put into the slot in which its timeout ends.",
        "no_session_expires_early",
        Rules(tracked=tracked_in_slot_of_timeout),
    ),
    FunctionMutant(
        "touch-without-effect",
        "Activity leaves a session in its slot.",
        "no_session_expires_early",
        Rules(touched=touched_without_effect),
    ),
    FunctionMutant(
        "slots-kept",
        "A new leader does not give sessions their whole timeout.",
        "no_session_expires_early",
        Rules(started=slots_kept),
    ),
    FunctionMutant(
        "touched-too-long",
        "Activity moves a session one slot too far.",
        "silent_session_expires",
        Rules(touched=touched_too_long),
    ),
    FunctionMutant(
        "slot-skipped",
        "Every other slot is never emptied.",
        "silent_session_expires",
        Rules(expired=slot_skipped),
    ),
    FunctionMutant(
        "anyone-may-ask",
        "A request of a session is accepted from any server.",
        "old_owner_is_refused",
        Rules(judged=anyone_may_ask),
    ),
    FunctionMutant(
        "asking-is-owning",
        "A late request from the old server makes that server the owner again.",
        "old_owner_is_refused",
        Rules(judged=asking_is_owning),
    ),
    FunctionMutant(
        "moved-without-owner",
        "A client reconnects to another server, and the old one stays the owner.",
        "owner_is_served",
        Rules(moved=moved_without_owner),
    ),
    FunctionMutant(
        "moved-once",
        "A session that has an owner cannot be moved to another server.",
        "live_session_can_be_had_back",
        Rules(moved=moved_once),
    ),
    FunctionMutant(
        "written-while-closing",
        "A session that is closing may write until it is closed.",
        "session_that_is_over_stays_so",
        Rules(judged=judged_while_closing),
    ),
    FunctionMutant(
        "revived",
        "Activity keeps a session alive that is closing.",
        "session_that_is_over_stays_so",
        Rules(touched=revived),
    ),
)

ID_MUTANTS: dict[str, Callable[[int, int], int]] = {
    "sign-extended": sign_extended,
    "without-server": without_server,
}
"""Ways to make session ids that `ids_are_unique` catches."""
