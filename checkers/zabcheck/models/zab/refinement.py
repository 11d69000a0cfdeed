"""Checks that a step of ZAB 1.0 is a step of atomic broadcast, by the mapping in `zabspec.zab.mapping`.

What the mapping derives from one server, or from two, is a derived column of its own: each depends on little
and has few values. Here the columns are put together as in the mapping; a test compares the two.
"""

from __future__ import annotations

from zabcheck.explorer.derived import derived
from zabcheck.models.broadcast.way import way
from zabcheck.models.broadcast.words import no_way
from zabcheck.models.explanation import explained_by
from zabspec import broadcast, zab
from zabspec.histories import History, Zxid
from zabspec.parts import Sid
from zabspec.quorums import is_quorum
from zabspec.summaries import Share, Summary
from zabspec.zab import mapping


def explain(before: zab.State, after: zab.State) -> list[str]:
    """Returns why a step of ZAB 1.0 is no step of atomic broadcast, line by line."""
    return no_way(abstract(before), abstract(after))


@explained_by(explain)
def refines_broadcast(before: zab.State, after: zab.State) -> bool:
    """Each step of ZAB 1.0 is one of atomic broadcast, or several, or none.

    Source: paper, section III, for what atomic broadcast is.
    """
    start, goal = abstract(before), abstract(after)
    return start == goal or way(start, goal) is not None


@derived
def abstract(state: zab.State) -> broadcast.State:
    """Returns the state of atomic broadcast that a state of ZAB 1.0 stands for."""
    servers = [Sid(sid) for sid in range(len(state.servers))]
    parts = tuple(_share(state, sid) for sid in servers)
    flying = tuple(_in_flight(state, one, other) for one in servers for other in servers if one != other)
    return mapping.together(state, parts, flying)


@derived
def _share(state: zab.State, sid: Sid) -> Share:
    return mapping.share_of(state, sid, _summaries(state, sid), _may_be_acknowledged(state, sid))


@derived
def _summaries(state: zab.State, sid: Sid) -> tuple[Summary, ...]:
    others = [Sid(other) for other in range(len(state.servers)) if other != sid]
    leading = [_leads(state, other) for other in others]
    return mapping.summaries_of(state, sid, leading, _told_to_cut(state, sid))


@derived
def _leads(state: zab.State, sid: Sid) -> Zxid | None:
    return mapping.committed_by(state, sid)


@derived
def _told_to_cut(state: zab.State, sid: Sid) -> Zxid | None:
    return mapping.told_to_cut(state, sid)


@derived
def _may_be_acknowledged(state: zab.State, leader: Sid) -> bool:
    if not _is_waiting(state, leader):
        return False
    others = [Sid(sid) for sid in range(len(state.servers)) if sid != leader]
    willing = [sid for sid in others if _may_acknowledge(state, sid, leader)]
    return is_quorum(state.quorums, state.servers[leader].electing.union(willing))


@derived
def _is_waiting(state: zab.State, leader: Sid) -> bool:
    return mapping.is_waiting(state, leader)


@derived
def _may_acknowledge(state: zab.State, sid: Sid, leader: Sid) -> bool:
    return mapping.may_acknowledge(state, sid, leader, _least(state, sid))


@derived
def _least(state: zab.State, sid: Sid) -> Summary:
    least: Summary = _summaries(state, sid)[-1]
    return least


@derived
def _in_flight(state: zab.State, sender: Sid, receiver: Sid) -> History:
    return mapping.in_flight(state, sender, receiver)
