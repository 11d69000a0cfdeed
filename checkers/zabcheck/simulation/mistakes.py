"""Mistakes that the cores might make: functions that take the place of theirs. The checks must find them all.

Each function does what the one that it replaces does, but for one thing, which its docstring names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from zabcheck.simulation import reconfiguration_mistakes
from zabcheck.simulation.mistake import Mistake, mistake
from zabserver.service.tree import Tree
from zabserver.storage.images import Image
from zabserver.wire.election import Notification, ServerState
from zabserver.wire.jute import INT, Reader
from zabserver.wire.quorum import ALREADY_PROMISED, Kind, Packet
from zabserver.zab import leader as leaders
from zabserver.zab.election import Election
from zabserver.zab.handler import Handler, Stage
from zabserver.zab.history import Entry, Plan, Received, epoch_of, plan_sync
from zabserver.zab.leader import Leader
from zabserver.zab.leader_service import LeaderService
from zabserver.zab.learner import Learner
from zabserver.zab.learner import Stage as Learned
from zabserver.zab.peer import Peer


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Puts a mistake into the cores while the context lasts; none if the name is empty.

    Raises:
        ValueError: there is no mistake of that name.
    """
    if not name:
        yield
        return
    if name not in MISTAKES:
        raise ValueError(f"no mistake is called {name!r}; there are {', '.join(MISTAKES)}")
    replacements = MISTAKES[name].replacements
    right = [(owner, attribute, getattr(owner, attribute)) for owner, attribute, _ in replacements]
    for owner, attribute, wrong in replacements:
        setattr(owner, attribute, wrong)
    try:
        yield
    finally:
        for owner, attribute, kept in right:
            setattr(owner, attribute, kept)


# Writing before sending.


def acknowledges_before_sync(self: Learner, proposed: Received) -> None:
    """A follower acknowledges a proposal that is not synced."""
    self.peer.log.append(proposed.payload)
    if not self.is_observer:
        self._send(Kind.ACK, proposed.zxid)


def takes_up_epoch_before_history(self: Learner, packet: Packet) -> None:
    """NEWLEADER: a follower writes the epoch before the history (ZOOKEEPER-4643 the other way round)."""
    self.peer.adopt_epoch(self.epoch)
    self.peer.log_and_apply(self._committed)
    self._committed = []
    self.stage = Learned.READY
    self._send(Kind.ACK, packet.zxid)


def acknowledges_newleader_before_writing(self: Learner, packet: Packet) -> None:
    """NEWLEADER: a follower acknowledges before it writes what was committed (ZOOKEEPER-3911)."""
    for entry in self._committed:
        self.peer.log.append(entry.payload)
        self.peer._apply(entry)
    self._committed = []
    self.peer.adopt_epoch(self.epoch)
    self.stage = Learned.READY
    self._send(Kind.ACK, packet.zxid)


def promises_in_memory(self: Peer, epoch: int) -> None:
    """A server promises an epoch without writing it."""
    self.accepted_epoch = epoch


def keeps_image_in_memory(self: Peer, image: Image, zxid: int) -> None:
    """A learner takes over a snapshot from its leader without writing it (ZOOKEEPER-3642)."""
    tree = Tree()
    tree.restore(image.nodes)
    tree.zxid = zxid
    self.tree, self.timeouts = tree, image.sessions
    self.needs_image = False
    self.committed.entries.clear()
    self._write_config_node()


def leaves_tail_out_of_vote(self: Peer, why: str, leader: int | None) -> None:
    """A server votes without what it has logged and not committed (ZOOKEEPER-2845)."""
    role = self.role
    assert role is not None
    role.logged = list  # type: ignore[method-assign]
    _leave(self, why, leader)


_leave = Peer._leave

# Discovery.


def follows_any_leader(self: Leader, handler: Handler, packet: Packet) -> None:
    """ACKEPOCH: a leader accepts a follower that is more up to date than itself."""
    self.summary = max(self.summary, (Reader(packet.data or b"").int32(), packet.zxid))
    _on_promise(self, handler, packet)


_on_promise = Leader._on_promise


def accepts_lower_epoch(self: Learner, packet: Packet) -> None:
    """LEADERINFO: a follower accepts an earlier epoch than the one that it has promised."""
    peer = self.peer
    self.epoch = epoch_of(packet.zxid)
    said = peer.current_epoch
    if self.epoch != peer.accepted_epoch:
        peer.accept_epoch(self.epoch)
    else:
        said = ALREADY_PROMISED
    self.stage = Learned.CHOICE
    self._send(Kind.ACKEPOCH, peer.tree.zxid, INT.pack(said))


# Synchronization.


def ignores_trunc(self: Learner, packet: Packet) -> None:
    """TRUNC: a follower does not truncate its log."""
    if packet.kind == Kind.TRUNC:
        packet = Packet(Kind.DIFF, packet.zxid)
    _on_choice(self, packet)


_on_choice = Learner._on_choice


def sends_one_too_few(*arguments: Any) -> Plan:
    """A leader leaves out the first transaction that a learner lacks."""
    plan = plan_sync(*arguments)
    return replace(plan, history=plan.history[1:])


def cuts_nothing(*arguments: Any) -> Plan:
    """A leader sends DIFF to a learner that must truncate its log."""
    plan = plan_sync(*arguments)
    return replace(plan, kind=Kind.DIFF) if plan.kind == Kind.TRUNC else plan


def sends_newleader_first(self: Leader, handler: Handler) -> None:
    """A leader sends NEWLEADER before the history instead of after it."""
    out = handler.link._out
    begin = len(out)
    _synchronize(self, handler)
    newleader = out.pop()
    is_image = not isinstance(out[begin + 1], bytes)
    out.insert(begin + 1 + is_image, newleader)


_synchronize = Leader._synchronize


def leaves_out_outstanding(self: Leader, handler: Handler) -> None:
    """A leader does not send a joining learner what is proposed and not committed."""
    kept, self._proposals = self._proposals, type(self._proposals)()
    _synchronize(self, handler)
    self._proposals = kept


def forwards_late(self: Leader, zxid: int, payload: bytes) -> None:
    """A leader does not send a learner the proposals made during its synchronization."""
    self.peer.log.append(payload)
    self._proposals.append((zxid, payload))
    for handler in self.handlers.values():
        if handler.stage >= Stage.READY and not handler.is_observer:
            handler.send(Kind.PROPOSAL, zxid, payload)


def serves_without_quorum(self: Leader) -> None:
    """A leader serves before a quorum has acknowledged NEWLEADER."""
    self._ready |= self._promised
    _count_ready(self)


_count_ready = Leader._count_ready

# Broadcast.


def commits_alone(self: Leader) -> int:
    """A leader commits what is on its own disk."""
    return self._synced


def commits_by_half(self: Leader) -> int:
    """A leader commits what two servers have on disk, however many there are."""
    marks = [each.acknowledged for each in self.handlers.values() if each.is_voter]
    return sorted([0, 0, self._synced, *marks])[-2]


def leads_on_alone(self: Leader) -> None:
    """A leader does not step down when it hears from no quorum."""


def forgets_proposals(self: Leader) -> list[Entry]:
    """A leader that steps down does not apply what it has proposed and not committed."""
    return []


# Sessions.


def takes_anyone_for_owner(self: LeaderService, request: Any) -> None:
    """A leader accepts a request from a server whose client has moved to another one."""
    super(LeaderService, self).check_session(request)


def hears_no_signs(self: Leader, packet: Packet) -> None:
    """A leader ignores the session activity that learners report."""


# Election.


def answers_without_end(self: Election, sender: int, notification: Notification) -> None:
    """An observer tells voters that it is in a later round, as in ZooKeeper."""
    if notification.state != ServerState.LOOKING or self.vote is None or sender == self.me:
        return
    is_behind = notification.round < self.round or sender not in self.electorate
    if self.state != ServerState.LOOKING or is_behind:
        self._send(sender, self.vote)


ALL: Sequence[Mistake] = (
    mistake("acknowledges-before-sync", Learner, "_log", acknowledges_before_sync),
    mistake("takes-up-epoch-before-history", Learner, "_on_new_leader", takes_up_epoch_before_history),
    mistake(
        "acknowledges-newleader-before-writing",
        Learner,
        "_on_new_leader",
        acknowledges_newleader_before_writing,
    ),
    mistake("promises-in-memory", Peer, "accept_epoch", promises_in_memory),
    mistake("keeps-image-in-memory", Peer, "adopt", keeps_image_in_memory),
    mistake("leaves-tail-out-of-vote", Peer, "_leave", leaves_tail_out_of_vote),
    mistake("follows-any-leader", Leader, "_on_promise", follows_any_leader, voters=5),
    mistake("accepts-lower-epoch", Learner, "_on_leader_info", accepts_lower_epoch, voters=5),
    mistake("ignores-trunc", Learner, "_on_choice", ignores_trunc),
    mistake("cuts-nothing", leaders, "plan_sync", cuts_nothing),
    mistake("sends-one-too-few", leaders, "plan_sync", sends_one_too_few),
    mistake("sends-newleader-first", Leader, "_synchronize", sends_newleader_first),
    mistake("leaves-out-outstanding", Leader, "_synchronize", leaves_out_outstanding),
    mistake("forwards-late", Leader, "propose", forwards_late),
    mistake("serves-without-quorum", Leader, "_count_ready", serves_without_quorum),
    mistake("commits-alone", Leader, "_acknowledged", commits_alone),
    mistake("commits-by-half", Leader, "_acknowledged", commits_by_half, voters=5),
    mistake("leads-on-alone", Leader, "_count_present", leads_on_alone),
    mistake("forgets-proposals", Leader, "logged", forgets_proposals),
    mistake("takes-anyone-for-owner", LeaderService, "check_session", takes_anyone_for_owner),
    mistake("hears-no-signs", Leader, "_on_pong", hears_no_signs),
    mistake("answers-without-end", Election, "_answer", answers_without_end, observers=1),
    *reconfiguration_mistakes.ALL,
)
MISTAKES = {each.name: each for each in ALL}
"""All mistakes, by name."""
