"""The servers, messages and actions of ZAB 1.0 in a few words, for a narrow column.

A server has a disk, and a tree in memory. `disk 1.1 (1.2)`: 1.2 was handed to the disk but is not on it yet,
so a crash may lose it. `tree 1.1`: the transactions applied. `pending [1.2] 1.3`: the transactions proposed
but not yet delivered; for 1.2 a COMMIT has been received.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from zabcheck.explorer.verdicts import TraceStep
from zabcheck.models.bounds import by_name
from zabcheck.models.drawing import Line, ServerWords, named, processing
from zabcheck.models.paper import words as paper_words
from zabcheck.models.paper.words import by_whom, zxid
from zabcheck.models.zab import mistakes
from zabspec import zab
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

DEEDS = by_name(
    {
        zab.leader_gives_up: "gives up",
        zab.leader_proposes: "proposes",
        zab.follower_persists_history: "NEWLEADER: writes what was sent",
        zab.follower_persists_epoch: "NEWLEADER: writes the epoch",
        mistakes.follower_applies_later: "applies what waited",
        zab.server_syncs_log: "the disk has caught up",
        zab.network_heals: "the network is whole again",
    }
)
"""What an action does, where neither a message nor a change shows that."""

DEEDS_TO = by_name(
    {
        zab.server_follows_leader: "connects to {}",
        zab.follower_notices: "notices: {} has closed",
        zab.leader_notices: "notices: {} has closed",
        zab.follower_times_out: "times out on {}, closes",
        zab.leader_drops_follower: "times out on {}, closes",
    }
)
"""What an action does to another server; always shown."""

LINES = {
    Role.LOOKING: Line.DOTTED,
    Role.FOLLOWING: Line.THIN,
    Role.LEADING: Line.HEAVY,
    Role.STOPPED: Line.FAINT,
}


@dataclass(frozen=True, slots=True)
class ZabWords(ServerWords):
    """The words for one run; for the methods, see `zabcheck.models.drawing.Words`.

    Attributes:
        values: whether to show the values of transactions too, because they differ.
        notation: explains the notation.
        legend: what each kind of line means.
        receiving: the names of the actions that take a message.
        breaking: the names of the actions marked with a cross.
    """

    values: bool = False
    notation: ClassVar[str] = "disk (to be written);  pending [committed]"
    legend: ClassVar[Mapping[Line, str]] = paper_words.LEGEND
    receiving: ClassVar[frozenset[str]] = processing(zab.NEXT) | named(
        zab.follower_starts_sync,
        zab.follower_queues_proposal,
        zab.follower_notes_commit,
        zab.observer_queues_inform,
        zab.follower_acknowledges_newleader,
    )
    breaking: ClassVar[frozenset[str]] = named(
        zab.server_restarts,
        zab.follower_notices,
        zab.leader_notices,
        zab.follower_times_out,
        zab.leader_drops_follower,
        zab.network_splits,
    )

    def names(self, state: State) -> Sequence[str]:
        """Returns `server 0` and so on; `observer 2` for one that does not vote."""
        servers = range(len(state.servers))
        return [f"{'observer' if sid in state.observers else 'server'} {sid}" for sid in servers]

    def lines(self, state: State) -> Sequence[Line]:
        """Returns the line of each server, by its role."""
        return [LINES[server.role] for server in state.servers]

    def deed(self, step: TraceStep, *, is_seen: bool) -> list[str]:
        """Returns what the server did, where neither a message that is drawn nor a change shows that."""
        if step.action == zab.server_restarts.__name__:
            kept = step.arguments[1]
            return [f"crashes, keeps {kept} that waited" if kept else "crashes and restarts"]
        if step.action == zab.network_splits.__name__:
            return [f"cut off: {' '.join(map(str, step.arguments))} from all others"]
        if step.action in DEEDS_TO:
            return [DEEDS_TO[step.action].format(step.arguments[1])]
        if is_seen:
            return []
        return [DEEDS.get(step.action, step.action.replace("_", " "))]

    def history(self, history: History, delivered: int = 0) -> str:
        """Returns `[1.1 1.2] 1.3`, as for the paper's spec."""
        return paper_words.Words(values=self.values).history(history, delivered)

    def message(self, message: Message) -> str:
        """Returns `PROPOSAL 1.2`, with ZooKeeper's names."""
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
        """Returns what changed in a server."""
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
        """Returns all that matters of a server in one state."""
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
    """Returns the words for a run: values are shown only where two of them differ."""
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
    """Returns what changed in what a leader knows of its learners."""
    told = by_whom("informed", before.connecting, after.connecting)
    told += by_whom("promised", before.electing, after.electing)
    told += by_whom("adopted", before.adopting, after.adopting)
    for sid, (was, now) in enumerate(zip(before.stages, after.stages, strict=True)):
        if was != now == Stage.ABSENT:
            told.append(f"leads on without {sid}")
    return told
