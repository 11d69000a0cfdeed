"""ZAB 1.0 as ZooKeeper runs it; read the modules in this order.

    state            servers, messages, channels
    disk             what is written, what is found again, and the tree in memory
    network          connections with two ends
    election         phase 0
    discovery        phase 1
    synchronization  phase 2
    broadcast        phase 3
    faults           crashes and timeouts
    partitions       some servers cut off from the others
    coarse           synchronization in one step
    mapping          the state of `zabspec.broadcast` that a state stands for
    properties       what must hold of states and steps; with `expected` and `witnesses`
    liveness         what must happen in the end

Quorums are those of `zabspec.quorums`. A server's disk, its memory and what waits between them are three
fields (`log`, `tree`, `unsynced`), and the rules of ZooKeeper that the known bugs broke are about the order
in which these change. So what is one step for the paper is several steps here wherever a crash may come in
between: history, current epoch and acknowledgement at NEWLEADER; handing a proposal to the disk and having it
on disk; a connection lost at one end, then at the other.

Left out, because the order of changes does not depend on it: clients and sessions, what transactions contain,
how a disk is cut into files (it is one sequence, or log records and a snapshot: `Disk`), the thread that
applies what is committed (it applies at once), pings, the second acknowledgement after UPTODATE, which
leaders ignore, and reconfiguration. Election stands for the outcomes of FastLeaderElection, without its
messages. A leader takes up its own epoch in the step in which the acknowledgements of that epoch become a
quorum: nothing of it leaves the server in between.

`NEXT` lists every action but one: `NEXT_LIVE` adds that a leader stops waiting, which liveness needs and
which leads to no state that connections lost one by one would not lead to. `NEXT_UNELECTED` has a coarser
phase 0, where any server may lead, and `NEXT_LATE` lies between the two, for votes that are out of date;
`NEXT_SYNCHRONIZED` has a coarser phase 2, where synchronization is one step.
"""

from __future__ import annotations

from zabspec.zab.broadcast import (
    follower_processes_commit,
    follower_processes_proposal,
    leader_processes_ack,
    leader_proposes,
    observer_processes_inform,
    server_syncs_log,
)
from zabspec.zab.coarse import REPLACED, learner_adopts_history
from zabspec.zab.discovery import (
    follower_processes_leaderinfo,
    leader_processes_ackepoch,
    leader_processes_followerinfo,
)
from zabspec.zab.election import (
    leader_gives_up,
    leader_stops_waiting,
    server_follows_leader,
    server_is_elected,
    server_is_elected_late,
    server_leads_unelected,
)
from zabspec.zab.faults import follower_times_out, leader_drops_follower, server_restarts
from zabspec.zab.network import follower_notices, leader_notices
from zabspec.zab.partitions import network_heals, network_splits
from zabspec.zab.state import State, initial
from zabspec.zab.synchronization import (
    follower_acknowledges_newleader,
    follower_notes_commit,
    follower_persists_epoch,
    follower_persists_history,
    follower_processes_uptodate,
    follower_queues_proposal,
    follower_starts_sync,
    leader_processes_newleader_ack,
    leader_sends_newleader,
    leader_syncs_learner,
    observer_queues_inform,
)

NEXT = (
    server_is_elected,
    server_follows_leader,
    leader_gives_up,
    leader_processes_followerinfo,
    follower_processes_leaderinfo,
    leader_processes_ackepoch,
    leader_syncs_learner,
    leader_sends_newleader,
    follower_starts_sync,
    follower_queues_proposal,
    follower_notes_commit,
    observer_queues_inform,
    follower_persists_history,
    follower_persists_epoch,
    follower_acknowledges_newleader,
    leader_processes_newleader_ack,
    follower_processes_uptodate,
    leader_proposes,
    follower_processes_proposal,
    server_syncs_log,
    leader_processes_ack,
    follower_processes_commit,
    observer_processes_inform,
    follower_notices,
    leader_notices,
    follower_times_out,
    leader_drops_follower,
    server_restarts,
    network_splits,
    network_heals,
)

NEXT_LIVE = (*NEXT, leader_stops_waiting)
NEXT_LATE = (server_is_elected_late, *NEXT[1:])

NEXT_UNELECTED = (server_leads_unelected, *NEXT[1:])

NEXT_SYNCHRONIZED = (learner_adopts_history, *(action for action in NEXT if action not in REPLACED))

__all__ = [
    "NEXT",
    "NEXT_LIVE",
    "NEXT_LATE",
    "NEXT_SYNCHRONIZED",
    "NEXT_UNELECTED",
    "State",
    "initial",
    "learner_adopts_history",
    "server_is_elected_late",
    "server_leads_unelected",
    "leader_stops_waiting",
    "server_is_elected",
    "server_follows_leader",
    "leader_gives_up",
    "leader_processes_followerinfo",
    "follower_processes_leaderinfo",
    "leader_processes_ackepoch",
    "leader_syncs_learner",
    "leader_sends_newleader",
    "follower_starts_sync",
    "follower_queues_proposal",
    "follower_notes_commit",
    "observer_queues_inform",
    "follower_persists_history",
    "follower_persists_epoch",
    "follower_acknowledges_newleader",
    "leader_processes_newleader_ack",
    "follower_processes_uptodate",
    "leader_proposes",
    "follower_processes_proposal",
    "server_syncs_log",
    "leader_processes_ack",
    "follower_processes_commit",
    "observer_processes_inform",
    "follower_notices",
    "leader_notices",
    "follower_times_out",
    "leader_drops_follower",
    "server_restarts",
    "network_splits",
    "network_heals",
]
