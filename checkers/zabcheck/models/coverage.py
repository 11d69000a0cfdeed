"""What of a spec ever happens within bounds: actions, messages, decisions, recoveries.

An action that no instance takes, or a message that none sends, is not checked. A model is explored with steps
that note what happens in them. The explorer runs a step once for each combination of what the step reads, not
once for each world, so this costs little; and whatever a note depends on is read like anything else that the
step reads, so nothing is missed. Each spec's `entry` says what should happen.
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
"""What should happen, by the name of the spec, for the specs that say so."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What happens within one extent.

    Attributes:
        counts: the counts of the search.
        is_complete: True if the search was complete; if not, more may happen than was noted.
        happened: what happens, in no order.
    """

    counts: Counts
    is_complete: bool
    happened: frozenset[Row]


def coverage(
    spec: str, extent: Extent, options: Options | None = None, progress: Progress | None = None
) -> Coverage:
    """Explores a spec, breadth-first and in this process, and notes what happens.

    Args:
        spec: the name of one of `COVERED`.
        extent: how far to explore.
        options: when to give up.
        progress: called with the counts so far, about once a second.

    Raises:
        ValueError: the extent is of another spec, or its bounds are too small to begin where it asks.
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
    """Returns the model with steps that add to `happened` what happens in them."""
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
