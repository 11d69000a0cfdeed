"""The members of an ensemble, their network and their disks, and what may happen to them, event by event.

Nothing happens by itself: whoever holds the world chooses what is delivered, when time passes, when a disk is
synced, who crashes. `calm` chooses for the best until nothing is left to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from zabcheck.simulation.client import Client
from zabcheck.simulation.disk import MemoryDisk
from zabserver.service.clients import Turn
from zabserver.service.connection import Connection
from zabserver.wire.election import Notification, ServerState
from zabserver.zab.election import Vote
from zabserver.zab.ensemble import Ensemble
from zabserver.zab.link import Link
from zabserver.zab.peer import Peer
from zabserver.zab.role import Rules

START = 1_000_000
STEP = 50
"""How much time passes at once when nothing else is to do, in milliseconds."""


@dataclass(slots=True, eq=False)
class Cable:
    """A connection between two members: who dialed, who was dialed, and what is on the way to each.

    Attributes:
        ends: the two members; the first has dialed.
        links: as each end sees it; None where it is not, or no more.
        queues: what is on the way to each end; None is the end of the connection.
        begun: of the first chunk in each queue, what has arrived already.
    """

    ends: tuple[int, int]
    links: list[Link | None]
    queues: tuple[deque[bytes | None], deque[bytes | None]] = field(
        default_factory=lambda: (deque(), deque())
    )
    begun: list[bytes] = field(default_factory=lambda: [b"", b""])
    is_dialing: bool = True


@dataclass(slots=True)
class Member:
    """One member: its disk, which outlives its process, and its process, if it runs."""

    sid: int
    disk: MemoryDisk
    peer: Peer | None = None
    news: list[str] = field(default_factory=list)
    clients: dict[Connection, Client] = field(default_factory=dict)


class World:
    """An ensemble in memory.

    Args:
        ensemble: who the members are.
        rules: what all go by.

    Attributes:
        members: by id.
        time: the one clock, in milliseconds.
        cables: the connections between quorum ports.
        notes: notifications on the way, by sender and receiver; a newer one takes the place of an older.
        blocked: pairs of members, in one direction, between which nothing is delivered.
    """

    def __init__(self, ensemble: Ensemble, rules: Rules | None = None) -> None:
        self.ensemble = ensemble
        self.rules = rules or Rules(tick=1000, init=10, sync=5)
        self.members = {sid: Member(sid, MemoryDisk()) for sid in sorted(ensemble.members)}
        self.time = START
        self.cables: list[Cable] = []
        self.notes: dict[tuple[int, int], Notification] = {}
        self.blocked: set[tuple[int, int]] = set()
        self._cable_of: dict[Link, tuple[Cable, int]] = {}

    # What may happen.

    def start(self, sid: int) -> None:
        """A member's process starts."""
        member = self.members[sid]
        committed, last_seen = member.disk.ensembles or (self.ensemble, None)
        member.peer = Peer(sid, committed, member.disk, self.rules, self.time, self.time, last_seen)
        member.peer.start()
        self.perform(sid)

    def add(self, sid: int, ensemble: Ensemble) -> None:
        """A member that is to join is set up, with an ensemble that it is told; it does not run yet."""
        self.members[sid] = Member(sid, MemoryDisk())
        self.members[sid].disk.ensembles = (ensemble, ensemble)

    def crash(self, sid: int, kept: int = 0) -> None:
        """A member's process ends, and its disk forgets what was not synced, all but the first of it.

        Args:
            sid: which member.
            kept: how many entries were on disk already, though nobody had been told.
        """
        member = self.members[sid]
        member.peer = None
        member.disk.crash(kept)
        for client in member.clients.values():
            client.lose()
        member.clients.clear()
        for cable in list(self.cables):
            if sid in cable.ends:
                self.reset(cable)
        for pair in [pair for pair in self.notes if sid in pair]:
            del self.notes[pair]

    def reset(self, cable: Cable) -> None:
        """A connection breaks: what is on the way is lost, and each end will notice."""
        for side in (0, 1):
            cable.queues[side].clear()
            cable.begun[side] = b""
            cable.queues[side].append(None)
            if self.members[cable.ends[side]].peer is None or cable.links[side] is None:
                self._detach(cable, side)
        cable.is_dialing = False

    def deliver_note(self, sender: int, receiver: int) -> None:
        """A notification arrives."""
        notification = self.notes.pop((sender, receiver))
        peer = self.members[receiver].peer
        if peer is not None:
            peer.set_clocks(self.time, self.time)
            peer.on_notification(sender, notification)
            self.perform(receiver)

    def elect(self, sid: int, leader: int) -> None:
        """A member that looks for a leader takes somebody for it, whatever it has heard."""
        peer = self.members[sid].peer
        assert peer is not None
        peer.set_clocks(self.time, self.time)
        peer.election._decide(Vote(leader, peer.tree.zxid, peer.election.round, peer.current_epoch))
        peer.on_tick()
        self.perform(sid)

    def deliver(self, cable: Cable, side: int, size: int = 0) -> None:
        """What is next on a connection arrives at one of its ends; a dialed member answers first.

        Args:
            cable: the connection.
            side: at which end.
            size: how many bytes of it, if not all.
        """
        receiver = cable.ends[side]
        peer, link = self.members[receiver].peer, cable.links[side]
        if cable.is_dialing:
            self._connect(cable)
            return
        chunk = self._arrived(cable, side, size)
        if chunk is None:
            self._detach(cable, side)
        if peer is None or link is None:
            return
        peer.set_clocks(self.time, self.time)
        if chunk is None:
            peer.on_lost(link)
        else:
            peer.on_bytes(link, chunk)
        self.perform(receiver)

    def sync(self, sid: int) -> None:
        """A member's disk is synced."""
        member = self.members[sid]
        zxid = member.disk.sync()
        if member.peer is not None:
            member.peer.set_clocks(self.time, self.time)
            member.peer.on_synced(zxid)
            self.perform(sid)

    def tick(self, milliseconds: int) -> None:
        """Time passes, for all members."""
        self.time += milliseconds
        for sid, member in self.members.items():
            if member.peer is not None:
                member.peer.set_clocks(self.time, self.time)
                member.peer.on_tick()
                self.perform(sid)

    def block(self, sender: int, receiver: int) -> None:
        """From now on nothing that a member sends arrives at another."""
        self.blocked.add((sender, receiver))

    def heal(self) -> None:
        """Everything arrives again."""
        self.blocked.clear()

    def connect(self, client: Client, sid: int) -> bool:
        """A client connects to a member; whether it could."""
        peer = self.members[sid].peer
        if peer is None or peer.service is None:
            return False
        self.disconnect(client)
        client.connect(peer.service)
        assert client.connection is not None
        self.members[sid].clients[client.connection] = client
        self.perform(sid)
        return True

    def disconnect(self, client: Client) -> None:
        """A client closes its connection, if it has one."""
        for sid, member in self.members.items():
            if client.connection in member.clients and member.peer is not None:
                assert client.connection is not None
                del member.clients[client.connection]
                client.connection.service.disconnect(client.connection)
                self.perform(sid)
        client.lose()

    # What is to be chosen from.

    def deliverable(self) -> list[tuple[Cable, int]]:
        """The connections on which something may arrive, and at which end."""
        found = []
        for cable in self.cables:
            if cable.is_dialing:
                if cable.ends not in self.blocked:
                    found.append((cable, 1))
                continue
            for side in (0, 1):
                pair = (cable.ends[1 - side], cable.ends[side])
                if cable.queues[side] and pair not in self.blocked:
                    found.append((cable, side))
        return found

    def deliverable_notes(self) -> list[tuple[int, int]]:
        """Sender and receiver of the notifications that may arrive."""
        return [pair for pair in sorted(self.notes) if pair not in self.blocked]

    def unsynced(self) -> list[int]:
        """Whose disk has something to sync."""
        return [
            sid
            for sid, member in self.members.items()
            if member.peer is not None and member.disk.synced < len(member.disk.log)
        ]

    # What is chosen for the best.

    def settle(self) -> None:
        """Everything that is on its way arrives, and is synced, in no time."""
        while True:
            for pair in self.deliverable_notes():
                self.deliver_note(*pair)
            for cable, side in self.deliverable():
                if cable in self.cables and (cable.is_dialing or cable.queues[side]):
                    self.deliver(cable, side)
            for sid in self.unsynced():
                self.sync(sid)
            if not (self.deliverable() or self.deliverable_notes() or self.unsynced()):
                return

    def calm(self, until: Callable[[], bool], limit: int = 120_000) -> None:
        """Time passes and everything arrives until something holds.

        Args:
            until: what is waited for.
            limit: how long, in milliseconds of the world's own time.

        Raises:
            AssertionError: it does not hold then.
        """
        end = self.time + limit
        self.settle()
        while not until():
            if self.time >= end:
                said = "\n".join(
                    f"{sid}: {line}" for sid, member in self.members.items() for line in member.news
                )
                raise AssertionError(f"not within {limit} ms:\n{said}")
            self.tick(STEP)
            self.settle()

    def peers(self) -> Iterator[Peer]:
        """The processes that run."""
        for member in self.members.values():
            if member.peer is not None:
                yield member.peer

    @property
    def leader(self) -> Peer | None:
        """Who leads and serves, of the highest epoch."""
        leading = [
            peer for peer in self.peers() if peer.state == ServerState.LEADING and peer.service is not None
        ]
        return max(leading, key=lambda peer: peer.current_epoch, default=None)

    def cable_of(self, link: Link) -> Cable | None:
        """The connection that a link is an end of, unless that is closed."""
        found = self._cable_of.get(link)
        return None if found is None else found[0]

    def serves(self, sid: int) -> bool:
        """Whether a member runs and serves clients."""
        peer = self.members[sid].peer
        return peer is not None and peer.service is not None

    def all_serve(self) -> bool:
        """Whether all that run serve clients."""
        return all(peer.service is not None for peer in self.peers())

    # The shell's part.

    def perform(self, sid: int) -> None:
        """Does what a member's core says."""
        member = self.members[sid]
        peer = member.peer
        assert peer is not None
        while True:
            turn = peer.turn()
            member.news += peer.news
            peer.news.clear()
            member.disk.append(turn.log)
            for receiver, notification in turn.notifications:
                if receiver in self.members and self.members[receiver].peer is not None:
                    self.notes[sid, receiver] = notification
            for link, receiver in turn.dials:
                cable = Cable((sid, receiver), [link, None])
                self.cables.append(cable)
                self._cable_of[link] = (cable, 0)
            for link, out in turn.wires:
                self._send(link, out)
            for link in turn.hang_ups:
                self._hang_up(link)
            if turn.clients is not None:
                self._serve(member, turn.clients)
            if peer.is_idle:
                return

    def _serve(self, member: Member, turn: Turn) -> None:
        for connection, out in turn.sends:
            if connection in member.clients:
                member.clients[connection].take(out)
        for connection in turn.closes:
            if connection in member.clients:
                member.clients.pop(connection).lose()

    def _send(self, link: Link, out: bytes) -> None:
        found = self._cable_of.get(link)
        if found is not None and out:
            cable, side = found
            queue = cable.queues[1 - side]
            if not queue or queue[-1] is not None:  # or it is cut, which this end has not noticed
                queue.append(out)

    def _hang_up(self, link: Link) -> None:
        found = self._cable_of.get(link)
        if found is not None:
            cable, side = found
            queue = cable.queues[1 - side]
            if not queue or queue[-1] is not None:
                queue.append(None)
            self._detach(cable, side)

    def _connect(self, cable: Cable) -> None:
        """A dialed member accepts, or is not there."""
        dialer, dialed = (self.members[sid] for sid in cable.ends)
        cable.is_dialing = False
        link = cable.links[0]
        if dialer.peer is None or link is None:
            self._detach(cable, 0)
            return
        dialer.peer.set_clocks(self.time, self.time)
        if dialed.peer is None:
            self._detach(cable, 0)
            dialer.peer.on_lost(link)
        else:
            dialed.peer.set_clocks(self.time, self.time)
            other = dialed.peer.accept(f"dialed by {dialer.sid}")
            cable.links[1] = other
            self._cable_of[other] = (cable, 1)
            dialer.peer.on_dialed(link)
            self.perform(dialed.sid)
        self.perform(dialer.sid)

    def _arrived(self, cable: Cable, side: int, size: int) -> bytes | None:
        """Takes what arrives off a queue: the first chunk, or the beginning of it."""
        queue = cable.queues[side]
        chunk = queue.popleft()
        if chunk is None or not 0 < size < len(chunk):
            cable.begun[side] = b""
            return chunk
        queue.appendleft(chunk[size:])
        cable.begun[side] += chunk[:size]
        return chunk[:size]

    def _detach(self, cable: Cable, side: int) -> None:
        link = cable.links[side]
        if link is not None:
            self._cable_of.pop(link, None)
        cable.links[side] = None
        cable.queues[side].clear()
        if cable.links == [None, None] and cable in self.cables:
            self.cables.remove(cable)
