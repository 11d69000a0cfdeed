"""The properties of atomic broadcast, checked of its abstract spec itself.

ZAB has them too, because it refines `zabspec.broadcast`. The groups are those of
`zabspec.paper.properties`.

Paper: Junqueira, Reed, Serafini, DSN 2011, section III.
"""

from __future__ import annotations

from zabspec import deliveries
from zabspec.broadcast import State
from zabspec.deliveries import has_all_before, of_each, of_two
from zabspec.histories import History, is_prefix
from zabspec.parts import Sid


def delivered(state: State, server: Sid) -> History:
    """Returns what a server has delivered."""
    return state.delivered[server]


def prefix_of_log(state: State, server: Sid) -> bool:
    """A server delivers a prefix of the log.

    Source: paper, section III: agreement and total order follow.
    """
    return is_prefix(state.delivered[server], state.log)


agreement = of_two(deliveries.agreement, delivered)
total_order = of_two(deliveries.total_order, delivered)
local_primary_order = of_each(deliveries.local_primary_order, delivered)
global_primary_order = of_each(deliveries.global_primary_order, delivered)


def primary_integrity(state: State, primary: Sid, server: Sid) -> bool:
    """A primary has delivered every transaction of an earlier epoch that any server has delivered.

    Source: paper, section III, primary integrity.
    """
    return has_all_before(state.delivered[primary], state.delivered[server], state.primaries[primary])


def integrity(before: State, after: State) -> bool:
    """A transaction that enters the log was broadcast and not lost, and the log only grows.

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
    """An outstanding transaction can never enter the log any more. Paper: section III."""
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
