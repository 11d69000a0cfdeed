"""ZAB as in the DSN'11 paper, its leader named by an oracle; read the modules in this order.

    state            servers, messages, channels
    network          sending, receiving, losing a connection
    election         phase 0
    discovery        phase 1
    synchronization  phase 2
    broadcast        phase 3
    faults           timeouts and restarts
    mapping          the state of `zabspec.broadcast` that a state stands for
    properties       what must hold of states and steps; with `expected` and `witnesses`
    liveness         what must happen in the end

`NEXT` lists every action in this order. The grain, one message a step, is that of Apache's `Zab.tla`.
"""

from __future__ import annotations

from zabspec.paper.broadcast import (
    follower_processes_commit,
    follower_processes_proposal,
    leader_accepts_request,
    leader_commits_proposal,
    leader_processes_ack,
    leader_sends_proposal,
)
from zabspec.paper.discovery import (
    follower_connects,
    follower_processes_newepoch,
    leader_processes_ackepoch,
    leader_processes_cepoch,
)
from zabspec.paper.election import (
    follower_gives_up,
    leader_gives_up,
    server_becomes_oracle_choice,
    server_follows_oracle,
)
from zabspec.paper.faults import connection_times_out, server_restarts
from zabspec.paper.state import State, initial
from zabspec.paper.synchronization import (
    follower_processes_commitleader,
    follower_processes_newleader,
    leader_processes_ackleader,
)

NEXT = (
    server_becomes_oracle_choice,
    server_follows_oracle,
    leader_gives_up,
    follower_gives_up,
    follower_connects,
    leader_processes_cepoch,
    follower_processes_newepoch,
    leader_processes_ackepoch,
    follower_processes_newleader,
    leader_processes_ackleader,
    follower_processes_commitleader,
    leader_accepts_request,
    leader_sends_proposal,
    follower_processes_proposal,
    leader_processes_ack,
    leader_commits_proposal,
    follower_processes_commit,
    connection_times_out,
    server_restarts,
)

__all__ = [
    "NEXT",
    "State",
    "initial",
    "server_becomes_oracle_choice",
    "server_follows_oracle",
    "leader_gives_up",
    "follower_gives_up",
    "follower_connects",
    "leader_processes_cepoch",
    "follower_processes_newepoch",
    "leader_processes_ackepoch",
    "follower_processes_newleader",
    "leader_processes_ackleader",
    "follower_processes_commitleader",
    "leader_accepts_request",
    "leader_sends_proposal",
    "follower_processes_proposal",
    "leader_processes_ack",
    "leader_commits_proposal",
    "follower_processes_commit",
    "connection_times_out",
    "server_restarts",
]
