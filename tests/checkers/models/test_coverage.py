"""Everything that the specs provide for happens somewhere, and what does not is known and explained."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache

import pytest

from zabcheck.cli import coverage as cover
from zabcheck.cli import main as cli
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import depth_first
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts
from zabcheck.models.coverage import COVERED, Coverage, coverage, noting
from zabcheck.models.happenings import Extent, Group, Row
from zabcheck.models.registry import SPECS, Instance, build
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.catalogue.bugs import BY_NAME
from zabspec import fast_election, paper, zab

SMALL = {"servers": 2, "transactions": 1, "timeouts": 1, "restarts": 1, "epochs": 2}


def small(spec: str) -> Extent:
    bounds = SPECS[spec].bounds
    known = {each.name for each in fields(bounds)}
    return Extent(bounds(**{name: value for name, value in SMALL.items() if name in known}))


@cache
def covered(spec: str) -> tuple[Coverage, ...]:
    return tuple(coverage(spec, extent) for extent in COVERED[spec].extents)


def happened(spec: str) -> frozenset[Row]:
    return frozenset[Row]().union(*(each.happened for each in covered(spec)))


@pytest.mark.parametrize(
    ("spec", "actions"), [("paper", paper.NEXT), ("fast_election", fast_election.NEXT), ("zab", zab.NEXT)]
)
def test_every_action_is_taken_somewhere(spec: str, actions: tuple[object, ...]) -> None:
    taken = {name for group, name in happened(spec) if group == Group.ACTION}
    assert taken == {getattr(action, "__name__", None) for action in actions}


@pytest.mark.parametrize("spec", COVERED)
def test_everything_else_happens_too_and_what_cannot_does_not(spec: str) -> None:
    assert all(each.is_complete for each in covered(spec))
    never = set(COVERED[spec].everything) - happened(spec)
    assert never == set(COVERED[spec].unreached)
    assert happened(spec) <= set(COVERED[spec].everything)


def test_what_cannot_happen_does_with_the_bug_that_it_needs() -> None:
    bug = BY_NAME["ZOOKEEPER-4925"]
    noted: set[Row] = set()
    search(noting(build(Instance("zab", bug.bounds, mutant=bug.name, properties=())), noted), Options())
    assert noted & set(COVERED["zab"].unreached)


@pytest.mark.parametrize("spec", COVERED)
def test_noting_changes_nothing_and_misses_nothing(spec: str) -> None:
    """The explorer runs a step only where it has not yet; the plain search runs each in each state."""
    fast = coverage(spec, small(spec))
    model = build(Instance(spec, small(spec).bounds, properties=()))
    noted: set[Row] = set()
    plain = depth_first(noting(model, noted), Options())
    assert search(model, Options()).counts.distinct == fast.counts.distinct == plain.counts.distinct
    assert noted == {row for row in fast.happened if row[0] not in (Group.MESSAGE, Group.SITUATION)}
    assert noted


def test_what_no_bounds_allow_does_not_happen() -> None:
    calm = coverage("zab", Extent(Bounds(servers=2, transactions=0, timeouts=0, restarts=0, epochs=1)))
    names = {name for _, name in calm.happened}
    assert names.isdisjoint({"server_restarts", "follower_times_out", "leader_proposes", "Proposal", "Trunc"})
    assert {"server_is_elected", "NewLeader", "DIFF of nothing", "leader_is_established"} <= names


def test_a_search_that_gives_up_is_not_complete() -> None:
    assert not coverage("zab", small("zab"), Options(max_states=100)).is_complete


# The command.


def test_a_table_tells_what_happens_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["coverage", "paper"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("1: paper, 3 servers, 1 transaction, 1 timeout, no restarts, 3 epochs: ")
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.endswith(("x", "-"))}
    assert rows["connection_times_out"] == ["x", "-", "x"]
    assert rows["server_restarts"] == ["-", "x", "-"]
    assert lines[-1] == f"{len(COVERED['paper'].everything)} of {len(COVERED['paper'].everything)} come up"


def test_what_should_happen_and_does_not_is_no_success(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {"zab": replace(COVERED["zab"], extents=(small("zab"),))}
    monkeypatch.setattr(cover, "COVERED", few)
    assert cli.main(["coverage"]) == 1
    out = capsys.readouterr().out
    assert "never: leader_delivers_before_writing: and it should" in out
    assert "never: TRUNC and DIFF: needs a learner" in out


def test_nobody_knows_what_was_not_explored(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cover, "coverage", lambda *_, **__: Coverage(Counts(1, 1, 1), False, frozenset()))
    assert cli.main(["coverage"]) == 2
    assert "undecided" in capsys.readouterr().out


def test_an_unknown_spec_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["coverage", "nonsense"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
