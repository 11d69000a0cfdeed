"""The steps of atomic broadcast from one of its states to another that a step of a finer spec stands for.

A step of a finer spec may stand for several: a follower that adopts a history may make several transactions
safe at once, and one that is told to deliver its initial history delivers all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from zabspec import broadcast
from zabspec.histories import Txn, Zxid
from zabspec.parts import Sid

Move = tuple[Callable[..., Any], tuple[int, ...]]
"""An action of `zabspec.broadcast` and its arguments after the state."""


def way(start: broadcast.State, goal: broadcast.State) -> list[broadcast.State] | None:
    """Returns the states of atomic broadcast from one to another, a step apart; None if there is no way."""
    states = [start]
    for _, following in attempts(start, goal):
        if following is None:
            return None
        states.append(following)
    return states if states[-1] == goal else None


def attempts(start: broadcast.State, goal: broadcast.State) -> Iterator[tuple[str, broadcast.State | None]]:
    """Yields the steps tried on the way from one state to another, up to the first that is not enabled.

    The order tried is the only one that can matter: what is new is broadcast before the log takes it, the log
    takes it before its epoch closes, and then servers catch up.

    Yields:
        The step, such as `server_delivers(1)`, and the state after it; None if it is not enabled.
    """
    state = start
    for action, arguments in _moves(start, goal):
        following = action(state, *arguments)
        yield f"{action.__name__}({', '.join(map(str, arguments))})", following
        if following is None:
            return
        state = following


def _moves(start: broadcast.State, goal: broadcast.State) -> Iterator[Move]:
    """Yields what must happen on the way, in order."""
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
    """Yields what must happen to a server on the way; `primary` is the epoch that it leads by now, or 0."""
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
