"""The data tree, as clients see it; read the modules in this order.

    errors     the error codes in replies
    state      znodes, the tree of them, Stat
    paths      which paths may name a node
    requests   what a client may ask
    txns       what is logged of a request
    replies    what a client is answered
    acl        who may do what
    quotas     how many nodes and bytes a subtree may have
    apply      transactions applied: tree, reply, watch triggers
    prepare    requests that write, made into transactions: every check in ZooKeeper's order
    read       requests that read
    cleaning   nodes that the leader deletes by itself
    digest     a checksum by which servers notice that their trees differ
    properties what clients rely on

A write takes two functions. `prepare` is the leader's: it judges a request by the tree as everything before
it will leave it, and makes a transaction of it, also where it refuses it. `apply` is every server's. A read
takes one, `answer`. zxid and time are arguments; sessions, watches and connections have modules of their own.

Left out: SASL, and reconfiguration (`/zookeeper/config` is a node that nobody changes).
"""

from __future__ import annotations

from zabspec.tree.apply import Applied, apply
from zabspec.tree.cleaning import due_for_deletion
from zabspec.tree.digest import digest
from zabspec.tree.errors import Error
from zabspec.tree.prepare import prepare
from zabspec.tree.read import answer, leaves_watch
from zabspec.tree.replies import Reply
from zabspec.tree.requests import (
    LATEST,
    RELEASE_3_8,
    Caller,
    Check,
    CloseSession,
    Create,
    CreateSession,
    Delete,
    DeleteContainer,
    Exists,
    Flag,
    GetAcl,
    GetAllChildrenNumber,
    GetChildren,
    GetData,
    GetEphemerals,
    Multi,
    MultiRead,
    Op,
    Read,
    Request,
    Rules,
    SetAcl,
    SetData,
    WhoAmI,
    Write,
)
from zabspec.tree.state import Ace, Acl, Id, Node, Perm, Stat, Tree, initial
from zabspec.tree.txns import Txn

__all__ = [
    "Ace",
    "Acl",
    "Applied",
    "Caller",
    "Check",
    "CloseSession",
    "Create",
    "CreateSession",
    "Delete",
    "DeleteContainer",
    "Error",
    "Exists",
    "Flag",
    "GetAcl",
    "GetAllChildrenNumber",
    "GetChildren",
    "GetData",
    "GetEphemerals",
    "Id",
    "LATEST",
    "Multi",
    "MultiRead",
    "Node",
    "Op",
    "Perm",
    "RELEASE_3_8",
    "Read",
    "Reply",
    "Request",
    "Rules",
    "SetAcl",
    "SetData",
    "Stat",
    "Tree",
    "Txn",
    "WhoAmI",
    "Write",
    "answer",
    "apply",
    "digest",
    "due_for_deletion",
    "initial",
    "leaves_watch",
    "prepare",
]
