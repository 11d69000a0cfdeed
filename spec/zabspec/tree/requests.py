"""What a client may ask of the tree, one class for each operation.

Writes become transactions (`zabspec.tree.prepare`), reads are answered from the tree as it is
(`zabspec.tree.read`). Watches that reads leave are in `zabspec.watches`.

ZooKeeper: zookeeper.jute, org.apache.zookeeper.proto; ZooDefs.OpCode; CreateMode.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from zabspec.tree.state import OPEN, Acl, Id

ANY_VERSION = -1
"""Asks for no version in particular."""


class Op(IntEnum):
    """The operations that create nodes; their checks are the same, their replies are not."""

    CREATE = 1
    CREATE2 = 15
    CREATE_CONTAINER = 19
    CREATE_TTL = 21


class Flag(IntEnum):
    """What kind of node is to be created. ZooKeeper: CreateMode."""

    PERSISTENT = 0
    EPHEMERAL = 1
    SEQUENTIAL = 2
    EPHEMERAL_SEQUENTIAL = 3
    CONTAINER = 4
    TTL = 5
    TTL_SEQUENTIAL = 6


@dataclass(frozen=True, slots=True)
class Create:
    """Creates a node; a sequential one gets the number of children ever created under its parent.

    Attributes:
        flag: a `Flag`, or another number, which is refused.
        ttl: in milliseconds, of CREATE_TTL.
        op: by which operation.
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
    """Deletes a container, or a node whose time to live is over; the server asks it of itself."""

    path: str


@dataclass(frozen=True, slots=True)
class SetData:
    """Gives a node data."""

    path: str
    data: bytes | None
    version: int = ANY_VERSION


@dataclass(frozen=True, slots=True)
class SetAcl:
    """Gives a node an access control list."""

    path: str
    acl: Acl
    version: int = ANY_VERSION


@dataclass(frozen=True, slots=True)
class Check:
    """Succeeds if a node has a version; only within a multi."""

    path: str
    version: int = ANY_VERSION


@dataclass(frozen=True, slots=True)
class Multi:
    """Several writes, all or none."""

    parts: tuple[Create | Delete | SetData | Check, ...]


@dataclass(frozen=True, slots=True)
class CreateSession:
    """Begins a session; the server asks it of itself."""

    timeout: int


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Ends the caller's session, and its nodes with it.

    Attributes:
        order: its nodes, in the order in which the leader happens to delete them; None for that of their
            paths. It is a hash table's order there, and the same on all servers.
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
    """Several reads of one moment."""

    parts: tuple[GetData | GetChildren, ...]


@dataclass(frozen=True, slots=True)
class GetEphemerals:
    """Asks for the paths of the caller's own ephemeral nodes that begin so."""

    prefix: str = "/"


@dataclass(frozen=True, slots=True)
class GetAllChildrenNumber:
    """Asks how many nodes are below one."""

    path: str


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """Asks for the caller's identities."""


Write = Create | Delete | DeleteContainer | SetData | SetAcl | Check | Multi | CreateSession | CloseSession
Read = Exists | GetData | GetChildren | GetAcl | MultiRead | GetEphemerals | GetAllChildrenNumber | WhoAmI
Request = Write | Read


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        session: its id; 0 for the server itself.
        ids: its identities, that of its address among them.
        is_expired: whether its session is over, or about to be.
        is_local: whether its session is known to one server only, and may not own nodes.
    """

    session: int = 0
    ids: tuple[Id, ...] = ()
    is_expired: bool = False
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """How a server is set up, and in what releases differ.

    Attributes:
        has_ttl: whether nodes may have a time to live (`zookeeper.extendedTypesEnabled`).
        enforces_quotas: whether hard limits are kept (`zookeeper.enforceQuota`).
        ignores_acls: whether access control lists are (`zookeeper.skipACL`).
        exists_needs_read: whether `exists` asks for the permission to read: since 3.8.4 and 3.9.2
            (ZOOKEEPER-2590).
    """

    has_ttl: bool = True
    enforces_quotas: bool = False
    ignores_acls: bool = False
    exists_needs_read: bool = True


LATEST = Rules()
RELEASE_3_8 = Rules(exists_needs_read=False)
