"""How the paper's servers, messages and actions are put in a few words, for a narrow column.

Histories are lists of zxids, epoch.counter; what the server has delivered is in brackets: `[1.1 1.2] 1.3`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zabcheck.explorer.verdicts import TraceStep
from zabspec.histories import History, Txn, Zxid
from zabspec.paper.state import (
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
    Commit: "COMMIT",
}
"""The paper's names of its messages; of those not listed, the class's in capitals."""

DEEDS = {
    "server_becomes_oracle_choice": "becomes the oracle's choice",
    "server_follows_oracle": "takes the oracle's word",
    "leader_gives_up": "gives up",
    "follower_gives_up": "gives up",
    "server_restarts": "crashes and comes back",
    "leader_accepts_request": "logs a request",
}
"""What is said of an action that neither a message nor its changes show."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words for one run.

    Attributes:
        values: whether to show the values of transactions too, because they differ.
        notation: what a reader must know of it.
        breaking: the actions that break something at the server they are of.
    """

    values: bool = False
    notation: ClassVar[str] = "log [delivered] not delivered"
    breaking: ClassVar[frozenset[str]] = frozenset({"server_restarts"})

    def actor(self, step: TraceStep) -> int:
        """The server that a step is a step of."""
        if step.action == "follower_connects":
            return step.arguments[1]
        return step.arguments[0] if step.arguments else 0

    def deed(self, step: TraceStep, *, is_seen: bool) -> list[str]:
        """What the server did, where neither a message that is seen nor its changes say so."""
        if step.action == "follower_connects":
            return [f"connects to {step.arguments[0]}"]
        if is_seen or step.action == "connection_times_out":
            return []
        return [DEEDS.get(step.action, step.action.replace("_", " "))]

    def txn(self, txn: Txn) -> str:
        """`1.2`, or `1.2=7` with its value."""
        return f"{zxid(txn.zxid)}={txn.value}" if self.values else zxid(txn.zxid)

    def history(self, history: History, delivered: int = 0) -> str:
        """`[1.1 1.2] 1.3`: a question mark is a transaction that is delivered and not there."""
        shown = [self.txn(txn) for txn in history] + ["?"] * (delivered - len(history))
        if not shown:
            return "empty"
        if delivered:
            shown[0] = f"[{shown[0]}"
            shown[delivered - 1] += "]"
        return " ".join(shown)

    def message(self, message: Message) -> str:
        """`PROPOSE 1.2`."""
        name = NAMES.get(type(message), type(message).__name__.upper())
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
        """What changed in a server that a reader wants to know."""
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
        """All that matters of a server at one time."""
        role = server.role.name.lower()
        if server.role != Role.LOOKING:
            role += f", {server.phase.name.lower()}"
        return [
            role,
            f"promised {server.accepted_epoch}, in epoch {server.current_epoch}",
            f"log {self.history(server.history, server.committed)}",
        ]


def words_for(states: Iterable[State]) -> Words:
    """The words for a run: values are shown only where two of them differ."""
    values = {txn.value for state in states for server in state.servers for txn in server.history}
    return Words(values=len(values) > 1)


def zxid(zxid: Zxid) -> str:
    """`1.2`."""
    return f"{zxid.epoch}.{zxid.counter}"


def by_whom(word: str, before: frozenset[int], after: frozenset[int]) -> list[str]:
    """By whom, where that changed."""
    return [] if before == after else [f"{word} by {' '.join(map(str, sorted(after)))}"]
