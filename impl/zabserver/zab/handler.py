"""What a leader knows of one learner.

ZooKeeper: LearnerHandler.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from zabserver.wire.quorum import encode_packet

if TYPE_CHECKING:
    from zabserver.zab.link import Link


class Stage(IntEnum):
    """How far it has come with a learner."""

    CONNECTED = 0
    DISCOVERY = 1
    """It has said who it is; it waits for an epoch."""
    PROMISE = 2
    """It was told the epoch."""
    PROMISED = 3
    """It has promised it; it waits until a quorum has."""
    SYNCHRONIZATION = 4
    """It was sent the history, and NEWLEADER."""
    READY = 5
    """It has acknowledged that."""
    BROADCAST = 6
    """It was told that a quorum has."""


class Handler:
    """One learner.

    Args:
        link: the connection to it.
        tick: the current one.

    Attributes:
        sid: its id; -1 until it has said.
        is_voter: whether it votes in the ensemble that is committed.
        is_observer: whether it gets INFORM.
        epoch: the current epoch that it told in ACKEPOCH.
        last_zxid: the last that it told it has.
        acknowledged: it has all up to this zxid on disk.
        deadline: the tick until which it is not missed.
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
