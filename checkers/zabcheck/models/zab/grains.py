"""The grains of ZAB 1.0 that an instance may choose, of phase 0 and of phase 2.

Each replacement is checked by refinement: every step of one grain is a step of the other, or several steps,
or none. `unmatched` looks for a step that is not. It is as plain as it can be: it visits every state, takes
every step, and compares whole states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zabcheck.explorer.model import Model, Step
from zabcheck.explorer.plain import successors
from zabcheck.models.zab import elected as zab_elected
from zabcheck.models.zab import model as zab
from zabcheck.models.zab.bounds import Bounds
from zabspec import zab as spec
from zabspec import zab_elected as elected

Action = Callable[..., Any]

PHASE_0: dict[str, Action] = {
    "abstract": spec.server_is_elected,
    "late": spec.server_is_elected_late,
    "anyone": spec.server_leads_unelected,
}

AT_ALL = 99
"""More faults and epochs than any model here has, so that no bound disables a step that is compared with."""


def actions(bounds: Bounds) -> tuple[Action, ...]:
    """Returns the actions of ZAB 1.0 in the grain that bounds choose."""
    chosen = spec.NEXT_SYNCHRONIZED if bounds.synchronization == "one-step" else spec.NEXT
    if bounds.give_up:
        chosen = (*chosen, spec.leader_stops_waiting)
    if bounds.election == "votes":
        return elected.with_votes(chosen)
    instead = PHASE_0[bounds.election]
    return tuple(instead if action is spec.server_is_elected else action for action in chosen)


def model(bounds: Bounds, chosen: Sequence[Action]) -> Model:
    """Returns the model of ZAB 1.0 with the actions of the grain that bounds choose, or those of a mutant."""
    if bounds.election == "votes":
        return zab_elected.model(bounds, chosen)
    return zab.model(bounds, chosen)


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A step of one grain that the other cannot take.

    Attributes:
        label: the step: `server_decides(2)`.
        before: the state before the step, as the other grain has it.
        after: the state after the step.
    """

    label: str
    before: spec.State
    after: spec.State


def unmatched(checked: Model, bounds: Bounds, longest: int = 1) -> Unmatched | None:
    """Returns the first step of a model of ZAB 1.0 that is no run of steps in the grain that bounds choose.

    Args:
        checked: the model whose states and steps are all looked at. Without its election by votes, if it has
            one, each of its states is a state of the other grain.
        bounds: the other grain: its election and synchronization, and how many servers and transactions.
        longest: how many steps a run may have; if more than one, all by servers that take the step checked.

    Raises:
        ValueError: the two do not begin in the same state.
    """
    limits = replace(bounds, timeouts=AT_ALL, restarts=AT_ALL, epochs=AT_ALL)
    other = zab.model(limits, actions(bounds))
    if without_votes(checked.initial.protocol) != other.initial.protocol:
        raise ValueError("the two grains do not begin in the same state")
    found, waiting = {checked.initial}, [checked.initial]
    while waiting:
        world = waiting.pop()
        before = without_votes(world.protocol)
        for index, following in successors(checked, world):
            after = without_votes(following.protocol)
            if before != after and not _is_run(other, checked.steps[index], before, after, longest):
                return Unmatched(checked.steps[index].label, before, after)
            if following not in found:
                found.add(following)
                waiting.append(following)
    return None


def without_votes(state: spec.State) -> spec.State:
    """Returns a state of ZAB 1.0 without its election by votes."""
    return spec.State(state.servers, state.network, state.quorums, state.observers, state.cut, state.disk)


def _is_run(other: Model, step: Step, before: spec.State, after: spec.State, longest: int) -> bool:
    """True if the other grain leads from one state to another; it tries the step of the same name first."""
    if longest == 1:
        steps = sorted(other.steps, key=lambda each: each.label != step.label)
    else:
        steps = [each for each in other.steps if set(step.arguments).issuperset(each.arguments)]
    level = {before}
    for _ in range(longest):
        level = {state for each in level for state in _after(steps, each, after)}
        if after in level:
            return True
    return False


def _after(steps: Sequence[Step], state: spec.State, wanted: spec.State) -> Iterator[spec.State]:
    """Yields the states that steps lead to, up to the one that is wanted."""
    world = zab.World(state, zab.ZabBudget())
    for step in steps:
        following = step.apply(world, *step.arguments)
        if following is not None:
            yield following.protocol
            if following.protocol == wanted:
                return
