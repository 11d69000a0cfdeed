"""Three and five cores, and three with an observer, under everything that may befall them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from zabcheck.simulation.files import Expect, RunFile, save
from zabcheck.simulation.judging import Violation
from zabcheck.simulation.machine import Machine
from zabcheck.simulation.shrinking import shrunk

TRACES = Path(__file__).parent.parent.parent / "traces" / "ensemble"


class Three(Machine):
    pass


class Five(Machine):
    voters = 5


class Observed(Machine):
    observers = 1


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


@pytest.mark.parametrize("machine", [Three, Five, Observed])
def test_cores_keep_what_the_spec_promises(machine: type[Machine]) -> None:
    explore(machine, 50)
    print(machine.seen)
