"""Seeded random walks, for worlds too far away for an exhaustive search.

A walk starts in the initial world and takes enabled steps at random, all equally likely. Walks prove nothing:
the verdict is VIOLATED, or OUT_OF_BUDGET when all walks are done.
"""

from __future__ import annotations

from random import Random

from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.judge import Judge
from zabcheck.explorer.limits import Limits, OutOfBudgetError, Progress
from zabcheck.explorer.model import Model, Step, World
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import successors, trace_of
from zabcheck.explorer.running import Values, check_model
from zabcheck.explorer.verdicts import Outcome, Verdict

STEPS = 200
"""The length of a walk, in steps, unless `max_depth` gives it."""


def random_walks(model: Model, options: Options, progress: Progress | None = None) -> Verdict:
    """Takes `options.walks` walks of at most `options.max_depth` steps.

    The counts give the number of steps taken (`generated`) and the number of worlds on the longest walk
    (`depth`). Worlds are not remembered, so `distinct` is 0 and `max_states` is ignored.

    Args:
        model: the model to walk through.
        options: the seed, the number of walks, `max_depth` and `max_seconds`; other options are ignored.
        progress: called about once a second.
    """
    return _Walks(model, options, progress).run()


class _Walks:
    """The walks of one search."""

    def __init__(self, model: Model, options: Options, progress: Progress | None) -> None:
        check_model(model)
        self._model = model
        self._options = options
        self._random = Random(options.seed)
        self._judge = Judge(model)
        self._values = Values(model)
        self._limits = Limits(options, progress)
        self._generated = 0
        self._depth = 0
        self._violated = ""

    def run(self) -> Verdict:
        """Walks until a property is violated or all walks are done."""
        done, stopped = 0, ""
        try:
            while done < self._options.walks:
                path = self._walk()
                if self._violated:
                    trace = trace_of(self._model, path, self._violated)
                    counts = self._limits.counts(0, self._generated, self._depth)
                    note = f"walk {done + 1:,} of seed {self._options.seed}"
                    return Verdict(Outcome.VIOLATED, counts, self._violated, trace, self._judge.checked, note)
                done += 1
        except OutOfBudgetError as limit:
            stopped = f"; stopped after {limit}"
        except KeyboardInterrupt:
            stopped = "; interrupted"
        counts = self._limits.counts(0, self._generated, self._depth)
        note = self._note(done) + stopped
        return Verdict(Outcome.OUT_OF_BUDGET, counts, checked=self._judge.checked, note=note)

    def _walk(self) -> list[tuple[Step | None, World]]:
        """Takes one walk; the last step of it violates a property if `_violated` is set."""
        path: list[tuple[Step | None, World]] = []
        try:
            self._extend(path)
        except SpecError as error:
            labels = [step.label for step, _ in path if step is not None]
            raise error.after(labels) from error
        self._depth = max(self._depth, len(path))
        return path

    def _extend(self, path: list[tuple[Step | None, World]]) -> None:
        """Takes steps until a property is violated, none is enabled, or the walk is long enough."""
        world = self._model.initial
        path.append((None, world))
        self._judge.note(world)
        self._violated = self._judge.violated_in(world)
        length = STEPS if self._options.max_depth is None else self._options.max_depth
        while not self._violated and len(path) <= length:
            self._limits.check(0, self._generated, self._depth)
            choices = list(successors(self._model, world))
            if not choices:
                break
            index, after = self._random.choice(choices)
            step = self._model.steps[index]
            self._values.check(f"action {step.label}", after)
            path.append((step, after))
            self._generated += 1
            self._judge.note(after)
            self._violated = self._judge.violated_in(after) or self._judge.violated_by(world, after)
            world = after

    def _note(self, done: int) -> str:
        reached, missing = self._judge.reached, self._judge.never_reached
        note = f"{done:,} walks of seed {self._options.seed} found nothing wrong, which proves nothing"
        if reached:
            note += f"; reached {', '.join(reached)}"
        if missing:
            note += f"; never reached {', '.join(missing)}"
        return note
