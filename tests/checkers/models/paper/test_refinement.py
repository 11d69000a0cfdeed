from __future__ import annotations

import pytest

from zabcheck.models.broadcast.way import way
from zabcheck.models.broadcast.words import no_way
from zabspec import broadcast
from zabspec.broadcast import State
from zabspec.histories import Txn, Zxid
from zabspec.parts import Row, replace

A, B, NEXT_EPOCH = Txn(Zxid(1, 1), 0), Txn(Zxid(1, 2), 0), Txn(Zxid(2, 1), 0)

# Server 0 is the primary of epoch 1 and has broadcast A, which is in the log; it alone has delivered that.
START = State((A,), frozenset(), 1, Row([(A,), ()]), Row([1, 0]))


def test_no_step_is_a_step() -> None:
    assert way(START, START) == [START]


@pytest.mark.parametrize(
    ("goal", "length"),
    [
        (replace(START, delivered=Row([(A,), (A,)])), 1),
        (replace(START, outstanding=frozenset({B})), 1),
        (replace(START, log=(A, B)), 2),
        (replace(START, log=(A, B), delivered=Row([(A, B), (A, B)])), 5),
        (replace(START, delivered=Row([(), ()]), primaries=Row([0, 0])), 1),
        (replace(START, epoch=2, delivered=Row([(A,), (A,)]), primaries=Row([1, 2])), 3),
        (replace(START, epoch=2, primaries=Row([0, 0])), 2),
    ],
)
def test_one_step_may_stand_for_several(goal: State, length: int) -> None:
    states = way(START, goal)
    assert states is not None
    assert states[-1] == goal
    assert len(states) == 1 + length


@pytest.mark.parametrize(
    "goal",
    [
        replace(START, log=()),
        replace(START, log=(B,)),
        replace(START, log=(A, NEXT_EPOCH)),
        replace(START, outstanding=frozenset({NEXT_EPOCH})),
        replace(START, outstanding=frozenset({A})),
        replace(START, epoch=0),
        replace(START, delivered=Row([(A,), (B,)])),
        replace(START, delivered=Row([(A,), (A, B)])),
        replace(START, primaries=Row([1, 1])),
        replace(START, primaries=Row([1, 2])),
        replace(START, epoch=2, primaries=Row([0, 2])),
    ],
)
def test_there_is_no_way_to_what_atomic_broadcast_forbids(goal: State) -> None:
    assert way(START, goal) is None


def test_nothing_of_a_closed_epoch_enters_the_log() -> None:
    late = replace(START, outstanding=frozenset({B}), epoch=2)
    assert way(late, replace(late, log=(A, B), outstanding=frozenset())) is None


def test_what_a_primary_has_broadcast_is_not_lost_while_it_is_one() -> None:
    sent = replace(START, outstanding=frozenset({B}))
    assert way(sent, START) is None
    resigned = broadcast.primary_resigns(sent, 0)  # type: ignore[arg-type]
    assert resigned is not None
    assert way(resigned, replace(START, primaries=Row([0, 0]))) is not None


def test_a_primary_that_crashes_may_lose_what_it_has_broadcast_with_it() -> None:
    sent = replace(START, outstanding=frozenset({B}))
    states = way(sent, replace(START, delivered=Row([(), ()]), primaries=Row([0, 0])))
    assert states is not None
    assert len(states) == 1 + 3


def test_no_way_is_told_with_both_states_and_the_steps_tried() -> None:
    assert no_way(START, replace(START, log=(), primaries=Row([0, 0]))) == [
        "In terms of the spec broadcast, the step leads from",
        "  log 1.1; outstanding nothing; epochs from 1 on; server 0: delivered 1.1, primary of epoch 1; "
        "server 1: delivered nothing",
        "to",
        "  log empty; outstanding nothing; epochs from 1 on; server 0: delivered 1.1; "
        "server 1: delivered nothing",
        "Steps of broadcast tried in between:",
        "  primary_resigns(0): server 0: delivered 1.1",
        "No step of broadcast leads on from there:",
        "  log empty, instead of log 1.1",
    ]


def test_a_step_that_is_not_enabled_ends_the_way() -> None:
    late = replace(START, outstanding=frozenset({B}), epoch=2)
    told = no_way(late, replace(late, log=(A, B), outstanding=frozenset()))
    assert told[-2:] == [
        "Steps of broadcast tried in between:",
        "  log_takes_transaction(1) is not enabled: no step of broadcast leads on from there",
    ]


def test_a_change_for_which_no_step_was_tried_is_told() -> None:
    assert no_way(START, replace(START, log=()))[-2:] == [
        "No step of broadcast makes such a change:",
        "  log empty, instead of log 1.1",
    ]
