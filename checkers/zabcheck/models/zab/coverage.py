"""What may happen within an action of ZAB 1.0: how a leader decides to synchronize, and how a server goes
back to election.

`DECISIONS`, `FROM_FILES` and `RECOVERIES` list all cases; `decision` and `recoveries` say which of them a
step is.
"""

from __future__ import annotations

from collections.abc import Iterator

from zabcheck.models.bounds import by_name
from zabspec import zab
from zabspec.parts import Sid
from zabspec.phases import Phase
from zabspec.zab.state import NO_SNAPSHOT, Diff, Disk, Role, Server, State, SyncMode
from zabspec.zab.synchronization import how_it_is_synced, least_kept, outstanding

DECISIONS = tuple(
    f"{decided}{more}"
    for more in ("", ", and what is outstanding")
    for decided in ("DIFF of nothing", "DIFF", "TRUNC", "TRUNC and DIFF", "SNAP")
)
"""How a leader synchronizes a learner, with or without proposals that are not committed yet."""

FROM_FILES = ("DIFF out of the log", "SNAP, for want of records that go back so far")
"""How a leader synchronizes a learner whose history ends before the leader's committed log, with log files on
disk.
"""

FOLLOWING = (
    "a follower in discovery",
    "a follower that is not synchronized or waits for UPTODATE",
    "a follower after DIFF",
    "a follower after TRUNC",
    "a follower after SNAP",
    "a follower that serves",
)
LEADING = ("a leader in discovery", "a leader in synchronization", "a leader that serves")

LEAVING = by_name(
    {
        zab.server_restarts: "crash",
        zab.follower_times_out: "timeout",
        zab.follower_notices: "connection closed",
        zab.leader_gives_up: "no quorum left",
        zab.follower_processes_leaderinfo: "epoch refused",
    }
)
"""By the name of an action with which a server goes back to election, the reason."""

RECOVERIES = (
    *(f"crash of {who}" for who in ("a server that looks for a leader", *FOLLOWING, *LEADING)),
    "crash, and nothing waits for the disk",
    "crash, and all that waits for the disk is there",
    "crash, and something that waits for the disk is lost",
    "crash, and the server refuses to start",
    "crash, and a snapshot is found",
    "crash, and a snapshot and later records are found",
    *(f"timeout of {who}" for who in FOLLOWING),
    *(f"connection closed of {who}" for who in FOLLOWING),
    *(f"no quorum left of {who}" for who in LEADING),
    "epoch refused of a follower in discovery",
)
"""Which server goes back to election for which reason, and what a crash leaves on disk."""


def decision(state: State, leader: Sid, follower: Sid) -> str:
    """Returns how a leader decides to synchronize a learner: one of `DECISIONS` or `FROM_FILES`."""
    leading = state.servers[leader]
    first, missing = how_it_is_synced(leading, leading.reported[follower], state.disk)
    if state.disk == Disk.FILES and leading.reported[follower] < least_kept(leading):
        return FROM_FILES[first is None]
    if first is None:
        decided = "SNAP"
    elif isinstance(first, Diff):
        decided = "DIFF" if missing else "DIFF of nothing"
    else:
        decided = "TRUNC and DIFF" if missing else "TRUNC"
    return f"{decided}{', and what is outstanding' if outstanding(leading) else ''}"


def recoveries(action: str, before: State, after: State, *arguments: int) -> Iterator[str]:
    """Yields which of `RECOVERIES` a step is; nothing if no server goes back to election.

    Args:
        action: the name of the step's action.
        before: the state before the step.
        after: the state after the step.
        arguments: the arguments of the action; the first is the server that goes back.
    """
    if action not in LEAVING:
        return
    server = Sid(arguments[0])
    if after.servers[server].role not in (Role.LOOKING, Role.STOPPED):
        return
    leaving = before.servers[server]
    yield f"{LEAVING[action]} of {_who(leaving)}"
    if action != zab.server_restarts.__name__:
        return
    kept, waiting = arguments[1], len(leaving.unsynced)
    if after.servers[server].role == Role.STOPPED:
        yield "crash, and the server refuses to start"
    found = after.servers[server]
    if found.snapshot != NO_SNAPSHOT:
        later = " and later records are" if found.committed_log else " is"
        yield f"crash, and a snapshot{later} found"
    if not waiting:
        yield "crash, and nothing waits for the disk"
    elif kept == waiting:
        yield "crash, and all that waits for the disk is there"
    else:
        yield "crash, and something that waits for the disk is lost"


def _who(server: Server) -> str:
    """Returns the role and phase that a server is about to leave, in words."""
    if server.role == Role.LOOKING:
        return "a server that looks for a leader"
    if server.role == Role.LEADING:
        return {
            Phase.DISCOVERY: "a leader in discovery",
            Phase.SYNCHRONIZATION: "a leader in synchronization",
            Phase.BROADCAST: "a leader that serves",
        }[server.phase]
    if server.phase == Phase.SYNCHRONIZATION:
        if server.sync_mode == SyncMode.NONE:
            return "a follower that is not synchronized or waits for UPTODATE"
        return f"a follower after {server.sync_mode.name}"
    return "a follower in discovery" if server.phase == Phase.DISCOVERY else "a follower that serves"
