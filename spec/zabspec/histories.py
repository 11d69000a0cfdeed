"""Transactions, their ids, and the histories that servers keep of them: the same in every grain.

Paper: Junqueira, Reed, Serafini, DSN 2011, sections III and IV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Zxid(NamedTuple):
    """The id of a transaction: the epoch of its primary and a counter from 1. Compared in that order."""

    epoch: int
    counter: int


ZERO = Zxid(0, 0)


@dataclass(frozen=True, slots=True)
class Txn:
    """A transaction. Two of them are the same only if zxid and value are."""

    zxid: Zxid
    value: int


History = tuple[Txn, ...]


def last_zxid(history: History) -> Zxid:
    """The zxid of the last transaction, (0, 0) of an empty history."""
    return history[-1].zxid if history else ZERO


def index_of(zxid: Zxid, history: History) -> int | None:
    """How many transactions the history has up to and including `zxid`; None if it is not in there."""
    if zxid == ZERO:
        return 0
    for index, txn in enumerate(history):
        if txn.zxid == zxid:
            return index + 1
    return None


def next_zxid(epoch: int, history: History) -> Zxid:
    """The zxid that a leader of `epoch` with this history gives to its next transaction."""
    last = last_zxid(history)
    return Zxid(epoch, last.counter + 1 if last.epoch == epoch else 1)


def follows(zxid: Zxid, last: Zxid) -> bool:
    """Whether `zxid` may come right after `last`: the next of its epoch, or the first of a later one."""
    if zxid.counter == 1:
        return last.epoch < zxid.epoch
    return zxid == Zxid(last.epoch, last.counter + 1)


def after(history: History, zxid: Zxid) -> History:
    """The transactions of a history with a later zxid than this."""
    return tuple(txn for txn in history if txn.zxid > zxid)


def up_to(history: History, zxid: Zxid) -> History:
    """The transactions of a history up to and including this zxid."""
    return tuple(txn for txn in history if txn.zxid <= zxid)


def before_epoch(history: History, epoch: int) -> History:
    """The transactions before the first of `epoch` or a later one."""
    kept = 0
    while kept < len(history) and history[kept].zxid.epoch < epoch:
        kept += 1
    return history[:kept]


def is_prefix(one: History, other: History) -> bool:
    """Whether the second starts with the first, or is the same."""
    return other[: len(one)] == one


def is_comparable(one: History, other: History) -> bool:
    """Whether one of two starts with the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def common_prefix(histories: list[History]) -> History:
    """What all histories begin with."""
    first = histories[0]
    length = min(len(history) for history in histories)
    while any(history[:length] != first[:length] for history in histories):
        length -= 1
    return first[:length]


def is_without_gaps(history: History) -> bool:
    """Whether zxids rise, by one within an epoch and from 1 in each new one; so no two are the same."""
    expected = None
    epoch = 0
    for txn in history:
        if txn.zxid != expected and (txn.zxid.counter != 1 or txn.zxid.epoch <= epoch):
            return False
        epoch = txn.zxid.epoch
        expected = txn.zxid._replace(counter=txn.zxid.counter + 1)
    return True
