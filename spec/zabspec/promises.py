"""Liveness properties as values, and those that every grain with a leader has.

The `liveness` module of each grain says what is assumed for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zabspec.parts import Sid

Up = frozenset[Sid]


@dataclass(frozen=True, slots=True)
class Eventually:
    """A liveness property: as long as its premise holds, its goal is reached again and again.

    Attributes:
        name: as written on the command line.
        sentence: the property in words.
        premise: takes (state, up, *sids).
        goal: takes the same arguments.
        arity: how many different servers in `up` the property takes; it must hold for all choices of them.
        others_act: True if servers that are not in `up` may still act, except that faults are over; False if
            they are down.
    """

    name: str
    sentence: str
    premise: Callable[..., bool]
    goal: Callable[..., bool]
    arity: int
    others_act: bool


def promises(
    others_are_down: Callable[..., bool],
    a_leader_is_established: Callable[..., bool],
    leads_all_that_are_up: Callable[..., bool],
    a_quorum_has_delivered: Callable[..., bool],
    both_have_delivered: Callable[..., bool],
) -> tuple[Eventually, ...]:
    """Returns the liveness properties of a grain with a leader, made of predicates of that grain's states.

    Args:
        others_are_down: takes (state, up), as do the predicates below.
        a_leader_is_established: and a quorum of the servers that are up follows that leader.
        leads_all_that_are_up: also takes a leader, and perhaps a follower.
        a_quorum_has_delivered: also takes a leader, and is about all that it has logged.
        both_have_delivered: also takes a leader and a follower.
    """
    return (
        Eventually(
            "leader_gets_established",
            "With a stable quorum, and everyone else down, a leader gets established.",
            others_are_down,
            a_leader_is_established,
            arity=0,
            others_act=False,
        ),
        Eventually(
            "proposal_is_delivered_by_quorum",
            "What an established leader logs is delivered by a quorum, if a quorum stays connected to it.",
            leads_all_that_are_up,
            a_quorum_has_delivered,
            arity=1,
            others_act=True,
        ),
        Eventually(
            "proposal_is_delivered_by_follower",
            "What an established leader logs is delivered by it and by each follower that stays connected.",
            leads_all_that_are_up,
            both_have_delivered,
            arity=2,
            others_act=True,
        ),
    )
