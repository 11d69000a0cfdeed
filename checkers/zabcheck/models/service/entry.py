"""What the registry knows of the service that clients see."""

from __future__ import annotations

from collections.abc import Sequence

from zabcheck.explorer.model import Model
from zabcheck.models.bounds import check_values
from zabcheck.models.mutant import Action
from zabcheck.models.service import model as bounded
from zabcheck.models.service.bounds import Bounds
from zabcheck.models.service.mutants import SERVICE_MUTANTS
from zabcheck.models.service.scenarios import SCENARIOS
from zabcheck.models.service.words import ServiceWords, View
from zabcheck.models.spec import Properties, Spec
from zabspec import service

PROPERTIES = Properties(bounded.ALWAYS, bounded.EVERY_STEP, bounded.SOMETIMES)
_SITUATIONS = frozenset(each.name for each in bounded.SOMETIMES)


def is_asked(bounds: Bounds, name: str) -> bool:
    """True unless the property is a `sometimes` that the scenario is not for."""
    return name not in _SITUATIONS or name in SCENARIOS[bounds.scenario].sometimes


def model(bounds: Bounds, actions: Sequence[Action]) -> Model:
    """Returns the model of a scenario."""
    return bounded.model(SCENARIOS[bounds.scenario], actions)


SPEC = Spec(
    name="service",
    bounds=Bounds,
    actions=lambda _: service.NEXT,
    model=model,
    properties=lambda _: PROPERTIES,
    is_asked=is_asked,
    check=check_values,
    mutants=SERVICE_MUTANTS,
    words={View: lambda _: ServiceWords()},
)
