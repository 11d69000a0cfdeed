"""The paper's servers, messages and actions in a few words, for a narrow column.

A history is a list of zxids, epoch.counter; the transactions that the server has delivered are in brackets:
`[1.1 1.2] 1.3`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from zabcheck.explorer.verdicts import TraceStep
from zabcheck.models.bounds import by_name
from zabcheck.models.drawing import Line, ServerWords, named, processing
from zabspec import paper
from zabspec.histories import History, Txn, Zxid
from zabspec.paper.state import (
    Ack,
    AckEpoch,
    AckLeader,
    CEpoch,
    Commit,
    CommitLeader,
    Message,
    NewEpoch,
    NewLeader,
    Propose,
    Role,
    Server,
    State,
)

NAMES = {
    CEpoch: "CEPOCH",
    NewEpoch: "NEWEPOCH",
    AckEpoch: "ACK-E",
    NewLeader: "NEWLEADER",
    AckLeader: "ACK-LD",
    CommitLeader: "COMMIT-LD",
    Propose: "PROPOSE",
    Ack: "ACK",
    Commit: "COMMIT",
}
"""The paper's name of each message."""

DEEDS = by_name(
    {
        paper.server_becomes_oracle_choice: "becomes the oracle's choice",
        paper.server_follows_oracle: "follows the oracle's choice",
        paper.leader_gives_up: "gives up",
        paper.follower_gives_up: "gives up",
        paper.server_restarts: "crashes and restarts",
        paper.leader_accepts_request: "logs a request",
    }
)
"""What an action does, where neither a message nor a change shows that."""

LINES = {Role.LOOKING: Line.DOTTED, Role.FOLLOWING: Line.THIN, Role.LEADING: Line.HEAVY}
LEGEND = {Line.HEAVY: "leads", Line.THIN: "follows", Line.DOTTED: "looks"}


@dataclass(frozen=True, slots=True)
class Words(ServerWords):
    """The words for one run; for the methods, see `zabcheck.models.drawing.Words`.

    Attributes:
        values: whether to show the values of transactions too, because they differ.
        notation: explains the notation.
        legend: what each kind of line means.
        receiving: the names of the actions that take a message.
        breaking: the names of the actions marked with a cross.
        severing: the names of the actions that close a connection.
    """

    values: bool = False
    notation: ClassVar[str] = "log [delivered] not delivered"
    legend: ClassVar[Mapping[Line, str]] = LEGEND
    receiving: ClassVar[frozenset[str]] = processing(paper.NEXT)
    breaking: ClassVar[frozenset[str]] = named(paper.server_restarts)
    severing: ClassVar[frozenset[str]] = named(paper.connection_times_out)

    def lines(self, state: State) -> Sequence[Line]:
        """Returns the line of each server, by its role."""
        return [LINES[server.role] for server in state.servers]

    def actor(self, step: TraceStep) -> int:
        """Returns the server that takes a step."""
        if step.action == paper.follower_connects.__name__:
            return step.arguments[1]
        return ServerWords.actor(self, step)

    def deed(self, step: TraceStep, *, is_seen: bool) -> list[str]:
        """Returns what the server did, where neither a message that is drawn nor a change shows that."""
        if step.action == paper.follower_connects.__name__:
            return [f"connects to {step.arguments[0]}"]
        if is_seen or step.action in self.severing:
            return []
        return [DEEDS.get(step.action, step.action.replace("_", " "))]

    def txn(self, txn: Txn) -> str:
        """Returns `1.2`, or `1.2=7` with its value."""
        return f"{zxid(txn.zxid)}={txn.value}" if self.values else zxid(txn.zxid)

    def history(self, history: History, delivered: int = 0) -> str:
        """Returns `[1.1 1.2] 1.3`; a question mark is a transaction delivered that is not in the history."""
        shown = [self.txn(txn) for txn in history] + ["?"] * (delivered - len(history))
        if not shown:
            return "empty"
        if delivered:
            shown[0] = f"[{shown[0]}"
            shown[delivered - 1] += "]"
        return " ".join(shown)

    def message(self, message: Message) -> str:
        """Returns `PROPOSE 1.2`."""
        name = NAMES[type(message)]
        match message:
            case AckEpoch(epoch, history) | NewLeader(epoch, history):
                return f"{name} {epoch}, {self.history(history)}"
            case CEpoch(epoch) | NewEpoch(epoch):
                return f"{name} {epoch}"
            case Propose(txn):
                return f"{name} {self.txn(txn)}"
            case _:
                return f"{name} {zxid(message.zxid)}"

    def changes(self, before: Server, after: Server) -> list[str]:
        """Returns what changed in a server."""
        told = []
        if before.role != after.role:
            told.append(after.role.name.lower())
        if before.phase != after.phase and after.role != Role.LOOKING:
            told.append(after.phase.name.lower())
        if before.accepted_epoch != after.accepted_epoch:
            told.append(f"promises epoch {after.accepted_epoch}")
        if before.current_epoch != after.current_epoch:
            told.append(f"is in epoch {after.current_epoch}")
        if before.role == after.role == Role.LEADING:
            told += by_whom("promised", before.promised, after.promised)
            told += by_whom("confirmed", before.confirmed, after.confirmed)
            told += by_whom("synced", before.synced, after.synced)
        if before.committed > after.committed:
            told.append(f"forgets {before.committed - after.committed} delivered")
        if (before.history, before.committed) != (after.history, after.committed):
            told.append(f"log {self.history(after.history, after.committed)}")
        return told

    def standing(self, server: Server) -> list[str]:
        """Returns all that matters of a server in one state."""
        role = server.role.name.lower()
        if server.role != Role.LOOKING:
            role += f", {server.phase.name.lower()}"
        return [
            role,
            f"promised {server.accepted_epoch}, in epoch {server.current_epoch}",
            f"log {self.history(server.history, server.committed)}",
        ]


def words_for(states: Iterable[State]) -> Words:
    """Returns the words for a run: values are shown only where two of them differ."""
    values = {txn.value for state in states for server in state.servers for txn in server.history}
    return Words(values=len(values) > 1)


def zxid(zxid: Zxid) -> str:
    """Returns `1.2`."""
    return f"{zxid.epoch}.{zxid.counter}"


def by_whom(word: str, before: frozenset[int], after: frozenset[int]) -> list[str]:
    """Returns `synced by 0 1` if the set of servers changed, else nothing."""
    return [] if before == after else [f"{word} by {' '.join(map(str, sorted(after)))}"]
