"""Whether a step of ZAB 1.0 is a step of atomic broadcast, as `zabspec.zab.mapping` has it."""

from __future__ import annotations

from zabcheck.model.refinement import way
from zabcheck.model.rows import derived
from zabspec import broadcast, zab
from zabspec.paper.mapping import Share
from zabspec.parts import Sid
from zabspec.zab.mapping import in_flight, share, together
from zabspec.zab.state import History


def refines_broadcast(before: zab.State, after: zab.State) -> bool:
    """Each step of ZAB 1.0 is one of atomic broadcast, or several, or none.

    Source: paper, section III, for what atomic broadcast is.
    """
    start, goal = _abstract(before), _abstract(after)
    return start == goal or way(start, goal) is not None


@derived
def _abstract(state: zab.State) -> broadcast.State:
    servers = [Sid(sid) for sid in range(len(state.servers))]
    parts = tuple(_share(state, sid) for sid in servers)
    flying = tuple(_in_flight(state, one, other) for one in servers for other in servers if one != other)
    return together(state, parts, flying)


@derived
def _share(state: zab.State, sid: Sid) -> Share:
    return share(state, sid)


@derived
def _in_flight(state: zab.State, sender: Sid, receiver: Sid) -> History:
    return in_flight(state, sender, receiver)
