"""The mistakes of ZooKeeper's historical bugs: actions of ZAB 1.0, each wrong in the way that the code was.

As in `zabcheck.models.paper.mistakes`, a mistake is the spec's own action with a change in the state that
goes in or the state that comes out. `zabcheck.models.zab.catalogue.bugs` tells the stories.
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
"""The actions by which a server, their first argument, goes back to election without a crash."""


def shutdowns(shut_down: Callable[[Server, Server], Server]) -> dict[Action, Action]:
    """Returns all actions that shut a server down, with another effect on the server.

    Args:
        shut_down: from the server before, and after the spec's own shutdown, to the server as it is instead.
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
    """A server that shuts down does not bring its tree up to its log."""
    return _with_tree_of(now, was) if was.sync_mode in BUFFERING else now


def tree_kept_after(mode: SyncMode) -> Callable[[Server, Server], Server]:
    """A server that shuts down keeps a tree that came from a leader and is not on disk."""

    def shut_down(was: Server, now: Server) -> Server:
        return _with_tree_of(now, was) if was.sync_mode == mode else now

    return shut_down


def queue_left_running(was: Server, now: Server) -> Server:
    """A server that shuts down leaves unwritten transactions to a thread that goes on writing."""
    if was.sync_mode not in BUFFERING:
        return now
    stopped = applied(_with_tree_of(now, was), *after(was.log, was.processed))
    return with_changes(stopped, log=was.log, unsynced=was.unsynced)


def follower_starts_sync_with_queue(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower starts a synchronization while an old thread still has transactions to write."""
    done = zab.follower_starts_sync(state, follower, leader)
    return changed(done, follower, unsynced=state.servers[follower].unsynced)


def follower_serves_with_queue(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower takes UPTODATE while an old thread still has transactions to write."""
    done = zab.follower_processes_uptodate(state, follower, leader)
    if done is None:
        return None
    return changed(
        done, follower, unsynced=(*state.servers[follower].unsynced, *done.servers[follower].unsynced)
    )


def follower_persists_snapshot_only(state: State, follower: Sid, leader: Sid) -> State | None:
    """At NEWLEADER a follower does not write the transactions that came after a DIFF."""
    if state.servers[follower].sync_mode in BUFFERING:
        return None
    return zab.follower_persists_history(state, follower, leader)


def follower_persists_epoch_first(state: State, follower: Sid, leader: Sid) -> State | None:
    """At NEWLEADER a follower writes the current epoch before the transactions after a DIFF."""
    return _without_history(zab.follower_persists_epoch, state, follower, leader)


def follower_persists_history_second(state: State, follower: Sid, leader: Sid) -> State | None:
    """At NEWLEADER a follower writes the transactions after a DIFF once the current epoch is written."""
    message = first_message(state, leader, follower)
    if not isinstance(message, NewLeader) or state.servers[follower].current_epoch != message.epoch:
        return None
    return zab.follower_persists_history(state, follower, leader)


def follower_acknowledges_unwritten(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower acknowledges NEWLEADER with the transactions after a DIFF in memory alone."""
    return _without_history(zab.follower_acknowledges_newleader, state, follower, leader)


def follower_hands_history_on(state: State, follower: Sid, leader: Sid) -> State | None:
    """At NEWLEADER a follower queues the transactions after a DIFF for the writing thread and does not
    wait.
    """
    done = zab.follower_persists_history(state, follower, leader)
    following = state.servers[follower]
    if done is None or following.sync_mode not in BUFFERING:
        return done
    committed = following.pending[: following.to_commit]
    return changed(done, follower, log=following.log, unsynced=committed)


def server_syncs_without_answer(state: State, server: Sid) -> State | None:
    """A server syncs a group of writes, and tells the leader only once it serves."""
    following = state.servers[server]
    if following.role != Role.FOLLOWING or following.phase == Phase.BROADCAST:
        return zab.server_syncs_log(state, server)
    return with_server(state, server, synced(following)) if following.unsynced else None


def follower_empties_pending(state: State, follower: Sid, leader: Sid) -> State | None:
    """At NEWLEADER a follower writes all pending proposals and forgets them, committed or not."""
    message = first_message(state, leader, follower)
    if not isinstance(message, NewLeader) or state.servers[follower].leader != leader:
        return None
    done = zab.follower_persists_history(state, follower, leader)
    following = (state if done is None else done).servers[follower]
    if not following.pending:
        return done
    return changed(state, follower, log=(*following.log, *following.pending), pending=(), to_commit=0)


def follower_writes_without_applying(state: State, follower: Sid, leader: Sid) -> State | None:
    """At NEWLEADER a follower writes the transactions after a DIFF and leaves another thread to apply
    them.
    """
    done = zab.follower_persists_history(state, follower, leader)
    if done is None or state.servers[follower].sync_mode not in BUFFERING:
        return done
    return with_server(done, follower, _with_tree_of(done.servers[follower], state.servers[follower]))


def follower_applies_later(state: State, follower: Sid, leader: Sid) -> State | None:
    """The applying thread applies the transactions that were written at NEWLEADER."""
    following = state.servers[follower]
    if following.phase != Phase.BROADCAST or following.leader != leader:
        return None
    news = after(following.log, following.processed)
    waiting = tuple(txn for txn in news if txn not in following.pending)
    return with_server(state, follower, applied(following, *waiting)) if waiting else None


def follower_applies_past_committed_log(state: State, follower: Sid, leader: Sid) -> State | None:
    """At NEWLEADER a follower applies the transactions after a DIFF and does not add them to its committed
    log.
    """
    done = zab.follower_persists_history(state, follower, leader)
    return changed(done, follower, committed_log=state.servers[follower].committed_log)


def leader_remembers_acknowledgements(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader synchronizes a learner and still counts the learner's earlier acknowledgements."""
    done = zab.leader_syncs_learner(state, leader, follower)
    return changed(done, leader, acked=state.servers[leader].acked)


def leader_labels_snapshot_late(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader reads its tree before the last transaction, and labels the snapshot with that transaction's
    zxid.
    """
    leading = state.servers[leader]
    earlier = with_server(state, leader, with_changes(leading, tree=leading.tree[:-1]))
    return changed(zab.leader_syncs_learner(earlier, leader, follower), leader, tree=leading.tree)


def changed(state: State | None, server: Sid, **changes: Any) -> State | None:
    """Returns the state with some fields of a server changed; None for None."""
    if state is None:
        return None
    return with_server(state, server, with_changes(state.servers[server], **changes))


def _without_history(action: Action, state: State, follower: Sid, leader: Sid) -> State | None:
    """Returns an action at NEWLEADER that does not wait for the transactions after a DIFF to be written."""
    following = state.servers[follower]
    if following.leader != leader or following.sync_mode not in BUFFERING:
        return action(state, follower, leader)
    unaware = with_server(state, follower, with_changes(following, to_commit=0))
    return changed(action(unaware, follower, leader), follower, to_commit=following.to_commit)


def _with_tree_of(server: Server, other: Server) -> Server:
    return with_changes(server, tree=other.tree, processed=other.processed, committed_log=other.committed_log)
