"""What must hold of the transactions that servers deliver, in order: section III of the paper, on plain
sequences.

Paper: Junqueira, Reed, Serafini, DSN 2011, section III. Every grain of the spec has the same properties,
with its own idea of what a server has delivered.
"""

from __future__ import annotations

from zabspec.paper.state import History


def do_agree(mine: History, theirs: History) -> bool:
    """Agreement: where one server delivers a and another b, the one delivers b or the other delivers a."""
    return all(a in theirs or b in mine for a in mine for b in theirs)


def are_in_total_order(mine: History, theirs: History) -> bool:
    """Total order: where one server delivers a before b, another that delivers b delivers a before it."""
    return all(
        a in theirs[: theirs.index(b)] for index, b in enumerate(mine) if b in theirs for a in mine[:index]
    )


def is_in_local_order(delivered: History) -> bool:
    """Local primary order: all that the primary of b broadcast before b is delivered before b.

    What a primary broadcast before (e, c) is known by its zxids, (e, 1) to (e, c - 1).
    """
    zxids = [txn.zxid for txn in delivered]
    return all(
        zxid._replace(counter=counter) in zxids[:index]
        for index, zxid in enumerate(zxids)
        for counter in range(1, zxid.counter)
    )


def is_in_global_order(delivered: History) -> bool:
    """Global primary order: of two transactions delivered, that of the earlier epoch is delivered first."""
    epochs = [txn.zxid.epoch for txn in delivered]
    return epochs == sorted(epochs)


def has_all_before(own: History, delivered: History, epoch: int) -> bool:
    """Primary integrity: the primary of an epoch has delivered what another delivers of earlier ones."""
    return all(txn in own for txn in delivered if txn.zxid.epoch < epoch)


def is_prefix(one: History, other: History) -> bool:
    """Whether the second starts with the first, or is the same."""
    return other[: len(one)] == one


def is_comparable(one: History, other: History) -> bool:
    """Whether one of two starts with the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def before_epoch(history: History, epoch: int) -> History:
    """The transactions before the first of `epoch` or a later one."""
    kept = 0
    while kept < len(history) and history[kept].zxid.epoch < epoch:
        kept += 1
    return history[:kept]
