from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as replaced
from typing import Any

import pytest

from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import breadth_first
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Outcome
from zabcheck.models.broadcast import model as bounded
from zabcheck.models.broadcast.bounds import Bounds
from zabcheck.models.registry import Instance, build
from zabspec import broadcast
from zabspec.broadcast import State
from zabspec.broadcast import properties as broadcast_properties
from zabspec.histories import Txn, Zxid
from zabspec.parts import Sid, replace

BOUNDS = Bounds(servers=2, transactions=2, timeouts=1, restarts=1, epochs=2)


def test_the_abstract_spec_has_every_property() -> None:
    model = build(Instance("broadcast", BOUNDS))
    verdict = breadth_first(model, Options(symmetry=False))
    assert verdict.outcome == Outcome.PASSED
    assert verdict.counts.distinct == 1857
    assert set(verdict.checked) == {
        each.__name__
        for group in (
            broadcast_properties.ALWAYS,
            broadcast_properties.EVERY_STEP,
            broadcast_properties.SOMETIMES,
        )
        for each in group
    }


@pytest.mark.parametrize(("symmetry", "distinct"), [(False, 1857), (True, 1004)])
def test_the_fast_search_finds_as_much_of_it_as_the_plain_one(symmetry: bool, distinct: int) -> None:
    model, options = build(Instance("broadcast", BOUNDS)), Options(symmetry=symmetry)
    for explored in (breadth_first(model, options), search(model, options)):
        assert (explored.outcome, explored.counts.distinct) == (Outcome.PASSED, distinct)


def delivers_anything(state: State, server: Sid) -> State | None:
    """A server delivers the last transaction of the log, whatever is missing before it."""
    last = state.log[-1:]
    if not last or last[0] in state.delivered[server]:
        return None
    return replace(state, delivered=state.delivered.put(server, state.delivered[server] + last))


def delivers_outstanding(state: State, server: Sid) -> State | None:
    """A server delivers something that is not in the log."""
    for txn in sorted(state.outstanding, key=lambda txn: txn.zxid):
        if txn not in state.delivered[server]:
            return replace(state, delivered=state.delivered.put(server, (*state.delivered[server], txn)))
    return None


def takes_any(state: State, epoch: int) -> State | None:
    """The log takes the last transaction of an epoch, out of order."""
    of_epoch = [txn for txn in state.outstanding if txn.zxid.epoch == epoch]
    if not of_epoch:
        return None
    txn = max(of_epoch, key=lambda txn: txn.zxid)
    return replace(state, log=(*state.log, txn), outstanding=state.outstanding - {txn})


def takes_unheard(state: State, epoch: int) -> State | None:
    """The log takes a transaction that no primary has broadcast."""
    if state.log:
        return None
    return replace(state, log=(Txn(Zxid(epoch, 1), 0),))


def is_primary_at_once(state: State, primary: Sid, epoch: int) -> State | None:
    """A primary is established without having delivered what was before it."""
    if epoch in tuple(state.primaries):
        return None
    return replace(state, primaries=state.primaries.put(primary, epoch))


@pytest.mark.parametrize(
    ("name", "wrong", "caught_by"),
    [
        ("server_delivers", delivers_anything, "prefix_of_log"),
        ("server_delivers", delivers_anything, "total_order"),
        ("server_delivers", delivers_anything, "local_primary_order"),
        ("server_delivers", delivers_outstanding, "agreement"),
        ("log_takes_transaction", takes_any, "global_primary_order"),
        ("log_takes_transaction", takes_unheard, "integrity"),
        ("primary_is_established", is_primary_at_once, "primary_integrity"),
    ],
)
def test_every_property_can_fail(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: Callable[..., Any], caught_by: str
) -> None:
    wrong.__name__ = name
    actions = [wrong if action.__name__ == name else action for action in broadcast.NEXT]
    monkeypatch.setattr(broadcast, "NEXT", tuple(actions))
    model = build(Instance("broadcast", replaced(BOUNDS, timeouts=2), properties=(caught_by,)))
    verdict = breadth_first(model, Options(symmetry=False))
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, caught_by)


def test_bounds_limit_what_happens() -> None:
    names = {step.label for step in bounded.steps(replaced(BOUNDS, servers=1, epochs=1))}
    assert "primary_is_established(0, 1)" in names
    assert "primary_is_established(0, 2)" not in names
    calm = build(Instance("broadcast", Bounds(servers=1, transactions=0, timeouts=0, epochs=1)))
    assert breadth_first(calm, Options(symmetry=False)).counts.distinct == 3
