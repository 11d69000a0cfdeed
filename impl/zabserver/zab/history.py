"""How a leader synchronizes a learner: by sending what is missing, truncating its log, or a snapshot.

ZooKeeper: LearnerHandler.syncFollower, LearnerHandler.queueCommittedProposals, ZKDatabase.committedLog.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from zabserver.service.txns import Record, decode_record
from zabserver.wire.jute import Malformed
from zabserver.wire.quorum import Kind

LIMIT = 500
"""The default for how many applied transactions are kept in memory (`commitLogCount`)."""

LAST_COUNTER = 0xFFFFFFFF
"""The greatest counter of a zxid: after it another epoch must begin."""
Entry = tuple[int, bytes]
"""A zxid and the payload of its transaction."""


def epoch_of(zxid: int) -> int:
    """Returns the epoch of a zxid, its upper half."""
    return zxid >> 32


def counter_of(zxid: int) -> int:
    """Returns the counter of a zxid, its lower half; no transaction has counter 0."""
    return zxid & LAST_COUNTER


def follows(zxid: int, before: int) -> bool:
    """True if a transaction may directly follow another: it is the next, or the first of a later epoch."""
    return zxid == before + 1 or (epoch_of(zxid) > epoch_of(before) and counter_of(zxid) == 1)


class Received(NamedTuple):
    """A transaction from a leader, decoded and checked.

    Attributes:
        zxid: the zxid.
        payload: the payload for the log.
        record: the decoded transaction.
    """

    zxid: int
    payload: bytes
    record: Record


def received(zxid: int, payload: bytes) -> Received:
    """Decodes a transaction that a leader proposes, and checks that it has this zxid.

    Nothing else may reach the log: the server could not read it when it restarts.

    Raises:
        Malformed: the payload is not a transaction, or has another zxid.
    """
    record = decode_record(payload)
    if record.zxid != zxid:
        raise Malformed(f"proposal 0x{zxid:x} contains transaction 0x{record.zxid:x}")
    return Received(zxid, payload, record)


class Committed:
    """The last transactions applied (ZooKeeper: ZKDatabase.committedLog).

    Args:
        limit: how many are kept.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.entries: deque[Entry] = deque(maxlen=limit)

    def append(self, zxid: int, payload: bytes) -> None:
        """Adds a transaction that was applied."""
        self.entries.append((zxid, payload))

    def bounds(self, processed: int) -> tuple[int, int]:
        """Returns the first and the last zxid kept; if there are none, the last one applied, twice."""
        if not self.entries:
            return processed, processed
        return self.entries[0][0], self.entries[-1][0]


@dataclass(slots=True)
class Plan:
    """How to begin synchronizing a learner.

    Attributes:
        kind: DIFF, TRUNC or SNAP.
        zxid: the zxid of that packet: the end of the history, where to truncate, or the zxid of the snapshot.
        history: transactions to send after it, each with its commit.
        queued: the last zxid that the learner has after all this.
    """

    kind: int
    zxid: int
    history: list[Entry] = field(default_factory=list)
    queued: int = 0


def plan_sync(
    last: int,
    processed: int,
    committed: Committed,
    log: Callable[[int], Iterable[Entry]] | None = None,
) -> Plan:
    """Chooses between DIFF, TRUNC, TRUNC with a DIFF, and SNAP.

    Args:
        last: the last zxid that the learner has.
        processed: the last zxid that the leader has applied.
        committed: the transactions that the leader has in memory.
        log: returns the transactions in the log files from a zxid on, as `Storage.entries_after`; None if the
            files are too large compared to a snapshot. If it fails, a snapshot is sent.
    """
    first, newest = committed.bounds(processed)
    if last == processed:
        return Plan(Kind.DIFF, last, queued=last)
    if last > newest and counter_of(last):
        return Plan(Kind.TRUNC, newest, queued=newest)
    if first <= last <= newest and committed.entries:
        return _plan_from(last, newest, committed.entries) or _snapshot(processed)
    if last < first and log is not None:
        try:
            return _plan_from(last, newest, _with_log(last, first, log, committed)) or _snapshot(processed)
        except (OSError, ValueError):
            return _snapshot(processed)
    return _snapshot(processed)


def _snapshot(processed: int) -> Plan:
    return Plan(Kind.SNAP, processed, queued=processed)


def _with_log(
    last: int, first: int, log: Callable[[int], Iterable[Entry]], committed: Committed
) -> Iterator[Entry]:
    """Yields history from the log files, then from memory; ends early at a gap."""
    reached = 0
    for entry in log(last):
        if entry[0] > first:
            break
        if reached and not follows(entry[0], reached):
            return
        reached = entry[0]
        yield entry
    if reached == first or follows(first, reached):
        yield from (entry for entry in committed.entries if entry[0] > reached)


def _plan_from(last: int, newest: int, history: Iterable[Entry]) -> Plan | None:
    """Plans to begin at the learner's last transaction, or where the histories diverge; None if impossible.

    The history must contain the learner's last transaction or an earlier one, and end where the leader's
    does.
    """
    entries = iter(history)
    before: int | None = None
    for zxid, payload in entries:
        if zxid < last:
            before = zxid
            continue
        if zxid == last:
            plan = Plan(Kind.DIFF, newest)
        elif before is None:
            return None
        elif not counter_of(last):
            plan = Plan(Kind.DIFF, newest, [(zxid, payload)])
        elif epoch_of(zxid) == epoch_of(last):
            plan = Plan(Kind.TRUNC, before, [(zxid, payload)])
        else:
            return None
        plan.history += entries
        plan.queued = plan.history[-1][0] if plan.history else last
        return plan if plan.queued == newest or (not plan.history and last == newest) else None
    if not counter_of(last) and before == newest:
        return Plan(Kind.DIFF, newest, queued=newest)
    return None
