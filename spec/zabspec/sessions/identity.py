"""Ids of sessions, their passwords, and how long they may be silent.

ZooKeeper: SessionTrackerImpl.initializeNextSessionId; ZooKeeperServer.generatePasswd, checkPasswd;
java.util.Random.
"""

from __future__ import annotations

NO_SESSION = 0
"""The id with which a client asks for a new session."""

CONTAINER_OWNER = -(1 << 63)
"""Not an id of a session: as the owner of a node, it marks a container. ZooKeeper: EphemeralType."""

NO_PASSWORD = bytes(16)

_SECRET = 0xB3415C00  # not a secret: it is in ZooKeeper's source
_MULTIPLIER = 0x5DEECE66D
_INCREMENT = 0xB
_STATE_MASK = (1 << 48) - 1


def first_session_id(server: int, now: int) -> int:
    """Returns the id of the first session that a server creates; each further session gets the next number.

    From the top: 8 bits of the server's id, 40 bits of its clock, 16 zeros. So servers with different ids
    never give out the same session id; nor does one server twice, if it was down for longer than it had
    sessions to create.

    Args:
        server: its id, 0 to 255.
        now: in milliseconds, by a clock that only moves forward.

    Returns:
        A signed 64-bit number, as it is on the wire.
    """
    session = _signed(server << 56 | (now << 24 & (1 << 64) - 1) >> 8, 64)
    return session + 1 if session == CONTAINER_OWNER else session


def password_of(session: int) -> bytes:
    """Returns the password of a session: 16 bytes that any server can compute, so a checksum more than a
    secret.

    They are the first bytes that Java's generator of random numbers gives for the session's id.
    """
    state = (session ^ _SECRET ^ _MULTIPLIER) & _STATE_MASK
    words: list[bytes] = []
    for _ in range(4):
        state = (state * _MULTIPLIER + _INCREMENT) & _STATE_MASK
        words.append((state >> 16).to_bytes(4, "little"))
    return b"".join(words)


def is_password(session: int, password: bytes) -> bool:
    """True if a client has shown the password of a session."""
    return session != NO_SESSION and password == password_of(session)


def negotiated(asked: int, tick: int, least: int | None = None, most: int | None = None) -> int:
    """Returns the timeout that a client gets, in milliseconds.

    Args:
        asked: the timeout that the client asks for, in milliseconds.
        tick: of the server, in milliseconds.
        least: the least timeout that the server grants; two ticks if None.
        most: the longest timeout that the server grants; twenty ticks if None.
    """
    at_least = max(asked, 2 * tick if least is None else least)
    return min(at_least, 20 * tick if most is None else most)


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) else number
