"""The tree as it will be once all outstanding transactions, prepared and not yet applied, are applied.

Each node that one of them touches has a `Shadow` with all that later checks and the digest need, until the
last transaction that touched the node is applied.

ZooKeeper: PrepRequestProcessor.ChangeRecord, ZooKeeperServer.outstandingChanges.
"""

from __future__ import annotations

from collections import deque
from zlib import crc32

from zabserver.service.node import DIGESTED, Acl, Node, is_session
from zabserver.service.tree import DIGEST_MASK, UNDIGESTED, Tree
from zabserver.service.txns import CreateTxn
from zabserver.wire.protocol import Err, Refused


class Shadow:
    """A node as it will be; attributes not listed are those of `Node`.

    Attributes:
        exists: False if the node will be deleted.
        child_count: the number of its children.
        zxid: the zxid of the last outstanding transaction that changes it; 0 if none does yet.
        digest: its contribution to the tree's digest.
        named: the part of that contribution that depends on path and data; None if it is not computed.
    """

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
        "named",
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
    named: int | None

    def copy(self) -> Shadow:
        """Returns a copy."""
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
        other.named = self.named
        return other


def shadow_of(node: Node, path: bytes) -> Shadow:
    """Returns the shadow of a node that no outstanding transaction touches."""
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
        node.crc = 0 if path.startswith(UNDIGESTED) else node.digest(path)
    shadow.digest = node.crc
    shadow.named = None
    return shadow


class Outstanding:
    """The changes of the transactions that are prepared and not yet applied.

    Args:
        tree: the tree to which they will be applied.

    Attributes:
        digest: the digest of the tree once all of them are applied.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.digest = tree.measured_digest() if tree.digest is None else tree.digest
        self._shadows: dict[bytes, Shadow] = {}
        self._changes: deque[tuple[int, bytes]] = deque()  # zxid, path
        self._before: list[tuple[bytes, Shadow | None]] | None = None  # replaced shadows, to be undone
        self._digest_before = self.digest

    def get(self, path: bytes) -> Shadow | None:
        """Returns a node as it will be; None if it will not exist."""
        shadow = self._shadows.get(path)
        if shadow is not None:
            return shadow if shadow.exists else None
        node = self.tree.nodes.get(path)
        return None if node is None else shadow_of(node, path)

    def find(self, path: bytes) -> Shadow:
        """Returns a node as it will be.

        Raises:
            Refused: NO_NODE, it will not exist.
        """
        shadow = self._shadows.get(path)
        if shadow is None:
            node = self.tree.nodes.get(path)
            if node is None:
                raise Refused(Err.NO_NODE)
            return shadow_of(node, path)
        if not shadow.exists:
            raise Refused(Err.NO_NODE)
        return shadow

    def begin(self) -> None:
        """Begins a multi, whose changes are kept or undone together."""
        self._before = []
        self._digest_before = self.digest

    def keep(self) -> None:
        """Keeps the changes since `begin`."""
        self._before = None

    def undo(self) -> None:
        """Undoes the changes since `begin`."""
        before, self._before = self._before, None
        assert before is not None, "undo without begin"
        self.digest = self._digest_before
        for path, shadow in reversed(before):
            self._changes.pop()
            if shadow is None:
                del self._shadows[path]
            else:
                self._shadows[path] = shadow

    def _copied(self, shadow: Shadow) -> Shadow:
        """Returns a shadow that may be changed: a copy if an undo may need the original."""
        return shadow.copy() if self._before is not None and shadow.zxid else shadow

    def on_create(
        self, txn: CreateTxn, owner: int, parent_path: bytes, parent: Shadow, zxid: int, time: int
    ) -> None:
        """Records that a node will be created."""
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
        node.named = None
        self._put(txn.path, node, zxid)
        changed = self._copied(parent)
        changed.child_count += 1
        if txn.parent_cversion > parent.cversion:
            changed.cversion = txn.parent_cversion
            changed.pzxid = zxid
        self._put(parent_path, changed, zxid)

    def on_delete(self, path: bytes, node: Shadow, parent_path: bytes, parent: Shadow, zxid: int) -> None:
        """Records that a node will be deleted."""
        gone = self._copied(node)
        gone.exists = False
        self._put(path, gone, zxid)
        changed = self._copied(parent)
        changed.child_count -= 1
        changed.pzxid = zxid
        self._put(parent_path, changed, zxid)

    def on_set_data(
        self, path: bytes, node: Shadow, data: bytes | None, version: int, zxid: int, time: int
    ) -> None:
        """Records that a node's data will be set."""
        changed = self._copied(node)
        changed.data = data
        changed.named = None
        changed.version = version
        changed.mzxid = zxid
        changed.mtime = time
        self._put(path, changed, zxid)

    def on_set_acl(self, path: bytes, node: Shadow, acl: Acl, version: int, zxid: int) -> None:
        """Records that a node's access control list will be set."""
        changed = self._copied(node)
        changed.acl = acl
        changed.aversion = version
        self._put(path, changed, zxid)

    def ephemerals_of(self, session: int) -> list[bytes]:
        """Returns the paths of a session's ephemeral nodes as they will be, in order of creation."""
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
        """Drops the shadows that no transaction after a zxid needs: the tree has those changes now."""
        changes, shadows, nodes = self._changes, self._shadows, self.tree.nodes
        if not changes or changes[-1][0] <= zxid:  # all: nearly always so on a standalone server
            for path, shadow in shadows.items():
                node = nodes.get(path)
                if node is not None:
                    node.crc = shadow.digest
            changes.clear()
            shadows.clear()
            return
        while changes[0][0] <= zxid:
            _, path = changes.popleft()
            last = shadows.get(path)
            if last is not None and last.zxid <= zxid:
                del shadows[path]
                node = nodes.get(path)
                if node is not None:
                    node.crc = last.digest

    def _put(self, path: bytes, shadow: Shadow, zxid: int) -> None:
        shadow.zxid = zxid
        if not path.startswith(UNDIGESTED):
            digest = _digest(path, shadow) if shadow.exists else 0
            self.digest = (self.digest + digest - shadow.digest) & DIGEST_MASK
            shadow.digest = digest
        self._changes.append((zxid, path))
        if self._before is not None:
            self._before.append((path, self._shadows.get(path)))
        self._shadows[path] = shadow


def _digest(path: bytes, shadow: Shadow) -> int:
    """Returns a shadow's contribution to the digest, as `Node.digest` does for a node."""
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
    named = shadow.named
    if named is None:
        named = shadow.named = crc32(shadow.data or b"", crc32(b"" if path == b"/" else path))
    return crc32(stat, named)
