"""How far `zabspec.service` is explored: by the name of a scenario, which says all."""

from __future__ import annotations

from dataclasses import dataclass

from zabcheck.models.bounds import choice
from zabcheck.models.service.scenarios import SCENARIOS


@dataclass(frozen=True, slots=True)
class Bounds:
    """What clients do, and what goes wrong.

    Attributes:
        scenario: one of `scenarios.SCENARIOS`.
    """

    scenario: str = choice(
        tuple(SCENARIOS), "what clients do, and what goes wrong", {name: name for name in SCENARIOS}
    )
