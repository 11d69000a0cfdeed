"""How far `zabspec.fast_election` is explored."""

from __future__ import annotations

from dataclasses import dataclass

from zabcheck.models.bounds import check_values, count, flag, unless_zero


@dataclass(frozen=True, slots=True)
class Bounds:
    """Who elects, and how far to explore.

    Attributes:
        servers: how many.
        timeouts: how many servers may lose their leader or followers and look again.
        restarts: how many servers may crash; a server that is down may always start.
        observers: how many of the servers, those with the highest ids, do not vote.
        weightless: how many of the servers, those with the lowest ids, weigh nothing in quorums.
        unlike: each server has logged more than the next before its first election; without, none has.
        early: how many servers may end their election while a better vote is under way to them.
        capacity: how many notifications a channel keeps.
    """

    servers: int = count(3, "how many servers", least=1)
    timeouts: int = count(1, "how many servers may lose their leader or followers and look again")
    restarts: int = count(0, "how many servers may crash")
    observers: int = count(
        0, "how many of the servers, the last ones, observe", unless_zero("{} of them observing")
    )
    weightless: int = count(
        0, "how many of the servers, the first ones, weigh nothing", unless_zero("{} without weight")
    )
    unlike: bool = flag(
        "each server has logged more than the next before its first election",
        "the lowest id has logged most",
    )
    early: int = count(
        0,
        "how many servers may decide while a better vote is under way",
        unless_zero("{} deciding too early"),
    )
    capacity: int = count(
        1,
        "how many notifications a channel keeps",
        lambda size, _: f"{size} notifications in a channel" if size > 1 else None,
        least=1,
    )

    @property
    def is_undisturbed(self) -> bool:
        """True if no server crashes or decides too early."""
        return not self.restarts and not self.early


def check(bounds: Bounds) -> None:
    """Checks whether bounds fit together.

    Raises:
        ValueError: they do not; one line that says what is wrong.
    """
    check_values(bounds)
    if bounds.observers + bounds.weightless >= bounds.servers:
        raise ValueError(
            f"{bounds.servers} servers, {bounds.observers} observers and {bounds.weightless} weightless: "
            "nobody is left to elect"
        )
