"""How far to explore, and how an action of a spec is kept within that.

A spec has no bounds. A wrapper takes one of its actions, the bounds, and a world: a state of the protocol
(`protocol`) with what has been used of the bounds beside it (`budget`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zabspec.parts import replace

ELECTIONS = ("abstract", "late", "anyone", "votes")
"""Grains of ZAB 1.0's phase 0, the finest last: see `zabspec.zab` and `zabspec.zab_elected`."""

SYNCHRONIZATIONS = ("fine", "one-step")
"""Grains of its phase 2."""


DISKS = ("sequence", "files")
"""Grains of its disk."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far to explore, and in which grain.

    Attributes:
        servers: how many.
        transactions: the longest history that a request may lead to.
        timeouts: how many connections may time out; a restart uses up one too, but is not stopped by it.
        restarts: how many servers may restart.
        epochs: the highest epoch that may be proposed; None for no bound.
        numbered: give each request a number of its own as its value, as Zab.tla does. Without, all values are
            0: ZAB never looks at them, and the properties then tell transactions apart by zxid alone.
        restart_needs_timeout: refuse a restart when no timeout is left (Apache's Zab.tla does, NJU's does
            not).
        give_up: let a leader without a quorum, or a follower without a leader, go back to election, and have
            all of `paper.FOR_LIVENESS`; of "zab", all of `NEXT_LIVE`.
        partitions: how often the network may split; of the spec "zab" alone.
        observers: how many of the servers, those with the highest ids, do not vote.
        weights: what each server weighs in quorums, such as "2,1,1", with a slash between groups, such as
            "1,1,0/0,0,1"; empty for majorities of those who vote. Of the spec "zab" alone.
        weightless: how many of the servers, those with the lowest ids, weigh nothing in quorums.
        unlike: each server has logged more than the next before its first election; without, none has.
        early: how many servers may end their election while a better vote is under way to them.
        capacity: how many notifications a channel keeps.
        rounds: the highest round of elections that a server may begin, where ZAB 1.0 elects by votes.
        election: of ZAB 1.0, one of `ELECTIONS`: whom a quorum of looking servers could elect, or one whose
            voters may look no more, or anyone, or whom Fast Leader Election elects.
        synchronization: of ZAB 1.0, one of `SYNCHRONIZATIONS`.
        disk: of ZAB 1.0, one of `DISKS`: one history, or a snapshot and log records.
        scenario: of the spec "service" alone: one of `service_scenarios.SCENARIOS`, which says all there.
    """

    servers: int = 3
    transactions: int = 2
    timeouts: int = 1
    restarts: int = 0
    epochs: int | None = None
    numbered: bool = False
    restart_needs_timeout: bool = False
    give_up: bool = False
    partitions: int = 0
    observers: int = 0
    weights: str = ""
    weightless: int = 0
    unlike: bool = False
    early: int = 0
    capacity: int = 1
    rounds: int = 2
    election: str = "abstract"
    synchronization: str = "fine"
    disk: str = "sequence"
    scenario: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """What has been used of the bounds: Zab.tla's `recorder` without the name of the last action."""

    timeouts: int = 0
    restarts: int = 0
    longest: int = 0  # the longest history when the last request was accepted (nTransaction)
    requests: int = 0
    highest_epoch: int = 0  # the highest promise when the last CEPOCH was processed (maxEpoch)


def unbounded(action: Callable[..., Any], _: Bounds, world: Any, *arguments: Any) -> Any:
    """The action as it is."""
    after = action(world.protocol, *arguments)
    return None if after is None else replace(world, protocol=after)


def spending(name: str) -> Callable[..., Any]:
    """A wrapper that allows an action while there is budget for it.

    Args:
        name: what it uses up one of, in `Bounds` and in `Budget`.
    """

    def spend(action: Callable[..., Any], bounds: Bounds, world: Any, *arguments: Any) -> Any:
        used = getattr(world.budget, name)
        if used >= getattr(bounds, name):
            return None
        after = action(world.protocol, *arguments)
        if after is None:
            return None
        return replace(world, protocol=after, budget=replace(world.budget, **{name: used + 1}))

    return spend
