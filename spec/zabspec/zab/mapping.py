"""The refinement mapping: the state of atomic broadcast that a state of ZAB 1.0 stands for.

As for the paper's ZAB (`zabspec.paper.mapping`), the log is what the most recent histories of all quorums
have in common. Some things differ. Any last part of what waits to be written may be lost in a crash, so a
server may come to have each of the histories in between. A transaction that no server has on disk or waiting
may still be in flight, and is outstanding then. As long as an established leader leads on, it may have a
follower that comes back truncate all that is not committed, to send it again (`synchronization.how_to_sync`):
so until it is committed, nothing of that epoch is safe, and neither is what a follower has been told to
truncate. Last, a leader in discovery may still receive acknowledgements from servers that have left it: its
history may turn out to be of its new epoch.

    log          what the most recent histories of all quorums begin with, whatever crashes and leaders do
    outstanding  every other transaction on a disk, waiting for one, pending, or in a channel
    delivered    of each server that serves, its tree; of others nothing
    primaries    the epochs of established leaders
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from zabspec import broadcast
from zabspec.histories import History, Txn, Zxid, common_prefix, last_zxid, up_to
from zabspec.parts import Row, Sid
from zabspec.phases import Phase
from zabspec.quorums import is_quorum, smallest
from zabspec.summaries import Share, Summary, most_recent, next_epoch
from zabspec.zab.disk import durable
from zabspec.zab.election import standing
from zabspec.zab.state import AckEpoch, Inform, Proposal, Role, Snap, State, Trunc


def abstract(state: State) -> broadcast.State:
    """Returns the state of atomic broadcast that a state of ZAB 1.0 stands for."""
    servers = [Sid(sid) for sid in range(len(state.servers))]
    parts = [share(state, sid) for sid in servers]
    in_channels = [in_flight(state, one, other) for one in servers for other in servers if one != other]
    return together(state, tuple(parts), tuple(in_channels))


def together(state: State, parts: tuple[Share, ...], in_channels: tuple[History, ...]) -> broadcast.State:
    """Returns the state of atomic broadcast that servers and channels with these shares stand for."""
    candidates = [
        most_recent(chosen)
        for quorum in smallest(state.quorums)
        for chosen in product(*(parts[sid].prospects for sid in quorum))
    ]
    log = common_prefix([candidate.history for candidate in candidates])
    known: set[Txn] = set()
    for history in (
        *in_channels,
        *(part.heard_of for part in parts),
        *(part.prospects[0].history for part in parts),
    ):
        known.update(history)
    return broadcast.State(
        log=log,
        outstanding=frozenset(known.difference(log)),
        epoch=min(next_epoch(candidate, len(log)) for candidate in candidates),
        delivered=Row(part.delivered for part in parts),
        primaries=Row(part.primary for part in parts),
    )


def share(state: State, sid: Sid) -> Share:
    """Returns what the mapping reads of one server."""
    return share_of(state, sid, summaries(state, sid), may_be_acknowledged(state, sid))


def share_of(state: State, sid: Sid, prospects: tuple[Summary, ...], is_to_lead: bool) -> Share:
    """Returns what the mapping reads of a server with these prospects.

    It has one prospect more if it may enter its epoch.

    One prospect more if it may enter its epoch.
    """
    server = state.servers[sid]
    serves = server.phase == Phase.BROADCAST
    if is_to_lead:
        prospects += (Summary(server.proposing_epoch, prospects[0].history),)
    return Share(
        prospects=prospects,
        heard_of=server.pending,
        delivered=server.tree if serves else (),
        primary=server.current_epoch if serves and server.role == Role.LEADING else 0,
    )


def summaries(state: State, sid: Sid) -> tuple[Summary, ...]:
    """Returns what a server has, and what may be left of that after a crash; the longest history first."""
    others = [Sid(other) for other in range(len(state.servers)) if other != sid]
    return summaries_of(state, sid, [committed_by(state, other) for other in others], told_to_cut(state, sid))


def summaries_of(
    state: State, sid: Sid, leading: Iterable[Zxid | None], cut: Zxid | None
) -> tuple[Summary, ...]:
    """Returns what a server has, and what may be left of that.

    How far others have committed, `committed_by` says.
    """
    server = state.servers[sid]
    epoch, log = server.current_epoch, durable(server)
    shortest = len(log)
    for committed in leading:
        if committed is not None and committed.epoch == epoch:
            shortest = len(up_to(log, committed))
    if cut is not None:
        shortest = min(shortest, len(up_to(log, cut)))
    whole = (*log, *server.unsynced)
    return tuple(Summary(epoch, whole[:kept]) for kept in range(len(whole), shortest - 1, -1))


def committed_by(state: State, sid: Sid) -> Zxid | None:
    """Returns the zxid up to which an established leader has committed, None for every other server.

    None for every other server.
    """
    server = state.servers[sid]
    if server.role != Role.LEADING or server.phase != Phase.BROADCAST:
        return None
    return Zxid(server.current_epoch, server.committed)


def told_to_cut(state: State, sid: Sid) -> Zxid | None:
    """Returns the zxid after which a server is about to truncate its log, None if it is not about to."""
    leader = state.servers[sid].leader
    message = None if leader is None else state.network[leader][sid].head
    return message.zxid if isinstance(message, Trunc) else None


def may_be_acknowledged(state: State, leader: Sid) -> bool:
    """True if a quorum may yet acknowledge the epoch that a leader in discovery has proposed."""
    if not is_waiting(state, leader):
        return False
    others = [Sid(sid) for sid in range(len(state.servers)) if sid != leader]
    willing = [sid for sid in others if may_acknowledge(state, sid, leader, summaries(state, sid)[-1])]
    return is_quorum(state.quorums, state.servers[leader].electing.union(willing))


def is_waiting(state: State, leader: Sid) -> bool:
    """True if a leader has proposed an epoch and waits for acknowledgements of it."""
    leading = state.servers[leader]
    if leading.role != Role.LEADING or leading.phase != Phase.DISCOVERY:
        return False
    return is_quorum(state.quorums, leading.connecting)


def may_acknowledge(state: State, sid: Sid, leader: Sid, least: Summary) -> bool:
    """True if a server has acknowledged a leader's epoch, or may do so, without being refused.

    It need not be connected any more: its acknowledgement may have been in flight when it left.

    Args:
        state: where all that is.
        sid: the server.
        leader: the leader.
        least: the least that the server may have by then.
    """
    best = standing(state, leader)
    message = state.network[sid][leader].head
    if isinstance(message, AckEpoch) and message.epoch is not None:
        return (message.epoch, message.zxid) <= best
    if state.servers[sid].accepted_epoch >= state.servers[leader].proposing_epoch:
        return False
    return (least.epoch, last_zxid(least.history)) <= best


def in_flight(state: State, sender: Sid, receiver: Sid) -> History:
    """Returns the transactions in a channel."""
    found: list[Txn] = []
    for message in state.network[sender][receiver]:
        match message:
            case Proposal(txn) | Inform(txn):
                found.append(txn)
            case Snap(tree, _):
                found.extend(tree)
    return tuple(found)
