"""Mistakes that the cores might make, each a method in the place of theirs: the machine must catch them all.

Each does what the method does, with one thing done differently. What catches it is told beside it: usually
one property or another, by what happens first.
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
    """Cores make a mistake as long as this lasts; none if the name is empty.

    Raises:
        ValueError: there is no such mistake.
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


# What is on disk before what is said.


def acknowledges_before_sync(self: Learner, proposed: Received) -> None:
    """What is handed to the disk is acknowledged at once."""
    self.peer.log.append(proposed.payload)
    if not self.is_observer:
        self._send(Kind.ACK, proposed.zxid)


def takes_up_epoch_before_history(self: Learner, packet: Packet) -> None:
    """NEWLEADER: the epoch first, then the history (ZOOKEEPER-4643 the other way round)."""
    self.peer.adopt_epoch(self.epoch)
    self.peer.log_and_apply(self._committed)
    self._committed = []
    self.stage = Learned.READY
    self._send(Kind.ACK, packet.zxid)


def acknowledges_newleader_before_writing(self: Learner, packet: Packet) -> None:
    """NEWLEADER: what was committed before is written with the first turn (ZOOKEEPER-3911)."""
    for entry in self._committed:
        self.peer.log.append(entry.payload)
        self.peer._apply(entry)
    self._committed = []
    self.peer.adopt_epoch(self.epoch)
    self.stage = Learned.READY
    self._send(Kind.ACK, packet.zxid)


def promises_in_memory(self: Peer, epoch: int) -> None:
    """An epoch is promised, and forgotten in a crash."""
    self.accepted_epoch = epoch


def keeps_image_in_memory(self: Peer, image: Image, zxid: int) -> None:
    """A leader's tree is taken over, and not written (ZOOKEEPER-3642)."""
    tree = Tree()
    tree.restore(image.nodes)
    tree.zxid = zxid
    self.tree, self.timeouts = tree, image.sessions
    self.needs_image = False
    self.committed.entries.clear()
    self._write_config_node()


def leaves_tail_out_of_vote(self: Peer, why: str, leader: int | None) -> None:
    """What is logged and not committed is not in the tree that the next vote tells of (ZOOKEEPER-2845)."""
    role = self.role
    assert role is not None
    role.logged = list  # type: ignore[method-assign]
    _leave(self, why, leader)


_leave = Peer._leave

# Discovery.


def follows_any_leader(self: Leader, handler: Handler, packet: Packet) -> None:
    """ACKEPOCH: who has more than the leader is taken in all the same."""
    self.summary = max(self.summary, (Reader(packet.data or b"").int32(), packet.zxid))
    _on_promise(self, handler, packet)


_on_promise = Leader._on_promise


def accepts_lower_epoch(self: Learner, packet: Packet) -> None:
    """LEADERINFO: an epoch is accepted that is less than the one promised."""
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
    """TRUNC: what is too much stays."""
    if packet.kind == Kind.TRUNC:
        packet = Packet(Kind.DIFF, packet.zxid)
    _on_choice(self, packet)


_on_choice = Learner._on_choice


def sends_one_too_few(*arguments: Any) -> Plan:
    """What a learner lacks begins one transaction too late."""
    plan = plan_sync(*arguments)
    return replace(plan, history=plan.history[1:])


def cuts_nothing(*arguments: Any) -> Plan:
    """A learner that has too much is sent DIFF."""
    plan = plan_sync(*arguments)
    return replace(plan, kind=Kind.DIFF) if plan.kind == Kind.TRUNC else plan


def sends_newleader_first(self: Leader, handler: Handler) -> None:
    """NEWLEADER comes before the history that it ends."""
    out = handler.link._out
    begin = len(out)
    _synchronize(self, handler)
    newleader = out.pop()
    is_image = not isinstance(out[begin + 1], bytes)
    out.insert(begin + 1 + is_image, newleader)


_synchronize = Leader._synchronize


def leaves_out_outstanding(self: Leader, handler: Handler) -> None:
    """A learner that joins is not sent what is proposed and not committed."""
    kept, self._proposals = self._proposals, type(self._proposals)()
    _synchronize(self, handler)
    self._proposals = kept


def forwards_late(self: Leader, zxid: int, payload: bytes) -> None:
    """What is proposed while a learner is synchronized does not go to it."""
    self.peer.log.append(payload)
    self._proposals.append((zxid, payload))
    for handler in self.handlers.values():
        if handler.stage >= Stage.READY and not handler.is_observer:
            handler.send(Kind.PROPOSAL, zxid, payload)


def serves_without_quorum(self: Leader) -> None:
    """A leader serves as soon as its epoch is its own."""
    self._ready |= self._promised
    _count_ready(self)


_count_ready = Leader._count_ready

# Broadcast.


def commits_alone(self: Leader) -> int:
    """What a leader has on its own disk is committed."""
    return self._synced


def commits_by_half(self: Leader) -> int:
    """What two have on disk is committed, however many there are."""
    marks = [each.acknowledged for each in self.handlers.values() if each.is_voter]
    return sorted([0, 0, self._synced, *marks])[-2]


def leads_on_alone(self: Leader) -> None:
    """A leader that hears of nobody leads on."""


def forgets_proposals(self: Leader) -> list[Entry]:
    """A leader that stops takes nothing into its tree that it has proposed."""
    return []


# Sessions.


def takes_anyone_for_owner(self: LeaderService, request: Any) -> None:
    """A request is taken from whichever member it comes, though its client has moved on."""
    super(LeaderService, self).check_session(request)


def hears_no_signs(self: Leader, packet: Packet) -> None:
    """The clients that learners have heard of are not known to be alive."""


# Election.


def answers_without_end(self: Election, sender: int, notification: Notification) -> None:
    """An observer tells voters that it is in a later round, as ZooKeeper's do."""
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
