"""What a prefix of the log comes to: the tree, and what became of each transaction.

Worked out once for each log, and kept: none of it is state.

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
    """The id of a client's session; 0 is nobody's."""
    return client + 1


def caller_of(client: Cid | None) -> tree.Caller:
    """Who asks, as the tree knows him; without an identity that anyone else would not have."""
    return tree.Caller() if client is None else tree.Caller(session_of(client))


@cache
def applied(log: Log) -> tree.Applied:
    """What comes of the last transaction of a log, with all others applied.

    Raises:
        IndexError: the log is empty.
    """
    return tree.apply(tree_at(log, len(log) - 1), len(log), 0, log[-1].txn)


def tree_at(log: Log, zxid: int) -> tree.Tree:
    """The tree after the transactions up to a zxid; 0 is before all."""
    return applied(log[:zxid]).tree if zxid else tree.initial()


def outcome_at(log: Log, zxid: int) -> tree.Reply:
    """What the client is told of a transaction."""
    return applied(log[:zxid]).reply


def triggers_at(log: Log, zxid: int) -> tuple[Trigger, ...]:
    """The calls of watch managers that a transaction makes, in order."""
    return applied(log[:zxid]).triggers


def readable_at(log: Log, zxid: int) -> tuple[bool, ...]:
    """For each trigger of a transaction, whether clients, who are nobody in particular, may read its node."""
    return tuple(is_allowed(guard, tree.Perm.READ, ()) for guard in applied(log[:zxid]).guards)


@cache
def answer_at(log: Log, zxid: int, body: tree.Read, client: Cid) -> tree.Reply:
    """What a client is told that reads the tree as it is after a zxid."""
    return tree.answer(tree_at(log, zxid), body, caller_of(client))


def is_shown(log: Log, client: Cid, body: tree.Read, outcome: tree.Reply, zxids: Iterable[int]) -> bool:
    """Whether a read may come out so, by the tree as it is after one of some zxids."""
    return any(answer_at(log, zxid, body, client) == outcome for zxid in zxids)


def closing_zxid(log: Log, client: Cid) -> int | None:
    """The zxid of the transaction that closes a client's session; None while it is open."""
    for zxid, logged in enumerate(log, 1):
        if isinstance(logged.txn, CloseSessionTxn) and logged.txn.session == session_of(client):
            return zxid
    return None


def ephemerals_at(log: Log, zxid: int, client: Cid) -> tuple[str, ...]:
    """The paths of a session's ephemeral nodes after a zxid."""
    return ephemerals_of(tree_at(log, zxid), session_of(client))
