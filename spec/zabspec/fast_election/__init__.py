"""Fast Leader Election: how servers that look for a leader agree on one, by telling each other their votes.

The grain below `zab.election`, on its own. A server that looks votes for itself first, and then for the best
that it hears of; what it hears in its own round it counts. With a quorum for its vote it holds off a while,
for a better vote to arrive, and decides. Who comes late believes a quorum of servers that have decided.

    state     servers, votes, notifications
    network   channels, and who is there
    votes     which is better, and who agrees
    election  a server tells its vote, counts those of others, decides
    faults    what disturbs it

Channels are bounded: each keeps `capacity` notifications, and where there is no room the newest takes the
place of the one before. With a capacity of 1 that is ZooKeeper's send queue, and a notification is processed
as it arrives; each one more lets as many wait at the receiver. A server's own vote counts at once, where
ZooKeeper sends it to itself.

The hold-off is taken to be long enough for what is under way to arrive; `server_decides_early` is the
exception. Left out: what servers do between elections (nothing is logged, so votes keep their epochs), new
configurations, the oracle for two servers, a database that is not to be trusted (zxid -1), and that a looking
server tells non-voters of its last election's vote: here it tells them of its present one.

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
