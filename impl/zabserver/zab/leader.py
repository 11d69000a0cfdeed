"""A leader: a quorum promises it an epoch, adopts its history, and logs what it proposes.

ZooKeeper: Leader, LearnerHandler.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from zabserver.service.acl import Id
from zabserver.storage.images import Image, encode_image
from zabserver.wire.jute import INT, Reader
from zabserver.wire.protocol import Op
from zabserver.wire.quorum import (
    ALREADY_PROMISED,
    NAMES,
    PROTOCOL,
    Kind,
    Packet,
    decode_learner_info,
    decode_request,
    decode_sessions,
    encode_packet,
    encode_validity,
)
from zabserver.zab.handler import Handler, Stage
from zabserver.zab.history import Entry, counter_of, epoch_of, plan_sync
from zabserver.zab.leader_service import LeaderService
from zabserver.zab.role import Abandoned
from zabserver.zab.succession import Succession

if TYPE_CHECKING:
    from zabserver.zab.link import Link
    from zabserver.zab.peer import Peer

MOST_LEARNERS = 1000
MOST_UNIDENTIFIED = 64
"""The most open connections without FOLLOWERINFO or OBSERVERINFO; one more closes the oldest."""
MOST_AHEAD = 1 << 24
"""How far ahead of ours an epoch that a learner has promised may be: no ensemble has held so many elections.
Without this limit, a single packet could use up all epochs for ever."""
SET_BACK = "its disk was set back to an older state, or loses synced writes"
"""The two explanations for a member that breaks a promise."""
LAST_EPOCH = (1 << 31) - 1
"""The greatest epoch of a zxid."""


class Phase(IntEnum):
    """The quorum that a leader waits for."""

    DISCOVERY = 1
    """A quorum of servers that ask for a new epoch."""
    PROMISES = 2
    """A quorum that has promised the epoch."""
    SYNCHRONIZATION = 3
    """A quorum that has the leader's history."""
    BROADCAST = 4


BROADCAST = Stage.BROADCAST
"""A module-level name, which is faster to look up, for every packet."""


class Leader:
    """The role of a leader.

    Args:
        peer: the member.

    Attributes:
        phase: what the leader waits for.
        epoch: the epoch that it leads; final once a quorum has asked for one.
        handlers: its learners, by connection.
        summary: its current epoch and last zxid when the role began; no voter's may be more recent.
        tick: the number of ticks since the role began.
        service: what serves clients; None before broadcast.
        succession: its part in reconfigurations.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.phase = Phase.DISCOVERY
        self.epoch = peer.accepted_epoch + 1
        self.handlers: dict[Link, Handler] = {}
        self.summary = (peer.current_epoch, peer.tree.zxid)
        self.tick = 0
        self.service: LeaderService | None = None
        self._half_ticks = 0
        self._began = peer.time
        self._deadline = peer.time + peer.rules.init * peer.rules.tick
        self._why_over: str | None = None
        self._asking = {peer.me}
        self._promised = {peer.me}
        self._ready = {peer.me}
        self._last_acknowledged: dict[int, int] = {}  # of members whose connection is lost
        self._proposals: deque[Entry] = deque()
        self._synced = 0  # the last zxid on this server's disk
        self._committed = 0
        self._syncs: deque[tuple[int, Handler]] = deque()
        self.succession = Succession(self)

    def step_down(self, why: str) -> None:
        """Ends the role at the end of this turn."""
        self._why_over = why

    # Learners come and go.

    def begin(self) -> None:
        """Begins the role; an ensemble of one needs no other server."""
        self._choose_epoch()

    def add(self, link: Link) -> None:
        """Accepts a connection from a learner."""
        if len(self.handlers) >= MOST_LEARNERS:
            self.peer.hang_up(link, f"more than {MOST_LEARNERS} learners")
            return
        unidentified = [other for other, handler in self.handlers.items() if handler.stage == Stage.CONNECTED]
        if len(unidentified) >= MOST_UNIDENTIFIED:
            why = f"it has sent no FOLLOWERINFO, and {MOST_UNIDENTIFIED} have connected since"
            self._drop(self.handlers[unidentified[0]], why)
        rules = self.peer.rules
        self.handlers[link] = Handler(link, self.tick + rules.init + rules.sync)

    def on_lost(self, link: Link) -> None:
        """Forgets a learner whose connection is lost."""
        handler = self.handlers.pop(link, None)
        if handler is not None and handler.acknowledged:
            self._last_acknowledged[handler.sid] = handler.acknowledged
        if handler is not None and self.service is not None:
            owners = self.service.owners
            for session in [each for each, owner in owners.items() if owner is handler]:
                del owners[session]

    def _drop(self, handler: Handler, why: str) -> None:
        self.on_lost(handler.link)
        self.peer.hang_up(handler.link, why)

    def on_items(self, link: Link, items: Sequence[Packet | Image]) -> None:
        """Handles packets from a learner."""
        handler = self.handlers.get(link)
        if handler is None:
            return
        handler.deadline = self.tick + self.peer.rules.sync
        for item in items:
            if link.why_closed is not None:
                return
            if isinstance(item, Image):
                self._drop(handler, "a snapshot from a learner")
            elif item.kind == Kind.ACK and handler.stage == BROADCAST:
                self._on_acknowledgement(handler, item.zxid)
            else:
                self._on_packet(handler, item)

    def _on_packet(self, handler: Handler, item: Packet) -> None:
        if handler.stage >= Stage.SYNCHRONIZATION:
            self._on_synchronized(handler, item)
        elif handler.stage == Stage.CONNECTED:
            self._on_info(handler, item)
        elif handler.stage == Stage.PROMISE and item.kind == Kind.ACKEPOCH:
            self._on_promise(handler, item)
        else:
            self._drop(handler, f"unexpected {NAMES[item.kind]} during discovery")

    # Discovery.

    def _on_info(self, handler: Handler, packet: Packet) -> None:
        """Handles FOLLOWERINFO or OBSERVERINFO: the learner's id, and the last epoch that it has promised."""
        if packet.kind not in (Kind.FOLLOWERINFO, Kind.OBSERVERINFO):
            self._drop(handler, f"unexpected {NAMES[packet.kind]} before FOLLOWERINFO")
            return
        sid, protocol, version = decode_learner_info(packet.data)
        why = self._refusal(sid, protocol, version, epoch_of(packet.zxid)) or self._replace(sid)
        if why:
            self._drop(handler, why)
            return
        if sid in self._promised and epoch_of(packet.zxid) < self.epoch:
            self.peer.news.append(
                f"server {sid} has forgotten that it promised epoch {self.epoch}: {SET_BACK}"
            )
        handler.sid = sid
        handler.link.name = f"server {sid} ({handler.link.name})"
        handler.is_observer = packet.kind == Kind.OBSERVERINFO
        handler.is_voter = not handler.is_observer and sid in self.peer.ensemble.voters
        handler.stage = Stage.DISCOVERY
        if self.phase != Phase.DISCOVERY:
            self._tell_epoch(handler)
            return
        self.epoch = max(self.epoch, epoch_of(packet.zxid) + 1)
        self._asking.add(sid)  # an observer, too: it may vote in the next ensemble
        self._choose_epoch()

    def _refusal(self, sid: int, protocol: int, version: int, accepted: int) -> str:
        """Returns why a learner with this information is refused; empty if it is not.

        ZooKeeper accepts learners that are not members, and any epoch. With reconfiguration enabled, a server
        that will join is not a member yet.
        """
        if sid == self.peer.me:
            return f"it claims to be server {sid}, which is this server"
        may_join = self.peer.rules.settings.reconfig
        if not may_join and sid not in self.peer.ensemble.members:
            return f"it claims to be server {sid}, which is not a member"
        if not 0 <= accepted <= self.peer.accepted_epoch + MOST_AHEAD:
            return f"it claims to have promised epoch {accepted}; ours is {self.peer.accepted_epoch}"
        if protocol < PROTOCOL:
            return f"its protocol version {protocol:#x} is too old"
        ours = self.peer.ensemble.version
        if version > ours:
            return f"its configuration {version:#x} is newer than ours, {ours:#x}"
        return ""

    def _replace(self, sid: int) -> str:
        """Drops the old connection of a server that connects again, or returns why the new one is refused.

        A server that answers pings is connected already; nothing is heard on a connection that is broken.
        """
        for other in list(self.handlers.values()):
            if other.sid == sid:
                silent = self.peer.time - other.link.heard
                if silent <= self.peer.rules.tick:
                    return f"server {sid} is connected already, and was heard from {silent} ms ago"
                self._drop(other, f"server {sid} has connected again")
        return ""

    def _choose_epoch(self) -> None:
        """Once a quorum has asked for an epoch, announces one that is greater than all promised before."""
        if not self._is_quorum(self._asking):
            return
        if self.epoch > LAST_EPOCH:
            raise Abandoned(f"there is no epoch after {LAST_EPOCH}")
        self.peer.accept_epoch(self.epoch)
        self._enter(Phase.PROMISES)
        for handler in list(self.handlers.values()):
            if handler.stage == Stage.DISCOVERY:
                self._tell_epoch(handler)
        self._count_promises()

    def _tell_epoch(self, handler: Handler) -> None:
        handler.stage = Stage.PROMISE
        handler.send(Kind.LEADERINFO, self.epoch << 32, INT.pack(PROTOCOL))

    def _on_promise(self, handler: Handler, packet: Packet) -> None:
        """Handles ACKEPOCH: how recent the learner's history is.

        Epoch -1 says that the learner had promised this epoch before, which does not count again.
        """
        handler.epoch, handler.last_zxid = Reader(packet.data or b"").int32(), packet.zxid
        if handler.epoch < ALREADY_PROMISED or handler.last_zxid < 0:
            self._drop(handler, f"impossible ACKEPOCH: epoch {handler.epoch}, zxid 0x{handler.last_zxid:x}")
            return
        had = self._last_acknowledged.pop(handler.sid, 0)
        if handler.last_zxid < had:
            self.peer.news.append(
                f"server {handler.sid} acknowledged 0x{had:x} but has 0x{handler.last_zxid:x}: {SET_BACK}"
            )
        handler.link.left = None
        handler.stage = Stage.PROMISED
        if handler.epoch != ALREADY_PROMISED:
            if handler.is_voter and (handler.epoch, handler.last_zxid) > self.summary:
                history = f"epoch {handler.epoch}, zxid 0x{handler.last_zxid:x}"
                self._drop(handler, f"its history is more recent than the leader's: {history}")
                return
            self._promised.add(handler.sid)
        if self.phase == Phase.PROMISES:
            self._count_promises()
        elif self.phase > Phase.PROMISES:
            self._synchronize(handler)

    def _count_promises(self) -> None:
        """Begins synchronization once a quorum has promised the epoch."""
        if not self._is_quorum(self._promised):
            return
        self.succession.label(self.epoch)
        self.peer.adopt_epoch(self.epoch)
        self._committed = self.epoch << 32
        self._enter(Phase.SYNCHRONIZATION)
        for handler in list(self.handlers.values()):
            if handler.stage == Stage.PROMISED:
                self._synchronize(handler)
        self._count_ready()

    # Synchronization.

    def _synchronize(self, handler: Handler) -> None:
        """Sends a learner what it lacks, then what is proposed and not committed, then NEWLEADER."""
        peer = self.peer
        log = peer.storage.entries_after if self._may_read_log(handler.last_zxid) else None
        plan = plan_sync(handler.last_zxid, peer.tree.zxid, peer.committed, log)
        handler.send(plan.kind, plan.zxid)
        link = handler.link
        if plan.kind == Kind.SNAP:
            link.send(encode_image(peer.tree, peer.timeouts))
        sent = [
            encode_packet(Kind.PROPOSAL, zxid, payload) + encode_packet(Kind.COMMIT, zxid)
            for zxid, payload in plan.history
        ]
        if not handler.is_observer:
            sent += (
                encode_packet(Kind.PROPOSAL, zxid, payload)
                for zxid, payload in self._proposals
                if zxid > plan.queued
            )
        link.send(b"".join(sent))
        handler.stage = Stage.SYNCHRONIZATION
        ensemble = self.succession.of_new_leader(self.phase == Phase.BROADCAST)
        handler.send(Kind.NEWLEADER, self.epoch << 32, ensemble.text().encode())

    def _may_read_log(self, last: int) -> bool:
        """True if the log files are small enough, compared to a snapshot, to be sent in its place."""
        factor = self.peer.rules.size_factor
        if factor < 0:
            return False
        logs, snapshot = self.peer.storage.sizes(last)
        return logs <= factor * snapshot

    def _count_ready(self) -> None:
        """Begins broadcast once a quorum has the leader's history."""
        if self.phase != Phase.SYNCHRONIZATION or not self._is_quorum(self._ready):
            return
        peer = self.peer
        peer.tree.zxid = self.epoch << 32
        sessions = peer.rules.sessions(peer.me, peer.time, peer.timeouts)
        self.service = LeaderService(self, sessions)
        self.succession.complete(self._ready)
        self._enter(Phase.BROADCAST)
        for handler in self.handlers.values():
            if handler.stage == Stage.READY:
                self._tell_up_to_date(handler)
        peer.on_serving(self.epoch)

    def _tell_up_to_date(self, handler: Handler) -> None:
        handler.stage = Stage.BROADCAST
        handler.send(Kind.UPTODATE, -1)

    # Broadcast.

    def propose(self, zxid: int, payload: bytes) -> None:
        """Logs a transaction here and sends it to the followers."""
        self.peer.log.append(payload)
        self._proposals.append((zxid, payload))
        packet = encode_packet(Kind.PROPOSAL, zxid, payload)
        for handler in self.handlers.values():
            if handler.stage >= Stage.SYNCHRONIZATION and not handler.is_observer:
                handler.link.send(packet)

    def _on_synchronized(self, handler: Handler, packet: Packet) -> None:
        kind = packet.kind
        if kind == Kind.ACK:
            self._on_ack(handler, packet.zxid)
        elif kind == Kind.PING:
            self._on_pong(packet)
        elif handler.stage != Stage.BROADCAST or self.service is None:
            self._drop(handler, f"unexpected {NAMES[kind]} before UPTODATE")
        elif kind == Kind.REQUEST:
            self._on_request(self.service, handler, packet)
        elif kind == Kind.REVALIDATE:
            ((session, timeout),) = decode_sessions(packet.data) or [(0, 0)]
            is_valid = self.service.revalidate(handler, session, timeout)
            handler.send(Kind.REVALIDATE, -1, encode_validity(session, is_valid))
        else:
            self._drop(handler, f"unexpected {NAMES[kind]} from a learner")

    def _on_ack(self, handler: Handler, zxid: int) -> None:
        """Handles an ACK: of NEWLEADER, or of a proposal and all before it."""
        if handler.stage == Stage.SYNCHRONIZATION:
            if zxid != self.epoch << 32:
                self._drop(handler, f"it acknowledges 0x{zxid:x} before NEWLEADER")
                return
            handler.stage = Stage.READY
            self._ready.add(handler.sid)
            if self.phase == Phase.BROADCAST:
                self._tell_up_to_date(handler)
            else:
                self._count_ready()
        else:
            self._on_acknowledgement(handler, zxid)

    def _on_acknowledgement(self, handler: Handler, zxid: int) -> None:
        """Handles the ACK of a proposal.

        UPTODATE is acknowledged with the first zxid of the epoch, which has no effect.
        """
        newest = self._proposals[-1][0] if self._proposals else self._committed
        if zxid > newest:
            self._drop(handler, f"it acknowledges 0x{zxid:x}, which was not proposed")
        elif zxid > handler.acknowledged and counter_of(zxid):
            handler.acknowledged = zxid

    def _on_pong(self, packet: Packet) -> None:
        """Handles a learner's answer to a ping: its sessions with activity since the last one."""
        if self.service is None:
            return
        tracker = self.service.sessions
        for session, _ in decode_sessions(packet.data):
            tracked = tracker.open.get(session)
            if tracked is not None:
                tracker.touch(tracked, self.peer.time)

    def _on_request(self, service: LeaderService, handler: Handler, packet: Packet) -> None:
        session, cxid, op, reader = decode_request(packet.data)
        if op == Op.SYNC:
            if self._proposals:
                self._syncs.append((self._proposals[-1][0], handler))
            else:
                self._answer_sync(handler)
            return
        ids = tuple(Id(scheme, name) for scheme, name in packet.ids)
        service.submit_for(handler, session, cxid, op, reader, ids)

    def _answer_sync(self, handler: Handler) -> None:
        handler.send(Kind.SYNC, 0)

    def on_synced(self, zxid: int) -> None:
        """Records that everything up to a zxid is on this server's disk."""
        self._synced = zxid

    def settle(self) -> None:
        """Commits what a quorum has acknowledged."""
        if self._why_over is not None:
            raise Abandoned(self._why_over)
        if self.succession.is_over:
            self.succession.hand_over()
        elif self._proposals:
            zxid = self._acknowledged()
            if zxid >= self._proposals[0][0]:
                self._commit(min(zxid, self._proposals[-1][0]))

    def _acknowledged(self) -> int:
        """Returns the last zxid that a quorum has on disk, with or without this server."""
        marks = {each.sid: each.acknowledged for each in self.handlers.values() if not each.is_observer}
        marks[self.peer.me] = self._synced
        return self.succession.reached(marks)

    def _commit(self, zxid: int) -> None:
        """Commits everything up to a zxid: sends the commits to the learners, applies it and replies.

        A sync is answered between the commits before and after it: requests of the same client are among
        both.
        """
        service, peer = self.service, self.peer
        assert service is not None
        commits: list[bytes] = []
        entries: list[Entry] = []
        while self._proposals and self._proposals[0][0] <= zxid:
            entry = self._proposals.popleft()
            if peer.is_reconfiguring and entry[0] == peer.last_seen.version:
                self._send_commits(commits, entries)
                commits, entries = [], []
                self._activate(service, entry)
                if self.succession.is_over:
                    return
                continue
            entries.append(entry)
            commits.append(encode_packet(Kind.COMMIT, entry[0]))
            peer.committed.append(*entry)
            if self._syncs and self._syncs[0][0] == entry[0]:
                self._send_commits(commits, entries)
                while self._syncs and self._syncs[0][0] == entry[0]:
                    self._answer_sync(self._syncs.popleft()[1])
                commits, entries = [], []
        self._committed = zxid
        self._send_commits(commits, entries)
        service.commit(zxid)

    def _activate(self, service: LeaderService, entry: Entry) -> None:
        """Commits and applies a reconfiguration."""
        self.succession.tell(entry, self._proposals[-1][0] if self._proposals else entry[0])
        self._committed = entry[0]
        self.peer.committed.append(*entry)
        service.commit(entry[0])
        self.succession.install()
        while self._syncs and self._syncs[0][0] == entry[0]:
            self._answer_sync(self._syncs.popleft()[1])

    def _send_commits(self, commits: list[bytes], entries: list[Entry]) -> None:
        """Sends commits to followers, and the committed transactions to observers."""
        for_followers, for_observers = b"".join(commits), b""
        for handler in self.handlers.values():
            if handler.stage < Stage.SYNCHRONIZATION:
                continue
            if not handler.is_observer:
                handler.link.send(for_followers)
                continue
            for_observers = for_observers or b"".join(encode_packet(Kind.INFORM, *entry) for entry in entries)
            handler.link.send(for_observers)

    def logged(self) -> list[Entry]:
        """Returns the transactions that were proposed and are not known to be committed."""
        return list(self._proposals)

    # Time.

    def on_tick(self) -> None:
        """Expires sessions and drops silent learners. Pings twice per tick, and checks for a quorum once."""
        rules, now = self.peer.rules, self.peer.time
        if self.service is not None:
            self.service.on_tick()
        if self.phase != Phase.BROADCAST and now >= self._deadline:
            raise Abandoned(f"no quorum within initLimit ({rules.init} ticks) in {self.phase.name.lower()}")
        for handler in list(self.handlers.values()):
            patience = rules.sync if handler.stage >= Stage.READY else rules.init
            if now - handler.link.heard > patience * rules.tick:
                self._drop(handler, f"nothing received for {now - handler.link.heard} ms")
            elif handler.stage == Stage.CONNECTED and now - handler.link.since > patience * rules.tick:
                self._drop(handler, f"no FOLLOWERINFO within {now - handler.link.since} ms")
        passed = (now - self._began) * 2 // rules.tick
        if passed == self._half_ticks:
            return
        self._half_ticks = passed
        newest = self._proposals[-1][0] if self._proposals else self._committed
        for handler in self.handlers.values():
            if handler.stage >= Stage.SYNCHRONIZATION:
                handler.send(Kind.PING, newest)
        if passed // 2 > self.tick:
            self.tick = passed // 2
            self._count_present()

    def _count_present(self) -> None:
        """Steps down if no quorum has answered for syncLimit ticks."""
        if self.phase != Phase.BROADCAST:
            return
        present = {self.peer.me}
        for handler in self.handlers.values():
            if handler.stage >= Stage.READY and not handler.is_observer and self.tick <= handler.deadline:
                present.add(handler.sid)
        is_stuck = bool(self._proposals) and not self.succession.can_commit(present)
        if is_stuck or not self._is_quorum(present):
            raise Abandoned(f"only servers {sorted(present)} respond, which are not a quorum")

    def counts(self) -> dict[str, int | str]:
        """Returns the counters of a leader for `mntr`."""
        synced = [each for each in self.handlers.values() if each.stage >= Stage.READY]
        followers = sum(not each.is_observer for each in synced)
        return {
            "learners": len(self.handlers),
            "synced_followers": followers,
            "synced_observers": len(synced) - followers,
            "pending_syncs": len(self._syncs),
            "outstanding_proposals": len(self._proposals),
        }

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self._deadline = self.peer.time + self.peer.rules.init * self.peer.rules.tick

    def _is_quorum(self, sids: set[int]) -> bool:
        return self.peer.me in sids and all(each.is_quorum(sids) for each in self.peer.ensembles)
