"""The state of `zabspec.zab` that a world of server cores stands for.

    servers     the world's servers in the order of their ids, numbered from 0
    log         the synced part of the log on disk; the rest is `unsynced`
    tree        the transactions that the server has applied: those in the log when the tree was loaded, and
                all that were added to `Peer.committed` since
    snapshot    the newest one on disk; the transactions in a snapshot that a leader has sent are found by
                comparing it with all trees seen so far that had its zxid
    txns        two are equal only if all bytes of their payloads are: the value numbers the payload
    role        LOOKING for a server that is down, with the tree that it would load
    pending     before UPTODATE, what is committed and not logged, then what is not committed
    stages      INFORMED for a learner that was sent the epoch and has not promised it; TOLD for one that was
                sent its history, since NEWLEADER is sent in the same turn
    network     the messages in flight on the connections that the receiver's role reads from; a message
                that has arrived in part is in flight as a whole

The cores take larger steps than the spec: they write the history and the epoch and acknowledge NEWLEADER in
one (a crash in between ends the step). So `sync_mode` is DIFF, or SNAP while an image is expected, only until
then. Left out are pings, sessions, requests, and the second acknowledgement of NEWLEADER, which learners send
after UPTODATE. Blocked connections are `cut` only if they separate two sides in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from zabcheck.simulation.world import Cable, Member, World
from zabserver.service.node import Acl
from zabserver.service.tree import CONFIG, Tree
from zabserver.storage.images import Image, PacketStream
from zabserver.storage.snapshots import decode_snapshot
from zabserver.wire.jute import LONG, Reader
from zabserver.wire.quorum import ALREADY_PROMISED, Kind, Packet, encode_packet
from zabserver.zab import handler as handlers
from zabserver.zab import leader as leaders
from zabserver.zab import learner as learners
from zabserver.zab.leader import Leader
from zabserver.zab.learner import Learner
from zabspec.histories import ZERO, History, Txn, Zxid, after, last_zxid
from zabspec.parts import Queue, Row, Sid, replace
from zabspec.phases import Phase
from zabspec.zab.state import (
    NO_SNAPSHOT,
    Ack,
    AckEpoch,
    Commit,
    Diff,
    Disk,
    FollowerInfo,
    Inform,
    LeaderInfo,
    Message,
    NewLeader,
    Proposal,
    Role,
    Server,
    Snap,
    Snapshot,
    Stage,
    State,
    SyncMode,
    Trunc,
    UpToDate,
    initial,
)


class Shown(NamedTuple):
    """What clients can see of a node.

    Attributes:
        data: its data.
        stat: its Stat, encoded.
        acl: its access control list.
    """

    data: bytes | None
    stat: bytes
    acl: Acl


Content = dict[bytes, Shown]
"""Everything in a tree that clients can see, by path."""

STAGES = {
    handlers.Stage.CONNECTED: Stage.CONNECTED,
    handlers.Stage.DISCOVERY: Stage.INFORMED,
    handlers.Stage.PROMISE: Stage.INFORMED,
    handlers.Stage.PROMISED: Stage.ACKED,
    handlers.Stage.SYNCHRONIZATION: Stage.TOLD,
    handlers.Stage.READY: Stage.SYNCED,
    handlers.Stage.BROADCAST: Stage.SYNCED,
}
LEADING = {
    leaders.Phase.DISCOVERY: Phase.DISCOVERY,
    leaders.Phase.PROMISES: Phase.DISCOVERY,
    leaders.Phase.SYNCHRONIZATION: Phase.SYNCHRONIZATION,
    leaders.Phase.BROADCAST: Phase.BROADCAST,
}
LEARNING = {
    learners.Stage.DIALING: Phase.DISCOVERY,
    learners.Stage.DISCOVERY: Phase.DISCOVERY,
    learners.Stage.CHOICE: Phase.SYNCHRONIZATION,
    learners.Stage.IMAGE: Phase.SYNCHRONIZATION,
    learners.Stage.SYNCHRONIZATION: Phase.SYNCHRONIZATION,
    learners.Stage.READY: Phase.SYNCHRONIZATION,
    learners.Stage.BROADCAST: Phase.BROADCAST,
}
PLAIN: dict[int, Callable[[Zxid], Message]] = {
    Kind.FOLLOWERINFO: lambda zxid: FollowerInfo(zxid.epoch),
    Kind.OBSERVERINFO: lambda zxid: FollowerInfo(zxid.epoch),
    Kind.LEADERINFO: lambda zxid: LeaderInfo(zxid.epoch),
    Kind.DIFF: lambda zxid: Diff(),
    Kind.TRUNC: Trunc,
    Kind.COMMIT: Commit,
    Kind.COMMIT_AND_ACTIVATE: Commit,
    Kind.NEWLEADER: lambda zxid: NewLeader(zxid.epoch),
    Kind.UPTODATE: lambda zxid: UpToDate(),
    Kind.ACK: Ack,
}
"""The packets of which only the zxid matters."""
LONGEST = 1 << 26
"""The longest packet, in bytes."""

Sent = tuple[int, Image]
"""The zxid of a snapshot in flight, and the snapshot."""


class UnknownImage(Exception):
    """A server has taken over a tree that no server ever had at its zxid.

    Args:
        label: the zxid that the tree was sent with.
    """


@dataclass(slots=True)
class Memory:
    """What is known of one server, to find out what it holds now.

    Attributes:
        tree: the tree that it had when last looked at; None if it was down.
        label: the zxid of that tree.
        applied: the transactions in that tree.
        content: what clients can see of that tree.
        image: the newest snapshot on disk, as its zxid and bytes; None if there is none.
        snapshot: the spec's snapshot that `image` stands for.
        mark: changes when anything may have changed that the mapping depends on.
    """

    tree: Tree | None = None
    label: int = 0
    applied: History = ()
    content: Content = field(default_factory=dict)
    image: tuple[int, bytes] | None = None
    snapshot: Snapshot = NO_SNAPSHOT
    mark: tuple[object, ...] = ()


@dataclass(slots=True)
class Mapper:
    """Keeps the spec's state that a world stands for.

    Args:
        world: the servers.

    Attributes:
        world: as above.
        state: the spec's state at the last `update`.
    """

    world: World
    state: State = field(init=False)
    _sids: dict[int, Sid] = field(init=False)
    _blank: Server = field(init=False)
    _quiet: Row[Row[Queue[Message]]] = field(init=False)
    _memories: dict[int, Memory] = field(init=False)
    _txns: dict[bytes, Txn] = field(default_factory=dict)
    _payloads: list[bytes] = field(default_factory=list)
    _seen: dict[int, list[tuple[Content, History]]] = field(default_factory=dict)
    _chunks: dict[bytes, list[tuple[int, Message | Sent]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begins with servers that have never run."""
        members = self.world.members
        self._sids = {member: Sid(index) for index, member in enumerate(members)}
        self._memories = {member: Memory() for member in members}
        self._seen[0] = [(content_of(Tree()), ())]
        ensemble = self.world.ensemble
        observers = frozenset(self._sids[member] for member in members if member not in ensemble.voters)
        self.state = initial(len(members), observers=observers, disk=Disk.FILES)
        self._blank, self._quiet = self.state.servers[0], self.state.network

    def update(self, *members: int) -> bool:
        """Looks at some servers and at all messages in flight, and updates the state.

        Returns:
            True if the state has changed.

        Raises:
            UnknownImage: a server has a tree whose transactions are unknown.
        """
        servers = self.state.servers
        for each in members:
            member, memory = self.world.members[each], self._memories[each]
            mark = _mark(member)
            if mark != memory.mark:
                memory.mark = mark
                server = self._server(member)
                if server != servers[self._sids[each]]:
                    servers = servers.put(self._sids[each], server)
        network, cut = self._network(), self._cut()
        if servers is self.state.servers and network == self.state.network and cut == self.state.cut:
            return False
        self.state = replace(self.state, servers=servers, network=network, cut=cut)
        return True

    def txn(self, payload: bytes) -> Txn:
        """Returns the spec's transaction for a payload."""
        txn = self._txns.get(payload)
        if txn is None:
            zxid = zxid_of(int.from_bytes(payload[12:20], "big"))
            txn = self._txns[payload] = Txn(zxid, len(self._txns))
            self._payloads.append(payload)
        return txn

    def payload(self, txn: Txn) -> bytes:
        """Returns the payload of a transaction."""
        return self._payloads[txn.value]

    def server(self, member: int) -> Server:
        """Returns the spec's state of a server."""
        return self.state.servers[self._sids[member]]

    def applied(self, member: int) -> History:
        """Returns the transactions that a server has applied."""
        return self._memories[member].applied

    def content(self, member: int) -> Content:
        """Returns the content of a running server's tree; the same object until the tree changes."""
        return self._memories[member].content

    # Servers.

    def _server(self, member: Member) -> Server:
        memory, disk, peer = self._memories[member.sid], member.disk, member.peer
        log = self._history(disk.log)
        image = disk.snapshots[-1] if disk.snapshots else None
        if image is not memory.image:
            memory.image = image
            memory.snapshot = self._snapshot(memory, image)
        found = replace(
            self._blank,
            accepted_epoch=disk.accepted,
            current_epoch=disk.current,
            log=log[: disk.synced],
            snapshot=memory.snapshot,
            unsynced=log[disk.synced :],
        )
        if peer is None:
            memory.tree = None
            memory.applied = (*memory.snapshot.tree, *after(found.log, memory.snapshot.zxid))
            processed = last_zxid(memory.applied) if memory.applied else memory.snapshot.zxid
            return replace(found, tree=memory.applied, processed=processed)
        committed = self._history(peer.committed.entries)
        self._note(memory, peer.tree, log, committed)
        processed = zxid_of(peer.tree.zxid)
        found = replace(found, tree=memory.applied, processed=processed, committed_log=committed)
        if isinstance(peer.role, Leader):
            return self._leading(found, peer.role)
        if isinstance(peer.role, Learner):
            return self._following(found, peer.role)
        return found

    def _note(self, memory: Memory, tree: Tree, log: History, committed: History) -> None:
        """Records what is new in a server's tree since the last look."""
        if tree is memory.tree and tree.zxid == memory.label:
            return
        if tree is memory.tree:
            begin = zxid_of(memory.label)
            logged, applied = (_between(each, begin, zxid_of(tree.zxid)) for each in (log, committed))
            memory.applied += max(applied, logged, key=len)
        else:
            snapshot = memory.snapshot
            memory.applied = (*snapshot.tree, *_between(log, snapshot.zxid, zxid_of(tree.zxid)))
        memory.tree, memory.label, memory.content = tree, tree.zxid, content_of(tree)
        self._seen.setdefault(tree.zxid, []).append((memory.content, memory.applied))

    def _snapshot(self, memory: Memory, image: tuple[int, bytes] | None) -> Snapshot:
        if image is None:
            return NO_SNAPSHOT
        label, whole = image
        if memory.tree is not None and memory.tree.zxid == memory.label == label:
            return Snapshot(memory.applied, zxid_of(label))
        tree = Tree()
        tree.restore(decode_snapshot(whole, "snapshot").nodes)
        return Snapshot(self._recognised(label, tree), zxid_of(label))

    def _recognised(self, label: int, tree: Tree) -> History:
        """Returns the transactions in a tree that some server had at this zxid.

        Raises:
            UnknownImage: no server had.
        """
        content = content_of(tree)
        for seen, history in reversed(self._seen.get(label, [])):
            if seen == content:
                return history
        raise UnknownImage(label)

    def _leading(self, found: Server, role: Leader) -> Server:
        stages = [Stage.ABSENT] * len(self._sids)
        reported = [ZERO] * len(self._sids)
        acked = [0] * len(self._sids)
        for link, each in role.handlers.items():
            dialed = self.world.cable_of(link)
            if dialed is not None:
                sid = self._sids[dialed.ends[0]]
                stages[sid] = STAGES[each.stage]
                reported[sid] = zxid_of(each.last_zxid)
                acked[sid] = each.acknowledged & 0xFFFFFFFF
        newest = role._proposals[-1][0] if role._proposals else role._committed
        return replace(
            found,
            role=Role.LEADING,
            phase=LEADING[role.phase],
            stages=Row(stages),
            connecting=self._all(role._asking),
            proposing_epoch=role.epoch,
            electing=self._all(role._promised),
            reported=Row(reported),
            adopting=self._all(role._ready),
            proposed=newest & 0xFFFFFFFF,
            committed=role._committed & 0xFFFFFFFF,
            acked=Row(acked),
        )

    def _following(self, found: Server, role: Learner) -> Server:
        is_connected = role.stage > learners.Stage.DIALING
        mode = SyncMode.NONE
        if role.stage in (learners.Stage.IMAGE, learners.Stage.SYNCHRONIZATION):
            mode = SyncMode.SNAP if role.stage == learners.Stage.IMAGE else SyncMode.DIFF
        return replace(
            found,
            role=Role.FOLLOWING,
            phase=LEARNING[role.stage],
            leader=self._sids[role.leader] if is_connected else None,
            sync_mode=mode,
            pending=tuple([self.txn(each.payload) for each in (*role._committed, *role._queued)]),
            to_commit=len(role._committed),
        )

    def _all(self, members: Iterable[int]) -> frozenset[Sid]:
        return frozenset(self._sids[member] for member in members)

    def _history(self, entries: Iterable[tuple[int, bytes]]) -> History:
        return tuple([self.txn(payload) for _, payload in entries])

    # The network.

    def _network(self) -> Row[Row[Queue[Message]]]:
        if not any(cable.queues[0] or cable.queues[1] for cable in self.world.cables):
            return self._quiet
        size = len(self._sids)
        rows: list[list[Queue[Message]]] = [[Queue()] * size for _ in range(size)]
        for cable in self.world.cables:
            for side in (0, 1):
                if cable.queues[side] and self._reads(cable, side):
                    sender, receiver = (self._sids[cable.ends[end]] for end in (1 - side, side))
                    rows[sender][receiver] = self._queue(cable, side)
        return Row(Row(row) for row in rows)

    def _cut(self) -> frozenset[Sid]:
        """Returns the smaller of two sides that are cut off from each other; empty if there are no two."""
        blocked = self.world.blocked
        if not blocked:
            return frozenset()
        first = min(self.world.members)
        far = {other for other in self.world.members if (first, other) in blocked}
        near = {*self.world.members} - far
        if blocked != {pair for one in near for other in far for pair in ((one, other), (other, one))}:
            return frozenset()
        return self._all(near if len(near) < len(far) else far)

    def _reads(self, cable: Cable, side: int) -> bool:
        """Returns True if the receiver's role reads from a connection."""
        peer, link = self.world.members[cable.ends[side]].peer, cable.links[side]
        if peer is None or link is None:
            return False
        if isinstance(peer.role, Leader):
            return link in peer.role.handlers
        return isinstance(peer.role, Learner) and peer.role.link is link

    def _queue(self, cable: Cable, side: int) -> Queue[Message]:
        found: list[Message] = []
        begun = cable.begun[side]
        for chunk in cable.queues[side]:
            if chunk is not None:
                found += [
                    self._snap(*each) if isinstance(each, tuple) else each
                    for end, each in self._decoded(begun + chunk)
                    if end > len(begun)
                ]
            begun = b""
        if side == 1 and self._is_told(cable):
            found = [each for each in found if not isinstance(each, Ack) or each.zxid.counter]
        return Queue(found)

    def _is_told(self, cable: Cable) -> bool:
        """Returns True if a leader has processed a learner's first acknowledgement of NEWLEADER."""
        peer, link = self.world.members[cable.ends[1]].peer, cable.links[1]
        assert peer is not None
        assert link is not None
        return isinstance(peer.role, Leader) and peer.role.handlers[link].stage >= handlers.Stage.READY

    def _decoded(self, chunk: bytes) -> list[tuple[int, Message | Sent]]:
        """Returns the messages in a chunk of whole messages, each with the offset at which it ends."""
        known = self._chunks.get(chunk)
        if known is not None:
            return known
        items = PacketStream(LONGEST).feed(chunk)
        images = [item for item in items if isinstance(item, Image)]
        packets = [item for item in items if isinstance(item, Packet)]
        sizes = {id(item): len(encode_packet(item.kind, item.zxid, item.data, item.ids)) for item in packets}
        for image in images:  # there is never more than one
            sizes[id(image)] = len(chunk) - sum(sizes.values())
        found: list[tuple[int, Message | Sent]] = []
        end = label = 0
        for item in items:
            end += sizes[id(item)]
            if isinstance(item, Image):
                found.append((end, (label, item)))
                continue
            label = item.zxid
            message = self._message(item)
            if message is not None:
                found.append((end, message))
        self._chunks[chunk] = found
        return found

    def _snap(self, label: int, image: Image) -> Snap:
        tree = Tree()
        tree.restore(image.nodes)
        return Snap(self._recognised(label, tree), zxid_of(label))

    def _message(self, packet: Packet) -> Message | None:
        zxid = zxid_of(packet.zxid)
        match packet.kind:
            case Kind.PROPOSAL:
                return Proposal(self.txn(packet.data or b""))
            case Kind.INFORM:
                return Inform(self.txn(packet.data or b""))
            case Kind.INFORM_AND_ACTIVATE:
                return Inform(self.txn((packet.data or b"")[LONG.size :]))
            case Kind.ACKEPOCH:
                epoch = Reader(packet.data or b"").int32()
                return AckEpoch(None if epoch == ALREADY_PROMISED else epoch, zxid)
        plain = PLAIN.get(packet.kind)
        return None if plain is None else plain(zxid)


def zxid_of(number: int) -> Zxid:
    """Returns the spec's zxid for the 64 bits on the wire."""
    return Zxid(number >> 32, number & 0xFFFFFFFF)


def in_hex(zxid: Zxid) -> str:
    """Returns a zxid as ZooKeeper's logs show it."""
    return f"0x{zxid.epoch << 32 | zxid.counter:x}"


def content_of(tree: Tree) -> Content:
    """Returns the content of a tree without the node of the ensemble, which each server writes by itself."""
    nodes = tree.nodes.items()
    return {path: Shown(node.data, node.stat(), node.acl) for path, node in nodes if path != CONFIG}


def _mark(member: Member) -> tuple[object, ...]:
    """Returns a value, cheap to compute, that changes with anything that `_server` depends on."""
    disk, peer = member.disk, member.peer
    log = disk.log
    on_disk = disk.accepted, disk.current, disk.snapshots[-1:], log, len(log), log[-1:], disk.synced
    if peer is None:
        return on_disk
    role = peer.role
    in_memory = *on_disk, peer, peer.tree, peer.tree.zxid, role
    if isinstance(role, Learner):
        return *in_memory, role.stage, len(role._queued), len(role._committed)
    if isinstance(role, Leader):
        told = tuple([(each.sid, each.stage, each.acknowledged) for each in role.handlers.values()])
        counted = len(role._asking), len(role._promised), len(role._ready), len(role._proposals)
        return *in_memory, role.phase, role.epoch, role._committed, counted, told
    return in_memory


def _between(history: History, begin: Zxid, end: Zxid) -> History:
    return tuple([txn for txn in history if begin < txn.zxid <= end])
