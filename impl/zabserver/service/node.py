"""A znode in memory, its Stat, and its contribution to the tree's digest.

ZooKeeper: DataNode, DigestCalculator, EphemeralType.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple
from zlib import crc32

STAT = Struct(">qqqqiiiqiiq")
"""Clients' Stat: czxid mzxid ctime mtime version cversion aversion owner dataLength numChildren pzxid."""
PERSISTED = Struct(">qqqqiiiqq")
"""The stat in a snapshot: czxid mzxid ctime mtime version cversion aversion owner pzxid."""
DIGESTED = Struct(">qqqqqiiiq")
"""The stat in the digest: czxid mzxid pzxid ctime mtime version cversion aversion owner."""

DIGEST_VERSION = 2
"""The version of the digest that `Node.digest` computes (ZooKeeper: DigestCalculator.DIGEST_VERSION)."""

CONTAINER = -(1 << 63)
"""The owner of a container node. No session has this id."""
TTL_MARK = -(1 << 56)
"""The owner of a node with a time to live is this number, with the milliseconds in its lowest 5 bytes."""
TTL_MAX = (1 << 40) - 1


class Ace(NamedTuple):
    """One entry of an access control list: permissions for an id of a scheme."""

    perms: int
    scheme: bytes
    id: bytes


Acl = tuple[Ace, ...]

OPEN: Acl = (Ace(31, b"world", b"anyone"),)
"""The list that grants everyone all permissions."""
READ_ONLY: Acl = (Ace(1, b"world", b"anyone"),)


class Node:
    """One znode. `cversion` counts the children ever created; the Stat for clients has another number.

    Attributes:
        data: the data; None if it is null.
        acl: the access control list.
        czxid, mzxid, pzxid: the zxids of the creation, of the last change of the data and of the children.
        ctime, mtime: the times of the creation and of the last change of the data, milliseconds since 1970.
        version, cversion, aversion: how often data, children and access control list have changed.
        owner: the session of an ephemeral node; `CONTAINER` or a `ttl_owner`; 0 for others.
        children: the names of the children.
        crc: the contribution to the tree's digest; None if the node has changed since that was computed.
    """

    __slots__ = (
        "acl",
        "aversion",
        "children",
        "crc",
        "ctime",
        "cversion",
        "czxid",
        "data",
        "mtime",
        "mzxid",
        "owner",
        "pzxid",
        "version",
    )

    def __init__(self, data: bytes | None, acl: Acl, zxid: int, time: int, owner: int) -> None:
        self.data = data
        self.acl = acl
        self.czxid = self.mzxid = self.pzxid = zxid
        self.ctime = self.mtime = time
        self.version = self.cversion = self.aversion = 0
        self.owner = owner
        self.children: set[bytes] = set()
        self.crc: int | None = None

    def stat(self) -> bytes:
        """Returns the Stat for clients, 68 bytes."""
        data, owner = self.data, self.owner
        count = len(self.children)
        return STAT.pack(
            self.czxid,
            self.mzxid,
            self.ctime,
            self.mtime,
            self.version,
            2 * self.cversion - count,
            self.aversion,
            owner if owner and is_session(owner) else 0,
            0 if data is None else len(data),
            count,
            self.pzxid,
        )

    def persisted(self) -> bytes:
        """Returns the stat for a snapshot, 60 bytes."""
        return PERSISTED.pack(
            self.czxid,
            self.mzxid,
            self.ctime,
            self.mtime,
            self.version,
            self.cversion,
            self.aversion,
            self.owner,
            self.pzxid,
        )

    def digest(self, path: bytes) -> int:
        """Returns the contribution to the tree's digest; the root's path counts as empty."""
        stat = DIGESTED.pack(
            self.czxid,
            self.mzxid,
            self.pzxid,
            self.ctime,
            self.mtime,
            self.version,
            self.cversion,
            self.aversion,
            self.owner,
        )
        return crc32(stat, crc32(self.data or b"", crc32(b"" if path == b"/" else path)))


def is_session(owner: int) -> bool:
    """True if the owner of a node is a session: the node is ephemeral."""
    return owner not in (0, CONTAINER) and owner >> 56 != -1


def ttl_owner(milliseconds: int) -> int:
    """Returns the owner of a node with a time to live."""
    return TTL_MARK | milliseconds


def ttl_of(owner: int) -> int | None:
    """Returns the time to live that an owner encodes, in milliseconds; None if it encodes none."""
    return owner & TTL_MAX if owner >> 56 == -1 else None


def parent_of(path: bytes) -> bytes:
    """Returns the path of a node's parent."""
    return path[: path.rindex(b"/")] or b"/"


def name_of(path: bytes) -> bytes:
    """Returns the last component of a path."""
    return path[path.rindex(b"/") + 1 :]
