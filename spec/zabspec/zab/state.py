"""The state of ZAB 1.0 as ZooKeeper runs it: servers, messages and channels.

A server has a disk, a tree in memory, and between them what waits to be written. All three are kept as
histories: the tree is the sequence of transactions applied to it, the disk the sequence that a restart would
find.

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
    """The role that a server believes it has (ZooKeeper: QuorumPeer.ServerState)."""

    LOOKING = 0
    FOLLOWING = 1
    LEADING = 2
    STOPPED = 3  # refuses to start, because its epochs do not fit its log


class Stage(IntEnum):
    """How far a learner has come, as its leader sees it (ZooKeeper: LearnerHandler.run)."""

    ABSENT = 0
    CONNECTED = 1
    INFORMED = 2  # its FOLLOWERINFO was processed
    ACKED = 3  # its ACKEPOCH was processed
    FORWARDING = 4  # history was sent to it; all proposals go to it
    TOLD = 5  # NEWLEADER was sent to it
    SYNCED = 6  # its ACK of NEWLEADER was processed


class SyncMode(IntEnum):
    """How a learner gets its leader's history (ZooKeeper: QuorumPeer.SyncMode)."""

    NONE = 0
    DIFF = 1
    TRUNC = 2
    SNAP = 3


@dataclass(frozen=True, slots=True)
class FollowerInfo:
    """Follower to leader: the last epoch that the follower has promised (paper: CEPOCH)."""

    epoch: int


@dataclass(frozen=True, slots=True)
class LeaderInfo:
    """Leader to follower: the epoch that the leader proposes (paper: NEWEPOCH)."""

    epoch: int


@dataclass(frozen=True, slots=True)
class AckEpoch:
    """Follower to leader: the follower has promised; its last zxid and its current epoch.

    The epoch is None if the follower had promised the proposed epoch before.
    """

    epoch: int | None
    zxid: Zxid


@dataclass(frozen=True, slots=True)
class Diff:
    """Leader to follower: what comes next goes after what the follower has."""


@dataclass(frozen=True, slots=True)
class Trunc:
    """Leader to follower: truncate the log after this zxid; what comes next goes after that."""

    zxid: Zxid


@dataclass(frozen=True, slots=True)
class Snap:
    """Leader to follower: replace the whole tree by this one, which is labelled with this zxid."""

    tree: History
    zxid: Zxid


@dataclass(frozen=True, slots=True)
class Proposal:
    """Leader to follower: log this transaction (paper: PROPOSE)."""

    txn: Txn


@dataclass(frozen=True, slots=True)
class Commit:
    """Leader to follower: deliver the transaction."""

    zxid: Zxid


@dataclass(frozen=True, slots=True)
class Inform:
    """Leader to observer: log and deliver this committed transaction."""

    txn: Txn


@dataclass(frozen=True, slots=True)
class NewLeader:
    """Leader to follower: this is the end of the leader's initial history (paper: the end of NEWLEADER)."""

    epoch: int


@dataclass(frozen=True, slots=True)
class UpToDate:
    """Leader to follower: start to serve (paper: COMMIT-LD)."""


@dataclass(frozen=True, slots=True)
class Ack:
    """Follower to leader: the transaction is on disk; with counter 0, everything before NEWLEADER is."""

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
    """The parts that a disk consists of."""

    SEQUENCE = 0  # one history, truncated anywhere; a leader can send all that it has applied
    FILES = 1  # log records and a snapshot; a leader keeps few transactions in memory to send


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A tree on disk, and the zxid that labels it (ZooKeeper: FileSnap)."""

    tree: History
    zxid: Zxid


NO_SNAPSHOT = Snapshot((), ZERO)
"""The snapshot of a server that has taken none; where a disk is one sequence, of every server."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server: its disk, its memory, what it knows as a learner, and what it knows as a leader."""

    # On disk.
    accepted_epoch: int
    current_epoch: int
    log: History  # records; those up to the snapshot may have gaps and uncommitted transactions
    snapshot: Snapshot  # the newest one
    # In memory, whatever its role.
    unsynced: History  # handed to the SyncRequestProcessor; a crash may keep any first part
    tree: History  # applied, committed or not
    processed: Zxid  # the label of the tree: its last zxid, or (e, 0) if the server leads epoch e
    committed_log: History  # the part of the tree that it can still send one by one
    role: Role
    phase: Phase
    # As a learner.
    leader: Sid | None  # the leader that it is connected to, as far as it knows
    sync_mode: SyncMode  # NONE once NEWLEADER is acknowledged
    pending: History  # proposed to it and not committed; before UPTODATE, not handed to the disk either
    to_commit: int  # how many of `pending`, from the first, have a COMMIT
    # As a leader; see `as_leader`.
    stages: Row[Stage]  # how far each learner has come
    connecting: frozenset[Sid]  # who has ever sent it a FOLLOWERINFO
    proposing_epoch: int  # one more than the highest epoch in the FOLLOWERINFOs
    electing: frozenset[Sid]  # who has sent it an ACKEPOCH that counts
    reported: Row[Zxid]  # the last zxid of each learner that waits to be synchronized
    adopting: frozenset[Sid]  # who has acknowledged NEWLEADER
    proposed: int  # the counter of the last transaction that it has proposed
    committed: int  # the counter of the last transaction that it has committed
    acked: Row[int]  # the counter of the last transaction that each server has acknowledged


@dataclass(frozen=True, slots=True)
class State:
    """The servers, the channels between them, quorums and observers, and a partition if there is one."""

    servers: Row[Server]
    network: Row[Row[Queue[Message]]]  # network[sender][receiver]
    quorums: tuple[Row[int], ...]
    observers: frozenset[Sid]  # servers that only follow: they have no weight in quorums
    cut: frozenset[Sid]  # servers that a partition cuts off from all others; empty while there is none
    disk: Disk  # of every server


def initial(
    size: int,
    quorums: Quorums | None = None,
    observers: frozenset[Sid] = frozenset(),
    disk: Disk = Disk.SEQUENCE,
) -> State:
    """Returns the state of `size` servers that have never run.

    Args:
        size: how many servers, observers included.
        quorums: majorities of the voters, unless given; observers have no weight in them.
        observers: the servers that only follow.
        disk: what each server's disk consists of.
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
    """Returns the learners that have come at least as far as `stage`, in the order of their ids."""
    return tuple(Sid(sid) for sid, reached in enumerate(stages) if reached >= stage)
