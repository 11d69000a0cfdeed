"""Sessions: ids, passwords and expiry.

Times are monotonic milliseconds, passed in. A session expires at the end of the tick in which its timeout
elapses: sessions that expire together share a bucket, and activity moves a session between buckets.

ZooKeeper: SessionTrackerImpl, ExpiryQueue, ZooKeeperServer.generatePasswd.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zabserver.service.node import CONTAINER

PASSWORD_SALT = 0xB3415C00
NO_PASSWORD = bytes(16)


@dataclass(slots=True)
class Session:
    """An open session.

    Attributes:
        id: the session id, signed as on the wire.
        timeout: the timeout in milliseconds.
        slot: the end of the tick in which the session expires; 0 if it does not.
        is_closing: True once its end has been proposed; no further writes are accepted in it.
    """

    id: int
    timeout: int
    slot: int = 0
    is_closing: bool = False


def password_of(session: int) -> bytes:
    """Returns the 16-byte password of a session. Any server can compute it (java.util.Random.nextBytes)."""
    state = ((session ^ PASSWORD_SALT) ^ 0x5DEECE66D) & ((1 << 48) - 1)
    found = b""
    while len(found) < 16:
        state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        found += (state >> 16).to_bytes(4, "little")
    return found


def first_id(server: int, elapsed: int) -> int:
    """Returns the first session id that a server gives out.

    Args:
        server: the id of the server, which becomes the top byte.
        elapsed: the time of its start, in milliseconds.

    ZooKeeper: SessionTrackerImpl.initializeNextSessionId.
    """
    return ((elapsed << 24) & ((1 << 64) - 1)) >> 8 | server << 56


class Sessions:
    """The open sessions, at the server that expires them.

    Args:
        server: the id of this server.
        now: the time, in monotonic milliseconds.
        tick: the length of a tick, in milliseconds.
        least, most: the shortest and longest timeout, in milliseconds; 0 for 2 and 20 ticks.

    Attributes:
        open: the open sessions, by id.
    """

    def __init__(self, server: int, now: int, tick: int, least: int = 0, most: int = 0) -> None:
        self.tick = tick
        self.least = least or 2 * tick
        self.most = most or 20 * tick
        self.open: dict[int, Session] = {}
        self._next = first_id(server, now)
        self._slots: dict[int, dict[int, Session]] = {}
        self._due = self._slot(now)

    def negotiated(self, timeout: int) -> int:
        """Returns the timeout that is granted to a client that asks for one, in milliseconds."""
        return min(max(timeout, self.least), self.most)

    def new_id(self) -> int:
        """Returns a signed id for a new session; never an open one's, even if the clock started over."""
        while True:
            number = self._next
            self._next += 1
            signed = number - (1 << 64) if number >> 63 else number
            if signed not in self.open and signed != CONTAINER:
                return signed

    def add(self, session: int, timeout: int, now: int) -> Session:
        """Tracks a session, with its full timeout from now on; one that is tracked keeps its timeout."""
        tracked = self.open.get(session)
        if tracked is None:
            tracked = self.open[session] = Session(session, timeout)
        self.touch(tracked, now)
        return tracked

    def touch(self, session: Session, now: int) -> None:
        """Postpones the expiry of a session that shows activity."""
        slot = self._slot(now + session.timeout)
        if slot <= session.slot or session.is_closing:
            return
        if session.slot:
            self._leave(session)
        session.slot = slot
        self._slots.setdefault(slot, {})[session.id] = session

    def is_open(self, session: int) -> bool:
        """True if a session is tracked and not closing."""
        tracked = self.open.get(session)
        return tracked is not None and not tracked.is_closing

    def remove(self, session: int) -> None:
        """Forgets a session that has ended."""
        tracked = self.open.pop(session, None)
        if tracked is not None and tracked.slot:
            self._leave(tracked)

    def expired(self, now: int) -> Iterator[Session]:
        """Yields the sessions that have expired; each is closing from then on."""
        while self._due <= now:
            for session in list(self._slots.pop(self._due, {}).values()):
                session.is_closing = True
                session.slot = 0
                yield session
            self._due += self.tick

    @property
    def next_due(self) -> int:
        """When to look for expired sessions again, in monotonic milliseconds."""
        return self._due

    def _slot(self, time: int) -> int:
        return (time // self.tick + 1) * self.tick

    def _leave(self, session: Session) -> None:
        others = self._slots.get(session.slot)
        if others is not None:
            others.pop(session.id, None)
            if not others:
                del self._slots[session.slot]
