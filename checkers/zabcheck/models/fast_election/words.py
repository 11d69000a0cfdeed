"""How votes, notifications and actions of Fast Leader Election are put in a few words, for a narrow column.

`vote 2 (1, 1.3), round 4`: for server 2, whose current epoch is 1 and whose last zxid is 1.3; what nobody has
written yet is left out. `LEADING 2, round 4`: a notification of a server that has decided says its mode.

Where ZAB 1.0 elects by votes, a server is two: one of `zabspec.zab`, and one of `zabspec.fast_election`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from zabcheck.explorer.verdicts import TraceStep
from zabcheck.models.paper.words import by_whom, zxid
from zabcheck.models.zab.words import ZabWords
from zabspec.fast_election.state import Mode, Notification, Server, Vote
from zabspec.histories import ZERO
from zabspec.zab.state import Server as ZabServer

DEEDS = {
    "server_starts": "comes up",
    "server_tells_again": "tells its vote again",
    "server_decides": "has waited long enough",
    "server_decides_early": "decides too early",
    "server_looks_again": "has lost whom it needs",
    "server_crashes": "crashes",
}
"""What is said of an action that neither a message nor its changes show."""


@dataclass(frozen=True, slots=True)
class ElectionWords:
    """The words for a run of Fast Leader Election."""

    notation: ClassVar[str] = "vote 2: for server 2 (its epoch, last zxid)"
    breaking: ClassVar[frozenset[str]] = frozenset({"server_crashes", "server_looks_again"})

    def actor(self, step: TraceStep) -> int:
        """The server that a step is a step of: always the first that it names."""
        return step.arguments[0] if step.arguments else 0

    def deed(self, step: TraceStep, *, is_seen: bool) -> list[str]:
        """What the server did, where neither a message that is taken nor its changes say so."""
        return [DEEDS[step.action]] if step.action in DEEDS else []

    def vote(self, vote: Vote | None, mode: Mode = Mode.LOOKING) -> str:
        """`vote 2 (1, 1.3)`, or `LEADING 2` of one that has decided."""
        name = "vote" if mode == Mode.LOOKING else mode.name
        if vote is None:
            return f"no {name}"
        said = f"{name} {vote.leader}"
        if (vote.epoch, vote.zxid) == (0, ZERO):
            return said
        return f"{said} ({vote.epoch}, {zxid(vote.zxid)})"

    def message(self, message: Notification) -> str:
        """`vote 2, round 1`, or `LEADING 2, round 1` of one that has decided."""
        return f"{self.vote(message.vote, message.mode)}, round {message.round}"

    def changes(self, before: Server, after: Server) -> list[str]:
        """What changed in a server that a reader wants to know."""
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
        """All that matters of a server at one time."""
        told = [f"{server.mode.name.lower()}{'' if server.is_voter else ', does not vote'}"]
        if (server.epoch, server.zxid) != (0, ZERO):
            told.append(f"in epoch {server.epoch}, last {zxid(server.zxid)}")
        if server.mode != Mode.DOWN:
            told.append(f"{self.vote(server.vote)}, round {server.round}")
        return told


@dataclass(frozen=True, slots=True)
class Both:
    """A server of ZAB 1.0, and what it is in the election beside it."""

    zab: ZabServer
    election: Server


@dataclass(frozen=True, slots=True)
class BothWords:
    """The words for a run of ZAB 1.0 that elects by votes.

    Attributes:
        zab: for what is not of the election.
    """

    zab: ZabWords
    election: ClassVar[ElectionWords] = ElectionWords()
    notation: ClassVar[str] = ZabWords.notation
    breaking: ClassVar[frozenset[str]] = ZabWords.breaking | ElectionWords.breaking

    def actor(self, step: TraceStep) -> int:
        """The server that a step is a step of."""
        return self.zab.actor(step)

    def deed(self, step: TraceStep, *, is_seen: bool) -> list[str]:
        """What the server did, where neither a message that is seen nor its changes say so."""
        is_election = step.action in DEEDS or is_seen
        return (self.election if is_election else self.zab).deed(step, is_seen=is_seen)

    def message(self, message: Any) -> str:
        """A message of the election, or of the rest."""
        if isinstance(message, Notification):
            return self.election.message(message)
        return self.zab.message(message)

    def changes(self, before: Both, after: Both) -> list[str]:
        """What changed in the election, then what changed beside it."""
        told = self.election.changes(before.election, after.election)
        return [*told, *(each for each in self.zab.changes(before.zab, after.zab) if each not in told)]

    def standing(self, server: Both) -> list[str]:
        """All that matters of a server at one time."""
        told = self.zab.standing(server.zab)
        if server.election.mode == Mode.DOWN:
            return [*told, "down"]
        return [*told, f"{self.election.vote(server.election.vote)}, round {server.election.round}"]


def _agreeing(server: Server) -> frozenset[int]:
    """Whose vote is the server's own."""
    return frozenset(sid for sid, each in enumerate(server.received) if each and each.vote == server.vote)


def _telling(server: Server) -> frozenset[int]:
    """Who has told it what was decided."""
    return frozenset(sid for sid, each in enumerate(server.outside) if each)
