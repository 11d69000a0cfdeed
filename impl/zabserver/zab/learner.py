"""A follower or an observer: it promises an epoch, takes over its leader's history, logs what that proposes.

Whatever comes before NEWLEADER is kept in memory, or is on disk as a whole (a snapshot, a log that was cut):
whenever a learner stops, its disk and its tree say the same.

ZooKeeper: Learner, Follower, Observer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from zabserver.service.learner_service import LearnerService
from zabserver.storage.images import Image
from zabserver.wire.jute import INT, Malformed, Reader
from zabserver.wire.quorum import (
    ALREADY_PROMISED,
    PROTOCOL,
    Kind,
    Packet,
    decode_validity,
    encode_learner_info,
    encode_packet,
    encode_sessions,
)
from zabserver.zab.configuration import decode_ensemble, proposed_ensemble
from zabserver.zab.history import Entry, Received, epoch_of, follows, received
from zabserver.zab.role import RETRY, Abandoned, Reassigned

if TYPE_CHECKING:
    from zabserver.zab.ensemble import Ensemble
    from zabserver.zab.link import Link
    from zabserver.zab.peer import Peer

BEYOND_ALL = 0x7FFFFFFF << 32
"""What a learner says that it has to be sent a snapshot: a leader knows no other way from there.

It says so where its history does not count any more: its promise, before that, comes with what it has.
"""


class Stage(IntEnum):
    """How far it has come with its leader."""

    DIALING = 0
    DISCOVERY = 1
    CHOICE = 2
    """The next packet says how the histories are made one."""
    IMAGE = 3
    SYNCHRONIZATION = 4
    READY = 5
    """It has acknowledged NEWLEADER."""
    BROADCAST = 6


BROADCAST = Stage.BROADCAST
"""A name that costs less to look up, for every packet."""


class Learner:
    """A server that follows or observes a leader.

    Args:
        peer: the member that it is.
        leader: the id of the leader.
        is_observer: whether it has no vote.
    """

    def __init__(self, peer: Peer, leader: int, is_observer: bool) -> None:
        self.peer = peer
        self.leader = leader
        self.is_observer = is_observer
        self.stage = Stage.DIALING
        self.epoch = 0
        self.link: Link | None = None
        self.service: LearnerService | None = None
        self._deadline = peer.time + peer.rules.init * peer.rules.tick
        self._redial = 0
        self._image_zxid = 0
        self._ensemble: Ensemble | None = None  # as the leader said at NEWLEADER
        self._queued: deque[Received] = deque()  # proposals that are not committed
        self._committed: list[Received] = []  # before NEWLEADER: committed, and not logged yet
        self._unacknowledged: deque[int] = deque()  # zxids handed to the disk
        self._last = 0  # the last zxid that came, or that the history ends with

    # Discovery.

    def begin(self) -> None:
        """Dials the leader; a while later if it is the one that has just refused us."""
        over = self.peer.role_over
        if over is not None and self.peer.time - over < RETRY:
            self._redial = over + RETRY
        else:
            self.link = self.peer.dial(self.leader)

    def on_dialed(self, link: Link) -> None:
        """The connection is there: the leader is told who this is, and what it has promised."""
        self.stage = Stage.DISCOVERY
        kind = Kind.OBSERVERINFO if self.is_observer else Kind.FOLLOWERINFO
        about = encode_learner_info(self.peer.me, self.peer.ensemble.version)
        link.send(encode_packet(kind, self.peer.accepted_epoch << 32, about))

    def on_lost(self, link: Link) -> None:
        """A leader that is not there yet is dialed again for a while."""
        if link is not self.link:
            return
        if self.stage != Stage.DIALING:
            raise Abandoned(f"the connection to leader {self.leader} is gone")
        self.link = None
        self._redial = self.peer.time + RETRY

    def on_tick(self) -> None:
        """A leader that is silent for too long is given up."""
        rules, now = self.peer.rules, self.peer.time
        if self.stage == Stage.DIALING:
            if now >= self._deadline:
                raise Abandoned(f"leader {self.leader} cannot be reached")
            if self.link is None and now >= self._redial:
                self.link = self.peer.dial(self.leader)
            return
        assert self.link is not None
        patience = rules.sync if self.stage >= Stage.READY else rules.init
        if now - self.link.heard > patience * rules.tick:
            raise Abandoned(f"leader {self.leader} has been silent for {now - self.link.heard} ms")

    def on_items(self, link: Link, items: Sequence[Packet | Image]) -> None:
        """Something has come from the leader."""
        if link is not self.link:
            return
        for item in items:
            if self.stage == BROADCAST and type(item) is Packet:
                self._on_broadcast(item)
            else:
                self._on_item(item)

    def _on_item(self, item: Packet | Image) -> None:
        """Something has come before broadcast."""
        if isinstance(item, Image):
            self._adopt(item)
        elif self.stage >= Stage.SYNCHRONIZATION:
            self._on_history(item)
        elif self.stage == Stage.CHOICE:
            self._on_choice(item)
        else:
            self._on_leader_info(item)

    def _on_leader_info(self, packet: Packet) -> None:
        """LEADERINFO: a higher epoch is promised, on disk first."""
        if packet.kind != Kind.LEADERINFO:
            raise Abandoned(f"kind {packet.kind} where LEADERINFO was wanted")
        if Reader(packet.data or b"").int32() < PROTOCOL:
            raise Abandoned("the leader speaks an old protocol")
        peer = self.peer
        self.epoch = epoch_of(packet.zxid)
        if self.epoch < peer.accepted_epoch:
            raise Abandoned(f"epoch {self.epoch} is less than {peer.accepted_epoch}, which was promised")
        said, last = peer.current_epoch, peer.tree.zxid
        if self.epoch > peer.accepted_epoch:
            peer.accept_epoch(self.epoch)
        else:
            said = ALREADY_PROMISED
            last = BEYOND_ALL if peer.needs_image else last
        self.stage = Stage.CHOICE
        self._send(Kind.ACKEPOCH, last, INT.pack(said))

    # Synchronization.

    def _on_choice(self, packet: Packet) -> None:
        """DIFF, TRUNC or SNAP."""
        peer = self.peer
        if packet.kind == Kind.SNAP:
            self.stage, self._image_zxid = Stage.IMAGE, packet.zxid
            return
        if packet.kind == Kind.TRUNC:
            peer.truncate(packet.zxid)
        elif packet.kind != Kind.DIFF:
            raise Abandoned(f"kind {packet.kind} where DIFF, TRUNC or SNAP was wanted")
        self._last = peer.tree.zxid
        self.stage = Stage.SYNCHRONIZATION

    def _adopt(self, image: Image) -> None:
        """The leader's tree takes the place of ours, on disk first."""
        if self.stage != Stage.IMAGE:
            raise Abandoned("a snapshot that was not announced")
        if not 0 <= epoch_of(self._image_zxid) <= self.epoch:
            raise Abandoned(f"a snapshot of 0x{self._image_zxid:x} in epoch {self.epoch}")
        self.peer.adopt(image, self._image_zxid)
        self._last = self._image_zxid
        self.stage = Stage.SYNCHRONIZATION

    def _on_history(self, packet: Packet) -> None:
        """What the leader has and this server not, and what it proposes meanwhile."""
        match packet.kind:
            case Kind.PROPOSAL:
                self._queue(packet.zxid, packet.data)
            case Kind.COMMIT:
                self._committed.append(self._head(packet.zxid))
            case Kind.INFORM:
                self._queue(packet.zxid, packet.data)
                self._committed.append(self._head(packet.zxid))
            case Kind.COMMIT_AND_ACTIVATE:
                self._committed.append(self._head(packet.zxid))
                self._activate(self._committed[-1], Reader(packet.data or b"").int64())
            case Kind.INFORM_AND_ACTIVATE:
                leader = self._queue_informed(packet)
                self._committed.append(self._head(packet.zxid))
                self._activate(self._committed[-1], leader)
            case Kind.NEWLEADER if self.stage == Stage.SYNCHRONIZATION:
                self._on_new_leader(packet)
            case Kind.UPTODATE if self.stage == Stage.READY:
                self._on_up_to_date()
            case Kind.PING:
                self._send(Kind.PING, packet.zxid)
            case _:
                raise Abandoned(f"kind {packet.kind} during synchronization")

    def _on_new_leader(self, packet: Packet) -> None:
        """NEWLEADER: history first, then the epoch, then the acknowledgement."""
        if packet.zxid != self.epoch << 32:
            raise Abandoned(f"NEWLEADER 0x{packet.zxid:x} of another epoch than {self.epoch}")
        self.peer.log_and_apply(self._committed)
        self._committed = []
        if self.peer.rules.settings.reconfig and packet.data:
            self._ensemble = decode_ensemble(packet.data)
            self.peer.see(self._ensemble)
        self.peer.adopt_epoch(self.epoch)
        self.stage = Stage.READY
        self._send(Kind.ACK, packet.zxid)

    def _on_up_to_date(self) -> None:
        """UPTODATE: a quorum has this history, and knows the ensemble; clients are served."""
        peer = self.peer
        assert self.link is not None
        if self._ensemble is not None and peer.install(self._ensemble, None):
            raise Abandoned("the ensemble is another, in which this server or its leader has another place")
        sessions = peer.rules.sessions(peer.me, peer.time, peer.timeouts)
        self.service = LearnerService(
            self.link.send, peer.tree, sessions, peer.rules.settings, peer.clock, peer.timeouts
        )
        self._send(Kind.ACK, self.epoch << 32)
        self.stage = Stage.BROADCAST
        for each in (*self._committed, *self._queued):
            self._log(each)
        for each in self._committed:
            self._apply(each)
        self._committed = []
        peer.on_serving(self.epoch)

    def _queue(self, zxid: int, payload: bytes | None) -> None:
        """A transaction comes in its turn: the next of its epoch, or the first of another.

        History is of epochs up to the leader's, what is proposed after it of that one. A transaction that
        changes the ensemble is known before it is logged, and so before it is acknowledged.
        """
        last = self._last
        first = self.epoch if self.stage >= Stage.READY else 0
        if not follows(zxid, last) or not first <= epoch_of(zxid) <= self.epoch:
            raise Abandoned(f"transaction 0x{zxid:x} after 0x{last:x} in epoch {self.epoch}")
        proposed = received(zxid, payload or b"")
        ensemble = proposed_ensemble(proposed.payload)
        if ensemble is not None:
            self.peer.see(ensemble)
        self._queued.append(proposed)
        self._last = zxid

    def _queue_informed(self, packet: Packet) -> int:
        """INFORMANDACTIVATE: who leads from now on, which is returned, and a reconfiguration."""
        reader = Reader(packet.data or b"")
        leader = reader.int64()
        self._queue(packet.zxid, reader.buffer[reader.at :])
        return leader

    def _activate(self, committed: Received, leader: int) -> None:
        """A reconfiguration is committed: this role may be over by that, without an election."""
        ensemble = proposed_ensemble(committed.payload)
        if ensemble is None:
            raise Malformed(f"0x{committed.zxid:x} is no reconfiguration")
        if self.peer.install(ensemble, leader):
            raise Reassigned(leader)

    def _head(self, zxid: int) -> Received:
        """The oldest transaction that is not committed, which is the one to be committed."""
        if not self._queued or self._queued[0].zxid != zxid:
            raise Abandoned(f"commit of 0x{zxid:x}, which is not the oldest proposal")
        return self._queued.popleft()

    # Broadcast.

    def _on_broadcast(self, packet: Packet) -> None:
        kind = packet.kind
        if kind == Kind.COMMIT:
            self._apply(self._head(packet.zxid))
        elif kind == Kind.PROPOSAL:
            self._queue(packet.zxid, packet.data)
            self._log(self._queued[-1])
        elif kind == Kind.INFORM:
            self._queue(packet.zxid, packet.data)
            self._log(self._queued[-1])
            self._apply(self._head(packet.zxid))
        else:
            self._on_word(packet)

    def _on_word(self, packet: Packet) -> None:
        """What is no transaction."""
        service = self.service
        assert service is not None
        match packet.kind:
            case Kind.PING:
                self._send(Kind.PING, packet.zxid, encode_sessions(service.take_touched().items()))
            case Kind.SYNC:
                service.on_sync()
            case Kind.REVALIDATE:
                service.on_revalidated(*decode_validity(packet.data))
            case Kind.COMMIT_AND_ACTIVATE:
                entry = self._head(packet.zxid)
                self._apply(entry)
                self._activate(entry, Reader(packet.data or b"").int64())
            case Kind.INFORM_AND_ACTIVATE:
                leader = self._queue_informed(packet)
                entry = self._head(packet.zxid)
                self._log(entry)
                self._apply(entry)
                self._activate(entry, leader)
            case Kind.UPTODATE:
                pass
            case _:
                raise Abandoned(f"kind {packet.kind} during broadcast")

    def _log(self, proposed: Received) -> None:
        self.peer.log.append(proposed.payload)
        self._unacknowledged.append(proposed.zxid)

    def _apply(self, committed: Received) -> None:
        assert self.service is not None
        self.service.commit(committed.record)
        self.peer.committed.append(committed.zxid, committed.payload)

    def on_synced(self, zxid: int) -> None:
        """What is on disk is acknowledged, in order; an observer is not asked."""
        waiting = self._unacknowledged
        acknowledged = []
        while waiting and waiting[0] <= zxid:
            acknowledged.append(encode_packet(Kind.ACK, waiting.popleft()))
        if acknowledged and self.link is not None and not self.is_observer:
            self.link.send(b"".join(acknowledged))

    def settle(self) -> None:
        """Nothing waits for the end of a turn."""

    def logged(self) -> list[Entry]:
        """What was logged and is not known to be committed."""
        queued = self._queued if self.stage == Stage.BROADCAST else ()
        return [(each.zxid, each.payload) for each in queued]

    def _send(self, kind: int, zxid: int, body: bytes | None = None) -> None:
        assert self.link is not None
        self.link.send(encode_packet(kind, zxid, body))
