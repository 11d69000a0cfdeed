"""What clients rely on of the tree, each property with the sentence that it comes from.

They are about what can be seen of a transaction: the tree before and after it, the reply, and the watches
triggered. The triggers show how often a number must have risen, and the nodes created, deleted or changed
show which triggers there must have been, so that none of the three can be wrong alone.

ZooKeeper: "ZooKeeper Programmer's Guide", Data Model and Stat Structure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from zabspec.tree.errors import Error
from zabspec.tree.replies import Created, Failed, Parts, Reply
from zabspec.tree.requests import CloseSession, Create, Flag, SetAcl, Write
from zabspec.tree.state import RESERVED, Node, Tree, children_of, initial, node_at, parent_of
from zabspec.watches.state import EventType, Manager, Trigger

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Written:
    """A request that writes, made into a transaction and applied.

    Attributes:
        before: the tree before it.
        session: the session that made the request.
        request: the request.
        zxid: of the transaction.
        time: of the transaction, in milliseconds.
        after: the tree after it.
        reply: the reply.
        triggers: the calls of watch managers, in order.
    """

    before: Tree
    session: int
    request: Write
    zxid: int
    time: int
    after: Tree
    reply: Reply
    triggers: tuple[Trigger, ...]


# Properties of the tree after a transaction.


def parents_are_there(written: Written) -> bool:
    """The parent of every node but the root exists."""
    paths = written.after.paths
    return all(parent_of(path) in paths for path in paths if path != "/")


def reserved_nodes_stay(written: Written) -> bool:
    """The root and the nodes that ZooKeeper keeps for itself cannot be deleted."""
    return set(RESERVED) <= set(written.after.paths)


def ephemerals_have_no_children(written: Written) -> bool:
    """Ephemeral nodes are not allowed to have children."""
    pairs = zip(written.after.paths, written.after.nodes, strict=True)
    return not any(node.owner and children_of(written.after, path) for path, node in pairs)


def zxids_are_of_the_past(written: Written) -> bool:
    """No zxid in a Stat is later than the last transaction, or earlier than the node's creation."""
    return all(
        node.czxid <= node.mzxid <= written.zxid and node.czxid <= node.pzxid <= written.zxid
        for node in written.after.nodes
    )


def children_were_created(written: Written) -> bool:
    """A node has no more children than were ever created under it."""
    return all(
        len(children_of(written.after, path)) - len(children_of(initial(), path)) <= node.cversion
        for path, node in zip(written.after.paths, written.after.nodes, strict=True)
    )


# Properties of a transaction.


def refused_request_changes_nothing(written: Written) -> bool:
    """A request that fails leaves the tree as it was and triggers no watch."""
    is_refused = isinstance(written.reply, Failed) or bool(failures(written.reply))
    return not is_refused or (written.after == written.before and not written.triggers)


def multi_is_all_or_nothing(written: Written) -> bool:
    """Either all parts of a multi succeed or all fail; those before the part that is refused fail with OK."""
    if not isinstance(written.reply, Parts) or not failures(written.reply):
        return True
    codes = [int(each.error) for each in failures(written.reply)]
    wrong = next((at for at, code in enumerate(codes) if code), len(codes))
    return len(codes) == len(written.reply.parts) > wrong and all(code == -2 for code in codes[wrong + 1 :])


def cversion_counts_creations(written: Written) -> bool:
    """A parent's cversion rises by one for each child created, whatever is deleted."""
    return all(
        after.cversion - before == creations_below(written, path)
        for path, after, before in with_earlier(written, lambda node: node.cversion)
    )


def pzxid_is_of_the_last_change_of_children(written: Written) -> bool:
    """The pzxid is the zxid of the transaction that last created or deleted a child of this node."""
    return all(
        after.pzxid == (written.zxid if is_new(written, path) or children_changed(written, path) else before)
        for path, after, before in with_earlier(written, lambda node: node.pzxid)
    )


def mzxid_is_of_the_last_change_of_data(written: Written) -> bool:
    """The mzxid is the zxid of the transaction that last modified this node's data, and mtime its time."""
    for path, after, before in with_earlier(written, lambda node: (node.mzxid, node.mtime)):
        is_due = is_new(written, path) or called(written, EventType.DATA_CHANGED, path)
        if (after.mzxid, after.mtime) != ((written.zxid, written.time) if is_due else before):
            return False
    return True


def czxid_is_of_the_creation(written: Written) -> bool:
    """The czxid is the zxid of the transaction that created this node, and ctime its time."""
    for path, after, before in with_earlier(written, lambda node: (node.czxid, node.ctime)):
        if (after.czxid, after.ctime) != ((written.zxid, written.time) if is_new(written, path) else before):
            return False
    return True


def version_counts_changes_of_data(written: Written) -> bool:
    """The version is the number of changes to the data of this node."""
    return all(
        after.version - before == called(written, EventType.DATA_CHANGED, path)
        for path, after, before in with_earlier(written, lambda node: node.version)
    )


def aversion_counts_changes_of_acl(written: Written) -> bool:
    """The aversion is the number of changes to the ACL of this node."""
    request = written.request
    set_ = request.path if isinstance(request, SetAcl) and not isinstance(written.reply, Failed) else None
    return all(
        after.aversion - before == (path == set_ and not is_new(written, path))
        for path, after, before in with_earlier(written, lambda node: node.aversion)
        if path not in RESERVED or path == "/"
    )


def sequence_number_is_how_many_were_created(written: Written) -> bool:
    """The counter appended is unique to the parent: it counts the children ever created under it."""
    request, reply = written.request, written.reply
    sequential = (Flag.SEQUENTIAL, Flag.EPHEMERAL_SEQUENTIAL, Flag.TTL_SEQUENTIAL)
    if not isinstance(request, Create) or not isinstance(reply, Created) or request.flag not in sequential:
        return True
    parent = node_at(written.before, parent_of(request.path))
    return parent is not None and reply.path == request.path + str(parent.cversion).zfill(10)


def session_leaves_nothing(written: Written) -> bool:
    """When a session ends, the znodes that it owns are deleted, and no others."""
    if not isinstance(written.request, CloseSession):
        return True
    pairs = zip(written.before.paths, written.before.nodes, strict=True)
    return written.after.paths == tuple(path for path, node in pairs if node.owner != written.session)


def what_comes_and_goes_is_called(written: Written) -> bool:
    """Watches of a node are triggered when it is created or deleted or its data is changed, and only then."""
    before, after = written.before, written.after
    for path in sorted({*before.paths, *after.paths, *(each.path for each in written.triggers)}):
        old, new = node_at(before, path), node_at(after, path)
        came = called(written, EventType.CREATED, path)
        if came - called(written, EventType.DELETED, path) != (new is not None) - (old is not None):
            return False
        is_other = old is not None and new is not None and old.data != new.data
        if is_other and not came and not called(written, EventType.DATA_CHANGED, path):
            return False
    return True


def parent_is_called_after_the_child(written: Written) -> bool:
    """Watches of a node are triggered before the child watches of its parent.

    If the node is deleted, its own child watches are triggered between the two.
    """
    calls: list[Trigger] = []
    for each in written.triggers:
        if each.manager == Manager.DATA:
            calls += (Trigger(each.type, each.path, Manager.DATA),)
            if each.type == EventType.DELETED:
                calls += (Trigger(each.type, each.path, Manager.CHILD),)
            if each.type != EventType.DATA_CHANGED:
                calls += (Trigger(EventType.CHILDREN_CHANGED, parent_of(each.path), Manager.CHILD),)
    return written.triggers == tuple(calls)


# Properties of a whole history.


@dataclass(frozen=True, slots=True)
class Restored:
    """A server has started from a snapshot that was taken while transactions were applied.

    Attributes:
        tree: the snapshot, with all transactions since its beginning applied to it, some of them again.
        expected: the tree of a server that has never stopped.
    """

    tree: Tree
    expected: Tree


def restored_tree_is_the_same(restored: Restored) -> bool:
    """Transactions are idempotent: some may be in a fuzzy snapshot already, and applying them again does no
    harm.
    """
    return restored.tree == restored.expected


EVERY_WRITE: tuple[Callable[[Written], bool], ...] = (
    parents_are_there,
    reserved_nodes_stay,
    ephemerals_have_no_children,
    zxids_are_of_the_past,
    children_were_created,
    refused_request_changes_nothing,
    multi_is_all_or_nothing,
    cversion_counts_creations,
    pzxid_is_of_the_last_change_of_children,
    mzxid_is_of_the_last_change_of_data,
    czxid_is_of_the_creation,
    version_counts_changes_of_data,
    aversion_counts_changes_of_acl,
    sequence_number_is_how_many_were_created,
    session_leaves_nothing,
    what_comes_and_goes_is_called,
    parent_is_called_after_the_child,
)


# Situations that a model of the tree must reach.


def multi_is_refused(written: Written) -> bool:
    """A multi fails at a part that is not the first."""
    failed = failures(written.reply)
    return bool(failed) and failed[0].error == Error.OK


def session_leaves_two(written: Written) -> bool:
    """Two ephemeral nodes are deleted at once."""
    is_close = isinstance(written.request, CloseSession)
    return is_close and len(written.before.paths) - len(written.after.paths) == 2


def number_is_left_out(written: Written) -> bool:
    """A sequential node's number is higher than the number of its siblings."""
    reply = written.reply
    if not isinstance(written.request, Create) or not isinstance(reply, Created):
        return False
    number = reply.path[-10:]
    return number.isdecimal() and int(number) > len(children_of(written.before, parent_of(reply.path)))


def node_comes_again(written: Written) -> bool:
    """A node is deleted and created again within one multi."""
    return any(
        called(written, EventType.DELETED, path) and called(written, EventType.CREATED, path)
        for path in written.after.paths
    )


SOMETIMES: tuple[Callable[[Written], bool], ...] = (
    multi_is_refused,
    session_leaves_two,
    number_is_left_out,
    node_comes_again,
)


# Shared by the predicates above.


def failures(reply: Reply) -> tuple[Failed, ...]:
    """Returns the parts of a multi that have failed."""
    return tuple(each for each in reply.parts if isinstance(each, Failed)) if isinstance(reply, Parts) else ()


def called(written: Written, event: EventType, path: str) -> int:
    """Returns how often a node's data watches were triggered for an event, since the node was last
    created.
    """
    count = 0
    for each in written.triggers:
        if each.path == path and each.manager == Manager.DATA:
            is_from_here = each.type == EventType.CREATED and event == EventType.DATA_CHANGED
            count = 0 if is_from_here else count + (each.type == event)
    return count


def creations_below(written: Written, path: str) -> int:
    """Returns how many children of a node were created, since the node was last created itself."""
    count = 0
    for each in written.triggers:
        if each.type == EventType.CREATED:
            count = 0 if each.path == path else count + (parent_of(each.path) == path)
    return count


def children_changed(written: Written, path: str) -> bool:
    """True if children of a node were created or deleted."""
    return any(each.type == EventType.CHILDREN_CHANGED and each.path == path for each in written.triggers)


def is_new(written: Written, path: str) -> bool:
    """True if the transaction created a node."""
    return called(written, EventType.CREATED, path) > 0


def with_earlier(written: Written, number: Callable[[Node], Value]) -> tuple[tuple[str, Node, Value], ...]:
    """Returns each node that exists, with a number that it had before.

    For a new node, this is the number that every node starts with.
    """
    found = []
    for path, after in zip(written.after.paths, written.after.nodes, strict=True):
        old = None if is_new(written, path) else node_at(written.before, path)
        found.append((path, after, number(old or Node())))
    return tuple(found)
