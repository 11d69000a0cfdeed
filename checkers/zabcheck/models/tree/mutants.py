"""The tree with one mistake put in, and the property that catches it.

A mistake is the spec's own `prepare` or `apply` with a change in what goes in or what comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from zabcheck.models.mutant import FunctionMutant
from zabcheck.models.tree.model import Functions
from zabspec import tree
from zabspec.tree import Applied, Caller, Error, Rules, Tree, Txn, Write
from zabspec.tree.replies import Failed
from zabspec.tree.requests import Create, Delete, Multi, SetAcl, SetData
from zabspec.tree.state import Node, node_at, parent_of, with_node
from zabspec.tree.txns import (
    CloseSessionTxn,
    CreateTxn,
    DeleteTxn,
    ErrorTxn,
    MultiTxn,
    SetAclTxn,
    SetDataTxn,
)
from zabspec.watches.state import EventType, Manager, Trigger


def changed(before: Tree, path: str, **fields: object) -> Tree:
    """Returns a tree with something changed in a node, if the node exists."""
    node = node_at(before, path)
    return before if node is None else with_node(before, path, replace(node, **fields))  # type: ignore[arg-type]


def at(before: Tree, path: str) -> Node:
    """Returns the node at a path, or a new one."""
    return node_at(before, path) or Node()


# Mistakes of the leader.


def prepare_deletes_parents(before: Tree, request: Write, caller: Caller, rules: Rules) -> Txn:
    """A node with children is deleted."""
    txn = tree.prepare(before, request, caller, rules)
    is_kept = isinstance(request, Delete) and txn == ErrorTxn(Error.NOT_EMPTY)
    return DeleteTxn(request.path) if is_kept and isinstance(request, Delete) else txn


def prepare_deletes_reserved(before: Tree, request: Write, caller: Caller, rules: Rules) -> Txn:
    """A node that ZooKeeper itself needs is deleted."""
    if isinstance(request, Delete) and request.path == "/zookeeper/quota":
        return DeleteTxn(request.path)
    return tree.prepare(before, request, caller, rules)


def prepare_below_ephemerals(before: Tree, request: Write, caller: Caller, rules: Rules) -> Txn:
    """An ephemeral node gets a child."""
    txn = tree.prepare(before, request, caller, rules)
    if isinstance(request, Create) and txn == ErrorTxn(Error.NO_CHILDREN_FOR_EPHEMERALS):
        return CreateTxn(request.op, request.path, request.data, request.acl, 0, 1)
    return txn


def prepare_counts_children(before: Tree, request: Write, caller: Caller, rules: Rules) -> Txn:
    """A sequential node is numbered by how many children there are."""
    if isinstance(request, Create) and request.path == "/a/":
        count = len(tree.state.children_of(before, "/a"))
        less = changed(before, "/a", cversion=count)
        txn = tree.prepare(less, request, caller, rules)
        if isinstance(txn, CreateTxn):
            return replace(txn, parent_cversion=at(before, "/a").cversion + 1)
    return tree.prepare(before, request, caller, rules)


def prepare_forgets_a_version(before: Tree, request: Write, caller: Caller, rules: Rules) -> Txn:
    """Data get the version that the client expected."""
    txn = tree.prepare(before, request, caller, rules)
    if isinstance(txn, SetDataTxn) and isinstance(request, SetData):
        return replace(txn, version=max(request.version, 0))
    return txn


def prepare_forgets_an_aversion(before: Tree, request: Write, caller: Caller, rules: Rules) -> Txn:
    """An ACL gets the version of the data."""
    txn = tree.prepare(before, request, caller, rules)
    if isinstance(txn, SetAclTxn) and isinstance(request, SetAcl):
        return replace(txn, version=at(before, request.path).version)
    return txn


def prepare_keeps_first_parts(before: Tree, request: Write, caller: Caller, rules: Rules) -> Txn:
    """The parts of a multi before the one that is refused are done."""
    txn = tree.prepare(before, request, caller, rules)
    if not isinstance(request, Multi) or not isinstance(txn, MultiTxn):
        return txn
    good = [each for each in txn.parts if isinstance(each, ErrorTxn) and each.error == Error.OK]
    first = tree.prepare(before, Multi(request.parts[: len(good)]), caller, rules)
    if good and isinstance(first, MultiTxn):
        return MultiTxn((*first.parts, *txn.parts[len(good) :]))
    return txn


def prepare_leaves_one_behind(before: Tree, request: Write, caller: Caller, rules: Rules) -> Txn:
    """Another session than the closed one loses its ephemeral nodes."""
    txn = tree.prepare(before, request, caller, rules)
    return replace(txn, session=0, paths=txn.paths[1:]) if isinstance(txn, CloseSessionTxn) else txn


# Mistakes of every server.


def apply_with_deletions_counted(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """A deletion counts like a creation in the parent's cversion."""
    done = tree.apply(before, zxid, time, txn)
    if not isinstance(txn, DeleteTxn) or isinstance(done.reply, Failed):
        return done
    parent = parent_of(txn.path)
    return replace(done, tree=changed(done.tree, parent, cversion=at(done.tree, parent).cversion + 1))


def apply_without_pzxid(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """A deletion leaves the parent's pzxid unchanged."""
    done = tree.apply(before, zxid, time, txn)
    if not isinstance(txn, DeleteTxn):
        return done
    parent = parent_of(txn.path)
    return replace(done, tree=changed(done.tree, parent, pzxid=at(before, parent).pzxid))


def apply_with_list_as_data(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """A change of the ACL counts as a change of the data."""
    done = tree.apply(before, zxid, time, txn)
    if isinstance(txn, SetAclTxn) and not isinstance(done.reply, Failed):
        return replace(done, tree=changed(done.tree, txn.path, mzxid=zxid, mtime=time))
    return done


def apply_with_creation_again(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """Setting data sets the creation's zxid and time."""
    done = tree.apply(before, zxid, time, txn)
    return (
        replace(done, tree=changed(done.tree, txn.path, czxid=zxid)) if isinstance(txn, SetDataTxn) else done
    )


def apply_one_zxid_ahead(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """Data get the zxid of the next transaction."""
    done = tree.apply(before, zxid, time, txn)
    return (
        replace(done, tree=changed(done.tree, txn.path, mzxid=zxid + 1))
        if isinstance(txn, SetDataTxn)
        else done
    )


def apply_without_counting(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """A parent does not count its children."""
    return tree.apply(
        before, zxid, time, replace(txn, parent_cversion=0) if isinstance(txn, CreateTxn) else txn
    )


def apply_with_refusals_told(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """Watches fire for a transaction that is refused."""
    done = tree.apply(before, zxid, time, txn)
    if isinstance(txn, ErrorTxn):
        return replace(done, triggers=(Trigger(EventType.DATA_CHANGED, "/a", Manager.DATA),))
    return done


def apply_without_telling_the_deleted(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """A deletion fires no watch of the node."""
    done = tree.apply(before, zxid, time, txn)
    return replace(done, triggers=tuple(each for each in done.triggers if each.type != EventType.DELETED))


def apply_parent_first(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """The parent's watches fire before the node's."""
    done = tree.apply(before, zxid, time, txn)
    return replace(done, triggers=done.triggers[::-1]) if isinstance(txn, CreateTxn) else done


# Mistakes that only a fuzzy snapshot shows.


def replay_without_gone_children(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """The replayed deletion of a missing node leaves the parent's pzxid behind (ZOOKEEPER-3125)."""
    if isinstance(txn, DeleteTxn) and node_at(before, txn.path) is None:
        return Applied(before, Failed(Error.NO_NODE))
    return tree.apply(before, zxid, time, txn)


def replay_with_pzxid_going_back(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """A replayed deletion sets the parent's pzxid even if that is later."""
    done = tree.apply(before, zxid, time, txn)
    if isinstance(txn, DeleteTxn):
        return replace(done, tree=changed(done.tree, parent_of(txn.path), pzxid=zxid))
    return done


def replay_with_increments(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """A transaction says to add one to a version, and not which version to set."""
    if isinstance(txn, SetDataTxn):
        txn = replace(txn, version=at(before, txn.path).version + 1)
    return tree.apply(before, zxid, time, txn)


def replay_of_close_by_owner(before: Tree, zxid: int, time: int, txn: Txn) -> Applied:
    """The end of a session does not name the nodes: each server deletes those that it has
    (ZOOKEEPER-3145).
    """
    return tree.apply(before, zxid, time, replace(txn, paths=()) if isinstance(txn, CloseSessionTxn) else txn)


def _mutant(
    function: Callable[..., Txn] | Callable[..., Applied], caught_by: str
) -> FunctionMutant[Functions]:
    name = function.__name__
    kind = name.partition("_")[0]
    functions = {
        "prepare": lambda: Functions(prepare=function),  # type: ignore[arg-type]
        "apply": lambda: Functions(apply=function),  # type: ignore[arg-type]
        "replay": lambda: Functions(replayed=function),  # type: ignore[arg-type]
    }[kind]()
    return FunctionMutant(name.replace("_", "-"), (function.__doc__ or "").strip(), caught_by, functions)


MUTANTS = (
    _mutant(prepare_deletes_parents, "parents_are_there"),
    _mutant(prepare_deletes_reserved, "reserved_nodes_stay"),
    _mutant(prepare_below_ephemerals, "ephemerals_have_no_children"),
    _mutant(apply_one_zxid_ahead, "zxids_are_of_the_past"),
    _mutant(apply_without_counting, "children_were_created"),
    _mutant(apply_with_refusals_told, "refused_request_changes_nothing"),
    _mutant(prepare_keeps_first_parts, "multi_is_all_or_nothing"),
    _mutant(apply_with_deletions_counted, "cversion_counts_creations"),
    _mutant(apply_without_pzxid, "pzxid_is_of_the_last_change_of_children"),
    _mutant(apply_with_list_as_data, "mzxid_is_of_the_last_change_of_data"),
    _mutant(apply_with_creation_again, "czxid_is_of_the_creation"),
    _mutant(prepare_forgets_a_version, "version_counts_changes_of_data"),
    _mutant(prepare_forgets_an_aversion, "aversion_counts_changes_of_acl"),
    _mutant(prepare_counts_children, "sequence_number_is_how_many_were_created"),
    _mutant(prepare_leaves_one_behind, "session_leaves_nothing"),
    _mutant(apply_without_telling_the_deleted, "what_comes_and_goes_is_called"),
    _mutant(apply_parent_first, "parent_is_called_after_the_child"),
    _mutant(replay_without_gone_children, "restored_tree_is_the_same"),
    _mutant(replay_with_pzxid_going_back, "restored_tree_is_the_same"),
    _mutant(replay_with_increments, "restored_tree_is_the_same"),
    _mutant(replay_of_close_by_owner, "restored_tree_is_the_same"),
)
