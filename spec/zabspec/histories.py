"""Transactions, their ids, and the histories that servers keep of them, as every grain has them.

Paper: Junqueira, Reed, Serafini, DSN 2011, sections III and IV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Zxid(NamedTuple):
    """The id of a transaction: the epoch of its primary, then a counter that starts at 1.

    Zxids compare in this order.
    """

    epoch: int
    counter: int


ZERO = Zxid(0, 0)


@dataclass(frozen=True, slots=True)
class Txn:
    """A transaction. Two transactions are equal only if both their zxids and their values are."""

    zxid: Zxid
    value: int


History = tuple[Txn, ...]


def last_zxid(history: History) -> Zxid:
    """Returns the zxid of the last transaction in a history, (0, 0) if it is empty."""
    return history[-1].zxid if history else ZERO


def index_of(zxid: Zxid, history: History) -> int | None:
    """Returns how many transactions a history has up to and including `zxid`, None if it lacks that one."""
    if zxid == ZERO:
        return 0
    for index, txn in enumerate(history):
        if txn.zxid == zxid:
            return index + 1
    return None


def next_zxid(epoch: int, history: History) -> Zxid:
    """Returns the zxid that a leader of `epoch` with this history gives to its next transaction."""
    last = last_zxid(history)
    return Zxid(epoch, last.counter + 1 if last.epoch == epoch else 1)


def follows(zxid: Zxid, last: Zxid) -> bool:
    """True if `zxid` may come right after `last`: the next of the same epoch, or the first of a later one."""
    if zxid.counter == 1:
        return last.epoch < zxid.epoch
    return zxid == Zxid(last.epoch, last.counter + 1)


def after(history: History, zxid: Zxid) -> History:
    """Returns the transactions of a history whose zxids are higher than `zxid`."""
    return tuple(txn for txn in history if txn.zxid > zxid)


def up_to(history: History, zxid: Zxid) -> History:
    """Returns the transactions of a history whose zxids are not higher than `zxid`."""
    return tuple(txn for txn in history if txn.zxid <= zxid)


def before_epoch(history: History, epoch: int) -> History:
    """Returns the transactions of a history that come before the first one of `epoch` or of a later epoch."""
    kept = 0
    while kept < len(history) and history[kept].zxid.epoch < epoch:
        kept += 1
    return history[:kept]


def is_prefix(one: History, other: History) -> bool:
    """True if `other` starts with `one`."""
    return other[: len(one)] == one


def is_comparable(one: History, other: History) -> bool:
    """True if one of two histories is a prefix of the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def common_prefix(histories: list[History]) -> History:
    """Returns the longest prefix that all of some histories share."""
    first = histories[0]
    length = min(len(history) for history in histories)
    while any(history[:length] != first[:length] for history in histories):
        length -= 1
    return first[:length]


def is_without_gaps(history: History) -> bool:
    """True if the zxids of a history rise by one within an epoch and start at 1 in each new epoch.

    So no two transactions in it have the same zxid.
    """
    expected = None
    epoch = 0
    for txn in history:
        if txn.zxid != expected and (txn.zxid.counter != 1 or txn.zxid.epoch <= epoch):
            return False
        epoch = txn.zxid.epoch
        expected = txn.zxid._replace(counter=txn.zxid.counter + 1)
    return True
