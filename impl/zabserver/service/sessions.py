"""Sessions: their ids and passwords, and when they expire.

Time is monotonic, in milliseconds, and passed in. A session expires in the tick after its timeout is over, so
that all that expire at once are in one bucket and a touch moves a session between two.

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
    """A session that is open.

    Attributes:
        id: signed, as on the wire.
        timeout: in milliseconds.
        slot: the end of the tick in which it expires.
        is_closing: whether its end is on the way; nothing more is written in its name.
    """

    id: int
    timeout: int
    slot: int = 0
    is_closing: bool = False


def password_of(session: int) -> bytes:
    """The password of a session, 16 bytes: any server can compute it (java.util.Random.nextBytes)."""
    state = ((session ^ PASSWORD_SALT) ^ 0x5DEECE66D) & ((1 << 48) - 1)
    found = b""
    while len(found) < 16:
        state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        found += (state >> 16).to_bytes(4, "little")
    return found


def first_id(server: int, elapsed: int) -> int:
    """The id from which a server counts its sessions.

    Args:
        server: its own id, in the top byte.
        elapsed: monotonic time of its start, in milliseconds.
    """
    return ((elapsed << 24) & ((1 << 64) - 1)) >> 8 | server << 56


class Sessions:
    """The open sessions of an ensemble, at whoever decides when they expire.

    Args:
        server: the id of this server.
        now: in milliseconds, monotonic.
        tick: in milliseconds.
        least, most: what timeouts are kept between, in milliseconds.
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
        """The timeout that a client gets that asks for this one, in milliseconds."""
        return min(max(timeout, self.least), self.most)

    def new_id(self) -> int:
        """The id of a new session, signed: none that is open, though a clock may begin anew."""
        while True:
            number = self._next
            self._next += 1
            signed = number - (1 << 64) if number >> 63 else number
            if signed not in self.open and signed != CONTAINER:
                return signed

    def add(self, session: int, timeout: int, now: int) -> Session:
        """Tracks a session, with its full timeout from now on; one that is tracked keeps what it has."""
        tracked = self.open.get(session)
        if tracked is None:
            tracked = self.open[session] = Session(session, timeout)
        self.touch(tracked, now)
        return tracked

    def touch(self, session: Session, now: int) -> None:
        """A session gave a sign of life."""
        slot = self._slot(now + session.timeout)
        if slot <= session.slot or session.is_closing:
            return
        if session.slot:
            self._leave(session)
        session.slot = slot
        self._slots.setdefault(slot, {})[session.id] = session

    def is_open(self, session: int) -> bool:
        """Whether a session is known and not closing."""
        tracked = self.open.get(session)
        return tracked is not None and not tracked.is_closing

    def remove(self, session: int) -> None:
        """A session has ended."""
        tracked = self.open.pop(session, None)
        if tracked is not None and tracked.slot:
            self._leave(tracked)

    def expired(self, now: int) -> Iterator[Session]:
        """The sessions whose time is over; each is closing from then on."""
        while self._due <= now:
            for session in list(self._slots.pop(self._due, {}).values()):
                session.is_closing = True
                session.slot = 0
                yield session
            self._due += self.tick

    @property
    def next_due(self) -> int:
        """When to look again, in milliseconds."""
        return self._due

    def _slot(self, time: int) -> int:
        return (time // self.tick + 1) * self.tick

    def _leave(self, session: Session) -> None:
        others = self._slots.get(session.slot)
        if others is not None:
            others.pop(session.id, None)
            if not others:
                del self._slots[session.slot]
