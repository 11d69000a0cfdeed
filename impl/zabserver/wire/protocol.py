"""Constants of the client protocol: operations, errors, watch events, permissions, watch modes.

ZooKeeper: ZooDefs, KeeperException.Code, Watcher.Event, CreateMode.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final


class Op:
    """The operation codes of requests, which are also the types of the resulting transactions.

    Plain integers: looking up an enum member takes a good part of the time that answering a request takes.
    """

    NOTIFICATION: Final = 0
    CREATE: Final = 1
    DELETE: Final = 2
    EXISTS: Final = 3
    GET_DATA: Final = 4
    SET_DATA: Final = 5
    GET_ACL: Final = 6
    SET_ACL: Final = 7
    GET_CHILDREN: Final = 8
    SYNC: Final = 9
    PING: Final = 11
    GET_CHILDREN2: Final = 12
    CHECK: Final = 13
    MULTI: Final = 14
    CREATE2: Final = 15
    RECONFIG: Final = 16
    CHECK_WATCHES: Final = 17
    REMOVE_WATCHES: Final = 18
    CREATE_CONTAINER: Final = 19
    DELETE_CONTAINER: Final = 20
    CREATE_TTL: Final = 21
    MULTI_READ: Final = 22
    AUTH: Final = 100
    SET_WATCHES: Final = 101
    SASL: Final = 102
    GET_EPHEMERALS: Final = 103
    GET_ALL_CHILDREN_NUMBER: Final = 104
    SET_WATCHES2: Final = 105
    ADD_WATCH: Final = 106
    WHO_AM_I: Final = 107
    CREATE_SESSION: Final = -10
    CLOSE_SESSION: Final = -11
    ERROR: Final = -1


WRITES = frozenset(
    {
        Op.CREATE,
        Op.CREATE2,
        Op.CREATE_CONTAINER,
        Op.CREATE_TTL,
        Op.DELETE,
        Op.DELETE_CONTAINER,
        Op.SET_DATA,
        Op.SET_ACL,
        Op.MULTI,
        Op.RECONFIG,
        Op.CLOSE_SESSION,
    }
)
"""The operations that clients may send and that become transactions."""


class Err(IntEnum):
    """The error codes in replies (ZooKeeper: KeeperException.Code)."""

    OK = 0
    RUNTIME_INCONSISTENCY = -2
    MARSHALLING_ERROR = -5
    UNIMPLEMENTED = -6
    BAD_ARGUMENTS = -8
    NEW_CONFIG_NO_QUORUM = -13
    RECONFIG_IN_PROGRESS = -14
    NO_NODE = -101
    NO_AUTH = -102
    BAD_VERSION = -103
    NO_CHILDREN_FOR_EPHEMERALS = -108
    NODE_EXISTS = -110
    NOT_EMPTY = -111
    SESSION_EXPIRED = -112
    INVALID_ACL = -114
    AUTH_FAILED = -115
    SESSION_MOVED = -118
    NOT_READ_ONLY = -119
    EPHEMERAL_ON_LOCAL_SESSION = -120
    NO_WATCHER = -121
    RECONFIG_DISABLED = -123
    SESSION_CLOSED_REQUIRE_SASL = -124
    QUOTA_EXCEEDED = -125
    THROTTLED = -127


class Refused(Exception):
    """Raised when a request is refused; the client receives the code.

    Args:
        code: the error code of the reply.
    """

    def __init__(self, code: Err) -> None:
        super().__init__(code.name)
        self.code = code


class Event:
    """The types of watch events (ZooKeeper: Watcher.Event.EventType). Plain integers, as in `Op`."""

    CREATED: Final = 1
    DELETED: Final = 2
    DATA_CHANGED: Final = 3
    CHILDREN_CHANGED: Final = 4


class Perm:
    """The permissions in an access control list (ZooKeeper: ZooDefs.Perms). Plain integers, as in `Op`."""

    READ: Final = 1
    WRITE: Final = 2
    CREATE: Final = 4
    DELETE: Final = 8
    ADMIN: Final = 16
    ALL: Final = 31


class WatchMode(IntFlag):
    """The modes in which a connection watches a path, as bits: a path may be watched in several.

    ZooKeeper: WatcherMode.
    """

    STANDARD = 1
    PERSISTENT = 2
    RECURSIVE = 4


class WatcherType(IntEnum):
    """The kinds of watches that a client checks for or removes (ZooKeeper: Watcher.WatcherType)."""

    CHILDREN = 1
    DATA = 2
    ANY = 3
    PERSISTENT = 4
    RECURSIVE = 5


XID_NOTIFICATION = -1
XID_PING = -2
XID_AUTH = -4
XID_SET_WATCHES = -8

MAX_BUFFER = 0xFFFFF
"""The default for the longest frame, in bytes (`jute.maxbuffer`)."""
