"""What the registry knows of a spec: everything that differs from one spec to another, in one value.

Each folder here has a module `entry` with its `SPEC`. Nothing else in `zabcheck` asks for the name of a spec.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from zabcheck.explorer.model import Model, Property, as_property
from zabcheck.models.drawing import Words
from zabcheck.models.happenings import Happenings
from zabcheck.models.mutant import Action, Mutant
from zabspec.promises import Eventually

UNBOUNDED = 1 << 30
"""More than any bound here, where one is not set."""


@dataclass(frozen=True, slots=True)
class Properties:
    """The properties of a spec, by kind, in order.

    Attributes:
        always: must hold of every state.
        every_step: must hold of every step.
        sometimes: must hold of some state.
    """

    always: tuple[Property, ...]
    every_step: tuple[Property, ...]
    sometimes: tuple[Property, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all: always, every step, sometimes."""
        return tuple(each.name for each in (*self.always, *self.every_step, *self.sometimes))


def as_properties(
    always: Sequence[Callable[..., bool]],
    every_step: Sequence[Callable[..., bool]],
    sometimes: Sequence[Callable[..., bool]],
) -> Properties:
    """Returns predicates of a spec as its properties."""
    groups = (tuple(as_property(each) for each in group) for group in (always, every_step, sometimes))
    return Properties(*groups)


@dataclass(frozen=True, slots=True)
class Room:
    """How much room bounds leave, or the least room in which a situation comes up.

    Attributes:
        servers: how many servers count in a quorum.
        transactions: how many.
        faults: how many timeouts, restarts and partitions together.
        epochs: how many.
        restarts: how many of the faults may be restarts, or must be.
        partitions: the same of partitions.
        timeouts: the same of timeouts.
        observers: how many observers, beside the servers that count.
    """

    servers: int
    transactions: int
    faults: int
    epochs: int = 3
    restarts: int = 0
    partitions: int = 0
    timeouts: int = 0
    observers: int = 0

    def has_room_for(self, least: Room) -> bool:
        """True if there is as much of everything here as there."""
        return all(getattr(self, each.name) >= getattr(least, each.name) for each in fields(self))


NOWHERE = Room(UNBOUNDED, UNBOUNDED, UNBOUNDED)
"""For a situation that no bounds lead to, or none that is known."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A spec that can be explored by name.

    Attributes:
        name: as it is written on the command line and in trace files.
        bounds: the class of its bounds; every field has a default.
        actions: from bounds to the actions of the grain that they choose, in order.
        model: from bounds and actions to a model without properties.
        properties: from bounds to the properties of the grain that they choose.
        is_asked: from bounds and the name of a property to whether the property is checked there, unless
            properties are named: whether a `sometimes` can come up, whether another property must hold.
        check: raises a ValueError, of one line, for bounds that do not fit together.
        mutants: each is caught by its property.
        harmless: mistakes that break nothing, or nothing within reach.
        begun: from a model to the same one, begun later, for mutants that ask for it.
        eventually: what must happen in every fair run.
        live: bounds that must be set for the spec to be live, by name.
        happenings: what should happen somewhere; None if that was not written down.
        words: by the class of a state in a run as it is drawn, takes those states and returns the words for
            the run; empty if there are no diagrams of the spec's runs.
    """

    name: str
    bounds: type
    actions: Callable[[Any], Sequence[Action]]
    model: Callable[[Any, Sequence[Action]], Model]
    properties: Callable[[Any], Properties]
    is_asked: Callable[[Any, str], bool]
    check: Callable[[Any], None]
    mutants: tuple[Mutant, ...] = ()
    harmless: tuple[Mutant, ...] = ()
    begun: Callable[[Model], Model] | None = None
    eventually: tuple[Eventually, ...] = ()
    live: Mapping[str, Any] | None = None
    happenings: Happenings | None = None
    words: Mapping[type, Callable[[Sequence[Any]], Words]] = field(default_factory=dict)

    @property
    def mistakes(self) -> Mapping[str, Mutant]:
        """All that can be put in, by name."""
        return {each.name: each for each in (*self.mutants, *self.harmless)}
