"""How a learner is synchronised: compared with the reference's table done naively, with the spec, and by its
effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import pytest

from zabserver.wire.quorum import Kind
from zabserver.zab import history
from zabserver.zab.history import Committed, Entry, Plan, plan_sync
from zabspec.histories import Txn, Zxid
from zabspec.zab.state import Diff, Trunc
from zabspec.zab.synchronization import how_to_sync

ROUNDS = 4000


@dataclass
class Case:
    """A leader and a learner.

    Attributes:
        log: the whole log of the leader.
        in_files: index from which on its files have the log.
        at_hand: number of last transactions in memory.
        processed: zxid of its tree: the last zxid, or that of the epoch it leads.
        learner: the learner's log.
        last: last zxid of the learner's log, or that of an epoch that it has led.
        hole: index of a transaction that the files lack; -1 for none.
    """

    log: list[int]
    in_files: int
    at_hand: int
    processed: int
    learner: list[int]
    last: int
    hole: int

    def committed(self) -> Committed:
        """Returns the transactions in memory."""
        kept = Committed(limit=500)
        for zxid in self.log[len(self.log) - self.at_hand :]:
            kept.append(zxid, b"%d" % zxid)
        return kept

    def files(self, zxid: int) -> Iterator[Entry]:
        """Returns what the files have, from the last transaction that is not after a zxid."""
        found = [each for at, each in enumerate(self.log) if at >= self.in_files and at != self.hole]
        if found and found[0] <= zxid:
            begin = max(at for at, each in enumerate(found) if each <= zxid)
            yield from ((each, b"%d" % each) for each in found[begin:])

    def plan(self, with_files: bool = True) -> Plan:
        """Returns how the learner is synchronised."""
        return plan_sync(self.last, self.processed, self.committed(), self.files if with_files else None)


def zxid_of(epoch: int, counter: int) -> int:
    return epoch << 32 | counter


def some_case(choose: Random) -> Case:
    """Returns a leader with a few epochs, and a learner with a part of its log and some transactions of its
    own.

    What the learner has alone is of the epoch of the last common transaction, which the leader's history must
    leave with it, or of an epoch that the leader's history does not have.
    """
    epochs = [epoch for epoch in range(1, 7) if choose.random() < 0.6]
    log = [zxid_of(epoch, 1 + at) for epoch in epochs for at in range(choose.randrange(1, 5))]
    shared = choose.randrange(len(log) + 1)
    learner = log[:shared]
    following = log[shared] >> 32 if shared < len(log) else 8
    base = learner[-1] if learner else 0
    kind = choose.randrange(4)
    last = base
    if kind == 1 and base and following > base >> 32:
        learner += [base + 1 + at for at in range(choose.randrange(1, 3))]
        last = learner[-1]
    elif kind == 2:
        newest = 8 if shared == len(log) else 7  # who is in epoch 7 has all that it began with
        unknown = [epoch for epoch in range((base >> 32) + 1, newest) if epoch not in epochs]
        if unknown:
            epoch = choose.choice(unknown)
            learner += [zxid_of(epoch, 1 + at) for at in range(choose.randrange(1, 3))]
            last = learner[-1]
    elif kind == 3 and following > base >> 32:
        last = zxid_of(choose.randrange((base >> 32) + 1, following + 1), 0)
    processed = log[-1] if log else 0
    if choose.random() < 0.3:
        processed = zxid_of(7, 0)
    at_hand = choose.randrange(len(log) + 1)
    hole = choose.randrange(len(log)) if log and choose.random() < 0.3 else -1
    if 0 <= hole < len(log) - 1 and log[hole + 1] & 0xFFFFFFFF == 1:
        hole = -1  # where an epoch lacks its end, nobody can tell; so a disk never holds such a log
    return Case(log, choose.randrange(len(log) + 1), at_hand, processed, learner, last, hole)


# The table of the reference, rule by rule.


def naive(case: Case) -> tuple[int, int, list[int]]:
    """Returns kind and zxid of the plan, and what follows."""
    mine = case.log[len(case.log) - case.at_hand :]
    least, most = (mine[0], mine[-1]) if mine else (case.processed, case.processed)
    snap: tuple[int, int, list[int]] = (Kind.SNAP, case.processed, [])
    if case.last == case.processed:
        return Kind.DIFF, case.last, []
    if case.last > most and not is_label(case.last):
        return Kind.TRUNC, most, []
    if least <= case.last <= most:
        return rule_w(mine, case.last, most) or snap
    if case.last < least:
        files = [zxid for zxid, _ in case.files(case.last)]
        if not files or files[0] > case.last:
            return snap
        older = [zxid for zxid in files if zxid <= least]
        together = sorted({*older, *mine})
        if least not in together or any(is_gap(*pair) for pair in pairwise(together)):
            return snap
        return rule_w(together, case.last, most) or snap
    return snap


def rule_w(entries: list[int], last: int, most: int) -> tuple[int, int, list[int]] | None:
    """Applies the rule for one history: where the learner is in it."""
    later = [zxid for zxid in entries if zxid > last]
    if last in entries or is_label(last):
        return Kind.DIFF, most, later
    if not later or later[0] >> 32 != last >> 32:
        return None
    earlier = [zxid for zxid in entries if zxid < last]
    return Kind.TRUNC, earlier[-1], later


def is_gap(before: int, zxid: int) -> bool:
    """True if there are transactions between two that follow each other in a file."""
    if before >> 32 == zxid >> 32:
        return before + 1 != zxid
    return zxid & 0xFFFFFFFF != 1


def is_label(zxid: int) -> bool:
    return zxid & 0xFFFFFFFF == 0


def beside_the_table(case: Case) -> None:
    """Checks that the plan is that of the table."""
    plan = case.plan()
    kind, zxid, later = naive(case)
    assert (plan.kind, plan.zxid, [each for each, _ in plan.history]) == (kind, zxid, later), case
    assert all(payload == b"%d" % each for each, payload in plan.history)


def beside_the_spec(case: Case) -> None:
    """Checks that the plan without files is that of the spec."""
    plan = case.plan(with_files=False)
    mine = tuple(Txn(Zxid(each >> 32, each & 0xFFFFFFFF), each) for each, _ in case.committed().entries)
    first, later = how_to_sync(mine, split(case.processed), split(case.last))
    if first is None:
        assert plan.kind == Kind.SNAP, case
        return
    assert plan.kind == (Kind.DIFF if isinstance(first, Diff) else Kind.TRUNC), case
    if isinstance(first, Trunc):
        assert split(plan.zxid) == first.zxid, case
    assert [split(each) for each, _ in plan.history] == [txn.zxid for txn in later], case


def split(zxid: int) -> Zxid:
    return Zxid(zxid >> 32, zxid & 0xFFFFFFFF)


def has_the_same(case: Case) -> None:
    """Checks that the learner has the leader's history after it was synchronised, and that the rest comes
    after it.

    A learner stops if it is to truncate after a zxid that it does not have: TRUNC across an epoch, of rule 3
    (hazard h1).
    """
    plan = case.plan()
    covered = case.processed if is_label(plan.queued) else plan.queued
    if plan.kind == Kind.SNAP:
        return
    kept = case.learner
    if plan.kind == Kind.TRUNC:
        if plan.zxid not in kept and not is_label(plan.zxid):
            assert plan.zxid >> 32 != case.last >> 32, case
            return
        kept = [zxid for zxid in kept if zxid <= plan.zxid]
    assert kept + [each for each, _ in plan.history] == case.log, case
    assert [zxid for zxid in case.log if zxid > covered] == [], case


PROPERTIES = [beside_the_table, beside_the_spec, has_the_same]


@pytest.mark.parametrize("holds", PROPERTIES)
def test_plans(holds: Callable[[Case], None]) -> None:
    for seed in range(ROUNDS):
        holds(some_case(Random(seed)))


def test_all_kinds_of_plans_are_among_them() -> None:
    plans = [(case, case.plan()) for case in (some_case(Random(seed)) for seed in range(ROUNDS))]
    kinds = {
        (plan.kind, bool(plan.history), case.last < case.committed().bounds(0)[0]) for case, plan in plans
    }
    assert kinds >= {
        (Kind.DIFF, False, False),
        (Kind.DIFF, True, False),
        (Kind.DIFF, True, True),
        (Kind.TRUNC, False, False),
        (Kind.SNAP, False, False),
        (Kind.SNAP, False, True),
    }


def follows_anything(zxid: int, before: int) -> bool:
    return True


def first_epoch(zxid: int) -> int:
    return 1


MUTANTS = {
    "a gap between files and memory is no gap": ("follows", follows_anything),
    "TRUNC across epochs": ("epoch_of", first_epoch),
    "the label of an epoch is a transaction": ("counter_of", lambda zxid: 1),
    "every zxid is the label of an epoch": ("counter_of", lambda zxid: 0),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_mistakes_are_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mistake changes what the learner has in the end, or differs from the table or the spec."""
    monkeypatch.setattr(history, *MUTANTS[name])
    caught = [holds.__name__ for holds in PROPERTIES if fails(holds)]
    assert "beside_the_table" in caught
    assert len(caught) > 1


def fails(holds: Callable[[Case], None]) -> bool:
    """True if a property fails in some case."""
    for seed in range(ROUNDS):
        try:
            holds(some_case(Random(seed)))
        except AssertionError:
            return True
    return False


def test_a_log_that_cannot_be_read_means_a_snapshot() -> None:
    def broken(zxid: int) -> Iterator[Entry]:
        yield zxid, b""
        raise OSError("gone")

    committed = Committed()
    committed.append(zxid_of(1, 9), b"")
    plan = plan_sync(zxid_of(1, 2), zxid_of(1, 9), committed, broken)
    assert (plan.kind, plan.zxid, plan.history, plan.queued) == (Kind.SNAP, zxid_of(1, 9), [], zxid_of(1, 9))


def test_no_more_than_the_limit_is_kept() -> None:
    committed = Committed(limit=3)
    for counter in range(1, 6):
        committed.append(counter, b"")
    assert committed.bounds(5) == (3, 5)
