"""Compares the fast search with the plain one."""

from __future__ import annotations

import itertools
from dataclasses import replace

from zabcheck.explorer.fast.explore import explore
from zabcheck.explorer.model import Model
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import breadth_first, successors
from zabcheck.explorer.verdicts import Outcome, Verdict


def both(model: Model, options: Options) -> Verdict:
    """Returns what the fast search finds, after checking that the plain search finds the same.

    Where something is violated they may stop at different places in the last level, so the counts differ.
    """
    fast, plain = explore(model, options), breadth_first(model, options)
    assert (fast.outcome, fast.property, fast.checked) == (plain.outcome, plain.property, plain.checked)
    if fast.outcome == Outcome.VIOLATED:
        assert fast.trace is not None
        assert plain.trace is not None
        assert len(fast.trace.steps) == len(plain.trace.steps)
        assert fast.trace.property == plain.trace.property
        check_run(model, fast)
    else:
        assert fast.trace is None
        assert fast.counts == plain.counts
    return fast


def check_run(model: Model, verdict: Verdict) -> None:
    """Checks that a trace is a run of the model, and that its last step or world violates a property."""
    assert verdict.trace is not None
    steps = verdict.trace.steps
    assert steps[0].world == model.initial
    for before, after in itertools.pairwise(steps):
        taken = [(model.steps[index], world) for index, world in successors(model, before.world)]
        assert (after.action, after.arguments, after.world) in [
            (step.action, step.arguments, world) for step, world in taken
        ]
    alone = replace(model, initial=steps[-2].world if len(steps) > 1 else steps[0].world, sometimes=())
    assert breadth_first(alone, Options(symmetry=False, max_depth=1)).outcome == Outcome.VIOLATED
