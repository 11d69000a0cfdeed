"""ZooKeeper's rules about what must be on disk before a message is sent, each with the spec that breaks it.

ZooKeeper: QuorumPeer.setAcceptedEpoch and setCurrentEpoch, Learner.syncWithLeader, Leader.lead,
SyncRequestProcessor.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule about the order of a write and a message.

    Attributes:
        first: what must be on disk first.
        then: what must not happen before that.
        without: the names of the mutants that break the rule; the first shows the least that goes wrong.
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
        "Nothing goes wrong as long as the epoch is written before the leader enters it: the leader's own "
        "promise counts only there, and a leader that crashes earlier has led nobody. The mutant writes the "
        "epoch when a quorum has acknowledged it.",
    ),
    Rule(
        "accepted epochs",
        "anything counts on them",
        ("promise-lost",),
        "A server promises an epoch to one leader, crashes, has forgotten the promise, and promises the "
        "same epoch to another leader. Both find a quorum of promises, and two leaders are in one epoch. "
        "From there on one zxid may stand for two transactions.",
    ),
    Rule(
        "a follower's accepted epoch",
        "ACKEPOCH goes out",
        ("ackepoch-before-promise",),
        "This takes no crash: a follower that acknowledges an epoch, loses the connection and has written "
        "nothing promises the same epoch to the next leader.",
    ),
    Rule(
        "a follower's history",
        "its current epoch",
        ("ZOOKEEPER-4643",),
        "A crash between the two leaves a short log with the latest epoch, and that server wins the next "
        "election. As the new leader it makes all others drop what it lacks, delivered or not.",
    ),
    Rule(
        "a follower's history",
        "NEWLEADER is acknowledged",
        ("ZOOKEEPER-3911", "ZOOKEEPER-4646", "ZOOKEEPER-4785"),
        "A quorum of acknowledgements establishes the leader, which then delivers its history. What its "
        "followers have only in memory is then on a single disk, and the quorum has lost it when they "
        "crash.",
    ),
    Rule(
        "a follower's current epoch",
        "NEWLEADER is acknowledged",
        ("newleader-acknowledged-before-epoch", "newleader-acknowledged-before-epoch-twice"),
        "The leader is established in an epoch that no quorum has on disk. After a crash its follower votes "
        "with its earlier epoch, and a server wins that has a transaction of that epoch which the leader "
        "did without. So a primary broadcasts although it lacks what another server delivers of earlier "
        "epochs.",
    ),
    Rule(
        "a leader's current epoch",
        "its own part counts",
        ("leader-epoch-lost", "leader-epoch-lost-twice"),
        "The same from the other side: leader and follower are a quorum in the new epoch, but after a crash "
        "the leader is back in the old one. An election by epoch, then zxid, prefers a server that was "
        "never in the new epoch, and the history of that server replaces what was delivered.",
    ),
    Rule(
        "a transaction in the log",
        "its ACK goes out",
        ("ack-before-writing",),
        "A quorum of acknowledgements makes the leader deliver what is on no disk yet. One crash of all "
        "servers at once, and it is gone.",
    ),
)
