"""A znode as it is held in memory, its Stat, and its share of the tree's digest.

ZooKeeper: DataNode, DigestCalculator, EphemeralType.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple
from zlib import crc32

STAT = Struct(">qqqqiiiqiiq")
"""What clients get: czxid mzxid ctime mtime version cversion aversion owner dataLength numChildren pzxid."""
PERSISTED = Struct(">qqqqiiiqq")
"""What a snapshot holds: czxid mzxid ctime mtime version cversion aversion owner pzxid."""
DIGESTED = Struct(">qqqqqiiiq")
"""What the digest is of: czxid mzxid pzxid ctime mtime version cversion aversion owner."""

DIGEST_VERSION = 2
"""The version of the digest that `Node.digest` computes (ZooKeeper: DigestCalculator.DIGEST_VERSION)."""

CONTAINER = -(1 << 63)
"""The owner of a container node."""
TTL_MARK = -(1 << 56)
"""The owner of a node with a time to live is this with the milliseconds in its lowest 5 bytes."""
TTL_MAX = (1 << 40) - 1


class Ace(NamedTuple):
    """One entry of an access control list: permissions for an id of a scheme."""

    perms: int
    scheme: bytes
    id: bytes


Acl = tuple[Ace, ...]

OPEN: Acl = (Ace(31, b"world", b"anyone"),)
"""Everyone may do everything."""
READ_ONLY: Acl = (Ace(1, b"world", b"anyone"),)


class Node:
    """One znode. `cversion` counts the children ever created; clients are shown another number.

    Attributes:
        data: its bytes, None if it was created with null.
        acl: its access control list.
        czxid, mzxid, pzxid: of its creation, of the last change of its data, of its set of children.
        ctime, mtime: of the first two, in milliseconds since 1970.
        owner: the session of an ephemeral node, 0, or a mark (`CONTAINER`, `ttl_owner`).
        children: the names of its children.
        crc: its share of the tree's digest; None if it was changed since that was worked out.
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
        """The Stat that clients get, 68 bytes."""
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
        """The stat as a snapshot holds it, 60 bytes."""
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
        """Its share of the tree's digest; the path of the root is empty there."""
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
    """Whether the owner of a node is a session: it is ephemeral in the ordinary sense."""
    return owner not in (0, CONTAINER) and owner >> 56 != -1


def ttl_owner(milliseconds: int) -> int:
    """The owner of a node with a time to live."""
    return TTL_MARK | milliseconds


def ttl_of(owner: int) -> int | None:
    """The time to live that an owner stands for, in milliseconds; None if it stands for none."""
    return owner & TTL_MAX if owner >> 56 == -1 else None


def parent_of(path: bytes) -> bytes:
    """The path of a node's parent."""
    return path[: path.rindex(b"/")] or b"/"


def name_of(path: bytes) -> bytes:
    """The last part of a path."""
    return path[path.rindex(b"/") + 1 :]
