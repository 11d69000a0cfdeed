"""What a search explores: a starting world, the steps that lead on, and the properties that must hold.

A *world* is a frozen dataclass. It is the state of a spec, or it has that state in its field `protocol` and
beside it what only checking needs (how much of a fault budget is used, what was ever sent). A *step* is one
action with its arguments: `leader_processes_ack` of server 0 and follower 1 is a step. Steps are tried in the
order in which the model lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from zabcheck.explorer.promises import Assumptions, Promise
from zabspec.parts import Sid

World = Any
State = Any


@dataclass(frozen=True, slots=True)
class Step:
    """One action with its arguments.

    Attributes:
        action: the name of the spec's function.
        arguments: the arguments after the state: process ids and other whole numbers.
        apply: takes a world and the arguments, and returns the next world; None where the step is disabled.
        weight: takes a world and the arguments, and returns how many generated states TLC would count for the
            step: the number of overlapping disjuncts. None for 1 everywhere.
        are_ids: for each argument, True if it is a process id; None if all are.
    """

    action: str
    arguments: tuple[int, ...]
    apply: Callable[..., World | None]
    weight: Callable[..., int] | None = None
    are_ids: tuple[bool, ...] | None = None

    @property
    def label(self) -> str:
        """The step as a call: `leader_processes_ack(0, 1)`."""
        return f"{self.action}({', '.join(map(str, self.arguments))})"

    @property
    def sids(self) -> tuple[Sid, ...]:
        """The arguments that are process ids."""
        if self.are_ids is None:
            return tuple(map(Sid, self.arguments))
        return tuple(Sid(each) for each, is_id in zip(self.arguments, self.are_ids, strict=True) if is_id)


@dataclass(frozen=True, slots=True)
class Property:
    """A predicate, with the sentence that states it.

    Attributes:
        name: the name used on the command line.
        predicate: returns True where the property holds. In `always` and `sometimes` it takes
            (state, *sids). In `every_step` it takes (before, after, *sids), and must be true of a step that
            changes nothing: steps that change nothing the property reads are not looked at.
        arity: how many different processes the property is about: it must hold for every choice of them; 0
            for a property of the whole state.
        sentence: what the property says, in a sentence.
    """

    name: str
    predicate: Callable[..., bool]
    arity: int = 0
    sentence: str = field(default="", compare=False)


def as_property(predicate: Callable[..., bool]) -> Property:
    """Returns a predicate as a property of as many processes as it has parameters annotated `Sid`.

    Its name is the predicate's, and its sentence the predicate's docstring.
    """
    arity = sum(hint is Sid for hint in get_type_hints(predicate).values())
    return Property(predicate.__name__, predicate, arity, (predicate.__doc__ or "").strip())


def never(_: World) -> bool:
    """Returns False for every world."""
    return False


@dataclass(frozen=True, slots=True)
class Local:
    """What a model knows about steps that do not interfere with the steps of other processes.

    Partial-order reduction rests on it: see `zabcheck.explorer.fast.reduction`.

    Attributes:
        calm: takes a world; True if no fault can happen from there on, so that no other step can interfere.
        places: takes a step; returns the paths in the world that only this step touches then, or None if the
            step is not local. In a calm world other steps neither read nor write these paths, except that
            they append to a queue there or take its head.
    """

    calm: Callable[[World], bool]
    places: Callable[[Step], tuple[tuple[str | int, ...], ...] | None]


@dataclass(frozen=True, slots=True)
class Model:
    """A spec within bounds, ready to be explored.

    Attributes:
        name: the name of the spec.
        initial: the world in which every run begins.
        steps: every action with every choice of arguments.
        size: how many processes there are; their ids are 0 to `size - 1`.
        always: properties of every world.
        every_step: properties of every step, given the state before and after it.
        sometimes: situations that some world must be in; if none is, the verdict is VACUOUS.
        eventually: liveness properties, checked by `check_liveness`.
        fairness: the assumptions that liveness rests on.
        symmetry: True if process ids are nothing but names, so that worlds that differ only by a renaming of
            processes may be counted once.
        local: for partial-order reduction; None if nothing is known.
        settings: what the model can be built from again, as JSON values; written into traces.
        is_at_bound: takes a world; True if bounds, other than those on faults and requests, may disable a
            step there that the spec enables. Liveness is not checked in such worlds.
        who: what a process is called in reports.
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
    symmetry: bool = False
    is_at_bound: Callable[[World], bool] = never
    who: str = "server"
    eventually: tuple[Promise, ...] = ()
    fairness: Assumptions = field(default_factory=Assumptions)

    @property
    def who_plural(self) -> str:
        """What several processes are called: `servers`, `processes`."""
        return f"{self.who}es" if self.who.endswith(("s", "x", "ch", "sh")) else f"{self.who}s"

    def state(self, world: World) -> State:
        """Returns the state of the spec that a world holds, which properties are asked about."""
        return world.protocol if has_protocol(type(self.initial)) else world


def has_protocol(kind: type) -> bool:
    """True if worlds of this class hold the state of the spec in a field `protocol`."""
    return "protocol" in getattr(kind, "__dataclass_fields__", ())
