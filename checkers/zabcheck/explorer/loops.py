"""Whether the loop of a lasso, gone round for ever, is a fair run that breaks a liveness property.

`zabcheck.explorer.liveness` judges whole graphs. Here it is given the loop alone: its worlds with all the
steps that are enabled there, where every step that leaves the loop leads to one place in which nothing is
asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from zabcheck.explorer.liveness import Edge, Graph, judged
from zabcheck.explorer.model import Model
from zabcheck.explorer.plain import successors
from zabcheck.explorer.promises import Promise
from zabcheck.explorer.verdicts import Outcome, Trace


@dataclass(frozen=True, slots=True)
class Broken:
    """A liveness property that a loop breaks.

    Attributes:
        property: the property.
        note: which servers stay up, in words.
    """

    property: Promise
    note: str


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
    graph = Graph(model, [*worlds, None], edges)
    found = []
    for each in model.eventually:
        verdict = judged(graph, [each])
        if verdict.outcome == Outcome.VIOLATED:
            found.append(Broken(each, verdict.note))
    return tuple(found)
