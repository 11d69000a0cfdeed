"""The runs that can be drawn as space-time diagrams, with the words of their spec."""

from __future__ import annotations

from typing import Any

from zabcheck.explorer.verdicts import Trace
from zabcheck.models.drawing import Words
from zabcheck.models.registry import SPECS
from zabcheck.models.service.words import viewed
from zabspec.service.seen import Run


def drawable(trace: Trace) -> tuple[Trace, Words] | None:
    """Returns a run as it is drawn, with its words; None if there are no diagrams of its spec."""
    if isinstance(_state(trace, 0), Run):
        trace = viewed(trace)
    states = [_state(trace, index) for index in range(len(trace.steps))]
    for spec in SPECS.values():
        words = spec.words.get(type(states[0]))
        if words is not None:
            return trace, words(states)
    return None


def _state(trace: Trace, index: int) -> Any:
    world = trace.steps[index].world
    return getattr(world, "protocol", world)
