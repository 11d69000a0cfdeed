"""Votes, notifications and actions of Fast Leader Election in a few words, for a narrow column.

`vote 2 (1, 1.3), round 4`: a vote for server 2, whose current epoch is 1 and whose last zxid is 1.3; both are
left out while nothing has been written. `LEADING 2, round 4`: a notification of a server that has decided
begins with its mode.

Where ZAB 1.0 elects by votes, a column has two parts: a server of `zabspec.zab` and one of
`zabspec.fast_election`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from zabcheck.explorer.verdicts import TraceStep
from zabcheck.models.bounds import by_name
from zabcheck.models.drawing import Line, Network, ServerWords, named
from zabcheck.models.paper.words import LEGEND, by_whom, zxid
from zabcheck.models.zab import words as zab_words
from zabcheck.models.zab.words import ZabWords
from zabspec import fast_election, zab_elected
from zabspec.fast_election.state import Mode, Notification, Server, Vote
from zabspec.histories import ZERO
from zabspec.zab.state import Server as ZabServer

DEEDS = by_name(
    {
        fast_election.server_starts: "starts",
        fast_election.server_tells_again: "sends its vote again",
        fast_election.server_decides: "has waited long enough",
        fast_election.server_decides_early: "decides too early",
        fast_election.server_looks_again: "looks again",
        fast_election.server_crashes: "crashes",
    }
)
"""What an action does, where neither a message nor a change shows that."""

LINES = {
    Mode.DOWN: Line.FAINT,
    Mode.LOOKING: Line.DOTTED,
    Mode.FOLLOWING: Line.THIN,
    Mode.LEADING: Line.HEAVY,
    Mode.OBSERVING: Line.THIN,
}


@dataclass(frozen=True, slots=True)
class ElectionWords(ServerWords):
    """The words for a run of Fast Leader Election; for the methods, see `zabcheck.models.drawing.Words`.

    Attributes:
        notation: explains the notation.
        legend: what each kind of line means.
        receiving: the names of the actions that take a notification.
        breaking: the names of the actions marked with a cross.
    """

    notation: ClassVar[str] = "vote 2: for server 2 (its epoch, last zxid)"
    legend: ClassVar[Mapping[Line, str]] = LEGEND
    receiving: ClassVar[frozenset[str]] = named(
        fast_election.server_joins_round,
        fast_election.server_counts_vote,
        fast_election.server_discards_vote,
        fast_election.server_answers_late,
        fast_election.server_weighs_report,
        fast_election.server_answers,
        fast_election.server_ignores,
    )
    breaking: ClassVar[frozenset[str]] = named(fast_election.server_crashes, fast_election.server_looks_again)

    def lines(self, state: fast_election.State) -> Sequence[Line]:
        """Returns the line of each server, by its mode."""
        return [LINES[server.mode] for server in state.servers]

    def deed(self, step: TraceStep, *, is_seen: bool) -> list[str]:
        """Returns what the server did, where neither a message that is taken nor a change shows that."""
        return [DEEDS[step.action]] if step.action in DEEDS else []

    def vote(self, vote: Vote | None, mode: Mode = Mode.LOOKING) -> str:
        """Returns `vote 2 (1, 1.3)`, or `LEADING 2` if its server has decided."""
        name = "vote" if mode == Mode.LOOKING else mode.name
        if vote is None:
            return f"no {name}"
        said = f"{name} {vote.leader}"
        if (vote.epoch, vote.zxid) == (0, ZERO):
            return said
        return f"{said} ({vote.epoch}, {zxid(vote.zxid)})"

    def message(self, message: Notification) -> str:
        """Returns `vote 2, round 1`, or `LEADING 2, round 1` if the sender has decided."""
        return f"{self.vote(message.vote, message.mode)}, round {message.round}"

    def changes(self, before: Server, after: Server) -> list[str]:
        """Returns what changed in a server."""
        told = []
        if before.mode != after.mode:
            told.append(after.mode.name.lower())
        if before.round != after.round and after.mode != Mode.DOWN:
            told.append(f"round {after.round}")
        if before.vote != after.vote and after.mode != Mode.DOWN:
            told.append(self.vote(after.vote))
        if after.mode == Mode.LOOKING:
            told += by_whom("agreed", _agreeing(before), _agreeing(after))
            told += by_whom("told", _telling(before), _telling(after))
        return told

    def standing(self, server: Server) -> list[str]:
        """Returns all that matters of a server in one state."""
        told = [f"{server.mode.name.lower()}{'' if server.is_voter else ', does not vote'}"]
        if (server.epoch, server.zxid) != (0, ZERO):
            told.append(f"in epoch {server.epoch}, last {zxid(server.zxid)}")
        if server.mode != Mode.DOWN:
            told.append(f"{self.vote(server.vote)}, round {server.round}")
        return told


@dataclass(frozen=True, slots=True)
class Both:
    """A server of ZAB 1.0 and its part in the election.

    Attributes:
        zab: the server.
        election: its part in the election.
    """

    zab: ZabServer
    election: Server


@dataclass(frozen=True, slots=True)
class BothWords(ServerWords):
    """The words for a run of ZAB 1.0 that elects by votes.

    For the methods, see `zabcheck.models.drawing.Words`.

    Attributes:
        zab: the words for everything but the election.
        election: the words for the election.
        notation: explains the notation of `zab`.
        legend: what each kind of line means.
        receiving: the names of the actions that take a message.
        breaking: the names of the actions marked with a cross.
    """

    zab: ZabWords
    election: ClassVar[ElectionWords] = ElectionWords()
    notation: ClassVar[str] = ZabWords.notation
    legend: ClassVar[Mapping[Line, str]] = ZabWords.legend
    receiving: ClassVar[frozenset[str]] = ZabWords.receiving | ElectionWords.receiving
    breaking: ClassVar[frozenset[str]] = ZabWords.breaking | ElectionWords.breaking

    def names(self, state: zab_elected.State) -> Sequence[str]:
        """Returns `server 0` and so on; `observer 2` for one that does not vote."""
        return self.zab.names(state)

    def lines(self, state: zab_elected.State) -> Sequence[Line]:
        """Returns the line of each server: by its role, or faint if it is down."""
        by_role = zip(self.zab.lines(state), state.election.servers, strict=True)
        return [Line.FAINT if voting.mode == Mode.DOWN else line for line, voting in by_role]

    def parts(self, state: zab_elected.State) -> Sequence[Both]:
        """Returns the servers, each with its part in the election."""
        return [
            Both(server, voting) for server, voting in zip(state.servers, state.election.servers, strict=True)
        ]

    def networks(self, state: zab_elected.State) -> Iterator[Network]:
        """Yields the network of ZAB 1.0, then that of the election."""
        yield state.network
        yield state.election.network

    def deed(self, step: TraceStep, *, is_seen: bool) -> list[str]:
        """Returns what the server did, where neither a message that is drawn nor a change shows that."""
        is_election = step.action in DEEDS or is_seen
        return (self.election if is_election else self.zab).deed(step, is_seen=is_seen)

    def message(self, message: Any) -> str:
        """Returns a notification, or a message of ZAB 1.0, in words."""
        if isinstance(message, Notification):
            return self.election.message(message)
        return self.zab.message(message)

    def changes(self, before: Both, after: Both) -> list[str]:
        """Returns what changed in the election, then what changed beside it."""
        told = self.election.changes(before.election, after.election)
        return [*told, *(each for each in self.zab.changes(before.zab, after.zab) if each not in told)]

    def standing(self, server: Both) -> list[str]:
        """Returns all that matters of a server in one state."""
        told = self.zab.standing(server.zab)
        if server.election.mode == Mode.DOWN:
            return [*told, "down"]
        return [*told, f"{self.election.vote(server.election.vote)}, round {server.election.round}"]


def both_words_for(states: Iterable[zab_elected.State]) -> BothWords:
    """Returns the words for a run: values are shown only where two of them differ."""
    return BothWords(zab_words.words_for(states))


def _agreeing(server: Server) -> frozenset[int]:
    """Returns the servers whose vote is the server's own."""
    return frozenset(sid for sid, each in enumerate(server.received) if each and each.vote == server.vote)


def _telling(server: Server) -> frozenset[int]:
    """Returns the servers that have told the server what was decided."""
    return frozenset(sid for sid, each in enumerate(server.outside) if each)
