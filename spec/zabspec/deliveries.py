"""The properties of what servers deliver, in order: section III of the paper, as predicates of plain
sequences.

Paper: Junqueira, Reed, Serafini, DSN 2011, section III. Every grain of the spec has these properties, with
its own notion of what a server has delivered: `of_each` and `of_two` turn a predicate of deliveries into a
predicate of that grain's states.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from zabspec.histories import History, is_comparable
from zabspec.parts import Sid

Delivered = Callable[[Any, Sid], History]
"""A function that gives what a server has delivered in a state of some grain."""

NAMED = ("__module__", "__name__", "__qualname__", "__doc__")


def of_each(sentence: Callable[[History], bool], delivered: Delivered) -> Callable[[Any, Sid], bool]:
    """Returns the property of a grain's states that `sentence` holds of what each server has delivered."""

    @wraps(sentence, NAMED)
    def holds(state: Any, server: Sid) -> bool:
        return sentence(delivered(state, server))

    return holds


def of_two(
    sentence: Callable[[History, History], bool], delivered: Delivered
) -> Callable[[Any, Sid, Sid], bool]:
    """Returns the property of a grain's states that `sentence` holds of what any two servers have
    delivered.
    """

    @wraps(sentence, NAMED)
    def holds(state: Any, one: Sid, other: Sid) -> bool:
        return sentence(delivered(state, one), delivered(state, other))

    return holds


def prefix_consistency(mine: History, theirs: History) -> bool:
    """What one of two servers has delivered is a prefix of what the other has delivered.

    Source: Zab.tla, PrefixConsistency. Agreement and total order follow.
    """
    return is_comparable(mine, theirs)


def agreement(mine: History, theirs: History) -> bool:
    """If one server delivers a and another delivers b, then the first delivers b or the second delivers a.

    Source: paper, section III, agreement.
    """
    return all(a in theirs or b in mine for a in mine for b in theirs)


def total_order(mine: History, theirs: History) -> bool:
    """If one server delivers a before b, then every server that delivers b delivers a before b.

    Source: paper, section III, total order.
    """
    return all(
        a in theirs[: theirs.index(b)] for index, b in enumerate(mine) if b in theirs for a in mine[:index]
    )


def local_primary_order(delivered: History) -> bool:
    """If a primary broadcasts a before b, then a server that delivers b delivers a before b.

    Source: paper, section III, local primary order. The zxids show what a primary broadcast before (e, c):
    (e, 1) to (e, c - 1).
    """
    zxids = [txn.zxid for txn in delivered]
    return all(
        zxid._replace(counter=counter) in zxids[:index]
        for index, zxid in enumerate(zxids)
        for counter in range(1, zxid.counter)
    )


def global_primary_order(delivered: History) -> bool:
    """A server that delivers a and b, where the epoch of a is earlier than that of b, delivers a before b.

    Source: paper, section III, global primary order.
    """
    epochs = [txn.zxid.epoch for txn in delivered]
    return epochs == sorted(epochs)


def has_all_before(own: History, delivered: History, epoch: int) -> bool:
    """True if `own` has every transaction of `delivered` whose epoch is earlier than `epoch`: primary
    integrity.
    """
    return all(txn in own for txn in delivered if txn.zxid.epoch < epoch)
