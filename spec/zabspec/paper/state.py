"""The state of ZAB as the DSN'11 paper describes it: servers, messages and channels.

Paper: Junqueira, Reed, Serafini, "Zab: High-performance broadcast for primary-backup systems" (DSN 2011),
section IV. Names there: f.p is `accepted_epoch`, f.a is `current_epoch`, h_f is `history`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sized
from dataclasses import dataclass
from enum import IntEnum

from zabspec.histories import History, Txn, Zxid
from zabspec.parts import Queue, Row, Sid
from zabspec.phases import Phase
from zabspec.summaries import Summary


class Role(IntEnum):
    """The role that a server believes it has (ZooKeeper: QuorumPeer.ServerState)."""

    LOOKING = 0
    FOLLOWING = 1
    LEADING = 2


class Stage(IntEnum):
    """How far a learner has come, as its leader sees it: the last message that the leader has processed from
    it.
    """

    ABSENT = 0
    CONNECTED = 1
    CEPOCH = 2
    ACKEPOCH = 3
    ACKLD = 4


@dataclass(frozen=True, slots=True)
class CEpoch:
    """Follower to leader: f.p, the last epoch that the follower has promised (ZooKeeper: FOLLOWERINFO)."""

    epoch: int


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """Leader to followers: e', the epoch that the leader proposes (ZooKeeper: LEADERINFO)."""

    epoch: int


@dataclass(frozen=True, slots=True)
class AckEpoch:
    """Follower to leader, ACK-E: the follower has promised; its f.a and history (ZooKeeper: ACKEPOCH)."""

    epoch: int
    history: History


@dataclass(frozen=True, slots=True)
class NewLeader:
    """Leader to followers: the epoch e' and its initial history I_e' (ZooKeeper: NEWLEADER)."""

    epoch: int
    history: History


@dataclass(frozen=True, slots=True)
class AckLeader:
    """Follower to leader, ACK-LD: the follower has adopted the history up to this zxid (ZooKeeper: ACK of
    NEWLEADER).
    """

    zxid: Zxid


@dataclass(frozen=True, slots=True)
class CommitLeader:
    """Leader to followers, COMMIT-LD: deliver the history up to this zxid (ZooKeeper: UPTODATE)."""

    zxid: Zxid


@dataclass(frozen=True, slots=True)
class Propose:
    """Leader to followers: log this transaction (ZooKeeper: PROPOSAL)."""

    txn: Txn


@dataclass(frozen=True, slots=True)
class Ack:
    """Follower to leader: the follower has logged the transaction (ZooKeeper: ACK)."""

    zxid: Zxid


@dataclass(frozen=True, slots=True)
class Commit:
    """Leader to followers: deliver the transaction (ZooKeeper: COMMIT)."""

    zxid: Zxid


Message = CEpoch | NewEpoch | AckEpoch | NewLeader | AckLeader | CommitLeader | Propose | Ack | Commit


@dataclass(frozen=True, slots=True)
class Server:
    """One server. The fields on disk come first; `committed` does not survive a restart."""

    accepted_epoch: int
    current_epoch: int
    history: History
    committed: int  # how many transactions of the history are delivered
    role: Role
    phase: Phase
    leader: Sid | None  # the leader that it is connected to, as a follower
    # The fields below are those of a leader; see `as_leader` in election.py.
    stages: Row[Stage]  # how far each learner has come, itself included
    promised: frozenset[Sid]  # who has ever sent it a CEPOCH: promises outlive connections
    highest_epoch: int  # the highest epoch in the CEPOCHs
    confirmed: frozenset[Sid]  # who has ever sent it an ACK-E
    best: Summary | None  # the most recent summary in the ACK-Es, until it is chosen
    synced: frozenset[Sid]  # who has ever sent it an ACK-LD
    acked: Row[int]  # how many transactions of its history each server has acknowledged
    proposed: int  # the counter of the last transaction that it has sent


@dataclass(frozen=True, slots=True)
class State:
    """The servers, the channels between them, and the server that the leader oracle names at present."""

    servers: Row[Server]
    network: Row[Row[Queue[Message]]]  # network[sender][receiver]
    oracle: Sid | None


def initial(size: int) -> State:
    """Returns the state of `size` servers that have never run."""
    nobody: frozenset[Sid] = frozenset()
    server = Server(
        accepted_epoch=0,
        current_epoch=0,
        history=(),
        committed=0,
        role=Role.LOOKING,
        phase=Phase.ELECTION,
        leader=None,
        stages=Row([Stage.ABSENT] * size),
        promised=nobody,
        highest_epoch=0,
        confirmed=nobody,
        best=None,
        synced=nobody,
        acked=Row([0] * size),
        proposed=0,
    )
    empty: Queue[Message] = Queue()
    return State(Row([server] * size), Row([Row([empty] * size)] * size), None)


def is_quorum(some: Iterable[Sid], servers: Sized) -> bool:
    """True if `some` are more than half of all servers; `servers` is anything with one entry for each
    server.
    """
    return 2 * len(list(some)) > len(servers)


def learners_at(stages: Row[Stage], stage: Stage) -> tuple[Sid, ...]:
    """Returns the learners that have come at least as far as `stage`, in the order of their ids."""
    return tuple(Sid(i) for i, reached in enumerate(stages) if reached >= stage)
