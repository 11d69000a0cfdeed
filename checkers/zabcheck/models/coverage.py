"""What of a spec ever happens within bounds: actions, messages, decisions how to synchronize, recoveries.

An action that no instance takes, or a message that none sends, is checked by none. A model is explored with
steps that note what they are taken for. The explorer runs a step once for each combination of what it reads,
not once for each world, so this costs next to nothing; and what a note is made of is read like anything else
that a step reads, so none is missed. What should happen, each spec says in its `entry`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from zabcheck.explorer.fast.explore import Explorer
from zabcheck.explorer.limits import Progress
from zabcheck.explorer.model import Model, Step
from zabcheck.explorer.options import Options
from zabcheck.explorer.verdicts import Counts, Outcome
from zabcheck.models.happenings import Extent, Group, Happenings, Row
from zabcheck.models.registry import SPECS, Instance, build

COVERED: Mapping[str, Happenings] = {
    spec.name: spec.happenings for spec in SPECS.values() if spec.happenings is not None
}
"""By spec, what should happen; for the specs of which that was written down."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What happens within one extent.

    Attributes:
        counts: of the search.
        is_complete: whether all of it was explored; if not, more may happen than is noted.
        happened: what does, in no order.
    """

    counts: Counts
    is_complete: bool
    happened: frozenset[Row]


def coverage(
    spec: str, extent: Extent, options: Options | None = None, progress: Progress | None = None
) -> Coverage:
    """Explores a spec, breadth-first and in this process, and notes what happens.

    Args:
        spec: one of those in `COVERED`.
        extent: how far.
        options: when to give up.
        progress: called with the counts so far, about once a second.

    Raises:
        ValueError: the extent is of another spec, or its bounds leave no room for what it begins with.
    """
    happenings, begun = COVERED[spec], SPECS[spec].begun
    model = build(Instance(spec, extent.bounds, properties=happenings.names(Group.SITUATION)))
    if extent.begun:
        assert begun is not None, f"{spec} does not say where to begin"
        model = begun(model)
    happened: set[Row] = set()
    explorer = Explorer(
        noting(model, happened),
        replace(options or Options(), workers=1),
        progress,
    )
    verdict = explorer.run()
    happened.update((Group.SITUATION, name) for name in explorer.expansion.reached)
    for kind in explorer.compiled.layout.kinds.values():
        if kind.heads is not None:
            happened.update(
                (Group.MESSAGE, happenings.message(message)) for queue in kind.values for message in queue
            )
    is_complete = verdict.outcome != Outcome.OUT_OF_BUDGET
    return Coverage(verdict.counts, is_complete, frozenset(happened))


def noting(model: Model, happened: set[Row]) -> Model:
    """The model with steps that put into `happened` what they are taken for."""
    told = COVERED[model.name].told
    steps = tuple(replace(step, apply=partial(_noted, step, told, happened)) for step in model.steps)
    return replace(model, steps=steps)


def _noted(
    step: Step, told: Callable[..., Iterator[Row]], happened: set[Row], world: Any, *arguments: int
) -> Any:
    after = step.apply(world, *arguments)
    if after is not None:
        happened.add((Group.ACTION, step.action))
        happened.update(told(step, world.protocol, after.protocol, *arguments))
    return after
