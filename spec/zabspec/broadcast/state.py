"""The state of atomic broadcast: the one log, and how far each server has delivered it."""

from __future__ import annotations

from dataclasses import dataclass

from zabspec.histories import History, Txn
from zabspec.parts import Row


@dataclass(frozen=True, slots=True)
class State:
    """The log, the transactions that may yet enter it, and how far each server has delivered it."""

    log: History
    outstanding: frozenset[Txn]  # broadcast, and neither in the log nor lost
    epoch: int  # the earliest epoch whose transactions may still enter the log
    delivered: Row[History]  # by each server, since it last started
    primaries: Row[int]  # the epoch that each server is the primary of, 0 if it is none


def initial(size: int) -> State:
    """Returns the state of `size` servers that have never run."""
    nothing: History = ()
    return State((), frozenset(), 0, Row([nothing] * size), Row([0] * size))
