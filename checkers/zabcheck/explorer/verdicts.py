"""What a search found, as a value with its evidence.

Only PASSED is a pass: the whole state space within the bounds was explored, every property held and every
`sometimes` was reached. OUT_OF_BUDGET is not a weaker pass; it says that nobody knows.
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
        """0 for a pass, 1 for what the spec or model must answer for, 2 where nobody knows."""
        return (0, 1, 1, 2)[self]


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a search came.

    Attributes:
        distinct: states found, after symmetry if it is on.
        generated: steps taken, and 1 for the initial state; as TLC counts.
        depth: levels of the breadth-first search, the initial state's included; as TLC counts.
        frontier: states found but not yet expanded.
        seconds: since the search began.
        memory: bytes resident, of all its processes.
    """

    distinct: int
    generated: int
    depth: int
    frontier: int = 0
    seconds: float = field(default=0.0, compare=False)
    memory: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TraceStep:
    """A world and the step that led to it; the first of a trace has no action.

    Attributes:
        action: the name of the spec's function, "" in the first.
        arguments: its arguments after the state.
        world: what the model was in then.
    """

    action: str
    arguments: tuple[int, ...]
    world: Any


@dataclass(frozen=True, slots=True)
class Trace:
    """A run of a model from its initial world.

    Attributes:
        settings: what the model is built from again (`zabcheck.models.registry`).
        steps: in order, the initial world first.
        loop: for a liveness violation, the index in `steps` that the last one goes back to.
        property: the name of the property that the run violates, or of the `sometimes` that it reaches.
    """

    settings: Mapping[str, Any]
    steps: tuple[TraceStep, ...]
    property: str = ""
    loop: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a search ended, and why.

    Attributes:
        outcome: one of the four.
        counts: how far it came.
        property: the property violated, or the first `sometimes` never reached; "" otherwise.
        trace: the run that shows it; shortest when the search was breadth-first.
        checked: the names of all properties that were checked, in order.
        note: one line in words where there is more to say, such as which budget ran out.
    """

    outcome: Outcome
    counts: Counts
    property: str = ""
    trace: Trace | None = None
    checked: tuple[str, ...] = ()
    note: str = ""
