"""How far `zabspec.zab` and `zabspec.zab_elected` are explored, and in which grain."""

from __future__ import annotations

from dataclasses import dataclass, fields

from zabcheck.models.bounds import check_values, choice, count, flag, text, unless_zero

ELECTIONS = ("abstract", "late", "anyone", "votes")
"""Grains of ZAB 1.0's phase 0, the finest last: see `zabspec.zab` and `zabspec.zab_elected`."""

SYNCHRONIZATIONS = ("fine", "one-step")
"""Grains of its phase 2."""

DISKS = ("sequence", "files")
"""Grains of its disk."""

EPOCHS = 3
"""The highest epoch that may be proposed, if the bounds do not say."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far to explore, and in which grain.

    Attributes:
        servers: how many.
        transactions: how many requests clients may make.
        timeouts: how many connections may time out, first at one end.
        restarts: how many servers may restart; what waits for the disk may be lost.
        partitions: how often the network may split.
        epochs: the highest epoch that may be proposed.
        numbered: give each request a number of its own as its value; without, all values are 0.
        observers: how many of the servers, those with the highest ids, do not vote.
        weights: what each server weighs in quorums, such as "2,1,1", with a slash between groups, such as
            "1,1,0/0,0,1"; empty for majorities of those who vote.
        early: how many servers may end their election while a better vote is under way to them; with
            election "votes".
        rounds: the highest round of elections that a server may begin; with election "votes".
        give_up: let also a leader that has a quorum and gets no further go back to election, and have all of
            `NEXT_LIVE`.
        election: one of `ELECTIONS`: whom a quorum of looking servers could elect, or one whose voters may
            look no more, or anyone, or whom Fast Leader Election elects.
        synchronization: one of `SYNCHRONIZATIONS`.
        disk: one of `DISKS`: one history, or a snapshot and log records.
    """

    servers: int = count(3, "how many servers", least=1)
    transactions: int = count(2, "how many requests clients may make")
    timeouts: int = count(1, "how many connections may time out, first at one end")
    restarts: int = count(0, "how many servers may restart; what waits for the disk may be lost")
    partitions: int = count(
        0, "how often the network may split", lambda n, _: f"{n} partition{'s' * (n != 1)}" if n else None
    )
    epochs: int = count(EPOCHS, "the highest epoch that may be proposed")
    numbered: bool = flag(
        "give each request a number of its own as its value", "each request with a value of its own"
    )
    observers: int = count(
        0, "how many of the servers, the last ones, observe", unless_zero("{} of them observing")
    )
    weights: str = text(
        "what each server weighs in quorums: 2,1,1; a slash between groups: 1,1,0/0,0,1",
        lambda weights, _: f"weights {weights}" if weights else None,
    )
    early: int = count(
        0,
        "how many servers may decide while a better vote is under way; with election votes",
        unless_zero("{} deciding too early"),
    )
    rounds: int = count(
        2,
        "the highest round of elections; with election votes",
        lambda n, bounds: f"at most {n} round{'s' * (n != 1)}" if bounds.is_by_votes else None,
    )
    give_up: bool = flag(
        "let also a leader that has a quorum and gets no further go back to election",
        "leaders without a quorum give up",
    )
    election: str = choice(
        ELECTIONS,
        "whom a quorum could elect, one whose voters may look no more, anyone, or whom Fast Leader Election "
        "elects",
        {
            "late": "leaders elected by servers that look no more",
            "anyone": "anyone may lead",
            "votes": "leaders elected by votes",
        },
    )
    synchronization: str = choice(
        SYNCHRONIZATIONS,
        "in how many steps a learner is synchronized",
        {"one-step": "synchronization in one step"},
    )
    disk: str = choice(
        DISKS,
        "one sequence, or log records and a snapshot",
        {"files": "disks of log records and snapshots"},
    )

    @property
    def is_by_votes(self) -> bool:
        """True if leaders are elected by Fast Leader Election."""
        return self.election == "votes"


def check(bounds: Bounds) -> None:
    """Checks whether bounds fit together, but for quorums, which `model.quorums` checks.

    Raises:
        ValueError: they do not; one line that says what is wrong.
    """
    check_values(bounds)
    if not bounds.is_by_votes:
        for each in fields(bounds):
            if each.name in ("early", "rounds") and getattr(bounds, each.name) != each.default:
                raise ValueError(f"{each.name} is for election 'votes'")
        return
    if bounds.disk != DISKS[0]:
        raise ValueError("disk 'files' is not for election 'votes'")
    if bounds.partitions:
        raise ValueError("partitions are not for election 'votes', whose own connections they would cut too")
