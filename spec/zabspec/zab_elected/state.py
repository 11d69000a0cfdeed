"""A state of ZAB 1.0 together with a state of Fast Leader Election."""

from __future__ import annotations

from dataclasses import dataclass

from zabspec import fast_election, zab
from zabspec.fast_election.state import Mode, OnDisk
from zabspec.histories import ZERO
from zabspec.parts import Sid
from zabspec.quorums import Quorums

LEARNING = (Mode.FOLLOWING, Mode.OBSERVING)
"""The modes of a server that has decided to follow another."""


@dataclass(frozen=True, slots=True)
class State(zab.State):
    """A state of ZAB 1.0, and of the election that goes on beside it."""

    election: fast_election.State


def initial(size: int, quorums: Quorums | None = None, observers: frozenset[Sid] = frozenset()) -> State:
    """Returns the state of `size` servers that have never run; they start one by one.

    Args:
        size: how many servers, observers included.
        quorums: majorities of the voters, unless given; observers have no weight in them.
        observers: the servers that only follow.
    """
    start = zab.initial(size, quorums, observers)
    disks = [OnDisk(0, ZERO, Sid(sid) not in observers) for sid in range(size)]
    election = fast_election.initial(disks, start.quorums)
    return State(
        start.servers, start.network, start.quorums, start.observers, start.cut, start.disk, election
    )
