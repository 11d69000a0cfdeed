"""Three and five cores, and three with an observer, under everything that may befall them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from zabcheck.simulation.files import Expect, RunFile, save
from zabcheck.simulation.judging import Violation
from zabcheck.simulation.machine import Machine
from zabcheck.simulation.shrinking import shrunk

TRACES = Path(__file__).parent.parent.parent / "traces" / "ensemble"
REACHED = {
    "another_server_leads_too",
    "epoch_is_promised_again",
    "everyone_delivers",
    "leader_is_established",
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
"""What the machines must come to, or they show too little."""


class Three(Machine):
    pass


class Five(Machine):
    voters = 5


class Observed(Machine):
    observers = 1


MACHINES = (Three, Five, Observed)


def explore(machine: type[Machine], examples: int) -> None:
    """Runs a machine; what it finds is shrunk and kept."""
    try:
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
    except Violation:
        assert machine.failure is not None
        setting, events, violation = machine.failure
        file = RunFile(setting, violation.property, Expect.VIOLATED, shrunk(setting, events, 500))
        pytest.fail(f"{violation}\nkept as {save(file, TRACES)}; `zab replay` runs it again")


def test_cores_keep_what_the_spec_promises() -> None:
    seen: Counter[str] = Counter()
    for machine in MACHINES:
        explore(machine, 40)
        seen += machine.seen
    assert set(seen) >= REACHED, seen
