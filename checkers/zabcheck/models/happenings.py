"""What of a spec should happen somewhere: actions, messages, decisions, recoveries, situations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Group(IntEnum):
    """What kind of thing happens."""

    ACTION = 0
    MESSAGE = 1
    DECISION = 2
    RECOVERY = 3
    SITUATION = 4  # a `sometimes` of the spec
    ENDING = 5


Row = tuple[Group, str]


@dataclass(frozen=True, slots=True)
class Extent:
    """How far to explore a spec.

    Attributes:
        bounds: the bounds of its model.
        begun: whether to begin where one transaction is delivered and another one proposed.
    """

    bounds: Any
    begun: bool = False


def nothing(*_: Any) -> Iterator[Row]:
    """Tells nothing of a step but its action."""
    return iter(())


def kind_of(message: Any) -> str:
    """Returns the name of a message's class."""
    return type(message).__name__


@dataclass(frozen=True, slots=True)
class Happenings:
    """What of one spec should happen, and where.

    Attributes:
        everything: all that should happen somewhere.
        extents: what together should show all of it; each is explored within seconds.
        unreached: what the spec provides for and never does, and why.
        told: takes a step, the state before, the state after and the arguments; yields what else happens.
        message: the kind of a message.
    """

    everything: Sequence[Row]
    extents: tuple[Extent, ...]
    unreached: Mapping[Row, str] = field(default_factory=dict)
    told: Callable[..., Iterator[Row]] = nothing
    message: Callable[[Any], str] = kind_of

    def names(self, group: Group) -> tuple[str, ...]:
        """Returns what should happen of one kind."""
        return tuple(name for each, name in self.everything if each == group)
