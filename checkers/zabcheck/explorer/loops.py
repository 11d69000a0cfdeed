"""Checks whether the loop of a lasso, repeated for ever, is a fair run that violates a liveness property.

`zabcheck.explorer.liveness` checks whole graphs. Here it is given the graph of the loop: its worlds and all
steps enabled in them. Every step that leaves the loop leads to one more node, in which nothing is checked.
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
    """A liveness property that a loop violates.

    Attributes:
        property: the property.
        note: the processes that stay up, in words.
    """

    property: Promise
    note: str


def broken_by(model: Model, trace: Trace) -> tuple[Broken, ...]:
    """Returns the liveness properties that a lasso violates.

    Args:
        model: the model that the trace is a run of.
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
