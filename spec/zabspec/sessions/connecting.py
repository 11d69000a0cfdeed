"""A client connects: whether it gets a session, gets its session back, or is turned away.

Being turned away without a word means: try another server. Being told that a session is not valid means that
it has expired, for good.

ZooKeeper: ZooKeeperServer.processConnectRequest, reopenSession, finishSessionInit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from zabspec.sessions.identity import NO_PASSWORD, NO_SESSION, is_password, negotiated, password_of


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """What a client says first.

    Attributes:
        session: its id, or `NO_SESSION` for a new one.
        password: of the session.
        timeout: asked for, in milliseconds.
        last_zxid: the highest in the header of any reply to it.
        takes_read_only: whether a server that is cut off from the others will do.
    """

    session: int
    password: bytes
    timeout: int
    last_zxid: int
    takes_read_only: bool = False


@dataclass(frozen=True, slots=True)
class ConnectResponse:
    """What a client is told.

    Attributes:
        timeout: in milliseconds; 0 if the session is not valid.
        session: its id; `NO_SESSION` if it is not valid.
        password: of the session; zeros if it is not valid.
        is_read_only: whether the server is.
    """

    timeout: int
    session: int
    password: bytes
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """A server, as far as it matters to those who connect.

    Attributes:
        last_zxid: up to which it has applied the log.
        tick: in milliseconds.
        least: timeout, in milliseconds; None for the default.
        most: timeout, in milliseconds; None for the default.
        is_read_only: whether it serves reads without a leader.
        has_local_sessions: whether new sessions are its own affair (`localSessionsEnabled`).
        has_tokens: false while it takes in nobody, as too many have come.
    """

    last_zxid: int
    tick: int
    least: int | None = None
    most: int | None = None
    is_read_only: bool = False
    has_local_sessions: bool = False
    has_tokens: bool = True


class Refusal(IntEnum):
    """Why a connection is closed without a word, in the order in which it is asked."""

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
        is_local: without a transaction: the client is answered at once.
    """

    timeout: int
    is_local: bool


@dataclass(frozen=True, slots=True)
class Revalidates:
    """Whoever tracks the session is asked for it; other connections of it with this server are closed.

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
    """What a server does about a request to connect; the first reason to refuse it counts.

    Args:
        request: of the client.
        host: the server.
        is_global: whether the server's own tree knows the session.
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
    """The answer to a client that has got its session."""
    return ConnectResponse(timeout, session, password_of(session), is_read_only)


def expired_session(*, is_read_only: bool = False) -> ConnectResponse:
    """The answer to a client whose session is not valid; the connection is closed after it."""
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
