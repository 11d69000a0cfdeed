"""Checks that a step of the paper's ZAB is a step of atomic broadcast, by the mapping in
`zabspec.paper.mapping`.

The mapping says which state of atomic broadcast a state of ZAB stands for. From the one before a step, steps
of `zabspec.broadcast` must lead to the one after it.
"""

from __future__ import annotations

from zabcheck.explorer.derived import derived
from zabcheck.models.broadcast.way import way
from zabcheck.models.broadcast.words import no_way
from zabcheck.models.explanation import explained_by
from zabspec import broadcast, paper
from zabspec.paper.mapping import combined, share
from zabspec.parts import Sid
from zabspec.summaries import Share


def explain(before: paper.State, after: paper.State) -> list[str]:
    """Returns why a step of ZAB is no step of atomic broadcast, line by line."""
    return no_way(_abstract(before), _abstract(after))


@explained_by(explain)
def refines_broadcast(before: paper.State, after: paper.State) -> bool:
    """Each step of ZAB is one of atomic broadcast, or several, or none.

    Source: paper, section III, for what atomic broadcast is; section IV, that ZAB implements it.
    """
    start, goal = _abstract(before), _abstract(after)
    return start == goal or way(start, goal) is not None


@derived
def _abstract(state: paper.State) -> broadcast.State:
    return combined(tuple(_share(state, Sid(sid)) for sid in range(len(state.servers))))


@derived
def _share(state: paper.State, sid: Sid) -> Share:
    return share(state, sid)
