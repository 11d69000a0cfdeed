"""Atomic broadcast, abstractly: one log of transactions, of which every server delivers a prefix.

This is what ZAB achieves, without messages and quorums; read it beside section III of the paper. The actions
show its properties:

    Integrity             only what a primary has broadcast enters the log.
    Total order,          there is one log, it only grows, and a server delivers the transaction
    agreement             of the log that comes after those it has delivered.
    Local primary order   a transaction enters the log right after the one that its primary broadcast before.
    Global primary order  epochs in the log rise: no transaction enters it whose epoch is earlier than that
                          of the last one.
    Primary integrity     a primary has delivered all that the log has of earlier epochs before it may
                          broadcast, and nothing more of those epochs enters the log from then on.

The log holds the transactions that can no longer be lost, whether or not any server has delivered them yet.
So the log outlives every server that restarts. `zabspec.paper.mapping` finds the log in a state of the
paper's ZAB. This spec does not say that an epoch has no second primary after its first, for nothing in a
state remembers the first: see `epoch_is_new` and `epoch_is_promised` in `zabspec.paper.properties`.

Paper: Junqueira, Reed, Serafini, DSN 2011, section III.
"""

from __future__ import annotations

from zabspec.broadcast.actions import (
    earlier_epochs_close,
    log_takes_transaction,
    primary_broadcasts,
    primary_is_established,
    primary_resigns,
    server_delivers,
    server_restarts,
    transaction_is_lost,
)
from zabspec.broadcast.state import State, initial

NEXT = (
    earlier_epochs_close,
    primary_is_established,
    primary_broadcasts,
    log_takes_transaction,
    server_delivers,
    primary_resigns,
    transaction_is_lost,
    server_restarts,
)

__all__ = [
    "NEXT",
    "State",
    "initial",
    "earlier_epochs_close",
    "primary_is_established",
    "primary_broadcasts",
    "log_takes_transaction",
    "server_delivers",
    "primary_resigns",
    "transaction_is_lost",
    "server_restarts",
]
