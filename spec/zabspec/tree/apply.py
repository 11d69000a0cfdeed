"""Transactions, applied: what becomes of the tree, what is answered, and which watches are triggered.

Every server applies the same transactions in the same order. A transaction may come twice, after a snapshot
that was taken while it was applied. So a parent's numbers only rise, and creating a node that is there, or
deleting one that is gone, does no harm.

ZooKeeper: DataTree.processTxn, createNode, deleteNode, setData, setACL; FinalRequestProcessor.
"""

from __future__ import annotations

from dataclasses import dataclass

from zabspec.parts import replace
from zabspec.tree.errors import Error
from zabspec.tree.quotas import FOLDER, LIMITS, STATS, charged, measured
from zabspec.tree.replies import Changed, Created, Done, Failed, Parts, Reply
from zabspec.tree.requests import Op
from zabspec.tree.state import (
    Acl,
    Node,
    Tree,
    ephemerals_of,
    node_at,
    parent_of,
    stat_of,
    with_node,
    without_node,
)
from zabspec.tree.txns import (
    CheckTxn,
    CloseSessionTxn,
    CreateSessionTxn,
    CreateTxn,
    DeleteTxn,
    ErrorTxn,
    MultiTxn,
    SetAclTxn,
    SetDataTxn,
    Txn,
)
from zabspec.watches.state import EventType, Manager, Trigger


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome of a transaction.

    Attributes:
        tree: after it.
        reply: to the client that made the request.
        triggers: the calls of watch managers, in order.
        guards: for each trigger, the access control list of the node that its event is about, which decides
            who may be told.
    """

    tree: Tree
    reply: Reply
    triggers: tuple[Trigger, ...] = ()
    guards: tuple[Acl, ...] = ()


def apply(tree: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """Returns the outcome of a transaction.

    Args:
        tree: before it.
        zxid: of the transaction.
        time: when the leader prepared it, in milliseconds since 1970.
        txn: the transaction.
    """
    match txn:
        case CreateTxn():
            return created(tree, zxid, time, txn)
        case DeleteTxn(path):
            return deleted(tree, zxid, path)
        case SetDataTxn():
            return data_set(tree, zxid, time, txn)
        case SetAclTxn():
            return acl_set(tree, txn)
        case MultiTxn(parts):
            return all_applied(tree, zxid, time, parts)
        case CloseSessionTxn(session, paths):
            return session_closed(tree, zxid, session, paths)
        case ErrorTxn(error):
            return Applied(tree, Failed(error))
        case CheckTxn() | CreateSessionTxn():
            return Applied(tree, Done())


def created(tree: Tree, zxid: int, time: int, txn: CreateTxn) -> Applied:
    """Returns the outcome of creating a node, whose parent counts it.

    If the node is there already, its parent's numbers are updated all the same (ZOOKEEPER-3125).

    ZooKeeper: DataTree.createNode.
    """
    parent_path = parent_of(txn.path)
    parent = node_at(tree, parent_path)
    if parent is None:
        return Applied(tree, Failed(Error.NO_NODE))
    if txn.parent_cversion > parent.cversion:
        tree = with_node(tree, parent_path, replace(parent, cversion=txn.parent_cversion, pzxid=zxid))
    if node_at(tree, txn.path) is not None:
        return Applied(tree, Failed(Error.NODE_EXISTS))
    node = Node(
        data=txn.data,
        acl=txn.acl,
        czxid=zxid,
        mzxid=zxid,
        pzxid=zxid,
        ctime=time,
        mtime=time,
        owner=txn.owner,
        is_container=txn.op == Op.CREATE_CONTAINER,
        ttl=txn.ttl,
    )
    tree = with_quota_node(with_node(tree, txn.path, node), txn.path)
    tree = charged(tree, txn.path, 1, len(txn.data or b""))
    reply = Created(txn.path, None if txn.op == Op.CREATE else stat_of(tree, txn.path))
    triggers = (
        Trigger(EventType.CREATED, txn.path, Manager.DATA),
        Trigger(EventType.CHILDREN_CHANGED, parent_path, Manager.CHILD),
    )
    return Applied(tree, reply, triggers, (txn.acl, parent.acl))


def with_quota_node(tree: Tree, path: str) -> Tree:
    """Returns the tree with a subtree's usage counted, if the node just created is the one that holds it."""
    is_stats = path.startswith(FOLDER) and path.endswith(STATS)
    subtree = path[len(FOLDER) : -len(STATS)] if is_stats else ""
    has_limits = is_stats and node_at(tree, FOLDER + subtree + LIMITS) is not None
    return measured(tree, subtree) if has_limits else tree


def deleted(tree: Tree, zxid: int, path: str) -> Applied:
    """Returns the outcome of deleting a node: its parent's pzxid rises, its parent's cversion does not.

    If the node is gone already, its parent's pzxid is updated all the same (ZOOKEEPER-3125).

    ZooKeeper: DataTree.deleteNode.
    """
    node = node_at(tree, path)
    parent_path = parent_of(path)
    parent = node_at(tree, parent_path)
    if parent is None:
        return Applied(tree, Failed(Error.NO_NODE))
    tree = with_node(tree, parent_path, replace(parent, pzxid=max(parent.pzxid, zxid)))
    if node is None:
        return Applied(tree, Failed(Error.NO_NODE))
    tree = charged(without_node(tree, path), path, -1, -len(node.data or b""))
    triggers = (
        Trigger(EventType.DELETED, path, Manager.DATA),
        Trigger(EventType.DELETED, path, Manager.CHILD),
        Trigger(EventType.CHILDREN_CHANGED, parent_path, Manager.CHILD),
    )
    return Applied(tree, Done(), triggers, (node.acl, node.acl, parent.acl))


def data_set(tree: Tree, zxid: int, time: int, txn: SetDataTxn) -> Applied:
    """Returns the outcome of replacing a node's data. ZooKeeper: DataTree.setData."""
    node = node_at(tree, txn.path)
    if node is None:
        return Applied(tree, Failed(Error.NO_NODE))
    changed = replace(node, data=txn.data, mzxid=zxid, mtime=time, version=txn.version)
    tree = charged(
        with_node(tree, txn.path, changed), txn.path, 0, len(txn.data or b"") - len(node.data or b"")
    )
    trigger = Trigger(EventType.DATA_CHANGED, txn.path, Manager.DATA)
    return Applied(tree, Changed(stat_of(tree, txn.path)), (trigger,), (node.acl,))


def acl_set(tree: Tree, txn: SetAclTxn) -> Applied:
    """Returns the outcome of replacing a node's list; mzxid and mtime stay, no watch fires.

    ZooKeeper: DataTree.setACL.
    """
    node = node_at(tree, txn.path)
    if node is None:
        return Applied(tree, Failed(Error.NO_NODE))
    tree = with_node(tree, txn.path, replace(node, acl=txn.acl, aversion=txn.version))
    return Applied(tree, Changed(stat_of(tree, txn.path)))


def all_applied(tree: Tree, zxid: int, time: int, parts: tuple[Txn, ...]) -> Applied:
    """Returns the outcome of the parts of a multi: one zxid, one moment, the triggers of each part in order.

    ZooKeeper: processTxn (multi).
    """
    replies: list[Reply] = []
    triggers: tuple[Trigger, ...] = ()
    guards: tuple[Acl, ...] = ()
    for part in parts:
        done = apply(tree, zxid, time, part)
        tree = done.tree
        replies.append(done.reply)
        triggers += done.triggers
        guards += done.guards
    return Applied(tree, Parts(tuple(replies)), triggers, guards)


def session_closed(tree: Tree, zxid: int, session: int, paths: tuple[str, ...]) -> Applied:
    """Returns the outcome of closing a session: its nodes are deleted, all with one zxid.

    First those listed, in that order, then what the session still has here.

    ZooKeeper: DataTree.killSession.
    """
    left = tuple(path for path in ephemerals_of(tree, session) if path not in paths)
    triggers: tuple[Trigger, ...] = ()
    guards: tuple[Acl, ...] = ()
    for path in (*paths, *left):
        done = deleted(tree, zxid, path)
        tree = done.tree
        triggers += done.triggers
        guards += done.guards
    return Applied(tree, Done(), triggers, guards)
