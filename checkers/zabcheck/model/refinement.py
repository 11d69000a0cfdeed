"""Whether a step of the paper's ZAB is a step of atomic broadcast, as `zabspec.paper.mapping` has it.

One step may stand for several: a follower that adopts a history may make several transactions safe at once, and
one that is told to deliver its initial history delivers it whole. So the way from one abstract state to the other is
made of actions of `zabspec.broadcast`, in one fixed order, and must arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from zabspec import broadcast, paper
from zabspec.paper.mapping import combined, shares
from zabspec.parts import Sid

Move = Callable[[broadcast.State], broadcast.State | None]


def refines_broadcast(before: paper.State, after: paper.State) -> bool:
    """Each step of ZAB is one of atomic broadcast, or several, or none.

    Source: design.md, "Spec"; paper, section III, for what atomic broadcast is.
    """
    was, now = shares(before), shares(after)
    if was == now:
        return True
    start, goal = combined(was), combined(now)
    return start == goal or way(start, goal) is not None


def way(start: broadcast.State, goal: broadcast.State) -> list[broadcast.State] | None:
    """The states of atomic broadcast from one to another, each a step from the one before; None if there is no way.

    The order tried is the only one that can matter: what is new is broadcast before the log takes it, the log
    takes it before its epoch closes, and then servers catch up.
    """
    states = [start]
    for move in _moves(start, goal):
        following = move(states[-1])
        if following is None:
            return None
        states.append(following)
    return states if states[-1] == goal else None


def _moves(start: broadcast.State, goal: broadcast.State) -> Iterator[Move]:
    """What must happen on the way, in order."""
    servers = [Sid(sid) for sid in range(len(start.delivered))]
    known = start.outstanding.union(start.log)
    for txn in sorted(goal.outstanding.union(goal.log) - known, key=lambda txn: txn.zxid):
        for sid in servers:
            if start.primaries[sid] == txn.zxid.epoch:
                yield lambda state, sid=sid, value=txn.value: broadcast.primary_broadcasts(state, sid, value)
    for txn in goal.log[len(start.log) :]:
        yield lambda state, epoch=txn.zxid.epoch: broadcast.log_takes_transaction(state, epoch)
    if goal.epoch != start.epoch:
        yield lambda state: broadcast.earlier_epochs_close(state, goal.epoch)
    lost = start.outstanding - goal.outstanding - frozenset(goal.log)
    for txn in sorted(lost, key=lambda txn: txn.zxid):
        yield lambda state, epoch=txn.zxid.epoch: broadcast.transaction_is_lost(state, epoch)
    for sid in servers:
        yield from _moves_of(sid, start, goal)


def _moves_of(sid: Sid, start: broadcast.State, goal: broadcast.State) -> Iterator[Move]:
    """What must happen to one server on the way."""
    delivered, primary = len(start.delivered[sid]), start.primaries[sid]
    if not goal.delivered[sid] and delivered:
        yield lambda state: broadcast.server_restarts(state, sid)
        delivered = primary = 0
    if primary not in (0, goal.primaries[sid]):
        yield lambda state: broadcast.primary_resigns(state, sid)
    for _ in range(len(goal.delivered[sid]) - delivered):
        yield lambda state: broadcast.server_delivers(state, sid)
    epoch = goal.primaries[sid]
    if epoch not in (0, primary):
        yield lambda state: broadcast.primary_is_established(state, sid, epoch)
