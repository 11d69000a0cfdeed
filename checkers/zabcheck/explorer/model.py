"""What a search explores: a starting world, the steps that lead on, and the properties that must hold.

A *world* is a frozen dataclass: the state of a spec in its field `protocol`, and beside it what only
checking needs (how much of the fault budget is used, what was ever sent). A *step* is one action with its
arguments: `leader_processes_ack` of server 0 and follower 1 is a step. Steps are tried in the order listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from zabspec.parts import Sid

World = Any
State = Any


@dataclass(frozen=True, slots=True)
class Step:
    """One action with its arguments.

    Attributes:
        action: the name of the spec's function.
        arguments: its arguments after the state; server ids, unless the model says otherwise.
        apply: from a world, and the arguments, to the next; None where the step is not enabled.
        weight: from a world, and the arguments, to how often TLC would count the successor as generated: its
            disjuncts that overlap.
    """

    action: str
    arguments: tuple[int, ...]
    apply: Callable[..., World | None]
    weight: Callable[..., int] | None = None

    @property
    def label(self) -> str:
        """`leader_processes_ack(0, 1)`."""
        return f"{self.action}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True, slots=True)
class Property:
    """A predicate with the sentence that it comes from, as its docstring.

    Attributes:
        name: as it is written on the command line.
        predicate: takes what `kind` says, then `arity` different server ids; true where all is well.
            always, sometimes: (state, *sids). every_step: (before, after, *sids), and true of standing still:
            a step that changes nothing the property reads is not looked at.
        arity: it must hold for all choices of so many different servers; 0 for a predicate of the whole.
    """

    name: str
    predicate: Callable[..., bool]
    arity: int = 0
    sentence: str = field(default="", compare=False)


def as_property(predicate: Callable[..., bool]) -> Property:
    """A predicate as a property: it asks for as many different servers as it has parameters of type `Sid`."""
    arity = sum(hint is Sid for hint in get_type_hints(predicate).values())
    return Property(predicate.__name__, predicate, arity, (predicate.__doc__ or "").strip())


def never(_: World) -> bool:
    """Of no world."""
    return False


@dataclass(frozen=True, slots=True)
class Local:
    """What a model knows of steps that nobody else's steps interfere with; see `reduction`.

    Attributes:
        calm: of a world, whether from there on it holds that nobody does: no fault can happen any more.
        places: of a step, the paths in the world that are its own then; None if it is not such a step. A calm
            world's other steps read and write nothing there, except that they add to the end of a queue or
            take its head.
    """

    calm: Callable[[World], bool]
    places: Callable[[Step], tuple[tuple[str | int, ...], ...] | None]


@dataclass(frozen=True, slots=True)
class Model:
    """A spec within bounds, ready to be explored.

    Attributes:
        local: for partial-order reduction; None if nothing is known.
        settings: what it is built from again (`instances`).
        is_symmetric: whether renaming servers changes nothing; if not, symmetry is off even if asked for.
        is_at_bound: of a world, whether bounds, other than those on faults and requests, may keep it from
            going on there as the spec does.
        who: what those are called that properties are asked of.
    """

    name: str
    initial: World
    steps: tuple[Step, ...]
    size: int
    always: tuple[Property, ...] = ()
    every_step: tuple[Property, ...] = ()
    sometimes: tuple[Property, ...] = ()
    local: Local | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_symmetric: bool = True
    is_at_bound: Callable[[World], bool] = never
    who: str = "server"
