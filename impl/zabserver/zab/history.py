"""What a leader sends a learner so that it has the same history: what is missing, what is too much, or all.

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
"""How many applied transactions are kept at hand (`commitLogCount`)."""

LAST_COUNTER = 0xFFFFFFFF
"""The greatest counter of a zxid: another epoch must begin after it."""
Entry = tuple[int, bytes]
"""A zxid and the payload of its transaction."""


def epoch_of(zxid: int) -> int:
    """The upper half of a zxid."""
    return zxid >> 32


def counter_of(zxid: int) -> int:
    """The lower half of a zxid; 0 where an epoch begins, which is no transaction."""
    return zxid & LAST_COUNTER


def follows(zxid: int, before: int) -> bool:
    """Whether a transaction may come right after another: it is the next, or the first of a later epoch."""
    return zxid == before + 1 or (epoch_of(zxid) > epoch_of(before) and counter_of(zxid) == 1)


class Received(NamedTuple):
    """A transaction that came from a leader, and was judged when it came."""

    zxid: int
    payload: bytes
    record: Record


def received(zxid: int, payload: bytes) -> Received:
    """A transaction that a leader proposes, which must be one, and the one that it is said to be.

    Nothing else may reach the log: a member could not read that when it starts.

    Raises:
        Malformed: it is none, or another.
    """
    record = decode_record(payload)
    if record.zxid != zxid:
        raise Malformed(f"a proposal 0x{zxid:x} of transaction 0x{record.zxid:x}")
    return Received(zxid, payload, record)


class Committed:
    """The last transactions applied.

    Args:
        limit: how many.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.entries: deque[Entry] = deque(maxlen=limit)

    def append(self, zxid: int, payload: bytes) -> None:
        """One more was applied."""
        self.entries.append((zxid, payload))

    def bounds(self, processed: int) -> tuple[int, int]:
        """The first and the last zxid in it; what is applied, twice, if there is none."""
        if not self.entries:
            return processed, processed
        return self.entries[0][0], self.entries[-1][0]


@dataclass(slots=True)
class Plan:
    """What a learner is sent first.

    Attributes:
        kind: DIFF, TRUNC or SNAP.
        zxid: of that packet: where the history ends, where it is to be cut, or what the snapshot is of.
        history: transactions that follow, each with its commit.
        queued: the last zxid that all this covers.
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
    """Decides between DIFF, TRUNC, TRUNC with a DIFF, and SNAP.

    Args:
        last: the last zxid that the learner has.
        processed: the last that the leader has applied.
        committed: what it has at hand.
        log: what its log files have from a zxid on, as `Storage.entries_after`; None where they are not to be
            read, because they are too large beside a snapshot. Where it fails, a snapshot is sent.
    """
    first, newest = committed.bounds(processed)
    if last == processed:
        return Plan(Kind.DIFF, last, queued=last)
    if last > newest and counter_of(last):
        return Plan(Kind.TRUNC, newest, queued=newest)
    if first <= last <= newest and committed.entries:
        return _walk(last, newest, committed.entries) or _all(processed)
    if last < first and log is not None:
        try:
            return _walk(last, newest, _with_log(last, first, log, committed)) or _all(processed)
        except (OSError, ValueError):
            return _all(processed)
    return _all(processed)


def _all(processed: int) -> Plan:
    return Plan(Kind.SNAP, processed, queued=processed)


def _with_log(
    last: int, first: int, log: Callable[[int], Iterable[Entry]], committed: Committed
) -> Iterator[Entry]:
    """History from the log files, then from what is at hand; ends early at a gap."""
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


def _walk(last: int, newest: int, history: Iterable[Entry]) -> Plan | None:
    """Rule W: from the learner's last transaction on, or from where the two histories part, if it can.

    The history must have the learner's last transaction or one before it, and end where the leader's does.
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
