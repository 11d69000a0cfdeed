"""Breadth-first exploration of a model, a block of worlds at a time.

The fast twin of `plain.breadth_first`. Worlds are rows of ids (`columns`), steps and properties are learned
trees (`learned`, `compiled`), and the worlds found are a set of fingerprints (`visited`); with symmetry,
worlds that are renamings of each other share a fingerprint. For each world only the number of its parent
and the step from there are kept, so a trace is computed from the initial world on, with the spec itself.

The order is fixed: blocks as they were found, in a block by step, for a step by world. So counts, verdicts
and traces are the same in every process and for any number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.fast.columns import Ids
from zabcheck.explorer.fast.compiled import Compiled, Table
from zabcheck.explorer.fast.expansion import Block, Expansion, Numbers, Violation, of_size
from zabcheck.explorer.fast.reduction import Reduction, SeenAfterAllError
from zabcheck.explorer.fast.visited import Mask, Visited, chance_of_confusion, prints_of
from zabcheck.explorer.fast.workers import Candidates, is_worthwhile, started
from zabcheck.explorer.limits import Limits, OutOfBudgetError, Progress
from zabcheck.explorer.model import Model, Step
from zabcheck.explorer.options import Options, uses_symmetry
from zabcheck.explorer.running import check_model
from zabcheck.explorer.verdicts import Outcome, Trace, TraceStep, Verdict


def explore(model: Model, options: Options, progress: Progress | None = None) -> Verdict:
    """Explores a model breadth-first.

    Args:
        model: what to explore.
        options: how to explore; `kind` and `walks` are ignored.
        progress: called with the counts so far, about once a second.

    Returns:
        PASSED only if every reachable world was expanded; OUT_OF_BUDGET after a keyboard interrupt.

    Raises:
        SpecError: the model cannot be explored, or partial-order reduction is asked for and the model does
            not say which steps commute.
    """
    if not options.reduce:
        return Explorer(model, options, progress).run()
    if model.local is None:
        raise SpecError(f"partial-order reduction: {model.name} does not say which of its steps commute")
    seen = 0
    while True:
        # Which step is taken alone depends on process ids. With one worker, counts do not depend on timing.
        explorer = Explorer(model, replace(options, workers=1), progress, seen)
        try:
            return explorer.run()
        except SeenAfterAllError:
            assert explorer.reduction is not None
            seen = explorer.reduction.seen


class _ViolatedError(Exception):
    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.property)
        self.violation = violation


class _FoundByWorkersError(Exception):
    """A worker found a violation or an error; what is reported must not depend on timing."""


@dataclass
class Explorer:
    """The state of one exploration; `seen` is for `Reduction`."""

    model: Model
    options: Options
    progress: Progress | None = None
    seen: int = 0
    generated: int = 1
    depth: int = 0
    waiting: int = 1

    def __post_init__(self) -> None:
        check_model(self.model)
        symmetry = uses_symmetry(self.model, self.options)
        self.compiled = Compiled(
            self.model, symmetry=symmetry, seed=self.options.seed, trusted=self.options.trusted
        )
        self.reduction = Reduction(self.compiled, self.seen) if self.options.reduce else None
        self.expansion = Expansion(self.compiled, self.reduction)
        self.visited = Visited()
        self.parents = Table(np.zeros(1 << 10, np.uint32))
        self.causes = Table(np.zeros(1 << 10, np.uint16))
        self.limits = Limits(self.options, self.progress)

    def run(self) -> Verdict:
        """Explores until no world is left, a property is violated, or a limit is reached."""
        try:
            self._search()
        except _ViolatedError as why:
            found = why.violation
            trace = self._trace(found.parent, found.step, found.property)
            return self._verdict(Outcome.VIOLATED, found.property, trace)
        except _FoundByWorkersError:
            return Explorer(self.model, replace(self.options, workers=1), self.progress).run()
        except SpecError as error:
            if error.reached is None:
                raise
            raise error.after([step.label for step in self._way(*error.reached)]) from error
        except OutOfBudgetError as why:
            return self._verdict(Outcome.OUT_OF_BUDGET, note=str(why))
        except KeyboardInterrupt:
            return self._verdict(Outcome.OUT_OF_BUDGET, note="interrupted")
        if self.reduction is not None:
            self.reduction.check_at_end()
        for each in self.model.sometimes:
            if each.name not in self.expansion.reached:
                return self._verdict(Outcome.VACUOUS, each.name, note=f"{each.name} was never reached")
        return self._verdict(Outcome.PASSED, note=self._confidence())

    def _search(self) -> None:
        ids, prints = self.compiled.first_block()
        first = Block(ids, prints, 0)
        self.visited.add(prints_of(prints))
        self.parents.extend([0])
        self.causes.extend([0])
        violation = self.expansion.check_first(first)
        if violation is not None:
            raise _ViolatedError(violation)
        level = [first]
        while level and not is_worthwhile(level, self.options.workers):
            self._next_depth()
            level = self._next_level(level)
        if level:
            self._search_in_parallel(level)

    def _next_depth(self) -> None:
        if self.options.max_depth is not None and self.depth >= self.options.max_depth:
            raise OutOfBudgetError(f"worlds more than {self.options.max_depth:,} steps away")
        self.depth += 1

    def _next_level(self, level: list[Block]) -> list[Block]:
        found: list[Block] = []
        for block in of_size(level):
            made = self.expansion.expand(block, self.visited.add)
            made.block.first = self.parents.count
            self._number(made.parents, made.causes, made.generated)
            if made.violation is not None:
                raise _ViolatedError(made.violation)
            if made.block.size:
                found.append(made.block)
            self.waiting += made.block.size - block.size
            self._check_limits()
        return found

    def _search_in_parallel(self, level: list[Block]) -> None:
        with started(self.expansion, level, self.options.workers) as workers:
            level.clear()
            while self.waiting:
                self._next_depth()
                done = workers.expand_level(self._admit)
                self.waiting = done.size
                self.limits.others = done.memory
                self.expansion.reached |= done.reached
                if done.violated:
                    raise _FoundByWorkersError

    def _admit(self, found: Candidates) -> tuple[Mask, int]:
        is_new = self.visited.add(found.prints)
        first = self.parents.count
        self._number(found.parents[is_new], found.causes[is_new], found.generated)
        self._check_limits()
        return is_new, first

    def _number(self, parents: Numbers, causes: Ids, generated: int) -> None:
        """Records new worlds, numbered from `parents.count` on."""
        self.parents.extend(parents)
        self.causes.extend(causes)
        self.generated += generated

    def _confidence(self) -> str:
        chance = chance_of_confusion(self.parents.count, len(self.compiled.layout.renamings))
        return f"the chance that a state was taken for another, by its fingerprint, is below {chance:.0e}"

    def _trace(self, parent: int, step: int | None, name: str) -> Trace:
        """Returns the run to a world, and one step further, computed with the spec itself."""
        world = self.model.initial
        steps = [TraceStep("", (), world)]
        for taken in self._way(parent, step):
            world = taken.apply(world, *taken.arguments)
            assert world is not None
            steps.append(TraceStep(taken.action, taken.arguments, world))
        return Trace(self.model.settings, tuple(steps), name)

    def _way(self, parent: int, step: int | None) -> list[Step]:
        """Returns the steps that lead to a world, and one more from there if there is one."""
        causes = [] if step is None else [step]
        at = parent
        while at:
            causes.append(int(self.causes.data[at]))
            at = int(self.parents.data[at])
        return [self.model.steps[cause] for cause in reversed(causes)]

    def _check_limits(self) -> None:
        self.limits.check(self.parents.count, self.generated, self.depth, self.waiting)

    def _verdict(
        self, outcome: Outcome, name: str = "", trace: Trace | None = None, note: str = ""
    ) -> Verdict:
        groups = (self.model.always, self.model.every_step, self.model.sometimes)
        checked = tuple(each.name for group in groups for each in group)
        counts = self.limits.counts(self.parents.count, self.generated, self.depth, self.waiting)
        return Verdict(outcome, counts, name, trace, checked, note)
