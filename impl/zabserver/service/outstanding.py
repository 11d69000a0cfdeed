"""The tree as it will be: what transactions that are prepared and not yet applied make of its nodes.

For each node that one of them touches there is a shadow, with all that later checks and the digest need. It
goes when the last of them that touched it is applied.

ZooKeeper: PrepRequestProcessor.ChangeRecord, ZooKeeperServer.outstandingChanges.
"""

from __future__ import annotations

from collections import deque
from zlib import crc32

from zabserver.service.node import DIGESTED, Acl, Node, is_session
from zabserver.service.tree import DIGEST_MASK, Tree, is_digested
from zabserver.service.txns import CreateTxn
from zabserver.wire.protocol import Err, Refused


class Shadow:
    """A node as it will be; `zxid` is that of the last transaction that changes it, 0 if none does yet."""

    __slots__ = (
        "acl",
        "aversion",
        "child_count",
        "ctime",
        "cversion",
        "czxid",
        "data",
        "digest",
        "exists",
        "mtime",
        "mzxid",
        "owner",
        "pzxid",
        "version",
        "zxid",
    )

    data: bytes | None
    acl: Acl
    czxid: int
    mzxid: int
    ctime: int
    mtime: int
    version: int
    cversion: int
    aversion: int
    owner: int
    pzxid: int
    child_count: int
    exists: bool
    zxid: int
    digest: int

    def copy(self) -> Shadow:
        """One to be changed: another, or itself if nobody else has it."""
        if not self.zxid:
            return self
        other = Shadow()
        other.data = self.data
        other.acl = self.acl
        other.czxid = self.czxid
        other.mzxid = self.mzxid
        other.ctime = self.ctime
        other.mtime = self.mtime
        other.version = self.version
        other.cversion = self.cversion
        other.aversion = self.aversion
        other.owner = self.owner
        other.pzxid = self.pzxid
        other.child_count = self.child_count
        other.exists = self.exists
        other.zxid = self.zxid
        other.digest = self.digest
        return other


def shadow_of(node: Node, path: bytes) -> Shadow:
    """The shadow of a node that nothing outstanding touches."""
    shadow = Shadow()
    shadow.data = node.data
    shadow.acl = node.acl
    shadow.czxid = node.czxid
    shadow.mzxid = node.mzxid
    shadow.ctime = node.ctime
    shadow.mtime = node.mtime
    shadow.version = node.version
    shadow.cversion = node.cversion
    shadow.aversion = node.aversion
    shadow.owner = node.owner
    shadow.pzxid = node.pzxid
    shadow.child_count = len(node.children)
    shadow.exists = True
    shadow.zxid = 0
    if node.crc is None:
        node.crc = node.digest(path) if is_digested(path) else 0
    shadow.digest = node.crc
    return shadow


class Outstanding:
    """What is prepared and not yet applied.

    Attributes:
        digest: of the tree with all of it applied.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.digest = tree.measured_digest() if tree.digest is None else tree.digest
        self._shadows: dict[bytes, Shadow] = {}
        self._changes: deque[tuple[int, bytes, Shadow | None]] = deque()  # zxid, path, what was there before

    def get(self, path: bytes) -> Shadow | None:
        """A node as it will be; None if there will be none."""
        shadow = self._shadows.get(path)
        if shadow is not None:
            return shadow if shadow.exists else None
        node = self.tree.nodes.get(path)
        return None if node is None else shadow_of(node, path)

    def find(self, path: bytes) -> Shadow:
        """A node as it will be.

        Raises:
            Refused: NO_NODE, there will be none.
        """
        shadow = self.get(path)
        if shadow is None:
            raise Refused(Err.NO_NODE)
        return shadow

    def mark(self) -> tuple[int, int]:
        """Where we are, for `undo`."""
        return len(self._changes), self.digest

    def undo(self, mark: tuple[int, int]) -> None:
        """Takes back all changes since a mark."""
        length, self.digest = mark
        while len(self._changes) > length:
            _, path, before = self._changes.pop()
            if before is None:
                del self._shadows[path]
            else:
                self._shadows[path] = before

    def on_create(
        self, txn: CreateTxn, owner: int, parent_path: bytes, parent: Shadow, zxid: int, time: int
    ) -> None:
        """A node will be created."""
        node = Shadow()
        node.data = txn.data
        node.acl = txn.acl
        node.czxid = node.mzxid = node.pzxid = zxid
        node.ctime = node.mtime = time
        node.version = node.cversion = node.aversion = 0
        node.owner = owner
        node.child_count = 0
        node.exists = True
        node.digest = 0
        self._put(txn.path, node, zxid)
        changed = parent.copy()
        changed.child_count += 1
        if txn.parent_cversion > parent.cversion:
            changed.cversion = txn.parent_cversion
            changed.pzxid = zxid
        self._put(parent_path, changed, zxid)

    def on_delete(self, path: bytes, node: Shadow, parent_path: bytes, parent: Shadow, zxid: int) -> None:
        """A node will be deleted."""
        gone = node.copy()
        gone.exists = False
        self._put(path, gone, zxid)
        changed = parent.copy()
        changed.child_count -= 1
        changed.pzxid = max(parent.pzxid, zxid)
        self._put(parent_path, changed, zxid)

    def on_set_data(
        self, path: bytes, node: Shadow, data: bytes | None, version: int, zxid: int, time: int
    ) -> None:
        """A node will get data."""
        changed = node.copy()
        changed.data = data
        changed.version = version
        changed.mzxid = zxid
        changed.mtime = time
        self._put(path, changed, zxid)

    def on_set_acl(self, path: bytes, node: Shadow, acl: Acl, version: int, zxid: int) -> None:
        """A node will get an access control list."""
        changed = node.copy()
        changed.acl = acl
        changed.aversion = version
        self._put(path, changed, zxid)

    def ephemerals_of(self, session: int) -> list[bytes]:
        """The paths of the nodes that a session will own, in the order of their creation."""
        paths = dict.fromkeys(self.tree.ephemerals.get(session, ()))
        if self._shadows and is_session(session):
            for path, shadow in self._shadows.items():
                if shadow.owner == session:
                    if shadow.exists:
                        paths[path] = None
                    else:
                        paths.pop(path, None)
        return list(paths)

    def on_applied(self, zxid: int) -> None:
        """All up to a zxid is applied: the tree has it now."""
        changes, shadows, nodes = self._changes, self._shadows, self.tree.nodes
        while changes and changes[0][0] <= zxid:
            _, path, _ = changes.popleft()
            shadow = shadows.get(path)
            if shadow is not None and shadow.zxid <= zxid:
                del shadows[path]
                node = nodes.get(path)
                if node is not None:
                    node.crc = shadow.digest

    def _put(self, path: bytes, shadow: Shadow, zxid: int) -> None:
        shadow.zxid = zxid
        if is_digested(path):
            digest = _digest(path, shadow) if shadow.exists else 0
            self.digest = (self.digest + digest - shadow.digest) & DIGEST_MASK
            shadow.digest = digest
        shadows = self._shadows
        self._changes.append((zxid, path, shadows.get(path)))
        shadows[path] = shadow


def _digest(path: bytes, shadow: Shadow) -> int:
    """As `Node.digest`."""
    stat = DIGESTED.pack(
        shadow.czxid,
        shadow.mzxid,
        shadow.pzxid,
        shadow.ctime,
        shadow.mtime,
        shadow.version,
        shadow.cversion,
        shadow.aversion,
        shadow.owner,
    )
    return crc32(stat, crc32(shadow.data or b"", crc32(b"" if path == b"/" else path)))
