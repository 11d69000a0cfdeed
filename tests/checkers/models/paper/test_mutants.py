from __future__ import annotations

import inspect
from dataclasses import replace

import pytest

from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Outcome
from zabcheck.models.mutant import Mutant, apply
from zabcheck.models.paper import mutants
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.paper.mutants import MUTANTS
from zabcheck.models.registry import MISTAKES, SPECS, Instance, build, property_names
from zabcheck.models.zab.mutants import ZAB_MUTANTS
from zabspec import paper, zab
from zabspec.paper import properties

SOMETIMES = {each.__name__ for each in properties.SOMETIMES}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_is_caught(mutant: Mutant) -> None:
    instance = Instance(bounds=mutant.bounds, mutant=mutant.name, properties=(mutant.caught_by,))
    verdict = search(build(instance), Options())
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, mutant.caught_by)


@pytest.mark.parametrize(
    "bounds",
    [
        Bounds(servers=2, transactions=2, timeouts=1, restarts=1, numbered=True),
        Bounds(servers=3, transactions=1, timeouts=1),
        Bounds(servers=4, transactions=1, timeouts=0),
    ],
    ids=str,
)
def test_the_spec_itself_has_every_property(bounds: Bounds) -> None:
    verdict = search(build(Instance(bounds=bounds)), Options())
    assert verdict.outcome == Outcome.PASSED
    assert set(property_names("paper")) - SOMETIMES <= set(verdict.checked)


def test_every_property_is_broken_by_some_mutant() -> None:
    assert {mutant.caught_by for mutant in MUTANTS} == set(property_names("paper")) - SOMETIMES


def test_names_are_unique() -> None:
    assert len(mutants.BY_NAME) == len(MUTANTS)


def test_a_mutant_replaces_actions_of_the_spec_under_their_names() -> None:
    names = [action.__name__ for action in paper.NEXT]
    for mutant in MUTANTS:
        assert set(mutant.replaces) <= set(paper.NEXT)
        actions = apply(mutant, paper.NEXT)
        assert [action.__name__ for action in actions] == names
        changed = [new.__name__ for new, old in zip(actions, paper.NEXT, strict=True) if new is not old]
        assert set(changed) == {action.__name__ for action in mutant.replaces}


def test_mutants_leave_the_spec_its_names() -> None:
    """One of them puts an action of another grain in the place of one."""
    for mutant in ZAB_MUTANTS:
        apply(mutant, zab.NEXT)
    actions = {name: getattr(zab, name) for name in zab.__all__ if inspect.isfunction(getattr(zab, name))}
    assert "server_leads_unelected" in actions
    assert {name: action.__name__ for name, action in actions.items()} == {name: name for name in actions}


def test_a_mutant_can_be_explored_with_all_properties() -> None:
    mutant = mutants.BY_NAME["commit-without-quorum"]
    verdict = search(build(Instance(bounds=replace(mutant.bounds, servers=3), mutant=mutant.name)), Options())
    assert verdict.outcome == Outcome.VIOLATED


def test_no_two_mutants_have_one_name() -> None:
    every = [each.name for spec in SPECS.values() for each in (*spec.mutants, *spec.harmless)]
    assert len(MISTAKES) == len(every)
