"""Mistakes in the order in which a server of ZAB 1.0 writes to disk and sends messages.

As in `zabcheck.models.zab.mistakes`, each is the spec's own action with a change in the state that goes in or
the state that comes out. `zabcheck.models.zab.mutants` tells what goes wrong.
"""

from __future__ import annotations

from zabcheck.models.zab.mistakes import changed
from zabspec import zab
from zabspec.histories import last_zxid
from zabspec.parts import Sid
from zabspec.parts import replace as with_changes
from zabspec.phases import Phase
from zabspec.quorums import is_quorum
from zabspec.zab.network import first_message, sent_to_leader, with_server
from zabspec.zab.state import Ack, NewLeader, Proposal, Role, State


def leader_promises_late(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader sends the epoch that it proposes before its own promise is on disk."""
    leading = state.servers[leader]
    if not is_quorum(state.quorums, leading.connecting) or leading.phase != Phase.DISCOVERY:
        done = zab.leader_processes_followerinfo(state, leader, follower)
    else:
        promising = with_changes(leading, accepted_epoch=leading.proposing_epoch)
        done = zab.leader_processes_followerinfo(with_server(state, leader, promising), leader, follower)
    return changed(done, leader, accepted_epoch=leading.accepted_epoch)


def leader_promises_at_last(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader writes down its promise only when a quorum has acknowledged the epoch."""
    leading = state.servers[leader]
    if leading.phase != Phase.DISCOVERY:
        return zab.leader_processes_ackepoch(state, leader, follower)
    promising = with_changes(leading, accepted_epoch=leading.proposing_epoch)
    done = zab.leader_processes_ackepoch(with_server(state, leader, promising), leader, follower)
    if done is None or done.servers[leader].phase != Phase.DISCOVERY:
        return done
    return changed(done, leader, accepted_epoch=leading.accepted_epoch)


def follower_promises_late(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower acknowledges an epoch before its promise is on disk."""
    done = zab.follower_processes_leaderinfo(state, follower, leader)
    if done is None or done.servers[follower].role != Role.FOLLOWING:
        return done
    return changed(done, follower, accepted_epoch=state.servers[follower].accepted_epoch)


def follower_promises_at_newleader(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower writes its promise only at NEWLEADER, with the current epoch."""
    done = zab.follower_persists_epoch(state, follower, leader)
    if done is None:
        return None
    return changed(done, follower, accepted_epoch=done.servers[follower].current_epoch)


def crash_loses_promise(state: State, server: Sid, kept: int) -> State | None:
    """A server crashes that never wrote the epoch it promised beyond its current epoch."""
    done = zab.server_restarts(state, server, kept)
    return changed(done, server, accepted_epoch=state.servers[server].current_epoch)


def crash_of_leader_loses_epoch(state: State, server: Sid, kept: int) -> State | None:
    """A leader crashes that has not written its current epoch, and finds that of its last transaction."""
    done = zab.server_restarts(state, server, kept)
    if done is None or state.servers[server].role != Role.LEADING:
        return done
    epoch = last_zxid(done.servers[server].tree).epoch
    return changed(done, server, current_epoch=epoch)


def follower_acknowledges_without_epoch(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower acknowledges NEWLEADER before the current epoch is on disk."""
    message = first_message(state, leader, follower)
    if not isinstance(message, NewLeader):
        return None
    following = state.servers[follower]
    early = with_server(state, follower, with_changes(following, current_epoch=message.epoch))
    done = zab.follower_acknowledges_newleader(early, follower, leader)
    return changed(done, follower, current_epoch=following.current_epoch)


def follower_takes_up_epoch_at_uptodate(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower writes the current epoch only at UPTODATE."""
    done = zab.follower_processes_uptodate(state, follower, leader)
    if done is None:
        return None
    return changed(done, follower, current_epoch=done.servers[follower].accepted_epoch)


def follower_acknowledges_unwritten_proposal(state: State, follower: Sid, leader: Sid) -> State | None:
    """A follower acknowledges a proposal as soon as it is queued for the disk."""
    message = first_message(state, leader, follower)
    done = zab.follower_processes_proposal(state, follower, leader)
    if done is None or not isinstance(message, Proposal):
        return done
    return sent_to_leader(done, follower, leader, Ack(message.txn.zxid))


def server_syncs_in_silence(state: State, server: Sid) -> State | None:
    """A follower does not acknowledge a group of writes, since it did so before the fsync."""
    if state.servers[server].role == Role.LEADING:
        return zab.server_syncs_log(state, server)
    alone = with_server(state, server, with_changes(state.servers[server], leader=None))
    done = zab.server_syncs_log(alone, server)
    return changed(done, server, leader=state.servers[server].leader)
