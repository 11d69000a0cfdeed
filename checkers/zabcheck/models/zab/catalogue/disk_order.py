"""ZooKeeper's rules about what must be on disk before what is said, each with the spec without it.

ZooKeeper: QuorumPeer.setAcceptedEpoch and setCurrentEpoch, Learner.syncWithLeader, Leader.lead,
SyncRequestProcessor.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        first: what must be on disk.
        then: what must not be before that.
        without: the names of the mutants that do without it; what the first breaks, or does not, is the least
            that goes wrong.
        story: what goes wrong.
    """

    first: str
    then: str
    without: tuple[str, ...]
    story: str


RULES: tuple[Rule, ...] = (
    Rule(
        "a leader's accepted epoch",
        "LEADERINFO goes out",
        ("leaderinfo-before-promise",),
        "Nothing goes wrong as long as it is written before the leader enters the epoch: its own promise "
        "counts only there, and one that crashes before has led nobody. The mutant writes it when a quorum "
        "has acknowledged the epoch.",
    ),
    Rule(
        "accepted epochs",
        "anything counts on them",
        ("promise-lost",),
        "A server promises an epoch to one leader, crashes, has forgotten it and promises the same epoch to "
        "another. Both find a quorum of promises, and two leaders are in one epoch: from there on one zxid "
        "may stand for two transactions.",
    ),
    Rule(
        "a follower's accepted epoch",
        "ACKEPOCH goes out",
        ("ackepoch-before-promise",),
        "It takes no crash: a follower that acknowledges an epoch, loses the connection and has nothing "
        "written promises the same epoch to the next leader.",
    ),
    Rule(
        "a follower's history",
        "its current epoch",
        ("ZOOKEEPER-4643",),
        "A crash between the two leaves a short log with the latest epoch, which wins the next election: "
        "the new leader has all others drop what it lacks, delivered or not.",
    ),
    Rule(
        "a follower's history",
        "NEWLEADER is acknowledged",
        ("ZOOKEEPER-3911", "ZOOKEEPER-4646", "ZOOKEEPER-4785"),
        "A quorum of acknowledgements establishes the leader, which delivers its history: what its "
        "followers have in memory alone is then on one disk, and gone from the quorum when they crash.",
    ),
    Rule(
        "a follower's current epoch",
        "NEWLEADER is acknowledged",
        ("newleader-acknowledged-before-epoch", "newleader-acknowledged-before-epoch-twice"),
        "The leader is established in an epoch that no quorum has on disk. After a crash its follower votes "
        "with its earlier epoch, and a server wins that has a transaction of that epoch which the leader "
        "did without. So a primary broadcasts that lacks what another server delivers of earlier epochs.",
    ),
    Rule(
        "a leader's current epoch",
        "its own part counts",
        ("leader-epoch-lost", "leader-epoch-lost-twice"),
        "The same from the other side: leader and follower are a quorum in the new epoch, but the leader "
        "comes back from a crash in the old one. An election by epoch, then zxid, prefers a server that was "
        "never in the new epoch; what that brings in replaces what was delivered.",
    ),
    Rule(
        "a transaction in the log",
        "its ACK goes out",
        ("ack-before-writing",),
        "A quorum of acknowledgements has the leader deliver what is on no disk yet; one crash of all "
        "servers at once and it is gone.",
    ),
)
