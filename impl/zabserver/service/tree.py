"""The tree of znodes, and how transactions are applied to it.

Transactions are idempotent, since they may be applied again after a fuzzy snapshot: creating a node that
exists only updates its parent's counters, and deleting one that does not exist is not an error.

ZooKeeper: DataTree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from zabserver.service import quotas
from zabserver.service.node import (
    CONTAINER,
    OPEN,
    READ_ONLY,
    Node,
    is_session,
    name_of,
    parent_of,
    ttl_of,
    ttl_owner,
)
from zabserver.service.paths import has_place
from zabserver.service.txns import (
    CheckTxn,
    CloseSessionTxn,
    CreateSessionTxn,
    CreateTxn,
    DeleteTxn,
    ErrorTxn,
    MultiTxn,
    Record,
    SetAclTxn,
    SetDataTxn,
    Txn,
)
from zabserver.service.watches import Watches
from zabserver.wire.protocol import Err, Op

CONFIG = b"/zookeeper/config"
RECONFIG = Op.RECONFIG
UNDELETABLE = frozenset({b"/", b"/zookeeper", quotas.ROOT, CONFIG})
"""The nodes that exist from the start."""
DIGEST_MASK = (1 << 64) - 1
UNDIGESTED = b"/zookeeper/"
"""The beginning of the paths of nodes that do not count in the digest."""


@dataclass(slots=True)
class Outcome:
    """The outcome of a transaction: an error, or what a reply may contain.

    Attributes:
        op: the type of the transaction.
        error: the error code; 0 if there is none.
        path: the path of the node.
        stat: its encoded Stat.
        parts: the outcomes of the parts of a multi.
        data: the data that a reconfiguration set.
    """

    op: int
    error: int = 0
    path: bytes = b""
    stat: bytes = b""
    parts: list[Outcome] | None = None
    data: bytes | None = None


class Tree:
    """All znodes.

    Args:
        watches: the watches to trigger.

    Attributes:
        nodes: the nodes by path; the root is "/".
        ephemerals: the paths of each session's nodes, in order of creation.
        containers, ttls: the paths of the nodes that the server may delete on its own.
        limits: the quotas.
        zxid: the zxid of the last transaction applied, or of the snapshot.
        digest: the digest in the last transaction; None if that had none. See `measured_digest`.
        data_size: the size of all paths and data, in bytes.
    """

    def __init__(self, watches: Watches | None = None) -> None:
        self.watches = watches or Watches()
        self.nodes: dict[bytes, Node] = {}
        self.ephemerals: dict[int, dict[bytes, None]] = {}
        self.containers: dict[bytes, None] = {}
        self.ttls: dict[bytes, None] = {}
        self.limits = quotas.Limits()
        self.zxid = 0
        self.digest: int | None = None
        self.data_size = 0
        for path in (b"/", b"/zookeeper", CONFIG, quotas.ROOT):
            node = Node(b"", READ_ONLY if path == CONFIG else OPEN, 0, 0, 0)
            if path == CONFIG:
                node.aversion = -1
            self._put(path, node)

    def _put(self, path: bytes, node: Node) -> None:
        self.nodes[path] = node
        if path != b"/":
            self.nodes[parent_of(path)].children.add(name_of(path))
        self.data_size += len(path) + len(node.data or b"")

    def restore(self, nodes: Iterable[tuple[bytes, Node]]) -> None:
        """Replaces all nodes by those of a snapshot, each after its parent.

        Raises:
            ValueError: a path is invalid, occurs twice or precedes its parent, or there is no root.
        """
        self.nodes.clear()
        self.ephemerals.clear()
        self.containers.clear()
        self.ttls.clear()
        self.digest = None
        self.data_size = 0
        for path, node in nodes:
            if not has_place(path) or path in self.nodes:
                raise ValueError(f"{path!r} is not a valid path, or occurs twice")
            if path != b"/" and parent_of(path) not in self.nodes:
                raise ValueError(f"{path!r} precedes its parent")
            self._put(path, node)
            self._index(path, node.owner)
        if not self.nodes:
            raise ValueError("the root node is missing")
        self.limits = quotas.load(self.nodes)

    def _index(self, path: bytes, owner: int) -> None:
        if owner == 0:
            return
        if owner == CONTAINER:
            self.containers[path] = None
        elif ttl_of(owner) is not None:
            self.ttls[path] = None
        else:
            self.ephemerals.setdefault(owner, {})[path] = None

    def apply(self, record: Record) -> Outcome:
        """Applies a transaction and triggers watches.

        Args:
            record: a transaction with a later zxid than all before, or one that was applied already.

        Returns:
            The outcome, for the reply.
        """
        txn = record.txn
        done = self._apply(txn, record)
        if record.zxid > self.zxid:
            self.zxid = record.zxid
        if record.digest is not None:
            self.digest = record.digest
        elif type(txn) is not ErrorTxn:
            self.digest = None
        return done

    def _apply(self, txn: Txn, record: Record) -> Outcome:
        if isinstance(txn, SetDataTxn):  # the most frequent first; `match` would be slower
            return self._set_data(txn, record)
        if isinstance(txn, CreateTxn):
            return self._create(txn, record)
        if isinstance(txn, DeleteTxn):
            return Outcome(txn.op, 0 if self._delete(txn.path, record.zxid) else Err.NO_NODE)
        match txn:
            case SetAclTxn():
                return self._set_acl(txn)
            case MultiTxn(op, parts):
                return Outcome(op, parts=self._apply_all(parts, record))
            case ErrorTxn(op, code):
                return Outcome(op, code)
            case CloseSessionTxn(op, paths):
                self._close_session(record.session, paths, record.zxid)
                return Outcome(op)
            case CheckTxn(op) | CreateSessionTxn(op):
                return Outcome(op)

    def _apply_all(self, parts: Sequence[Txn], record: Record) -> list[Outcome]:
        """Applies all parts of a multi, or none if one was refused.

        Apache logs the parts before the refused one as transactions; they are not applied.
        """
        if not any(type(part) is ErrorTxn for part in parts):
            return [self._apply(part, record) for part in parts]
        codes, code = [], int(Err.OK)
        for part in parts:
            if type(part) is ErrorTxn:
                codes.append(part.code)
                code = Err.RUNTIME_INCONSISTENCY
            else:
                codes.append(code)
        return [Outcome(Op.ERROR, each) for each in codes]

    def _create(self, txn: CreateTxn, record: Record) -> Outcome:
        path, zxid = txn.path, record.zxid
        parent_path = parent_of(path)
        parent = self.nodes.get(parent_path)
        if parent is None:
            return Outcome(txn.op, Err.NO_NODE)
        cversion = parent.cversion + 1 if txn.parent_cversion == -1 else txn.parent_cversion
        if cversion > parent.cversion:
            parent.cversion, parent.pzxid, parent.crc = cversion, zxid, None
        if path in self.nodes:
            return Outcome(txn.op, Err.NODE_EXISTS)
        owner = owner_of(txn, record.session)
        node = self.nodes[path] = Node(txn.data, txn.acl, zxid, record.time, owner)
        parent.children.add(name_of(path))
        if owner:
            self._index(path, owner)
        size = len(node.data or b"")
        self.data_size += len(path) + size
        self.limits.on_created(self.nodes, path, size)
        self.watches.on_created(path, node.acl, parent_path, parent.acl, zxid)
        return Outcome(txn.op, 0, path, b"" if txn.op == Op.CREATE else node.stat())

    def _delete(self, path: bytes, zxid: int) -> bool:
        node = self.nodes.get(path)
        if node is None:
            return False
        if node.children:
            self._delete_below(path, zxid)
        parent_path = parent_of(path)
        parent = self.nodes[parent_path]
        del self.nodes[path]
        size = len(node.data or b"")
        self.data_size -= len(path) + size
        parent.children.discard(name_of(path))
        if zxid > parent.pzxid:
            parent.pzxid = zxid
        parent.crc = None
        if node.owner:
            self._unindex(path, node.owner)
        self.limits.on_deleted(self.nodes, path, size)
        self.watches.on_deleted(path, node.acl, parent_path, parent.acl, zxid)
        return True

    def _delete_below(self, path: bytes, zxid: int) -> None:
        """Deletes the descendants of a node that is deleted.

        There are some only in a tree from a fuzzy snapshot, if the node was deleted, created again and given
        children while the snapshot was written. They are created again when the log is replayed further.
        """
        todo, found = [path], []
        while todo:
            above = todo.pop()
            below = [above + b"/" + name for name in sorted(self.nodes[above].children)]
            found += below
            todo += below
        for each in reversed(found):
            self._delete(each, zxid)

    def _unindex(self, path: bytes, owner: int) -> None:
        if is_session(owner):
            paths = self.ephemerals.get(owner)
            if paths is not None:
                paths.pop(path, None)
                if not paths:
                    del self.ephemerals[owner]
        self.containers.pop(path, None)
        self.ttls.pop(path, None)

    def _set_data(self, txn: SetDataTxn, record: Record) -> Outcome:
        path = txn.path
        node = self.nodes.get(path)
        if node is None:
            return Outcome(txn.op, Err.NO_NODE)
        size = len(txn.data or b"") - len(node.data or b"")
        node.data = txn.data
        node.mzxid = record.zxid
        node.mtime = record.time
        node.version = txn.version
        node.crc = None
        self.data_size += size
        if self.limits.paths:
            self.limits.on_changed(self.nodes, path, size)
        self.watches.on_changed(path, node.acl, record.zxid)
        return Outcome(txn.op, 0, path, node.stat(), data=txn.data if txn.op == RECONFIG else None)

    def _set_acl(self, txn: SetAclTxn) -> Outcome:
        node = self.nodes.get(txn.path)
        if node is None:
            return Outcome(txn.op, Err.NO_NODE)
        node.acl = txn.acl
        node.aversion = txn.version
        node.crc = None
        return Outcome(txn.op, 0, txn.path, node.stat())

    def _close_session(self, session: int, paths: Iterable[bytes] | None, zxid: int) -> None:
        """Deletes the listed nodes of a session in that order, and any others that it still owns here."""
        for path in paths or ():
            self._delete(path, zxid)
        for path in list(self.ephemerals.get(session, ())):
            self._delete(path, zxid)

    def measured_digest(self) -> int:
        """Returns the sum of the digests of all nodes modulo 2^64, computed from scratch."""
        return sum(node.digest(path) for path, node in self.nodes.items() if is_digested(path)) & DIGEST_MASK

    @property
    def count(self) -> int:
        """The number of nodes."""
        return len(self.nodes)


def owner_of(txn: CreateTxn, session: int) -> int:
    """Returns the owner of the node that a transaction creates."""
    if txn.op == Op.CREATE_CONTAINER:
        return CONTAINER
    if txn.op == Op.CREATE_TTL:
        return ttl_owner(txn.ttl)
    return session if txn.ephemeral else 0


def is_digested(path: bytes) -> bool:
    """True if a node counts in the tree's digest."""
    return not path.startswith(UNDIGESTED)
