"""A follower or an observer: promises an epoch, adopts its leader's history, logs what the leader proposes.

Whatever arrives before NEWLEADER is kept in memory, or is on disk as a whole (a snapshot, a truncated log):
whenever a learner stops, its disk and its tree agree.

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
    NAMES,
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
"""The last zxid in the ACKEPOCH of a learner that needs a snapshot: a leader can send it nothing else.

It is used only where the learner's history does not count any more, after an earlier promise that came with
its real zxid."""


class Stage(IntEnum):
    """How far a learner has come with its leader."""

    DIALING = 0
    DISCOVERY = 1
    CHOICE = 2
    """The next packet is DIFF, TRUNC or SNAP."""
    IMAGE = 3
    SYNCHRONIZATION = 4
    READY = 5
    """NEWLEADER was acknowledged."""
    BROADCAST = 6


BROADCAST = Stage.BROADCAST
"""A module-level name, which is faster to look up, for every packet."""


class Learner:
    """The role of a follower or an observer.

    Args:
        peer: the member.
        leader: the id of the leader.
        is_observer: True if this server does not vote.

    Attributes:
        stage: how far the learner has come with its leader.
        epoch: the leader's epoch; 0 until it is known.
        link: the connection to the leader; None while there is none.
        service: what serves clients; None before UPTODATE.
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
        self._ensemble: Ensemble | None = None  # the one in NEWLEADER
        self._queued: deque[Received] = deque()  # proposals that are not committed
        self._committed: list[Received] = []  # before broadcast: committed and not applied yet
        self._unacknowledged: deque[int] = deque()  # zxids of proposals handed to the disk
        self._last = 0  # the last zxid received, or the end of the history

    # Discovery.

    def begin(self) -> None:
        """Connects to the leader; after a pause if that has just refused this server."""
        over = self.peer.role_over
        if over is not None and self.peer.time - over < RETRY:
            self._redial = over + RETRY
        else:
            self.link = self.peer.dial(self.leader)

    def on_dialed(self, link: Link) -> None:
        """Sends the leader this server's id and the last epoch that it has promised."""
        self.stage = Stage.DISCOVERY
        kind = Kind.OBSERVERINFO if self.is_observer else Kind.FOLLOWERINFO
        about = encode_learner_info(self.peer.me, self.peer.ensemble.version)
        link.send(encode_packet(kind, self.peer.accepted_epoch << 32, about))

    def on_lost(self, link: Link) -> None:
        """Ends the role, or connects again later if the leader does not listen yet."""
        if link is not self.link:
            return
        if self.stage != Stage.DIALING:
            raise Abandoned(f"the connection to leader {self.leader} is lost")
        self.link = None
        self._redial = self.peer.time + RETRY

    def on_tick(self) -> None:
        """Connects again if it is time; ends the role if the leader is silent for too long."""
        rules, now = self.peer.rules, self.peer.time
        if self.stage == Stage.DIALING:
            if now >= self._deadline:
                raise Abandoned(f"leader {self.leader} could not be reached within initLimit")
            if self.link is None and now >= self._redial:
                self.link = self.peer.dial(self.leader)
            return
        assert self.link is not None
        patience = rules.sync if self.stage >= Stage.READY else rules.init
        if now - self.link.heard > patience * rules.tick:
            raise Abandoned(f"nothing received from leader {self.leader} for {now - self.link.heard} ms")

    def on_items(self, link: Link, items: Sequence[Packet | Image]) -> None:
        """Handles packets and images from the leader."""
        if link is not self.link:
            return
        for item in items:
            if self.stage == BROADCAST and type(item) is Packet:
                self._on_broadcast(item)
            else:
                self._on_item(item)

    def _on_item(self, item: Packet | Image) -> None:
        """Handles a packet or an image that arrives before broadcast."""
        if isinstance(item, Image):
            self._adopt(item)
        elif self.stage >= Stage.SYNCHRONIZATION:
            self._on_history(item)
        elif self.stage == Stage.CHOICE:
            self._on_choice(item)
        else:
            self._on_leader_info(item)

    def _on_leader_info(self, packet: Packet) -> None:
        """Handles LEADERINFO: promises a higher epoch, on disk before the answer."""
        if packet.kind != Kind.LEADERINFO:
            raise Abandoned(f"{NAMES[packet.kind]} instead of LEADERINFO")
        if Reader(packet.data or b"").int32() < PROTOCOL:
            raise Abandoned("the leader's protocol version is too old")
        peer = self.peer
        self.epoch = epoch_of(packet.zxid)
        if self.epoch < peer.accepted_epoch:
            raise Abandoned(f"epoch {self.epoch} is less than {peer.accepted_epoch}, the accepted epoch")
        epoch, last = peer.current_epoch, peer.tree.zxid
        if self.epoch > peer.accepted_epoch:
            peer.accept_epoch(self.epoch)
        else:
            epoch = ALREADY_PROMISED
            last = BEYOND_ALL if peer.needs_image else last
        self.stage = Stage.CHOICE
        self._send(Kind.ACKEPOCH, last, INT.pack(epoch))

    # Synchronization.

    def _on_choice(self, packet: Packet) -> None:
        """Handles DIFF, TRUNC or SNAP."""
        peer = self.peer
        if packet.kind == Kind.SNAP:
            self.stage, self._image_zxid = Stage.IMAGE, packet.zxid
            return
        if packet.kind == Kind.TRUNC:
            peer.truncate(packet.zxid)
        elif packet.kind != Kind.DIFF:
            raise Abandoned(f"{NAMES[packet.kind]} instead of DIFF, TRUNC or SNAP")
        self._last = peer.tree.zxid
        self.stage = Stage.SYNCHRONIZATION

    def _adopt(self, image: Image) -> None:
        """Replaces this server's tree by the leader's, on disk first."""
        if self.stage != Stage.IMAGE:
            raise Abandoned("an unexpected snapshot")
        if not 0 <= epoch_of(self._image_zxid) <= self.epoch:
            raise Abandoned(f"a snapshot at zxid 0x{self._image_zxid:x} in epoch {self.epoch}")
        self.peer.adopt(image, self._image_zxid)
        self._last = self._image_zxid
        self.stage = Stage.SYNCHRONIZATION

    def _on_history(self, packet: Packet) -> None:
        """Handles what the leader has and this server lacks, and what is proposed meanwhile."""
        match packet.kind:
            case Kind.PROPOSAL:
                self._queue(packet.zxid, packet.data)
            case Kind.COMMIT:
                self._committed.append(self._take_oldest(packet.zxid))
            case Kind.INFORM:
                self._queue(packet.zxid, packet.data)
                self._committed.append(self._take_oldest(packet.zxid))
            case Kind.COMMIT_AND_ACTIVATE:
                self._committed.append(self._take_oldest(packet.zxid))
                self._activate(self._committed[-1], Reader(packet.data or b"").int64())
            case Kind.INFORM_AND_ACTIVATE:
                leader = self._queue_informed(packet)
                self._committed.append(self._take_oldest(packet.zxid))
                self._activate(self._committed[-1], leader)
            case Kind.NEWLEADER if self.stage == Stage.SYNCHRONIZATION:
                self._on_new_leader(packet)
            case Kind.UPTODATE if self.stage == Stage.READY:
                self._on_up_to_date()
            case Kind.PING:
                self._send(Kind.PING, packet.zxid)
            case _:
                raise Abandoned(f"unexpected {NAMES[packet.kind]} during synchronization")

    def _on_new_leader(self, packet: Packet) -> None:
        """Handles NEWLEADER: writes the history, then the epoch, then acknowledges."""
        if packet.zxid != self.epoch << 32:
            raise Abandoned(f"NEWLEADER 0x{packet.zxid:x} from the leader of epoch {self.epoch}")
        self.peer.log_and_apply(self._committed)
        self._committed = []
        if self.peer.rules.settings.reconfig and packet.data:
            self._ensemble = decode_ensemble(packet.data)
            self.peer.see(self._ensemble)
        self.peer.adopt_epoch(self.epoch)
        self.stage = Stage.READY
        self._send(Kind.ACK, packet.zxid)

    def _on_up_to_date(self) -> None:
        """Handles UPTODATE: a quorum has this history and knows the ensemble. Begins to serve clients."""
        peer = self.peer
        assert self.link is not None
        if self._ensemble is not None and peer.install(self._ensemble, None):
            raise Abandoned("a new configuration changes the leader or the role of this server")
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
        """Checks and queues a transaction: the next of its epoch, or the first of a later one.

        Before NEWLEADER epochs up to the leader's may occur, afterwards only the leader's. A transaction that
        changes the ensemble is recorded before it is logged, and thus before it is acknowledged.
        """
        last = self._last
        first = self.epoch if self.stage >= Stage.READY else 0
        if not follows(zxid, last) or not first <= epoch_of(zxid) <= self.epoch:
            raise Abandoned(f"transaction 0x{zxid:x} cannot follow 0x{last:x} in epoch {self.epoch}")
        proposed = received(zxid, payload or b"")
        ensemble = proposed_ensemble(proposed.payload)
        if ensemble is not None:
            self.peer.see(ensemble)
        self._queued.append(proposed)
        self._last = zxid

    def _queue_informed(self, packet: Packet) -> int:
        """Queues the reconfiguration in an INFORMANDACTIVATE, and returns the leader that it designates."""
        reader = Reader(packet.data or b"")
        leader = reader.int64()
        self._queue(packet.zxid, reader.buffer[reader.at :])
        return leader

    def _activate(self, committed: Received, leader: int) -> None:
        """Activates a committed reconfiguration, which may end this role without an election."""
        ensemble = proposed_ensemble(committed.payload)
        if ensemble is None:
            raise Malformed(f"transaction 0x{committed.zxid:x} is activated, but not a reconfiguration")
        if self.peer.install(ensemble, leader):
            raise Reassigned(leader)

    def _take_oldest(self, zxid: int) -> Received:
        """Returns the oldest uncommitted transaction, which must be the one that is committed."""
        if not self._queued or self._queued[0].zxid != zxid:
            raise Abandoned(f"commit of 0x{zxid:x}, which is not the oldest proposal")
        return self._queued.popleft()

    # Broadcast.

    def _on_broadcast(self, packet: Packet) -> None:
        kind = packet.kind
        if kind == Kind.COMMIT:
            self._apply(self._take_oldest(packet.zxid))
        elif kind == Kind.PROPOSAL:
            self._queue(packet.zxid, packet.data)
            self._log(self._queued[-1])
        elif kind == Kind.INFORM:
            self._queue(packet.zxid, packet.data)
            self._log(self._queued[-1])
            self._apply(self._take_oldest(packet.zxid))
        else:
            self._on_other(packet)

    def _on_other(self, packet: Packet) -> None:
        """Handles a packet that is not simply a proposal or a commit."""
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
                entry = self._take_oldest(packet.zxid)
                self._apply(entry)
                self._activate(entry, Reader(packet.data or b"").int64())
            case Kind.INFORM_AND_ACTIVATE:
                leader = self._queue_informed(packet)
                entry = self._take_oldest(packet.zxid)
                self._log(entry)
                self._apply(entry)
                self._activate(entry, leader)
            case Kind.UPTODATE:
                pass
            case _:
                raise Abandoned(f"unexpected {NAMES[packet.kind]} during broadcast")

    def _log(self, proposed: Received) -> None:
        self.peer.log.append(proposed.payload)
        self._unacknowledged.append(proposed.zxid)

    def _apply(self, committed: Received) -> None:
        assert self.service is not None
        self.service.commit(committed.record)
        self.peer.committed.append(committed.zxid, committed.payload)

    def on_synced(self, zxid: int) -> None:
        """Acknowledges what is on disk, in order; an observer does not acknowledge."""
        waiting = self._unacknowledged
        acknowledged = []
        while waiting and waiting[0] <= zxid:
            acknowledged.append(encode_packet(Kind.ACK, waiting.popleft()))
        if acknowledged and self.link is not None and not self.is_observer:
            self.link.send(b"".join(acknowledged))

    def settle(self) -> None:
        """Does nothing: a learner defers nothing to the end of a turn."""

    def logged(self) -> list[Entry]:
        """Returns the transactions that were logged and are not known to be committed."""
        queued = self._queued if self.stage == Stage.BROADCAST else ()
        return [(each.zxid, each.payload) for each in queued]

    def _send(self, kind: int, zxid: int, body: bytes | None = None) -> None:
        assert self.link is not None
        self.link.send(encode_packet(kind, zxid, body))
