"""How the servers, messages and actions of ZAB 1.0 are put in a few words, for a narrow column.

A server has a disk, and a tree in memory. `disk 1.1 (1.2)`: 1.2 was handed to the disk and is not there
yet, so a crash may lose it. `tree 1.1`: what is applied. `pending [1.2] 1.3`: what is proposed and not yet
delivered; for 1.2 a COMMIT has come.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zabcheck.explorer.verdicts import TraceStep
from zabcheck.models.paper import words as paper_words
from zabcheck.models.paper.words import by_whom, zxid
from zabspec.histories import History
from zabspec.zab.state import (
    NO_SNAPSHOT,
    Ack,
    AckEpoch,
    Diff,
    FollowerInfo,
    Inform,
    LeaderInfo,
    Message,
    NewLeader,
    Proposal,
    Role,
    Server,
    Snap,
    Stage,
    State,
    SyncMode,
    UpToDate,
)

DEEDS = {
    "leader_gives_up": "gives up",
    "leader_proposes": "proposes",
    "follower_persists_history": "NEWLEADER: writes what was sent",
    "follower_persists_epoch": "NEWLEADER: writes the epoch",
    "follower_applies_later": "applies what waited",
    "server_syncs_log": "the disk has caught up",
    "network_heals": "the network is whole again",
}
"""What is said of an action that neither a message nor its changes show."""

DEEDS_TO = {
    "server_follows_leader": "connects to {}",
    "follower_notices": "notices: {} has closed",
    "leader_notices": "notices: {} has closed",
    "follower_times_out": "hears nothing from {}, closes",
    "leader_drops_follower": "hears nothing from {}, closes",
}
"""What is said of an action about another server, whatever else is seen of it."""


@dataclass(frozen=True, slots=True)
class ZabWords:
    """The words for one run.

    Attributes:
        values: whether to show the values of transactions too, because they differ.
        notation: what a reader must know of it.
        breaking: the actions that break something at the server they are of.
    """

    values: bool = False
    notation: ClassVar[str] = "disk (to be written);  pending [committed]"
    breaking: ClassVar[frozenset[str]] = frozenset(
        {
            "server_restarts",
            "follower_notices",
            "leader_notices",
            "follower_times_out",
            "leader_drops_follower",
            "network_splits",
        }
    )

    def actor(self, step: TraceStep) -> int:
        """The server that a step is a step of: always the first that it names."""
        return step.arguments[0] if step.arguments else 0

    def deed(self, step: TraceStep, *, is_seen: bool) -> list[str]:
        """What the server did, where neither a message that is seen nor its changes say so."""
        if step.action == "server_restarts":
            kept = step.arguments[1]
            return [f"crashes, keeps {kept} that waited" if kept else "crashes and comes back"]
        if step.action == "network_splits":
            return [f"cut off: {' '.join(map(str, step.arguments))} from all others"]
        if step.action in DEEDS_TO:
            return [DEEDS_TO[step.action].format(step.arguments[1])]
        if is_seen:
            return []
        return [DEEDS.get(step.action, step.action.replace("_", " "))]

    def history(self, history: History, delivered: int = 0) -> str:
        """`[1.1 1.2] 1.3`, as for the paper's."""
        return paper_words.Words(values=self.values).history(history, delivered)

    def message(self, message: Message) -> str:
        """`PROPOSAL 1.2`, with ZooKeeper's names."""
        name = type(message).__name__.upper()
        match message:
            case Diff() | UpToDate():
                return name
            case FollowerInfo(epoch) | LeaderInfo(epoch) | NewLeader(epoch):
                return f"{name} {epoch}"
            case AckEpoch(epoch, last):
                return f"{name} {'again' if epoch is None else epoch}, {zxid(last)}"
            case Snap(tree, _):
                return f"{name} {self.history(tree)}"
            case Proposal(txn) | Inform(txn):
                return f"{name} {self.history((txn,))}"
            case Ack(acked) if acked.counter == 0:
                return f"{name} of NEWLEADER {acked.epoch}"
            case _:
                return f"{name} {zxid(message.zxid)}"

    def changes(self, before: Server, after: Server) -> list[str]:
        """What changed in a server that a reader wants to know."""
        told = []
        if before.role != after.role:
            told.append(_role(after))
        if before.phase != after.phase and after.role in (Role.FOLLOWING, Role.LEADING):
            told.append(after.phase.name.lower())
        if before.accepted_epoch != after.accepted_epoch:
            told.append(f"promises epoch {after.accepted_epoch}")
        if before.current_epoch != after.current_epoch:
            told.append(f"is in epoch {after.current_epoch}")
        if before.role == after.role == Role.LEADING:
            told += _as_leader(before, after)
        if after.sync_mode not in (before.sync_mode, SyncMode.NONE):
            told.append(f"takes over by {after.sync_mode.name}")
        if _on_disk(before) != _on_disk(after):
            told.append(self._disk(after))
        if before.tree != after.tree:
            told.append(f"tree {self.history(after.tree)}")
        if (before.pending, before.to_commit) != (after.pending, after.to_commit):
            told.append(self._pending(after))
        return told

    def standing(self, server: Server) -> list[str]:
        """All that matters of a server at one time."""
        role = _role(server)
        if server.role in (Role.FOLLOWING, Role.LEADING):
            role += f", {server.phase.name.lower()}"
        told = [
            role,
            f"promised {server.accepted_epoch}, in epoch {server.current_epoch}",
            self._disk(server),
            f"tree {self.history(server.tree)}",
        ]
        return [*told, self._pending(server)] if server.pending else told

    def _disk(self, server: Server) -> str:
        waiting = f" ({self.history(server.unsynced)})" if server.unsynced else ""
        if server.snapshot != NO_SNAPSHOT:
            waiting = f", snapshot {self.history(server.snapshot.tree)}{waiting}"
        return f"disk {self.history(server.log)}{waiting}"

    def _pending(self, server: Server) -> str:
        if not server.pending:
            return "nothing pending"
        return f"pending {self.history(server.pending, server.to_commit)}"


def words_for(states: Iterable[State]) -> ZabWords:
    """The words for a run: values are shown only where two of them differ."""
    values = {
        txn.value
        for state in states
        for server in state.servers
        for txn in (*server.log, *server.snapshot.tree, *server.unsynced, *server.tree, *server.pending)
    }
    return ZabWords(values=len(values) > 1)


def _on_disk(server: Server) -> tuple[object, ...]:
    return server.log, server.snapshot, server.unsynced


def _role(server: Server) -> str:
    return "refuses to start" if server.role == Role.STOPPED else server.role.name.lower()


def _as_leader(before: Server, after: Server) -> list[str]:
    """What changed in what a leader knows of its learners."""
    told = by_whom("informed", before.connecting, after.connecting)
    told += by_whom("promised", before.electing, after.electing)
    told += by_whom("adopted", before.adopting, after.adopting)
    for sid, (was, now) in enumerate(zip(before.stages, after.stages, strict=True)):
        if was != now == Stage.ABSENT:
            told.append(f"leads on without {sid}")
    return told
