"""Explored graphs, and a check of lassos that is independent of the explorer."""

from __future__ import annotations

from itertools import permutations

from zabcheck.explorer.limits import Limits
from zabcheck.explorer.liveness import Graph, explored
from zabcheck.explorer.model import Model, World
from zabcheck.explorer.options import Options
from zabcheck.explorer.verdicts import Trace
from zabspec.parts import Sid
from zabspec.promises import Eventually


def graph_of(model: Model) -> Graph:
    return explored(model, Limits(Options()))


def loop_of(model: Model, trace: Trace) -> tuple[list[World], set[tuple[str, tuple[int, ...]]]]:
    """Returns the worlds of a lasso's loop and the steps taken in it, after running the lasso again."""
    steps = {(step.action, step.arguments): step for step in model.steps}
    assert trace.steps[0].world == model.initial
    for before, after in zip(trace.steps, trace.steps[1:], strict=False):
        step = steps[after.action, after.arguments]
        assert step.apply(before.world, *step.arguments) == after.world
    loop = trace.steps[trace.loop :]
    assert loop[-1].world == loop[0].world
    return [step.world for step in loop], {(step.action, step.arguments) for step in loop[1:]}


def is_fair(model: Model, up: frozenset[Sid], worlds: list[World], taken: set) -> bool:
    """True if repeating the loop for ever is fair to every step of servers that are up."""
    assumptions = model.fairness
    for step in model.steps:
        if not set(step.arguments) <= up or (step.action, step.arguments) in taken:
            continue
        enabled = [
            step.apply(world, *step.arguments) is not None
            and assumptions.may_be_taken(world.protocol, up, step.action, step.arguments)
            for world in worlds
        ]
        if step.action in assumptions.weak and all(enabled):
            return False
        if step.action in assumptions.strong and any(enabled):
            return False
    return True


def is_counterexample(model: Model, trace: Trace, asked: Eventually) -> bool:
    """True if, for some servers, the loop is fair, satisfies the premise, and never reaches the goal."""
    worlds, taken = loop_of(model, trace)
    for up in model.fairness.may_stay_up(model.size):
        for servers in permutations(sorted(up), asked.arity):
            states = [world.protocol for world in worlds]
            is_short = all(asked.premise(state, up, *servers) for state in states) and not any(
                asked.goal(state, up, *servers) for state in states
            )
            if is_short and is_fair(model, up, worlds, taken):
                return True
    return False
