"""What must happen in the end, as a value: the promises that every grain with a leader makes.

Each grain says in its `liveness` module what is assumed for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zabspec.parts import Sid

Up = frozenset[Sid]


@dataclass(frozen=True, slots=True)
class Eventually:
    """While its premise holds, the goal is reached again and again.

    Attributes:
        name: as it is written on the command line.
        sentence: what it says.
        premise: takes (state, up, *sids).
        goal: takes the same.
        arity: it must hold for all choices of so many different servers in `up`.
        others_act: whether the servers that are not in `up` may still do as they like, faults excepted, or
            not; if they do not act, they are down.
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
    """What every grain with a leader promises, each in the words of its own state.

    Args:
        others_are_down: takes (state, up), as do those that follow.
        a_leader_is_established: and a quorum of those that are up follows it.
        leads_all_that_are_up: takes a leader too, and perhaps a follower.
        a_quorum_has_delivered: takes a leader too; all that it has logged is meant.
        both_have_delivered: takes a leader and a follower too.
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
