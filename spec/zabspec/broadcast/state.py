"""The one log of atomic broadcast, and how far each server has delivered it."""

from __future__ import annotations

from dataclasses import dataclass

from zabspec.histories import History, Txn
from zabspec.parts import Row


@dataclass(frozen=True, slots=True)
class State:
    """The log, what may yet come into it, and how far each server is."""

    log: History
    outstanding: frozenset[Txn]  # broadcast, neither in the log nor lost
    epoch: int  # the earliest epoch from which the log may still take a transaction
    delivered: Row[History]  # by each server, since it last started
    primaries: Row[int]  # the epoch that each server is the primary of, 0 if it is none


def initial(size: int) -> State:
    """The state of `size` servers that have never run."""
    nothing: History = ()
    return State((), frozenset(), 0, Row([nothing] * size), Row([0] * size))
