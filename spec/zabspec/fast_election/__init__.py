"""Fast Leader Election: how servers that look for a leader agree on one by exchanging votes.

This is the election that `zab.election` abstracts from, on its own. A looking server votes for itself first,
and then for the best vote that it receives; it counts the votes of its own round. Once it has a quorum for
its vote, it holds off for a while in case a better vote arrives, and decides. A latecomer believes a quorum
of servers that have decided.

    state       servers, votes, notifications
    network     channels, and the other servers
    votes       which vote is better, and who agrees
    election    a server sends its vote, counts those of others, decides
    faults      what disturbs an election
    properties  what holds of an election, and what does not
    liveness    that an election ends

Channels are bounded: each keeps `capacity` notifications, and where there is no room the newest replaces the
one before. With a capacity of 1 this is ZooKeeper's send queue, and a notification is processed as it
arrives; a higher capacity lets more of them wait at the receiver. A server counts its own vote at once, where
ZooKeeper sends it to itself.

The hold-off is assumed to be long enough for what is in flight to arrive; `server_decides_early` is the
exception. Left out: what servers do between elections (nothing is logged, so votes keep their epochs), new
configurations, the oracle for two servers, a database that is not to be trusted (zxid -1), and that a looking
server sends non-voters the vote of its last election: here it sends its present one.

ZooKeeper: FastLeaderElection, Vote, QuorumCnxManager.
"""

from __future__ import annotations

from zabspec.fast_election.election import (
    server_answers,
    server_answers_late,
    server_counts_vote,
    server_decides,
    server_discards_vote,
    server_ignores,
    server_joins_round,
    server_starts,
    server_tells_again,
    server_weighs_report,
)
from zabspec.fast_election.faults import server_crashes, server_decides_early, server_looks_again
from zabspec.fast_election.state import OnDisk, State, initial

NEXT = (
    server_starts,
    server_tells_again,
    server_joins_round,
    server_counts_vote,
    server_discards_vote,
    server_answers_late,
    server_weighs_report,
    server_answers,
    server_ignores,
    server_decides,
    server_decides_early,
    server_looks_again,
    server_crashes,
)

__all__ = [
    "NEXT",
    "OnDisk",
    "State",
    "initial",
    "server_starts",
    "server_tells_again",
    "server_joins_round",
    "server_counts_vote",
    "server_discards_vote",
    "server_answers_late",
    "server_weighs_report",
    "server_answers",
    "server_ignores",
    "server_decides",
    "server_decides_early",
    "server_looks_again",
    "server_crashes",
]
