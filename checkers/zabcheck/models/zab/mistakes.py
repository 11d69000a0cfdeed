"""The mistakes of ZooKeeper's historical bugs: actions of ZAB 1.0, each wrong in the way that the code was.

As in `zabcheck.models.paper.mistakes`, a mistake is the spec's own action with something changed in the state
that it gets or the state that it makes. The stories are told in `zabcheck.models.zab.catalogue.bugs`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from zabspec import zab
from zabspec.histories import after
from zabspec.parts import Sid
from zabspec.parts import replace as with_changes
from zabspec.phases import Phase
from zabspec.zab.disk import applied, synced
from zabspec.zab.network import first_message, with_server
from zabspec.zab.state import NewLeader, Role, Server, State, SyncMode
from zabspec.zab.synchronization import BUFFERING

Action = Callable[..., State | None]

SHUTDOWNS: tuple[Action, ...] = (
    zab.leader_gives_up,
    zab.follower_notices,
    zab.follower_times_out,
    zab.follower_processes_leaderinfo,
)
"""The actions by which a server goes back to election without a crash; it is their first argument."""


def shutdowns(shut_down: Callable[[Server, Server], Server]) -> dict[Action, Action]:
    """All shutdowns with something else done to the server.

    Args:
        shut_down: from the server as it was and as it is after the spec's shutdown, to what it is instead.
    """

    def instead(action: Action) -> Action:
        @wraps(action)
        def mistaken(state: State, server: Sid, *others: Sid) -> State | None:
            done = action(state, server, *others)
            if done is None or done.servers[server].role != Role.LOOKING:
                return done
            return with_server(done, server, shut_down(state.servers[server], done.servers[server]))

        return mistaken

    return {action: instead(action) for action in SHUTDOWNS}


def tree_left_as_it_is(was: Server, now: Server) -> Server:
    """A shutdown that does not bring the tree up to the log."""
    return _with_tree_of(now, was) if was.sync_mode in BUFFERING else now


def tree_kept_after(mode: SyncMode) -> Callable[[Server, Server], Server]:
    """A shutdown that keeps a tree that came from a leader and is not on disk."""

    def shut_down(was: Server, now: Server) -> Server:
        return _with_tree_of(now, was) if was.sync_mode == mode else now

    return shut_down


def queue_left_running(was: Server, now: Server) -> Server:
    """A shutdown that leaves what waits to be written to a thread that goes on writing."""
    if was.sync_mode not in BUFFERING:
        return now
    stopped = applied(_with_tree_of(now, was), *after(was.log, was.processed))
    return with_changes(stopped, log=was.log, unsynced=was.unsynced)


def follower_starts_sync_with_queue(state: State, follower: Sid, leader: Sid) -> State | None:
    """The start of a synchronization while an old thread still has something to write."""
    done = zab.follower_starts_sync(state, follower, leader)
    return changed(done, follower, unsynced=state.servers[follower].unsynced)


def follower_serves_with_queue(state: State, follower: Sid, leader: Sid) -> State | None:
    """UPTODATE while an old thread still has something to write."""
    done = zab.follower_processes_uptodate(state, follower, leader)
    if done is None:
        return None
    return changed(
        done, follower, unsynced=(*state.servers[follower].unsynced, *done.servers[follower].unsynced)
    )


def follower_persists_snapshot_only(state: State, follower: Sid, leader: Sid) -> State | None:
    """NEWLEADER, writing nothing of what came after a DIFF."""
    if state.servers[follower].sync_mode in BUFFERING:
        return None
    return zab.follower_persists_history(state, follower, leader)


def follower_persists_epoch_first(state: State, follower: Sid, leader: Sid) -> State | None:
    """NEWLEADER, the current epoch written before what came after a DIFF."""
    return _without_history(zab.follower_persists_epoch, state, follower, leader)


def follower_persists_history_second(state: State, follower: Sid, leader: Sid) -> State | None:
    """NEWLEADER, what came after a DIFF written when the current epoch is."""
    message = first_message(state, leader, follower)
    if not isinstance(message, NewLeader) or state.servers[follower].current_epoch != message.epoch:
        return None
    return zab.follower_persists_history(state, follower, leader)


def follower_acknowledges_unwritten(state: State, follower: Sid, leader: Sid) -> State | None:
    """NEWLEADER, acknowledged with what came after a DIFF in memory."""
    return _without_history(zab.follower_acknowledges_newleader, state, follower, leader)


def follower_hands_history_on(state: State, follower: Sid, leader: Sid) -> State | None:
    """NEWLEADER, what came after a DIFF handed to the thread that writes, and not waited for."""
    done = zab.follower_persists_history(state, follower, leader)
    following = state.servers[follower]
    if done is None or following.sync_mode not in BUFFERING:
        return done
    committed = following.pending[: following.to_commit]
    return changed(done, follower, log=following.log, unsynced=committed)


def server_syncs_without_answer(state: State, server: Sid) -> State | None:
    """A group of writes, of which the leader is told only when the server serves."""
    following = state.servers[server]
    if following.role != Role.FOLLOWING or following.phase == Phase.BROADCAST:
        return zab.server_syncs_log(state, server)
    return with_server(state, server, synced(following)) if following.unsynced else None


def follower_empties_pending(state: State, follower: Sid, leader: Sid) -> State | None:
    """NEWLEADER, with all that is pending written and forgotten, committed or not."""
    message = first_message(state, leader, follower)
    if not isinstance(message, NewLeader) or state.servers[follower].leader != leader:
        return None
    done = zab.follower_persists_history(state, follower, leader)
    following = (state if done is None else done).servers[follower]
    if not following.pending:
        return done
    return changed(state, follower, log=(*following.log, *following.pending), pending=(), to_commit=0)


def follower_writes_without_applying(state: State, follower: Sid, leader: Sid) -> State | None:
    """NEWLEADER, what came after a DIFF written and left for another thread to apply."""
    done = zab.follower_persists_history(state, follower, leader)
    if done is None or state.servers[follower].sync_mode not in BUFFERING:
        return done
    return with_server(done, follower, _with_tree_of(done.servers[follower], state.servers[follower]))


def follower_applies_later(state: State, follower: Sid, leader: Sid) -> State | None:
    """The thread that applies gets to what was written at NEWLEADER."""
    following = state.servers[follower]
    if following.phase != Phase.BROADCAST or following.leader != leader:
        return None
    news = after(following.log, following.processed)
    waiting = tuple(txn for txn in news if txn not in following.pending)
    return with_server(state, follower, applied(following, *waiting)) if waiting else None


def follower_applies_past_committed_log(state: State, follower: Sid, leader: Sid) -> State | None:
    """NEWLEADER, what came after a DIFF applied and not added to what can be sent to others."""
    done = zab.follower_persists_history(state, follower, leader)
    return changed(done, follower, committed_log=state.servers[follower].committed_log)


def leader_remembers_acknowledgements(state: State, leader: Sid, follower: Sid) -> State | None:
    """The synchronization of a learner whose earlier acknowledgements still count."""
    done = zab.leader_syncs_learner(state, leader, follower)
    return changed(done, leader, acked=state.servers[leader].acked)


def leader_labels_snapshot_late(state: State, leader: Sid, follower: Sid) -> State | None:
    """A synchronization for which the tree was read before the last transaction, and its label after it."""
    leading = state.servers[leader]
    earlier = with_server(state, leader, with_changes(leading, tree=leading.tree[:-1]))
    return changed(zab.leader_syncs_learner(earlier, leader, follower), leader, tree=leading.tree)


def changed(state: State | None, server: Sid, **changes: Any) -> State | None:
    """The state with some fields of a server changed; None where there is none."""
    if state is None:
        return None
    return with_server(state, server, with_changes(state.servers[server], **changes))


def _without_history(action: Action, state: State, follower: Sid, leader: Sid) -> State | None:
    """An action at NEWLEADER that does not wait for what came after a DIFF."""
    following = state.servers[follower]
    if following.leader != leader or following.sync_mode not in BUFFERING:
        return action(state, follower, leader)
    unaware = with_server(state, follower, with_changes(following, to_commit=0))
    return changed(action(unaware, follower, leader), follower, to_commit=following.to_commit)


def _with_tree_of(server: Server, other: Server) -> Server:
    return with_changes(server, tree=other.tree, processed=other.processed, committed_log=other.committed_log)
