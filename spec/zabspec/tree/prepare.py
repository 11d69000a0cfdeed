"""Requests that write, made into transactions by the leader: every check, in ZooKeeper's order.

The tree is as it will be once everything that was prepared before is applied; ZooKeeper keeps the difference
in its outstanding changes. The first check that fails decides. A refusal becomes a transaction too.

ZooKeeper: PrepRequestProcessor.
"""

from __future__ import annotations

from zabspec.parts import replace
from zabspec.tree.acl import is_allowed, stored
from zabspec.tree.apply import apply
from zabspec.tree.errors import Error
from zabspec.tree.paths import has_shape, is_valid
from zabspec.tree.quotas import is_exceeded
from zabspec.tree.requests import (
    ANY_VERSION,
    LATEST,
    Caller,
    Check,
    CloseSession,
    Create,
    CreateSession,
    Delete,
    DeleteContainer,
    Flag,
    Multi,
    Op,
    Rules,
    SetAcl,
    SetData,
    Write,
)
from zabspec.tree.state import RESERVED, Acl, Node, Perm, Tree, children_of, ephemerals_of, node_at, parent_of
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

MOST_VERSION = 2**31 - 1
LONGEST_TTL = 2**40 - 1
"""In milliseconds."""
SEQUENTIAL = (Flag.SEQUENTIAL, Flag.EPHEMERAL_SEQUENTIAL, Flag.TTL_SEQUENTIAL)
EPHEMERAL = (Flag.EPHEMERAL, Flag.EPHEMERAL_SEQUENTIAL)
WITH_TTL = (Flag.TTL, Flag.TTL_SEQUENTIAL)


def prepare(tree: Tree, request: Write, caller: Caller, rules: Rules = LATEST) -> Txn:
    """Returns the transaction that a request becomes.

    Args:
        tree: with everything applied that was prepared before.
        request: the request.
        caller: the client that makes it.
        rules: how the server is configured.
    """
    match request:
        case CreateSession(timeout):
            return CreateSessionTxn(timeout)
        case CloseSession(order):
            return prepared_close(tree, caller.session, order)
        case DeleteContainer(path):
            return prepared_delete_container(tree, path)
        case Multi(parts):
            return prepared_multi(tree, parts, caller, rules)
        case Create():
            return prepared_create(tree, request, caller, rules)
    return prepared_change(tree, request, caller, rules)


def prepared_change(
    tree: Tree, request: Delete | SetData | SetAcl | Check, caller: Caller, rules: Rules
) -> DeleteTxn | SetDataTxn | SetAclTxn | CheckTxn | ErrorTxn:
    """Returns the transaction of a request that changes or checks one node; it first checks the session."""
    if caller.is_expired:
        return ErrorTxn(Error.SESSION_EXPIRED)
    match request:
        case Delete():
            return prepared_delete(tree, request, caller, rules)
        case SetData():
            return prepared_set_data(tree, request, caller, rules)
        case SetAcl():
            return prepared_set_acl(tree, request, caller, rules)
        case Check():
            return prepared_check(tree, request, caller, rules)


def prepared_close(tree: Tree, session: int, order: tuple[str, ...] | None) -> CloseSessionTxn:
    """Returns the transaction that ends a session, with the nodes that it owns.

    ZooKeeper: pRequest2Txn (closeSession).
    """
    paths = ephemerals_of(tree, session)
    assert order is None or tuple(sorted(order)) == paths
    return CloseSessionTxn(session, paths if order is None else order)


def prepared_multi(
    tree: Tree, parts: tuple[Create | Delete | SetData | Check, ...], caller: Caller, rules: Rules
) -> MultiTxn | ErrorTxn:
    """Returns a transaction with all parts of a multi, each prepared on top of those before.

    If a part is refused, the transaction has an error for each part: the parts before the refused one have no
    error of their own, those after it have another. The session is checked by the parts, so a multi without
    parts passes. A part whose flag gives a node a time to live, with an operation that gives it none, cannot
    be read, and neither can the multi.

    ZooKeeper: PrepRequestProcessor.pRequest (multi), rollbackPendingChanges, pRequest2TxnCreate.
    """
    done: list[CreateTxn | DeleteTxn | SetDataTxn | CheckTxn | ErrorTxn] = []
    for part in parts:
        if isinstance(part, Create) and part.flag in WITH_TTL and part.op != Op.CREATE_TTL:
            return ErrorTxn(Error.MARSHALLING_ERROR)
        txn = prepare(tree, as_in_multi(part), caller, rules)
        assert isinstance(txn, CreateTxn | DeleteTxn | SetDataTxn | CheckTxn | ErrorTxn)
        if isinstance(txn, ErrorTxn):
            after = [Error.RUNTIME_INCONSISTENCY] * (len(parts) - len(done) - 1)
            return MultiTxn(tuple(ErrorTxn(each) for each in (*[Error.OK] * len(done), txn.error, *after)))
        tree = apply(tree, 0, 0, txn).tree  # no check depends on zxid and time
        done.append(txn)
    return MultiTxn(tuple(done))


def as_in_multi(part: Create | Delete | SetData | Check) -> Create | Delete | SetData | Check:
    """Returns a part of a multi as it is read there: its flag alone decides which operation creates a node.

    So an operation that asks for the Stat of the new node does not get it.

    ZooKeeper: MultiOperationRecord.deserialize, Op.Create.getOpcode.
    """
    if not isinstance(part, Create):
        return part
    if part.flag in WITH_TTL:
        return replace(part, op=Op.CREATE_TTL)
    return replace(part, op=Op.CREATE_CONTAINER if part.flag == Flag.CONTAINER else Op.CREATE)


def prepared_create(tree: Tree, request: Create, caller: Caller, rules: Rules) -> CreateTxn | ErrorTxn:
    """Returns the transaction that creates a node, or the error that refuses it.

    ZooKeeper: PrepRequestProcessor.pRequest2TxnCreate.
    """
    refused = refused_kind(request, caller, rules) or refused_parent(tree, request, caller, rules)
    if refused:
        return ErrorTxn(refused)
    acl, parent = stored(request.acl, caller.ids), node_at(tree, parent_of(request.path))
    assert acl is not None
    assert parent is not None
    path = request.path + (f"{parent.cversion:010d}" if request.flag in SEQUENTIAL else "")
    refused = refused_child(tree, path, parent, len(request.data or b""), rules)
    if refused:
        return ErrorTxn(refused)
    is_container = request.op == Op.CREATE_CONTAINER  # whatever the flag
    owner = caller.session if request.flag in EPHEMERAL and not is_container else 0
    ttl = request.ttl if request.flag in WITH_TTL else None
    counted = min(parent.cversion + 1, MOST_VERSION)
    return CreateTxn(request.op, path, request.data, acl, owner, counted, ttl)


def refused_parent(tree: Tree, request: Create, caller: Caller, rules: Rules) -> Error:
    """Returns what is wrong with the list, or the place, of a node that is to be created; OK for nothing."""
    if not has_shape(request.path):
        return Error.BAD_ARGUMENTS
    if stored(request.acl, caller.ids) is None:
        return Error.INVALID_ACL
    parent = node_at(tree, parent_of(request.path))
    if parent is None:
        return Error.NO_NODE
    return Error.OK if may(parent.acl, Perm.CREATE, caller, rules) else Error.NO_AUTH


def refused_child(tree: Tree, path: str, parent: Node, size: int, rules: Rules) -> Error:
    """Returns what is wrong with a node that is to be created, its suffix appended; OK for nothing."""
    if not is_valid(path):
        return Error.BAD_ARGUMENTS
    if node_at(tree, path) is not None:
        return Error.NODE_EXISTS
    if parent.owner:
        return Error.NO_CHILDREN_FOR_EPHEMERALS
    is_too_much = rules.enforces_quotas and is_exceeded(tree, path, 1, size)
    return Error.QUOTA_EXCEEDED if is_too_much else Error.OK


def refused_kind(request: Create, caller: Caller, rules: Rules) -> Error:
    """Returns what is wrong with the kind of node that a request asks for, whatever the tree; OK for nothing.

    ZooKeeper: CreateMode.fromFlag, EphemeralType.validateTTL, validateCreateRequest.
    """
    if request.flag not in Flag.__members__.values():
        return Error.BAD_ARGUMENTS
    has_ttl = request.flag in WITH_TTL
    if has_ttl and not rules.has_ttl:
        return Error.UNIMPLEMENTED
    if has_ttl != (request.op == Op.CREATE_TTL) or (has_ttl and not 0 < request.ttl <= LONGEST_TTL):
        return Error.BAD_ARGUMENTS
    if caller.is_local and request.flag in EPHEMERAL:
        return Error.EPHEMERAL_ON_LOCAL_SESSION
    return Error.SESSION_EXPIRED if caller.is_expired else Error.OK


def prepared_delete(tree: Tree, request: Delete, caller: Caller, rules: Rules) -> DeleteTxn | ErrorTxn:
    """Returns the transaction that deletes a node, or the error that refuses it; its parent's list decides.

    ZooKeeper: pRequest2Txn (delete).
    """
    path = request.path
    if not has_shape(path) or path in RESERVED:
        return ErrorTxn(Error.BAD_ARGUMENTS)
    parent = node_at(tree, parent_of(path))
    if parent is None:
        return ErrorTxn(Error.NO_NODE)
    if not may(parent.acl, Perm.DELETE, caller, rules):
        return ErrorTxn(Error.NO_AUTH)
    node = node_at(tree, path)
    if node is None:
        return ErrorTxn(Error.NO_NODE)
    if request.version not in (ANY_VERSION, node.version):
        return ErrorTxn(Error.BAD_VERSION)
    if children_of(tree, path):
        return ErrorTxn(Error.NOT_EMPTY)
    return DeleteTxn(path)


def prepared_delete_container(tree: Tree, path: str) -> DeleteTxn | ErrorTxn:
    """Returns the transaction by which the server deletes a node itself.

    ZooKeeper: pRequest2Txn (deleteContainer).
    """
    if not has_shape(path) or path in RESERVED:
        return ErrorTxn(Error.BAD_ARGUMENTS)
    node = node_at(tree, path)
    if node is None:
        return ErrorTxn(Error.NO_NODE)
    if children_of(tree, path):
        return ErrorTxn(Error.NOT_EMPTY)
    return ErrorTxn(Error.BAD_VERSION) if node.owner else DeleteTxn(path)


def prepared_set_data(tree: Tree, request: SetData, caller: Caller, rules: Rules) -> SetDataTxn | ErrorTxn:
    """Returns the transaction that replaces a node's data, or an error. ZooKeeper: pRequest2Txn (setData)."""
    if not is_valid(request.path):
        return ErrorTxn(Error.BAD_ARGUMENTS)
    node = node_at(tree, request.path)
    if node is None:
        return ErrorTxn(Error.NO_NODE)
    if not may(node.acl, Perm.WRITE, caller, rules):
        return ErrorTxn(Error.NO_AUTH)
    more = len(request.data or b"") - len(node.data or b"")
    if rules.enforces_quotas and is_exceeded(tree, request.path, 0, more):
        return ErrorTxn(Error.QUOTA_EXCEEDED)
    if request.version not in (ANY_VERSION, node.version):
        return ErrorTxn(Error.BAD_VERSION)
    return SetDataTxn(request.path, request.data, next_version(node.version))


def prepared_set_acl(tree: Tree, request: SetAcl, caller: Caller, rules: Rules) -> SetAclTxn | ErrorTxn:
    """Returns the transaction that replaces a node's list, or an error. ZooKeeper: pRequest2Txn (setACL)."""
    if not is_valid(request.path):
        return ErrorTxn(Error.BAD_ARGUMENTS)
    acl = stored(request.acl, caller.ids)
    if acl is None:
        return ErrorTxn(Error.INVALID_ACL)
    node = node_at(tree, request.path)
    if node is None:
        return ErrorTxn(Error.NO_NODE)
    if not may(node.acl, Perm.ADMIN, caller, rules):
        return ErrorTxn(Error.NO_AUTH)
    if request.version not in (ANY_VERSION, node.aversion):
        return ErrorTxn(Error.BAD_VERSION)
    return SetAclTxn(request.path, acl, next_version(node.aversion))


def prepared_check(tree: Tree, request: Check, caller: Caller, rules: Rules) -> CheckTxn | ErrorTxn:
    """Returns the transaction that confirms a node's version, or an error.

    ZooKeeper: pRequest2Txn (check).
    """
    if not is_valid(request.path):
        return ErrorTxn(Error.BAD_ARGUMENTS)
    node = node_at(tree, request.path)
    if node is None:
        return ErrorTxn(Error.NO_NODE)
    if not may(node.acl, Perm.READ, caller, rules):
        return ErrorTxn(Error.NO_AUTH)
    if request.version not in (ANY_VERSION, node.version):
        return ErrorTxn(Error.BAD_VERSION)
    return CheckTxn(request.path)


def may(acl: Acl, perm: Perm, caller: Caller, rules: Rules) -> bool:
    """True if a caller has a permission on a node with this list."""
    return rules.ignores_acls or is_allowed(acl, perm, caller.ids)


def next_version(version: int) -> int:
    """Returns the next version, in 32 bits; -1 is skipped, since it asks for any version (ZOOKEEPER-4743).

    ZooKeeper: PrepRequestProcessor.checkAndIncVersion.
    """
    wrapped = -MOST_VERSION - 1 if version == MOST_VERSION else version + 1
    return 0 if wrapped == -1 else wrapped
