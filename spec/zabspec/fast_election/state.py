"""Servers, votes and notifications of Fast Leader Election.

ZooKeeper: FastLeaderElection, Vote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from zabspec.histories import Zxid
from zabspec.parts import Queue, Row, Sid
from zabspec.quorums import Quorums


class Mode(IntEnum):
    """What a server does (ZooKeeper: QuorumPeer.ServerState; it says nothing of servers that are down)."""

    DOWN = 0
    LOOKING = 1
    FOLLOWING = 2
    LEADING = 3
    OBSERVING = 4


DECIDED = (Mode.FOLLOWING, Mode.LEADING, Mode.OBSERVING)
ESTABLISHED = (Mode.FOLLOWING, Mode.LEADING)
"""The modes in which a server's word counts for those that come late."""


class Vote(NamedTuple):
    """Who is to lead, and what it has on disk; the greater vote is the better one."""

    epoch: int  # its current epoch (peerEpoch)
    zxid: Zxid  # the last that it logged
    leader: Sid


@dataclass(frozen=True, slots=True)
class Report:
    """What one server has heard of another: its vote, and what it was doing."""

    vote: Vote
    mode: Mode


@dataclass(frozen=True, slots=True)
class Notification:
    """One server to another: its vote, the round it was cast in, and what it is doing."""

    vote: Vote | None
    round: int
    mode: Mode


Reports = Row[Report | None]


@dataclass(frozen=True, slots=True)
class Server:
    """One server. Only what is on disk survives a crash: the first two fields, and that it is a voter."""

    epoch: int
    zxid: Zxid
    is_voter: bool  # an observer is not
    mode: Mode
    round: int  # of its election, the present or the last one (logicalclock)
    vote: Vote | None  # its proposal, then its decision; None of an observer that has heard of nobody
    received: Reports  # the votes of its round, while it looks (recvset)
    outside: Reports  # what servers that have decided say, while it looks (outofelection)


@dataclass(frozen=True, slots=True)
class State:
    """The servers, the channels between them, and what never changes: quorums, capacity of a channel."""

    servers: Row[Server]
    network: Row[Row[Queue[Notification]]]  # network[sender][receiver]
    quorums: Quorums
    capacity: int


@dataclass(frozen=True, slots=True)
class OnDisk:
    """What a server has on disk when its first election begins."""

    epoch: int
    zxid: Zxid
    is_voter: bool = True


def initial(disks: Sequence[OnDisk], quorums: Quorums, capacity: int = 1) -> State:
    """All servers down, each with what it has on disk."""
    size = len(disks)
    nothing: Reports = Row([None] * size)
    servers = Row(
        Server(disk.epoch, disk.zxid, disk.is_voter, Mode.DOWN, 0, None, nothing, nothing) for disk in disks
    )
    empty: Queue[Notification] = Queue()
    return State(servers, Row([Row([empty] * size)] * size), quorums, capacity)
