"""The properties of atomic broadcast, asked of its abstract spec itself.

That `zabspec.broadcast` has them is why it matters that ZAB refines it. The groups are those of
`zabspec.properties`.

Paper: Junqueira, Reed, Serafini, DSN 2011, section III.
"""

from __future__ import annotations

from zabspec.broadcast import State
from zabspec.deliveries import (
    are_in_total_order,
    do_agree,
    has_all_before,
    is_in_global_order,
    is_in_local_order,
    is_prefix,
)
from zabspec.parts import Sid


def prefix_of_log(state: State, server: Sid) -> bool:
    """A server delivers a prefix of the log.

    Source: paper, section III: agreement and total order follow.
    """
    return is_prefix(state.delivered[server], state.log)


def agreement(state: State, one: Sid, other: Sid) -> bool:
    """If one server delivers a and another b, then the one delivers b or the other delivers a.

    Source: paper, section III, agreement.
    """
    return do_agree(state.delivered[one], state.delivered[other])


def total_order(state: State, one: Sid, other: Sid) -> bool:
    """If one server delivers a before b, then another that delivers b delivers a before it.

    Source: paper, section III, total order.
    """
    return are_in_total_order(state.delivered[one], state.delivered[other])


def local_primary_order(state: State, server: Sid) -> bool:
    """If a primary broadcasts a before b, then a server that delivers b delivers a before it.

    Source: paper, section III, local primary order.
    """
    return is_in_local_order(state.delivered[server])


def global_primary_order(state: State, server: Sid) -> bool:
    """A server that delivers a and b, where a is of an earlier epoch than b, delivers a before b.

    Source: paper, section III, global primary order.
    """
    return is_in_global_order(state.delivered[server])


def primary_integrity(state: State, primary: Sid, server: Sid) -> bool:
    """A primary has delivered what any server delivers of earlier epochs.

    Source: paper, section III, primary integrity.
    """
    return has_all_before(state.delivered[primary], state.delivered[server], state.primaries[primary])


def integrity(before: State, after: State) -> bool:
    """What enters the log was broadcast and not lost, and the log only grows.

    Source: paper, section III, integrity.
    """
    if not is_prefix(before.log, after.log):
        return False
    return all(txn in before.outstanding for txn in after.log[len(before.log) :])


def two_primaries_at_once(state: State, one: Sid, other: Sid) -> bool:
    """Two servers are primaries, of different epochs. Paper: section II."""
    return 0 < state.primaries[one] < state.primaries[other]


def everyone_delivers(state: State) -> bool:
    """A transaction is delivered by every server. Paper: section III."""
    return all(state.delivered[Sid(sid)] for sid in range(len(state.delivered)))


def transaction_comes_too_late(state: State) -> bool:
    """A transaction is outstanding that can never enter the log any more. Paper: section III."""
    return any(txn.zxid.epoch < state.epoch for txn in state.outstanding)


ALWAYS = (
    prefix_of_log,
    agreement,
    total_order,
    local_primary_order,
    global_primary_order,
    primary_integrity,
)

EVERY_STEP = (integrity,)

SOMETIMES = (two_primaries_at_once, everyone_delivers, transaction_comes_too_late)
