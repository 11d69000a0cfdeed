"""A leader's view of one learner.

ZooKeeper: LearnerHandler.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from zabserver.wire.quorum import encode_packet

if TYPE_CHECKING:
    from zabserver.zab.link import Link


class Stage(IntEnum):
    """How far a leader has come with a learner."""

    CONNECTED = 0
    DISCOVERY = 1
    """FOLLOWERINFO or OBSERVERINFO has arrived; the learner waits for the new epoch."""
    PROMISE = 2
    """LEADERINFO was sent."""
    PROMISED = 3
    """ACKEPOCH has arrived; the learner waits until a quorum has promised the epoch."""
    SYNCHRONIZATION = 4
    """The history and NEWLEADER were sent."""
    READY = 5
    """NEWLEADER was acknowledged."""
    BROADCAST = 6
    """UPTODATE was sent."""


class Handler:
    """A leader's view of one learner.

    Args:
        link: the connection to the learner.
        deadline: the first deadline.

    Attributes:
        sid: the id of the learner; -1 until it is known.
        stage: how far the leader has come with it.
        is_voter: True if it votes in the committed ensemble.
        is_observer: True if it is sent INFORM instead of PROPOSAL and COMMIT.
        epoch: its current epoch, from ACKEPOCH.
        last_zxid: its last zxid, from ACKEPOCH.
        acknowledged: the zxid up to which it has acknowledged proposals.
        deadline: the tick until which it counts as present.
    """

    __slots__ = (
        "acknowledged",
        "deadline",
        "epoch",
        "is_observer",
        "is_voter",
        "last_zxid",
        "link",
        "sid",
        "stage",
    )

    def __init__(self, link: Link, deadline: int) -> None:
        self.link = link
        self.sid = -1
        self.is_voter = self.is_observer = False
        self.stage = Stage.CONNECTED
        self.epoch = -1
        self.last_zxid = 0
        self.acknowledged = 0
        self.deadline = deadline

    def send(self, kind: int, zxid: int, body: bytes | None = None) -> None:
        """Sends one packet."""
        self.link.send(encode_packet(kind, zxid, body))
