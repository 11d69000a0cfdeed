"""The tree, and the outcome of each transaction, that a prefix of the log gives.

Computed once for each log, and cached: none of it is state.

ZooKeeper: DataTree.processTxn, ZKDatabase.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from zabspec import tree
from zabspec.service.state import Cid, Log
from zabspec.tree.acl import is_allowed
from zabspec.tree.state import ephemerals_of
from zabspec.tree.txns import CloseSessionTxn
from zabspec.watches import Trigger


def session_of(client: Cid) -> int:
    """Returns the id of a client's session; 0 is no session's."""
    return client + 1


def caller_of(client: Cid | None) -> tree.Caller:
    """Returns a client as the tree knows it; it has no identity that distinguishes it from others."""
    return tree.Caller() if client is None else tree.Caller(session_of(client))


@cache
def applied(log: Log) -> tree.Applied:
    """Returns the outcome of the last transaction of a log, with all others applied.

    Raises:
        IndexError: the log is empty.
    """
    return tree.apply(tree_at(log, len(log) - 1), len(log), 0, log[-1].txn)


def tree_at(log: Log, zxid: int) -> tree.Tree:
    """Returns the tree after the transactions up to a zxid; 0 is before all."""
    return applied(log[:zxid]).tree if zxid else tree.initial()


def outcome_at(log: Log, zxid: int) -> tree.Reply:
    """Returns the reply to the request of a transaction."""
    return applied(log[:zxid]).reply


def triggers_at(log: Log, zxid: int) -> tuple[Trigger, ...]:
    """Returns the calls of watch managers that a transaction makes, in order."""
    return applied(log[:zxid]).triggers


def readable_at(log: Log, zxid: int) -> tuple[bool, ...]:
    """Returns, for each trigger of a transaction, whether a client without an identity may read its node."""
    return tuple(is_allowed(guard, tree.Perm.READ, ()) for guard in applied(log[:zxid]).guards)


@cache
def answer_at(log: Log, zxid: int, body: tree.Read, client: Cid) -> tree.Reply:
    """Returns the reply to a client that reads the tree as it is after a zxid."""
    return tree.answer(tree_at(log, zxid), body, caller_of(client))


def is_shown(log: Log, client: Cid, body: tree.Read, outcome: tree.Reply, zxids: Iterable[int]) -> bool:
    """True if a read may have this outcome, by the tree as it is after one of some zxids."""
    return any(answer_at(log, zxid, body, client) == outcome for zxid in zxids)


def closing_zxid(log: Log, client: Cid) -> int | None:
    """Returns the zxid of the transaction that closes a client's session; None while it is open."""
    for zxid, logged in enumerate(log, 1):
        if isinstance(logged.txn, CloseSessionTxn) and logged.txn.session == session_of(client):
            return zxid
    return None


def ephemerals_at(log: Log, zxid: int, client: Cid) -> tuple[str, ...]:
    """Returns the paths of a session's ephemeral nodes after a zxid."""
    return ephemerals_of(tree_at(log, zxid), session_of(client))
