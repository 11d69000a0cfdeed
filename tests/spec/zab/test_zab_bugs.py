"""Bugs that ZooKeeper had or has are found again, each by the property that it is said to break."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bugs_found import FOUND
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Outcome
from zabcheck.models.mutant import Mutant, apply
from zabcheck.models.registry import Instance, build, property_names
from zabcheck.models.zab.catalogue.bugs import BUGS, BY_NAME
from zabcheck.models.zab.model import begun, model
from zabspec import zab
from zabspec.phases import Phase
from zabspec.zab.state import Proposal

ISSUES = "2845 3023 3104 3642 3911 4394 4643 4646 4685 4712 4785 4925 5094"


def test_every_known_bug_is_in_the_catalogue() -> None:
    assert {f"ZOOKEEPER-{number}" for number in ISSUES.split()} <= set(BY_NAME)
    assert set(FOUND) == set(BY_NAME)
    assert len(BY_NAME) == len(BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_bug_is_found(bug: Mutant, proved: Callable[[str], None]) -> None:
    instance = Instance("zab", bug.bounds, mutant=bug.name, properties=(bug.caught_by,))
    verdict = search(build(instance), Options())
    assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, bug.caught_by)
    assert verdict.trace is not None
    assert (verdict.counts.distinct, len(verdict.trace.steps) - 1) == FOUND[bug.name]
    proved(
        f"FOUND   {bug.name} by {bug.caught_by}: {verdict.counts.distinct:,} distinct states, "
        f"{len(verdict.trace.steps) - 1} steps; {verdict.counts.seconds:.1f} s"
    )


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_replaces_actions_of_the_spec_under_their_names(bug: Mutant) -> None:
    names = [action.__name__ for action in zab.NEXT]
    assert set(bug.replaces) <= set(zab.NEXT)
    actions = apply(bug, zab.NEXT)
    assert [action.__name__ for action in actions[: len(names)]] == names
    changed = [new.__name__ for new, old in zip(actions, zab.NEXT, strict=False) if new is not old]
    assert set(changed) == {action.__name__ for action in bug.replaces}
    assert bug.caught_by in property_names("zab")


def test_what_is_begun_has_one_transaction_delivered_and_one_proposed() -> None:
    bug = BY_NAME["ZOOKEEPER-3911"]
    state = begun(model(bug.bounds)).initial.protocol
    assert [server.phase for server in state.servers] == [Phase.BROADCAST] * 3
    [delivered] = {server.tree for server in state.servers}
    assert len(delivered) == 1
    assert [len(server.unsynced) for server in state.servers] == [1, 0, 0]
    assert [type(message) for message in state.network[0][1]] == [Proposal]


def test_what_cannot_be_begun_says_so() -> None:
    with pytest.raises(ValueError, match="the bounds are too small"):
        begun(model(BY_NAME["ZOOKEEPER-3642"].bounds))
