"""Requests that read, answered from the tree of the server that the client is connected to, as it is.

ZooKeeper: FinalRequestProcessor.
"""

from __future__ import annotations

from zabspec.parts import replace
from zabspec.tree.acl import is_allowed, shown
from zabspec.tree.errors import Error
from zabspec.tree.replies import (
    AclFound,
    Changed,
    Children,
    Data,
    Failed,
    Identities,
    Number,
    Parts,
    Paths,
    Reply,
)
from zabspec.tree.requests import (
    LATEST,
    Caller,
    Exists,
    GetAcl,
    GetAllChildrenNumber,
    GetChildren,
    GetData,
    GetEphemerals,
    MultiRead,
    Read,
    Rules,
    WhoAmI,
)
from zabspec.tree.state import (
    Perm,
    Tree,
    children_of,
    descendants_of,
    ephemerals_of,
    node_at,
    stat_of,
)


def answer(tree: Tree, request: Read, caller: Caller, rules: Rules = LATEST) -> Reply:
    """Returns the reply to a request that reads.

    Args:
        tree: of the server that is asked.
        request: the request.
        caller: the client that makes it.
        rules: how the server is configured.
    """
    match request:
        case MultiRead(parts):
            return Parts(tuple(answer(tree, part, caller, rules) for part in parts))
        case GetEphemerals(prefix):
            own, start = ephemerals_of(tree, caller.session), prefix if prefix.strip() else ""
            return Paths(tuple(path for path in own if path.startswith(start)))
        case WhoAmI():
            return Identities(
                tuple(sorted(replace(each, id=_user(each.scheme, each.id)) for each in caller.ids))
            )
        case Exists(path):
            return found(tree, path, caller, rules)
        case _:
            return answer_about_node(tree, request, caller, rules)


def found(tree: Tree, path: str, caller: Caller, rules: Rules) -> Reply:
    """Returns the reply to `exists`."""
    if "\0" in path:
        return Failed(Error.BAD_ARGUMENTS)
    node = node_at(tree, path)
    if node is None:
        return Failed(Error.NO_NODE)
    if rules.exists_needs_read and not rules.ignores_acls and not is_allowed(node.acl, Perm.READ, caller.ids):
        return Failed(Error.NO_AUTH)
    return Changed(stat_of(tree, path))


def answer_about_node(
    tree: Tree, request: GetData | GetChildren | GetAcl | GetAllChildrenNumber, caller: Caller, rules: Rules
) -> Reply:
    """Returns the reply to a request about a node that must exist and that the caller must be allowed to
    read.

    A caller who may change an access control list may also read it. For an invalid path, the reply is that
    there is no such node.
    """
    node = node_at(tree, request.path)
    if node is None:
        return Failed(Error.NO_NODE)
    wanted = Perm.READ | Perm.ADMIN if isinstance(request, GetAcl) else Perm.READ
    if not rules.ignores_acls and not is_allowed(node.acl, wanted, caller.ids):
        return Failed(Error.NO_AUTH)
    path = request.path
    match request:
        case GetData():
            return Data(node.data, stat_of(tree, path))
        case GetChildren(with_stat=with_stat):
            return Children(children_of(tree, path), stat_of(tree, path) if with_stat else None)
        case GetAcl():
            acl = node.acl if rules.ignores_acls else shown(node.acl, caller.ids)
            return AclFound(acl, stat_of(tree, path))
        case GetAllChildrenNumber():
            # With the empty path, the root counts as being below itself.
            return Number(sum(1 for _ in descendants_of(tree, path)) + (path == ""))


def leaves_watch(request: Read, reply: Reply) -> bool:
    """True if a read leaves the watch that it asked for: it succeeds, or `exists` finds no node.

    ZooKeeper: FinalRequestProcessor; DataTree.statNode, getData, getChildren.
    """
    match request:
        case Exists(watch=watch):
            return watch and (reply == Failed(Error.NO_NODE) or not isinstance(reply, Failed))
        case GetData(watch=watch) | GetChildren(watch=watch):
            return watch and not isinstance(reply, Failed)
    return False


def _user(scheme: str, identity: str) -> str:
    return identity.partition(":")[0] if scheme == "digest" else identity
