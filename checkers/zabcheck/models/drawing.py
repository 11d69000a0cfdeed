"""What a spec says of itself so that its runs can be drawn as space-time diagrams.

`zabcheck.report.spacetime` draws columns, lines and arrows. What stands in the columns, and what messages and
actions are called, is said by the spec's words: see the modules `words` in the folders beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, ClassVar, Protocol

from zabcheck.explorer.verdicts import TraceStep

Network = Sequence[Sequence[Sequence[Any]]]
"""The messages in flight: by sender, by receiver, the oldest first."""


class Line(IntEnum):
    """The kinds of line that a column may have."""

    DOTTED = 0
    THIN = 1
    HEAVY = 2
    FAINT = 3


class Words(Protocol):
    """How the columns, messages and actions of a spec are put in a few words, for a narrow column.

    Attributes:
        notation: explains the notation; stands above the diagram.
        legend: what each kind of line means.
        receiving: the names of the actions that take a message from a channel, as receiver of the first
            argument and from the sender that is the second.
        breaking: the names of the actions marked with a cross.
        severing: the names of the actions that close the connection between their first two arguments.
        is_numbered: whether a receiver is called by the number of its column, not by its name.
    """

    notation: ClassVar[str]
    legend: ClassVar[Mapping[Line, str]]
    receiving: ClassVar[frozenset[str]]
    breaking: ClassVar[frozenset[str]]
    severing: ClassVar[frozenset[str]]
    is_numbered: ClassVar[bool]

    def names(self, state: Any, /) -> Sequence[str]:
        """Returns the heading of each column."""

    def lines(self, state: Any, /) -> Sequence[Line]:
        """Returns the kind of line of each column."""

    def parts(self, state: Any, /) -> Sequence[Any]:
        """Returns the part of the state that belongs to each column."""

    def networks(self, state: Any, /) -> Iterator[Network]:
        """Yields the networks between the columns, in a fixed order."""

    def actor(self, step: TraceStep, /) -> int:
        """Returns the column in which a step takes place."""

    def deed(self, step: TraceStep, /, *, is_seen: bool) -> list[str]:
        """Returns what a step did, where neither a message that is drawn nor a change shows that."""

    def message(self, message: Any, /) -> str:
        """Returns a message in words."""

    def changes(self, before: Any, after: Any, /) -> list[str]:
        """Returns what changed in the part of one column."""

    def standing(self, part: Any, /) -> list[str]:
        """Returns all that matters of the part of one column."""


class ServerWords:
    """What the words of specs have in common whose columns are the servers of one network.

    Attributes:
        severing: none.
        is_numbered: True: a server is called by its number.
    """

    severing: ClassVar[frozenset[str]] = frozenset()
    is_numbered: ClassVar[bool] = True

    def names(self, state: Any) -> Sequence[str]:
        """Returns `server 0` and so on."""
        return [f"server {sid}" for sid in range(len(state.servers))]

    def parts(self, state: Any) -> Sequence[Any]:
        """Returns the servers."""
        servers: Sequence[Any] = state.servers
        return servers

    def networks(self, state: Any) -> Iterator[Network]:
        """Yields the one network."""
        yield state.network

    def actor(self, step: TraceStep) -> int:
        """Returns the server that takes a step: the first argument."""
        return step.arguments[0] if step.arguments else 0


def named(*actions: Callable[..., Any]) -> frozenset[str]:
    """Returns the names of actions, as they stand in the steps of a trace."""
    return frozenset(action.__name__ for action in actions)


def processing(actions: Sequence[Callable[..., Any]]) -> frozenset[str]:
    """Returns the names of those actions that process a message, by their own account."""
    return frozenset(action.__name__ for action in actions if "_processes_" in action.__name__)
