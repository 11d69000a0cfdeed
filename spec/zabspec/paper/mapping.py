"""The refinement mapping: the state of atomic broadcast that a state of the paper's ZAB stands for.

The log consists of the transactions that can no longer be lost. A new epoch begins with the most recent
history of a quorum (l.1.2). So what the most recent histories of all quorums have in common will be in every
later epoch, and nothing else is sure to be. Such a transaction need not be delivered, nor need any server
know that it is safe.

    log          the common prefix of the most recent histories of all quorums
    outstanding  every other transaction in a history
    epoch        the earliest epoch that the next transaction of one of those histories may be of
    delivered    of each server, the part of its history that `committed` counts
    primaries    the epochs of established leaders

There is one case in which f.a and h_f do not say all about a server: a leader in discovery may have an ACK-E
from a follower that has left it since. Then it may choose a history that is more recent, by its epoch, than
what its quorum would show now. Its prospects hold that history. With up to four servers this cannot matter:
two leaders would need more followers than there are. The model checker checks all this; it is not proved
here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from zabspec import broadcast
from zabspec.histories import Txn, common_prefix
from zabspec.paper.state import Role, State
from zabspec.parts import Row, Sid
from zabspec.phases import Phase
from zabspec.summaries import Share, Summary, most_recent, next_epoch


def abstract(state: State) -> broadcast.State:
    """Returns the state of atomic broadcast that a state of the paper's ZAB stands for."""
    return combined(shares(state))


def shares(state: State) -> tuple[Share, ...]:
    """Returns what the mapping reads of a state: two states with equal shares stand for the same abstract
    state.
    """
    return tuple(share(state, Sid(sid)) for sid in range(len(state.servers)))


def combined(parts: tuple[Share, ...]) -> broadcast.State:
    """Returns the state of atomic broadcast that servers with these shares stand for."""
    candidates = most_recent_of_quorums([part.prospects for part in parts])
    log = common_prefix([candidate.history for candidate in candidates])
    known: set[Txn] = set()
    for part in parts:
        known.update(part.prospects[0].history, part.heard_of)
    return broadcast.State(
        log=log,
        outstanding=frozenset(known.difference(log)),
        epoch=min(next_epoch(candidate, len(log)) for candidate in candidates),
        delivered=Row(part.delivered for part in parts),
        primaries=Row(part.primary for part in parts),
    )


def most_recent_of_quorums(summaries: list[tuple[Summary, ...]]) -> list[Summary]:
    """Returns what a new epoch may begin with: the most recent summary of each smallest quorum.

    It has one for each choice of prospects.

    Args:
        summaries: for each server, the summaries that it may come to have.
    """
    quorums = combinations(summaries, len(summaries) // 2 + 1)
    return [most_recent(chosen) for quorum in quorums for chosen in product(*quorum)]


def share(state: State, sid: Sid) -> Share:
    """Returns what the mapping reads of one server."""
    server = state.servers[sid]
    history, epoch = server.history, server.current_epoch
    leads = server.phase == Phase.BROADCAST and server.role == Role.LEADING
    own = Summary(epoch, history)
    prospects: tuple[Summary, ...] = (own,)
    best = server.best if len(state.servers) > 4 else None
    if best is not None and len(server.confirmed) > 1:
        promised = server.accepted_epoch
        prospects += tuple(
            Summary(promised, most_recent((best, *answers)).history) for answers in _missing(state, sid)
        )
    return Share(
        prospects=prospects,
        heard_of=best.history if best is not None else (),
        delivered=history[: server.committed],
        primary=epoch if leads else 0,
    )


def _missing(state: State, leader: Sid) -> Iterator[tuple[Summary, ...]]:
    """Yields the summaries that may yet complete a quorum with those that a leader in discovery has
    received.
    """
    size, confirmed = len(state.servers), state.servers[leader].confirmed
    promised = state.servers[leader].accepted_epoch
    willing = [
        Summary(state.servers[Sid(sid)].current_epoch, state.servers[Sid(sid)].history)
        for sid in range(size)
        if sid not in confirmed and state.servers[Sid(sid)].accepted_epoch <= promised
    ]
    return combinations(willing, size // 2 + 1 - len(confirmed))
