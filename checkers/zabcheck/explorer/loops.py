"""Whether the loop of a lasso, gone round for ever, is a fair run that breaks a liveness property.

`zabcheck.explorer.liveness` judges whole graphs. Here it is given the loop alone: its worlds with all the
steps that are enabled there, where every step that leaves the loop leads to one place in which nothing is
asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from zabcheck.explorer.liveness import Edge, Graph, judged
from zabcheck.explorer.model import Model
from zabcheck.explorer.plain import successors
from zabcheck.explorer.verdicts import Outcome, Trace
from zabcheck.models.fairness import promised
from zabspec.promises import Eventually


@dataclass(frozen=True, slots=True)
class Broken:
    """A liveness property that a loop breaks.

    Attributes:
        property: the property.
        note: which servers stay up, in words.
    """

    property: Eventually
    note: str


@dataclass(frozen=True, slots=True)
class _Outside:
    """Wherever a step leads that leaves the loop."""

    protocol: None = None


def broken_by(model: Model, trace: Trace) -> tuple[Broken, ...]:
    """The liveness properties that a lasso breaks.

    Args:
        model: that the trace is a run of.
        trace: a lasso; all its steps are steps of the model.
    """
    assert trace.loop is not None
    worlds = list(dict.fromkeys(step.world for step in trace.steps[trace.loop :]))
    numbers = {world: number for number, world in enumerate(worlds)}
    edges: list[Edge] = [
        (source, numbers.get(after, len(worlds)), index)
        for source, world in enumerate(worlds)
        for index, after in successors(model, world)
    ]
    graph = Graph(model, [*worlds, _Outside()], edges)
    found = []
    for each in promised(model.name):
        verdict = judged(graph, [replace(each, premise=partial(_is_asked, each.premise))])
        if verdict.outcome == Outcome.VIOLATED:
            found.append(Broken(each, verdict.note))
    return tuple(found)


def _is_asked(premise: Callable[..., bool], state: Any, *arguments: Any) -> bool:
    return state is not None and premise(state, *arguments)
