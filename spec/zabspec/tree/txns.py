"""Transactions: what is logged and applied, one class for each type.

A transaction says in absolute terms what becomes of a request, a version and not "one more", so that applying
it to a tree that has it already does no harm.

ZooKeeper: zookeeper.jute, org.apache.zookeeper.txn.
"""

from __future__ import annotations

from dataclasses import dataclass

from zabspec.tree.errors import Error
from zabspec.tree.requests import Op
from zabspec.tree.state import Acl


@dataclass(frozen=True, slots=True)
class CreateTxn:
    """A node is created.

    Attributes:
        op: the operation that creates it; the reply depends on it.
        owner: the session that owns an ephemeral node, else 0.
        parent_cversion: how many children were ever created under its parent, this one included.
        ttl: in milliseconds; None for none.
    """

    op: Op
    path: str
    data: bytes | None
    acl: Acl
    owner: int
    parent_cversion: int
    ttl: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteTxn:
    """A node is deleted."""

    path: str


@dataclass(frozen=True, slots=True)
class SetDataTxn:
    """A node's data is replaced, and has this version."""

    path: str
    data: bytes | None
    version: int


@dataclass(frozen=True, slots=True)
class SetAclTxn:
    """A node's access control list is replaced, and has this version."""

    path: str
    acl: Acl
    version: int


@dataclass(frozen=True, slots=True)
class CheckTxn:
    """A node had the version that a multi required."""

    path: str


@dataclass(frozen=True, slots=True)
class ErrorTxn:
    """A request was refused. The refusal is logged too, so errors have their place in the order."""

    error: Error


@dataclass(frozen=True, slots=True)
class MultiTxn:
    """Several transactions at once; for a multi that was refused, an error for each part."""

    parts: tuple[CreateTxn | DeleteTxn | SetDataTxn | CheckTxn | ErrorTxn, ...]


@dataclass(frozen=True, slots=True)
class CreateSessionTxn:
    """A session begins, with a timeout in milliseconds."""

    timeout: int


@dataclass(frozen=True, slots=True)
class CloseSessionTxn:
    """A session ends, and these nodes are deleted in this order."""

    session: int
    paths: tuple[str, ...]


Txn = (
    CreateTxn
    | DeleteTxn
    | SetDataTxn
    | SetAclTxn
    | CheckTxn
    | ErrorTxn
    | MultiTxn
    | CreateSessionTxn
    | CloseSessionTxn
)
