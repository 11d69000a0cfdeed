"""The requests that a client may make of the tree, one class for each operation.

Writes become transactions (`zabspec.tree.prepare`), reads are answered from the tree as it is
(`zabspec.tree.read`). The watches that reads leave are in `zabspec.watches`.

ZooKeeper: zookeeper.jute, org.apache.zookeeper.proto; ZooDefs.OpCode; CreateMode.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from zabspec.tree.state import OPEN, Acl, Id

ANY_VERSION = -1
"""The version that a request names if any version will do."""


class Op(IntEnum):
    """The operations that create nodes; they share their checks and differ in their replies."""

    CREATE = 1
    CREATE2 = 15
    CREATE_CONTAINER = 19
    CREATE_TTL = 21


class Flag(IntEnum):
    """The kind of node that is to be created. ZooKeeper: CreateMode."""

    PERSISTENT = 0
    EPHEMERAL = 1
    SEQUENTIAL = 2
    EPHEMERAL_SEQUENTIAL = 3
    CONTAINER = 4
    TTL = 5
    TTL_SEQUENTIAL = 6


@dataclass(frozen=True, slots=True)
class Create:
    """Creates a node; a sequential node's name ends with the number of children ever created under its
    parent.

    Attributes:
        flag: a `Flag`, or another number, which is refused.
        ttl: in milliseconds, for CREATE_TTL.
        op: the operation that creates it.
    """

    path: str
    data: bytes | None = b""
    acl: Acl = OPEN
    flag: int = Flag.PERSISTENT
    ttl: int = -1
    op: Op = Op.CREATE


@dataclass(frozen=True, slots=True)
class Delete:
    """Deletes a node that has no children."""

    path: str
    version: int = ANY_VERSION


@dataclass(frozen=True, slots=True)
class DeleteContainer:
    """Deletes a container, or a node whose time to live is over.

    Only the server itself makes this request.
    """

    path: str


@dataclass(frozen=True, slots=True)
class SetData:
    """Replaces a node's data."""

    path: str
    data: bytes | None
    version: int = ANY_VERSION


@dataclass(frozen=True, slots=True)
class SetAcl:
    """Replaces a node's access control list."""

    path: str
    acl: Acl
    version: int = ANY_VERSION


@dataclass(frozen=True, slots=True)
class Check:
    """Succeeds if a node has a version; allowed only within a multi."""

    path: str
    version: int = ANY_VERSION


@dataclass(frozen=True, slots=True)
class Multi:
    """Several writes, of which all take place or none."""

    parts: tuple[Create | Delete | SetData | Check, ...]


@dataclass(frozen=True, slots=True)
class CreateSession:
    """Begins a session; only the server itself makes this request."""

    timeout: int


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Ends the caller's session, and deletes its ephemeral nodes.

    Attributes:
        order: its nodes, in the order in which the leader happens to delete them; None for the order of their
            paths. In ZooKeeper it is the order of the leader's hash table, the same on all servers.
    """

    order: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Exists:
    """Asks for a node's Stat."""

    path: str
    watch: bool = False


@dataclass(frozen=True, slots=True)
class GetData:
    """Asks for a node's data and Stat."""

    path: str
    watch: bool = False


@dataclass(frozen=True, slots=True)
class GetChildren:
    """Asks for the names of a node's children, and for its Stat if `with_stat` (getChildren2)."""

    path: str
    watch: bool = False
    with_stat: bool = False


@dataclass(frozen=True, slots=True)
class GetAcl:
    """Asks for a node's access control list and Stat."""

    path: str


@dataclass(frozen=True, slots=True)
class MultiRead:
    """Several reads, all answered from the tree at one moment."""

    parts: tuple[GetData | GetChildren, ...]


@dataclass(frozen=True, slots=True)
class GetEphemerals:
    """Asks for the paths of the caller's own ephemeral nodes that start with a prefix."""

    prefix: str = "/"


@dataclass(frozen=True, slots=True)
class GetAllChildrenNumber:
    """Asks how many nodes are below a node."""

    path: str


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """Asks for the caller's identities."""


Write = Create | Delete | DeleteContainer | SetData | SetAcl | Check | Multi | CreateSession | CloseSession
Read = Exists | GetData | GetChildren | GetAcl | MultiRead | GetEphemerals | GetAllChildrenNumber | WhoAmI
Request = Write | Read


@dataclass(frozen=True, slots=True)
class Caller:
    """The client that makes a request.

    Attributes:
        session: its id; 0 for the server itself.
        ids: its identities, that of its address among them.
        is_expired: True if its session has expired, or is closing.
        is_local: True if its session is local to one server, and may not own nodes.
    """

    session: int = 0
    ids: tuple[Id, ...] = ()
    is_expired: bool = False
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """How a server is configured, and how releases differ.

    Attributes:
        has_ttl: True if nodes may have a time to live (`zookeeper.extendedTypesEnabled`).
        enforces_quotas: True if hard limits are enforced (`zookeeper.enforceQuota`).
        ignores_acls: True if access control lists are ignored (`zookeeper.skipACL`).
        exists_needs_read: True if `exists` needs the permission to read: since 3.8.4 and 3.9.2
            (ZOOKEEPER-2590).
    """

    has_ttl: bool = True
    enforces_quotas: bool = False
    ignores_acls: bool = False
    exists_needs_read: bool = True


LATEST = Rules()
RELEASE_3_8 = Rules(exists_needs_read=False)
