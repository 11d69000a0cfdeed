"""ZAB 1.0 by examples: quorums, how a learner is synchronized, what is found on a disk."""

from __future__ import annotations

from itertools import combinations

import pytest

from zabspec import zab
from zabspec.histories import ZERO, History, Txn, Zxid, after, up_to
from zabspec.parts import Sid, replace
from zabspec.quorums import Quorums, is_quorum, majority, smallest, weight
from zabspec.zab.disk import shut_down
from zabspec.zab.faults import server_restarts
from zabspec.zab.network import with_server
from zabspec.zab.state import Diff, Role, Server, SyncMode, Trunc
from zabspec.zab.synchronization import how_to_sync

A, B, C, D = (Txn(Zxid(*each), 0) for each in ((1, 1), (1, 2), (2, 1), (2, 2)))

THREE_GROUPS: Quorums = (
    (1, 1, 1, 0, 0, 0, 0, 0, 0),
    (0, 0, 0, 1, 1, 1, 0, 0, 0),
    (0, 0, 0, 0, 0, 0, 1, 1, 1),
)
WEIGHED: Quorums = ((3, 1, 1, 0),)


def sids(*numbers: int) -> tuple[Sid, ...]:
    return tuple(map(Sid, numbers))


@pytest.mark.parametrize(
    ("quorums", "some", "expected"),
    [
        (majority(3), sids(0, 2), True),
        (majority(3), sids(1), False),
        (majority(4), sids(0, 1), False),
        (majority(4), sids(0, 1, 3), True),
        (WEIGHED, sids(0), True),
        (WEIGHED, sids(1, 2, 3), False),
        (THREE_GROUPS, sids(0, 1, 3, 4), True),
        (THREE_GROUPS, sids(0, 1, 2, 3, 6), False),
        (((1, 1, 1, 0), (0, 0, 0, 0)), sids(0, 1), True),
    ],
)
def test_quorums_are_majorities_of_weight_in_a_majority_of_groups(
    quorums: Quorums, some: tuple[Sid, ...], expected: bool
) -> None:
    assert is_quorum(quorums, some) is expected


@pytest.mark.parametrize("quorums", [majority(3), majority(4), WEIGHED, THREE_GROUPS], ids=str)
def test_any_two_quorums_share_a_server(quorums: Quorums) -> None:
    found = list(smallest(quorums))
    assert found
    assert all(set(one) & set(other) for one, other in combinations(found, 2))


def test_smallest_quorums_of_groups() -> None:
    assert len(list(smallest(majority(5)))) == 10
    assert len(list(smallest(THREE_GROUPS))) == 27
    assert list(smallest(WEIGHED)) == [sids(0)]


def test_a_server_of_weight_0_is_never_elected() -> None:
    state = zab.initial(4, WEIGHED)
    assert weight(state.quorums, Sid(3)) == 0
    assert zab.server_is_elected(state, Sid(3)) is None
    assert zab.server_is_elected(state, Sid(1)) is not None


@pytest.mark.parametrize(
    ("committed_log", "processed", "has", "first", "missing"),
    [
        pytest.param((A, B), B.zxid, B.zxid, Diff(), (), id="same"),
        pytest.param((), ZERO, ZERO, Diff(), (), id="both-empty"),
        pytest.param((A, B), B.zxid, A.zxid, Diff(), (B,), id="behind"),
        pytest.param((A,), A.zxid, B.zxid, Trunc(A.zxid), (), id="ahead"),
        pytest.param((A,), Zxid(2, 0), B.zxid, Trunc(A.zxid), (), id="ahead-of-a-new-leader"),
        pytest.param((A, C), C.zxid, B.zxid, None, (), id="cut-would-cross-an-epoch"),
        pytest.param((A, Txn(Zxid(1, 3), 0)), Zxid(1, 3), B.zxid, Trunc(A.zxid), (Txn(Zxid(1, 3), 0),),
                     id="cut-and-more"),
        pytest.param((A, C), C.zxid, Zxid(2, 0), Diff(), (C,), id="has-led-the-epoch"),
        pytest.param((A,), A.zxid, Zxid(2, 0), None, (), id="has-led-a-later-epoch"),
        pytest.param((B,), B.zxid, ZERO, None, (), id="too-far-behind"),
        pytest.param((), C.zxid, A.zxid, None, (), id="after-a-snapshot"),
    ],
)  # fmt: skip
def test_how_a_learner_is_synchronized(
    committed_log: History, processed: Zxid, has: Zxid, first: Diff | Trunc | None, missing: History
) -> None:
    assert how_to_sync(committed_log, processed, has) == (first, missing)


def test_histories_are_cut_by_zxid() -> None:
    assert up_to((A, B, C), Zxid(2, 0)) == (A, B)
    assert after((A, B, C), Zxid(2, 0)) == (C,)


def server(**changes: object) -> Server:
    return replace(zab.initial(3).servers[0], **changes)


def test_a_shutdown_writes_what_waits_and_brings_the_tree_up_to_it() -> None:
    stopped = shut_down(server(log=(A,), unsynced=(B,), tree=(A,), processed=A.zxid, committed_log=(A,)))
    assert (stopped.log, stopped.unsynced, stopped.tree) == ((A, B), (), (A, B))
    assert stopped.processed == B.zxid


def test_a_leader_that_proposed_nothing_keeps_the_label_of_its_epoch() -> None:
    assert shut_down(server(log=(A,), tree=(A,), processed=Zxid(2, 0))).processed == Zxid(2, 0)


@pytest.mark.parametrize("mode", [SyncMode.TRUNC, SyncMode.SNAP])
def test_a_shutdown_forgets_a_tree_that_is_on_no_disk(mode: SyncMode) -> None:
    stopped = shut_down(server(log=(A,), tree=(A, B), processed=B.zxid, sync_mode=mode))
    assert (stopped.tree, stopped.processed, stopped.committed_log) == ((A,), A.zxid, (A,))


@pytest.mark.parametrize(("kept", "found"), [(0, (A,)), (1, (A, B)), (2, (A, B, Txn(Zxid(1, 3), 0)))])
def test_a_crash_keeps_any_first_part_of_what_waits(kept: int, found: History) -> None:
    waiting = (B, Txn(Zxid(1, 3), 0))
    crashing = server(current_epoch=1, accepted_epoch=1, log=(A,), unsynced=waiting, tree=(A,))
    state = server_restarts(with_server(zab.initial(3), Sid(0), crashing), Sid(0), kept)
    assert state is not None
    back = state.servers[0]
    assert (back.log, back.tree, back.unsynced, back.role) == (found, found, (), Role.LOOKING)


def test_a_crash_cannot_keep_more_than_waits() -> None:
    assert server_restarts(zab.initial(3), Sid(0), 1) is None


def test_a_server_whose_log_is_of_a_later_epoch_refuses_to_start() -> None:
    crashing = server(current_epoch=1, accepted_epoch=2, log=(A, C), tree=(A, C))
    state = server_restarts(with_server(zab.initial(3), Sid(0), crashing), Sid(0), 0)
    assert state is not None
    assert state.servers[0].role == Role.STOPPED
    assert zab.server_is_elected(state, Sid(0)) is None
    assert server_restarts(state, Sid(0), 0) is None
