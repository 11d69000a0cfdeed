"""A client connects: it gets a new session, gets its session back, or is turned away.

A client whose connection is closed without an answer should try another server. A client that is told that
its session is not valid has lost it for good: the session has expired.

ZooKeeper: ZooKeeperServer.processConnectRequest, reopenSession, finishSessionInit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from zabspec.sessions.identity import NO_PASSWORD, NO_SESSION, is_password, negotiated, password_of


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """The first message of a client.

    Attributes:
        session: its id, or `NO_SESSION` for a new session.
        password: of the session.
        timeout: that the client asks for, in milliseconds.
        last_zxid: the highest zxid in the header of any reply to it.
        takes_read_only: True if the client accepts a server that is cut off from the others.
    """

    session: int
    password: bytes
    timeout: int
    last_zxid: int
    takes_read_only: bool = False


@dataclass(frozen=True, slots=True)
class ConnectResponse:
    """The answer to a client's first message.

    Attributes:
        timeout: in milliseconds; 0 if the session is not valid.
        session: its id; `NO_SESSION` if it is not valid.
        password: of the session; zeros if it is not valid.
        is_read_only: True if the server is read-only.
    """

    timeout: int
    session: int
    password: bytes
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """A server, as far as it matters to a client that connects.

    Attributes:
        last_zxid: the zxid up to which it has applied the log.
        tick: in milliseconds.
        least: the least timeout that it grants, in milliseconds; None for the default.
        most: the longest timeout that it grants, in milliseconds; None for the default.
        is_read_only: True if it serves reads without a leader.
        has_local_sessions: True if it keeps new sessions to itself (`localSessionsEnabled`).
        has_tokens: False while it lets no client in, because too many have connected.
    """

    last_zxid: int
    tick: int
    least: int | None = None
    most: int | None = None
    is_read_only: bool = False
    has_local_sessions: bool = False
    has_tokens: bool = True


class Refusal(IntEnum):
    """Why a connection is closed without an answer, in the order in which a server checks."""

    TOO_MANY = 1
    READ_ONLY_SERVER = 2
    CLIENT_IS_AHEAD = 3
    GLOBAL_SESSION_ON_READ_ONLY_SERVER = 4
    NO_NEW_SESSION_ON_READ_ONLY_SERVER = 5


@dataclass(frozen=True, slots=True)
class Refused:
    """The connection is closed."""

    reason: Refusal


@dataclass(frozen=True, slots=True)
class Creates:
    """A session is created; the client is answered when the transaction that creates it is applied here.

    Attributes:
        timeout: negotiated, in milliseconds.
        is_local: True if it is created without a transaction: the client is answered at once.
    """

    timeout: int
    is_local: bool


@dataclass(frozen=True, slots=True)
class Revalidates:
    """The tracker of the session is asked about it; other connections of the session with this server are
    closed.

    Attributes:
        session: its id.
        timeout: negotiated, in milliseconds.
    """

    session: int
    timeout: int


@dataclass(frozen=True, slots=True)
class Invalid:
    """The password is not that of the session; its other connections here are closed all the same.

    Attributes:
        session: the id that the client named.
    """

    session: int


Handling = Refused | Creates | Revalidates | Invalid


def handled(request: ConnectRequest, host: Host, *, is_global: bool = True) -> Handling:
    """Returns what a server does about a request to connect; the first reason to refuse it counts.

    Args:
        request: of the client.
        host: the server.
        is_global: True if the server's own tree knows the session.
    """
    refusal = _refusal(request, host, is_global=is_global)
    if refusal is not None:
        return Refused(refusal)
    timeout = negotiated(request.timeout, host.tick, host.least, host.most)
    if request.session == NO_SESSION:
        return Creates(timeout, host.has_local_sessions)
    if not is_password(request.session, request.password):
        return Invalid(request.session)
    return Revalidates(request.session, timeout)


def accepted(session: int, timeout: int, *, is_read_only: bool = False) -> ConnectResponse:
    """Returns the answer to a client that has got its session."""
    return ConnectResponse(timeout, session, password_of(session), is_read_only)


def expired_session(*, is_read_only: bool = False) -> ConnectResponse:
    """Returns the answer to a client whose session is not valid; the connection is closed after it."""
    return ConnectResponse(0, NO_SESSION, NO_PASSWORD, is_read_only)


def _refusal(request: ConnectRequest, host: Host, *, is_global: bool) -> Refusal | None:
    if not host.has_tokens:
        return Refusal.TOO_MANY
    if host.is_read_only and not request.takes_read_only:
        return Refusal.READ_ONLY_SERVER
    if request.last_zxid > host.last_zxid:
        return Refusal.CLIENT_IS_AHEAD
    if not host.is_read_only:
        return None
    if request.session != NO_SESSION:
        return Refusal.GLOBAL_SESSION_ON_READ_ONLY_SERVER if is_global else None
    return None if host.has_local_sessions else Refusal.NO_NEW_SESSION_ON_READ_ONLY_SERVER
