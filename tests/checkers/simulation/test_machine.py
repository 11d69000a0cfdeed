"""Ensembles of cores under random faults: three voters, five, three with an observer, three with joiners."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from failed_runs import keep_and_fail
from zabcheck.simulation.choosing import setting, walk
from zabcheck.simulation.judging import Violation
from zabcheck.simulation.machine import Machine, ReconfiguredMachine
from zabcheck.simulation.mistakes import MISTAKES, planted
from zabcheck.simulation.run import Run

REACHED = {
    "another_server_leads_too",
    "deposed_leader_proposes",
    "epoch_is_promised_again",
    "everyone_delivers",
    "leader_is_cut_off",
    "leader_is_established",
    "leader_is_not_up_to_date",
    "learner_gets_diff",
    "learner_gets_snap",
    "learner_gets_trunc",
    "learner_joins_during_broadcast",
    "message_outlasts_partition",
    "observer_delivers",
    "power_is_cut",
    "session_held",
    "unsynced_is_lost",
}
"""What must come up in the runs, or they show too little."""
EXAMPLES = 15
WALKS = 50
SEVERAL = 4
"""How many epochs a run must have to count under `several_epochs`."""
RARE = 600
"""Largest number of examples until a mistake is found."""
SOON = 60
"""Largest number of examples until one of `FOUND_SOON` is found, which every run of the tests checks."""
FOUND_SOON = (
    "acknowledges-before-sync",
    "acknowledges-newleader-before-writing",
    "accepts-lower-epoch",
    "promises-in-memory",
    "leaves-tail-out-of-vote",
    "cuts-nothing",
    "sends-newleader-first",
    "leaves-out-outstanding",
    "serves-without-quorum",
    "commits-alone",
    "leads-on-alone",
)


class Three(Machine):
    pass


class Five(Machine):
    voters = 5


class Observed(Machine):
    observers = 1


class Reconfigured(ReconfiguredMachine):
    pass


MACHINES = (Three, Five, Observed, Reconfigured)


def run_machine(machine: type[Machine], examples: int) -> None:
    """Runs a machine, and raises the violation that it finds."""
    with planted(machine.mistake):
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=20,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=[*HealthCheck],
            ),
        )


def explore(machine: type[Machine], examples: int) -> Counter[str]:
    """Runs a machine that must find no violation, and returns what it has seen."""
    try:
        run_machine(machine, examples)
    except Violation:
        assert machine.failure is not None
        keep_and_fail(*machine.failure)
    return machine.seen


def walk_often(seeds: range, length: int) -> Counter[str]:
    """Walks long random runs, and returns in how many of them each thing came up."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        random = Random(seed)
        run = Run(setting(random))
        try:
            walk(run, random, length)
        except Violation as violation:
            keep_and_fail(run.setting, tuple(run.events), violation)
        seen.update(run.seen.keys())
        seen["several_epochs"] += len(run.guarantees.established) >= SEVERAL
    return seen


@pytest.mark.parametrize("machine", MACHINES)
def test_cores_keep_the_properties_of_the_spec(machine: type[Machine]) -> None:
    assert explore(machine, EXAMPLES)["everyone_delivers"] > EXAMPLES // 4


def test_runs_reach_everything_that_they_must() -> None:
    seen = walk_often(range(WALKS), 150)
    assert set(seen) >= REACHED, REACHED - set(seen)
    assert seen["several_epochs"] > WALKS // 3


@pytest.mark.deep
@pytest.mark.parametrize("machine", MACHINES)
def test_cores_keep_the_properties_in_many_examples(machine: type[Machine]) -> None:
    longer = type("Longer", (machine,), {})
    explore(longer, 2000)


@pytest.mark.deep
def test_cores_keep_the_properties_in_long_runs() -> None:
    walk_often(range(10_000, 12_000), 500)


def find(mistake: str, examples: int) -> None:
    size = MISTAKES[mistake]
    machine: type[Machine] = ReconfiguredMachine if size.joiners else Machine
    attributes = {"mistake": mistake, "voters": size.voters, "observers": size.observers}
    mistaken = type("Mistaken", (machine,), {**attributes, "joiners": size.joiners})
    with pytest.raises(Violation):
        run_machine(mistaken, examples)


@pytest.mark.parametrize("mistake", FOUND_SOON)
def test_a_mistake_in_the_cores_is_found_soon(mistake: str) -> None:
    find(mistake, SOON)


@pytest.mark.deep
@pytest.mark.parametrize("mistake", sorted(MISTAKES))
def test_every_mistake_in_the_cores_is_found(mistake: str) -> None:
    find(mistake, RARE)
