"""Sessions: what connects a client's requests, watches and ephemeral nodes across connections.

`identity` makes ids, passwords and timeouts; `connecting` decides which clients are let in; `tracker` knows
how long a session may still be silent, and who may make requests for it; `learner` is the part of a server
that follows, and sessions that are local to it. Creating and closing a session are transactions of the tree:
closing one deletes its ephemeral nodes. Time is always an argument, in milliseconds.
"""

from zabspec.sessions.connecting import (
    ConnectRequest,
    ConnectResponse,
    Creates,
    Handling,
    Host,
    Invalid,
    Refusal,
    Refused,
    Revalidates,
    accepted,
    expired_session,
    handled,
)
from zabspec.sessions.identity import (
    NO_PASSWORD,
    NO_SESSION,
    first_session_id,
    is_password,
    negotiated,
    password_of,
)
from zabspec.sessions.tracker import (
    Owner,
    Session,
    Standing,
    Tracker,
    closing,
    expired,
    judged,
    moved,
    removed,
    session_of,
    slot_after,
    started,
    touched,
    tracked,
)

__all__ = [
    "NO_SESSION",
    "NO_PASSWORD",
    "first_session_id",
    "password_of",
    "is_password",
    "negotiated",
    "ConnectRequest",
    "ConnectResponse",
    "Host",
    "Refusal",
    "Handling",
    "Refused",
    "Creates",
    "Revalidates",
    "Invalid",
    "handled",
    "accepted",
    "expired_session",
    "Owner",
    "Session",
    "Standing",
    "Tracker",
    "slot_after",
    "started",
    "session_of",
    "tracked",
    "touched",
    "expired",
    "closing",
    "removed",
    "judged",
    "moved",
]
