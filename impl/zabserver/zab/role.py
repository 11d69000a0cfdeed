"""What roles have in common: the settings of a member, and how a role ends.

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
"""How long a learner waits before it connects to its leader again, in milliseconds."""


class Abandoned(Exception):
    """Raised when a role ends: the server looks for a leader again. The message is for the log."""


class Reassigned(Abandoned):
    """Raised when a role ends because a reconfiguration designates another leader.

    Args:
        leader: the id of that leader.
    """

    def __init__(self, leader: int) -> None:
        super().__init__(f"a reconfiguration makes server {leader} the leader")
        self.leader = leader


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings from zoo.cfg that decide how a member behaves.

    Attributes:
        tick: the length of a tick, in milliseconds (`tickTime`).
        init: the time limit for discovery and synchronization, in ticks (`initLimit`).
        sync: how long a member may be silent, in ticks (`syncLimit`).
        least, most: the shortest and longest session timeout, in milliseconds; 0 for 2 and 20 ticks.
        history: how many applied transactions are kept to synchronize learners (`commitLogCount`).
        size_factor: how large log files may be, compared to a snapshot, to be sent in its place
            (`snapshotSizeFactor`).
        settings: the settings that decide how requests of clients are served.
        lone_voter: True if a reconfiguration may leave one voter.
        read_only: True if a member without a leader serves read-only clients (`readonlymode.enabled`).
        first_patience, most_patience: as of `Election`.
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
        """Returns open sessions, each with its full timeout from now on."""
        sessions = Sessions(me, now, self.tick, self.least, self.most)
        for session, timeout in timeouts.items():
            sessions.add(session, timeout, now)
        return sessions


class Role(Protocol):
    """What a member does once it has a leader. Every method may raise `Abandoned`: the role ends."""

    @property
    def service(self) -> Clients | None:
        """The service for this server's clients; None until there is one."""

    def begin(self) -> None:
        """Begins the role."""

    def on_items(self, link: Link, items: Sequence[Packet | Image]) -> None:
        """Handles packets and images from another member, in order.

        Raises:
            Malformed: one of them cannot be decoded.
        """

    def on_lost(self, link: Link) -> None:
        """Handles the loss of a connection, or the failure to make it."""

    def on_synced(self, zxid: int) -> None:
        """Handles an fsync: everything up to a zxid is on this server's disk."""

    def on_tick(self) -> None:
        """Handles the passing of time."""

    def settle(self) -> None:
        """Ends a turn, when all that had arrived is handled."""

    def logged(self) -> list[tuple[int, bytes]]:
        """Returns what this server has logged and not applied, when the role ends."""
