"""What roles share: the rules that a member goes by, and how a role ends.

ZooKeeper: QuorumPeer, Learner, Leader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from zabserver.service.clients import Clients
from zabserver.service.sessions import Sessions
from zabserver.service.settings import Settings
from zabserver.storage.images import Image
from zabserver.wire.quorum import Packet
from zabserver.zab.election import FIRST_PATIENCE, MOST_PATIENCE
from zabserver.zab.history import LIMIT
from zabserver.zab.link import Link

RETRY = 100
"""How long a learner waits before it dials its leader again, in milliseconds."""


class Abandoned(Exception):
    """A role is over: its server looks for a leader again.

    Args:
        why: for the log.
    """


class Reassigned(Abandoned):
    """A role is over, and a reconfiguration has said who leads from now on.

    Args:
        leader: its id.
    """

    def __init__(self, leader: int) -> None:
        super().__init__(f"server {leader} leads from now on")
        self.leader = leader


@dataclass(frozen=True, slots=True)
class Rules:
    """What of zoo.cfg a member goes by.

    Attributes:
        tick: in milliseconds; `init` and `sync` are in ticks.
        init: how long discovery and synchronization may take.
        sync: how long a member may be silent.
        least, most: what timeouts of sessions are kept between, in milliseconds; 0 for 2 and 20 ticks.
        history: how many applied transactions are kept for learners that lack a few.
        size_factor: how large log files may be that are sent instead of a snapshot, beside that.
        settings: what decides about requests.
        lone_voter: whether an ensemble may be made that has one voter.
        read_only: whether a member without a leader serves clients that only want to read.
        first_patience, most_patience: see `Election`.
    """

    tick: int = 2000
    init: int = 10
    sync: int = 5
    least: int = 0
    most: int = 0
    history: int = LIMIT
    size_factor: float = 0.33
    settings: Settings = field(default_factory=Settings)
    lone_voter: bool = False
    read_only: bool = False
    first_patience: int = FIRST_PATIENCE
    most_patience: int = MOST_PATIENCE

    def sessions(self, me: int, now: int, timeouts: dict[int, int]) -> Sessions:
        """Sessions that all have their full time from now on."""
        sessions = Sessions(me, now, self.tick, self.least, self.most)
        for session, timeout in timeouts.items():
            sessions.add(session, timeout, now)
        return sessions


class Role(Protocol):
    """What a member does while it is not looking for a leader.

    Every method may raise `Abandoned`: the role is over.

    """

    @property
    def service(self) -> Clients | None:
        """What serves this server's clients; None until the role is established."""

    def begin(self) -> None:
        """The role begins."""

    def on_items(self, link: Link, items: Sequence[Packet | Image]) -> None:
        """Something has come from another member, in this order.

        Raises:
            Malformed: it makes no sense.
        """

    def on_lost(self, link: Link) -> None:
        """A connection is gone, or could not be made."""

    def on_synced(self, zxid: int) -> None:
        """All up to a zxid is on this server's disk."""

    def on_tick(self) -> None:
        """Time has passed."""

    def settle(self) -> None:
        """All that had come has been taken in: what follows from it together is done."""

    def logged(self) -> list[tuple[int, bytes]]:
        """What this server has logged and not applied, when the role ends."""
