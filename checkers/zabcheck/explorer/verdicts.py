"""What a search found, as a value with its evidence.

Only PASSED is a pass: the whole state space within the bounds was explored, every property held and every
`sometimes` was reached. OUT_OF_BUDGET is not a weaker pass: the answer is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Outcome(IntEnum):
    """How a search ended."""

    PASSED = 0
    VIOLATED = 1
    VACUOUS = 2
    OUT_OF_BUDGET = 3

    @property
    def exit_code(self) -> int:
        """The exit code of a command: 0 for PASSED, 1 for VIOLATED and VACUOUS, 2 for OUT_OF_BUDGET."""
        return (0, 1, 1, 2)[self]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a search has explored.

    Attributes:
        distinct: the number of states found; with symmetry, of orbits of states.
        generated: the number of steps taken, plus 1 for the initial state, as TLC counts.
        depth: the number of levels of a breadth-first search, the initial state's included, as TLC counts.
        frontier: the number of states found but not yet expanded.
        seconds: the time since the search began.
        memory: the resident memory of all its processes, in bytes.
    """

    distinct: int
    generated: int
    depth: int
    frontier: int = 0
    seconds: float = field(default=0.0, compare=False)
    memory: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TraceStep:
    """A world of a trace, and the step that led to it.

    Attributes:
        action: the name of the spec's function; "" for the initial world.
        arguments: the function's arguments after the state.
        world: the world after the step.
    """

    action: str
    arguments: tuple[int, ...]
    world: Any


@dataclass(frozen=True, slots=True)
class Trace:
    """A run of a model from its initial world.

    Attributes:
        settings: what the model is built from again (`zabcheck.models.registry`).
        steps: the worlds and steps in order, the initial world first.
        property: the name of the property that the run violates, or of the `sometimes` that it reaches.
        loop: for a liveness violation, the index in `steps` of the world that the run returns to for ever.
    """

    settings: Mapping[str, Any]
    steps: tuple[TraceStep, ...]
    property: str = ""
    loop: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a search ended, and why.

    Attributes:
        outcome: one of the four outcomes.
        counts: how much was explored.
        property: the name of the violated property, or of the first `sometimes` that was not reached; "" for
            the other outcomes.
        trace: the run that violates the property; the shortest one if the search was breadth-first.
        checked: the names of all properties that were checked, in order.
        note: one more line in words, such as which limit was reached; "" if there is none.
    """

    outcome: Outcome
    counts: Counts
    property: str = ""
    trace: Trace | None = None
    checked: tuple[str, ...] = ()
    note: str = ""
