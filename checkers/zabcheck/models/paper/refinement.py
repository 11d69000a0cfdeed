"""Whether a step of the paper's ZAB is a step of atomic broadcast, as `zabspec.paper.mapping` has it.

One step may stand for several: a follower that adopts a history may make several transactions safe at once,
and one that is told to deliver its initial history delivers it whole. So the way from one abstract state to
the other is made of actions of `zabspec.broadcast`, in one fixed order, and must arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from zabcheck.explorer.derived import derived
from zabspec import broadcast, paper
from zabspec.histories import Txn, Zxid
from zabspec.paper.mapping import Share, combined, share
from zabspec.parts import Sid

Move = tuple[Callable[..., Any], tuple[int, ...]]
"""An action of `zabspec.broadcast` and its arguments after the state."""


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


def way(start: broadcast.State, goal: broadcast.State) -> list[broadcast.State] | None:
    """The states of atomic broadcast from one to another, a step apart; None if there is no way.

    The order tried is the only one that can matter: what is new is broadcast before the log takes it, the log
    takes it before its epoch closes, and then servers catch up.
    """
    states = [start]
    for action, arguments in _moves(start, goal):
        following = action(states[-1], *arguments)
        if following is None:
            return None
        states.append(following)
    return states if states[-1] == goal else None


def _moves(start: broadcast.State, goal: broadcast.State) -> Iterator[Move]:
    """What must happen on the way, in order."""
    servers = [Sid(sid) for sid in range(len(start.delivered))]
    for txn in sorted(goal.outstanding.union(goal.log).difference(start.outstanding, start.log), key=_zxid):
        for sid in servers:
            if start.primaries[sid] == txn.zxid.epoch:
                yield broadcast.primary_broadcasts, (sid, txn.value)
    for txn in goal.log[len(start.log) :]:
        yield broadcast.log_takes_transaction, (txn.zxid.epoch,)
    if goal.epoch != start.epoch:
        yield broadcast.earlier_epochs_close, (goal.epoch,)
    lost = sorted(start.outstanding.difference(goal.outstanding, goal.log), key=_zxid)
    resigned: list[Sid] = []
    for sid in servers:
        epoch = start.primaries[sid]
        if epoch not in (0, goal.primaries[sid]) and epoch in [txn.zxid.epoch for txn in lost]:
            resigned.append(sid)
            yield broadcast.primary_resigns, (sid,)
    for txn in lost:
        yield broadcast.transaction_is_lost, (txn.zxid.epoch,)
    for sid in servers:
        primary = 0 if sid in resigned else start.primaries[sid]
        yield from _moves_of(sid, primary, start, goal)


def _moves_of(sid: Sid, primary: int, start: broadcast.State, goal: broadcast.State) -> Iterator[Move]:
    """What must happen to one server on the way, which is the primary of an epoch by now, or 0 for none."""
    delivered = len(start.delivered[sid])
    if not goal.delivered[sid] and delivered:
        yield broadcast.server_restarts, (sid,)
        delivered = primary = 0
    if primary not in (0, goal.primaries[sid]):
        yield broadcast.primary_resigns, (sid,)
    for _ in range(len(goal.delivered[sid]) - delivered):
        yield broadcast.server_delivers, (sid,)
    if goal.primaries[sid] not in (0, primary):
        yield broadcast.primary_is_established, (sid, goal.primaries[sid])


def _zxid(txn: Txn) -> Zxid:
    return txn.zxid
