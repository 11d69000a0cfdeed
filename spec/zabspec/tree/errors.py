"""The error codes in replies.

ZooKeeper: KeeperException.Code.
"""

from __future__ import annotations

from enum import IntEnum


class Error(IntEnum):
    """The error code in a reply; OK for no error."""

    OK = 0
    RUNTIME_INCONSISTENCY = -2  # in a multi: another part failed before this one
    MARSHALLING_ERROR = -5
    UNIMPLEMENTED = -6
    BAD_ARGUMENTS = -8
    NO_NODE = -101
    NO_AUTH = -102
    BAD_VERSION = -103
    NO_CHILDREN_FOR_EPHEMERALS = -108
    NODE_EXISTS = -110
    NOT_EMPTY = -111
    SESSION_EXPIRED = -112
    INVALID_ACL = -114
    SESSION_MOVED = -118
    EPHEMERAL_ON_LOCAL_SESSION = -120
    NO_WATCHER = -121
    QUOTA_EXCEEDED = -125
