"""Servers, messages and channels of ZAB 1.0 as ZooKeeper runs it.

A server has a disk, a tree in memory, and between them what waits to be written. All three are kept as
histories: the tree *is* the transactions applied to it, the disk those that a restart would find there.

ZooKeeper: QuorumPeer, Leader, LearnerHandler, Learner, ZKDatabase, SyncRequestProcessor.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from zabspec.histories import ZERO, History, Txn, Zxid
from zabspec.parts import Queue, Row, Sid
from zabspec.phases import Phase
from zabspec.quorums import Quorums, majority


class Role(IntEnum):
    """What a server takes itself for (ZooKeeper: QuorumPeer.ServerState)."""

    LOOKING = 0
    FOLLOWING = 1
    LEADING = 2
    STOPPED = 3  # it refuses to start: its epochs do not fit its log


class Stage(IntEnum):
    """How far a learner has come, as its leader sees it (ZooKeeper: LearnerHandler.run)."""

    ABSENT = 0
    CONNECTED = 1
    INFORMED = 2  # its FOLLOWERINFO was processed
    ACKED = 3  # its ACKEPOCH was processed
    FORWARDING = 4  # it was sent history; all that is proposed goes to it
    TOLD = 5  # it was sent NEWLEADER
    SYNCED = 6  # its ACK of NEWLEADER was processed


class SyncMode(IntEnum):
    """How a learner is brought to its leader's history (ZooKeeper: QuorumPeer.SyncMode)."""

    NONE = 0
    DIFF = 1
    TRUNC = 2
    SNAP = 3


@dataclass(frozen=True, slots=True)
class FollowerInfo:
    """Follower to leader: the last epoch it promised itself to (paper: CEPOCH)."""

    epoch: int


@dataclass(frozen=True, slots=True)
class LeaderInfo:
    """Leader to follower: the epoch it proposes (paper: NEWEPOCH)."""

    epoch: int


@dataclass(frozen=True, slots=True)
class AckEpoch:
    """Follower to leader: it promised; its current epoch, None if it had promised before, and last zxid."""

    epoch: int | None
    zxid: Zxid


@dataclass(frozen=True, slots=True)
class Diff:
    """Leader to follower: what comes now goes after what you have."""


@dataclass(frozen=True, slots=True)
class Trunc:
    """Leader to follower: drop all after this zxid; what comes now goes after that."""

    zxid: Zxid


@dataclass(frozen=True, slots=True)
class Snap:
    """Leader to follower: here is my tree, and the zxid that it is labelled with; forget yours."""

    tree: History
    zxid: Zxid


@dataclass(frozen=True, slots=True)
class Proposal:
    """Leader to follower: a transaction to be logged (paper: PROPOSE)."""

    txn: Txn


@dataclass(frozen=True, slots=True)
class Commit:
    """Leader to follower: deliver the transaction."""

    zxid: Zxid


@dataclass(frozen=True, slots=True)
class Inform:
    """Leader to observer: a transaction that is committed, to be logged and delivered."""

    txn: Txn


@dataclass(frozen=True, slots=True)
class NewLeader:
    """Leader to follower: this was my initial history (paper: the end of NEWLEADER)."""

    epoch: int


@dataclass(frozen=True, slots=True)
class UpToDate:
    """Leader to follower: start to serve (paper: COMMIT-LD)."""


@dataclass(frozen=True, slots=True)
class Ack:
    """Follower to leader: the transaction is on disk; with counter 0, all before NEWLEADER is."""

    zxid: Zxid


Message = (
    FollowerInfo
    | LeaderInfo
    | AckEpoch
    | Diff
    | Trunc
    | Snap
    | Proposal
    | Commit
    | Inform
    | NewLeader
    | UpToDate
    | Ack
)


class Disk(IntEnum):
    """What a disk is made of."""

    SEQUENCE = 0  # of one history, cut anywhere; a leader can still send all that it has applied
    FILES = 1  # of log records and a snapshot; a leader keeps few transactions in memory to send


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A tree on disk, and the zxid that it is labelled with (ZooKeeper: FileSnap)."""

    tree: History
    zxid: Zxid


NO_SNAPSHOT = Snapshot((), ZERO)
"""What a server has before its first snapshot; where a disk is one sequence, always."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server: its disk, its memory, what it knows as a learner, and what it knows as a leader."""

    # On disk.
    accepted_epoch: int
    current_epoch: int
    log: History  # records; those up to the snapshot are old, and may have holes and what was never committed
    snapshot: Snapshot  # the newest
    # In memory, whatever its role.
    unsynced: History  # handed to the SyncRequestProcessor; a crash keeps any first part of it
    tree: History  # applied, committed or not
    processed: Zxid  # what the tree is labelled with: its last zxid, or (e, 0) if it leads e
    committed_log: History  # of the tree, what it can still send to others one by one
    role: Role
    phase: Phase
    # As a learner.
    leader: Sid | None  # whom it is connected to, as far as it knows
    sync_mode: SyncMode  # NONE once NEWLEADER is acknowledged
    pending: History  # proposed to it and not committed; before UPTODATE, not handed to be written either
    to_commit: int  # of the first of those, how many COMMITs have come
    # As a leader; see `as_leader`.
    stages: Row[Stage]  # how far each learner has come
    connecting: frozenset[Sid]  # from whom a FOLLOWERINFO came, ever
    proposing_epoch: int  # the highest epoch in those, and one more
    electing: frozenset[Sid]  # from whom an ACKEPOCH came that counts
    reported: Row[Zxid]  # the last zxid of each learner that waits to be synchronized
    adopting: frozenset[Sid]  # from whom an ACK of NEWLEADER came
    proposed: int  # the counter of the last transaction it proposed
    committed: int  # the counter of the last transaction it committed
    acked: Row[int]  # the counter of the last transaction that each server has acknowledged


@dataclass(frozen=True, slots=True)
class State:
    """The servers, the channels between them, who is which of them, and whom a partition cuts off."""

    servers: Row[Server]
    network: Row[Row[Queue[Message]]]  # network[sender][receiver]
    quorums: tuple[Row[int], ...]
    observers: frozenset[Sid]  # those that only follow: they weigh nothing in quorums
    cut: frozenset[Sid]  # those that a partition cuts off from all others; nobody while the network is whole
    disk: Disk  # of each server


def initial(
    size: int,
    quorums: Quorums | None = None,
    observers: frozenset[Sid] = frozenset(),
    disk: Disk = Disk.SEQUENCE,
) -> State:
    """The state of `size` servers that have never run.

    Args:
        size: how many, observers among them.
        quorums: majorities of those who vote, unless given; observers weigh nothing in them.
        observers: those that only follow.
        disk: what the disk of each is made of.
    """
    nobody: frozenset[Sid] = frozenset()
    server = Server(
        accepted_epoch=0,
        current_epoch=0,
        log=(),
        snapshot=NO_SNAPSHOT,
        unsynced=(),
        tree=(),
        processed=ZERO,
        committed_log=(),
        role=Role.LOOKING,
        phase=Phase.ELECTION,
        leader=None,
        sync_mode=SyncMode.NONE,
        pending=(),
        to_commit=0,
        stages=Row([Stage.ABSENT] * size),
        connecting=nobody,
        proposing_epoch=0,
        electing=nobody,
        reported=Row([ZERO] * size),
        adopting=nobody,
        proposed=0,
        committed=0,
        acked=Row([0] * size),
    )
    empty: Queue[Message] = Queue()
    network = Row([Row([empty] * size)] * size)
    chosen = tuple(Row(group) for group in quorums or majority(size, observers))
    return State(Row([server] * size), network, chosen, observers, nobody, disk)


def learners_from(stages: Row[Stage], stage: Stage) -> tuple[Sid, ...]:
    """The learners that have come at least as far as `stage`, in order of their ids."""
    return tuple(Sid(sid) for sid, reached in enumerate(stages) if reached >= stage)
