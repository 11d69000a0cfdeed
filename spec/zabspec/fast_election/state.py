"""The state of Fast Leader Election: servers, votes and notifications.

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
    """What a server does (ZooKeeper: QuorumPeer.ServerState, which has no value for a server that is
    down).
    """

    DOWN = 0
    LOOKING = 1
    FOLLOWING = 2
    LEADING = 3
    OBSERVING = 4


DECIDED = (Mode.FOLLOWING, Mode.LEADING, Mode.OBSERVING)
ESTABLISHED = (Mode.FOLLOWING, Mode.LEADING)
"""The modes in which a server's word counts for a latecomer."""


class Vote(NamedTuple):
    """A candidate and what it has on disk; the greater of two votes is the better one."""

    epoch: int  # the candidate's current epoch (peerEpoch)
    zxid: Zxid  # of the last transaction that the candidate has logged
    leader: Sid


@dataclass(frozen=True, slots=True)
class Report:
    """What one server has heard of another: its vote, and its mode."""

    vote: Vote
    mode: Mode


@dataclass(frozen=True, slots=True)
class Notification:
    """One server to another: the sender's vote, the round in which it was cast, and the sender's mode."""

    vote: Vote | None
    round: int
    mode: Mode


Reports = Row[Report | None]


@dataclass(frozen=True, slots=True)
class Server:
    """One server. A crash leaves only what is on disk: `epoch`, `zxid` and whether the server is a voter."""

    epoch: int
    zxid: Zxid
    is_voter: bool  # False for an observer
    mode: Mode
    round: int  # of its present or last election (logicalclock)
    vote: Vote | None  # its proposal, then its decision; None for an observer that has heard of no vote
    received: Reports  # the votes of its round, while it looks (recvset)
    outside: Reports  # reports of servers that have decided, while it looks (outofelection)


@dataclass(frozen=True, slots=True)
class State:
    """The servers, the channels between them, and two constants: the quorums and the capacity of a
    channel.
    """

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
    """Returns the state in which all servers are down, each with what it has on disk."""
    size = len(disks)
    nothing: Reports = Row([None] * size)
    servers = Row(
        Server(disk.epoch, disk.zxid, disk.is_voter, Mode.DOWN, 0, None, nothing, nothing) for disk in disks
    )
    empty: Queue[Notification] = Queue()
    return State(servers, Row([Row([empty] * size)] * size), quorums, capacity)
