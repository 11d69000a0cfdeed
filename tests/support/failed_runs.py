"""What tests do with a run that breaks a property: they shrink it, keep it as a file and fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import pytest

import places
from zabcheck.simulation.events import Event
from zabcheck.simulation.files import Expect, RunFile, save
from zabcheck.simulation.judging import Violation
from zabcheck.simulation.setting import Setting
from zabcheck.simulation.shrinking import shrunk

FOLDER = places.TRACES / "ensemble"
TRIALS = 500


def keep_and_fail(setting: Setting, events: Sequence[Event], violation: Violation) -> NoReturn:
    """Shrinks a run that breaks a property, saves it under traces/ensemble, and fails the test."""
    file = RunFile(setting, violation.property, Expect.VIOLATED, shrunk(setting, events, TRIALS))
    pytest.fail(f"{violation}\nkept as {save(file, FOLDER)}; `zab replay` runs it again")
