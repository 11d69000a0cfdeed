"""The servers of an ensemble, their network, their disks and their clock, and the steps that these can take.

Nothing happens by itself: the caller chooses what is delivered, when time passes, when a log is synced and
which server crashes. `settle` and `calm` deliver everything, without faults.
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
"""Interval between clock ticks in `calm`, in milliseconds."""


@dataclass(slots=True, eq=False)
class Cable:
    """A connection between two servers, and the bytes in flight on it.

    Attributes:
        ends: the ids of the two servers; the first has dialed.
        links: the link of each end; None where an end has not accepted, or has closed.
        queues: the chunks in flight to each end; None ends the connection.
        begun: the part of the first chunk in each queue that has arrived already.
        is_dialing: True until the dialed server has accepted.
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
    """A server: its disk, and its process if it runs.

    Attributes:
        sid: its id.
        disk: its disk, which outlives the process.
        peer: the core of the process; None if the server is down.
        news: the lines that the core has logged.
        clients: the clients connected to it, by connection.
    """

    sid: int
    disk: MemoryDisk
    peer: Peer | None = None
    news: list[str] = field(default_factory=list)
    clients: dict[Connection, Client] = field(default_factory=dict)


class World:
    """An ensemble in memory.

    Args:
        ensemble: the members, all of which are created and none started.
        rules: the rules of all servers.

    Attributes:
        ensemble, rules: as above.
        members: the servers by id; those that may join an ensemble later are among them.
        time: the clock of all servers, in milliseconds.
        cables: the connections between quorum ports.
        notes: election notifications in flight, by sender and receiver; a newer one replaces an older one.
        blocked: pairs of sender and receiver between which nothing is delivered.
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

    # Steps.

    def start(self, sid: int) -> None:
        """Starts a server's process."""
        member = self.members[sid]
        committed, last_seen = member.disk.ensembles or (self.ensemble, None)
        member.peer = Peer(sid, committed, member.disk, self.rules, self.time, self.time, last_seen)
        member.peer.start()
        self.perform(sid)

    def add(self, sid: int, ensemble: Ensemble) -> None:
        """Creates a server that may join, configured with an ensemble; it does not run yet."""
        self.members[sid] = Member(sid, MemoryDisk())
        self.members[sid].disk.ensembles = (ensemble, ensemble)

    def crash(self, sid: int, kept: int = 0) -> None:
        """Ends a server's process, and drops what was not synced from its disk.

        Args:
            sid: the server's id.
            kept: how many of the log entries that were not synced are on disk all the same.
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
        """Breaks a connection: what is in flight is lost, and each end will notice."""
        for side in (0, 1):
            cable.queues[side].clear()
            cable.begun[side] = b""
            cable.queues[side].append(None)
            if self.members[cable.ends[side]].peer is None or cable.links[side] is None:
                self._detach(cable, side)
        cable.is_dialing = False

    def deliver_note(self, sender: int, receiver: int) -> None:
        """Delivers a notification of the election."""
        notification = self.notes.pop((sender, receiver))
        peer = self.members[receiver].peer
        if peer is not None:
            peer.set_clocks(self.time, self.time)
            peer.on_notification(sender, notification)
            self.perform(receiver)

    def elect(self, sid: int, leader: int) -> None:
        """Ends the election of a looking server with a leader, whatever votes it has received."""
        peer = self.members[sid].peer
        assert peer is not None
        peer.set_clocks(self.time, self.time)
        peer.election._decide(Vote(leader, peer.tree.zxid, peer.election.round, peer.current_epoch))
        peer.on_tick()
        self.perform(sid)

    def deliver(self, cable: Cable, side: int, size: int = 0) -> None:
        """Delivers the next chunk on a connection to one of its ends, or lets the dialed server accept.

        Args:
            cable: the connection.
            side: the end that receives.
            size: how many bytes of the chunk to deliver; 0 for all.
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
        """Syncs a server's log."""
        member = self.members[sid]
        zxid = member.disk.sync()
        if member.peer is not None:
            member.peer.set_clocks(self.time, self.time)
            member.peer.on_synced(zxid)
            self.perform(sid)

    def tick(self, milliseconds: int) -> None:
        """Lets time pass for all servers."""
        self.time += milliseconds
        for sid, member in self.members.items():
            if member.peer is not None:
                member.peer.set_clocks(self.time, self.time)
                member.peer.on_tick()
                self.perform(sid)

    def block(self, sender: int, receiver: int) -> None:
        """Stops delivering what one server sends another."""
        self.blocked.add((sender, receiver))

    def heal(self) -> None:
        """Delivers everything again."""
        self.blocked.clear()

    def connect(self, client: Client, sid: int) -> bool:
        """Connects a client to a server; returns False if the server serves no clients."""
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
        """Closes a client's connection, if it has one."""
        for sid, member in self.members.items():
            if client.connection in member.clients and member.peer is not None:
                assert client.connection is not None
                del member.clients[client.connection]
                client.connection.service.disconnect(client.connection)
                self.perform(sid)
        client.lose()

    # Choices.

    def deliverable(self) -> list[tuple[Cable, int]]:
        """Returns the connections on which something can be delivered, each with the end that receives."""
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
        """Returns sender and receiver of each notification that can be delivered."""
        return [pair for pair in sorted(self.notes) if pair not in self.blocked]

    def unsynced(self) -> list[int]:
        """Returns the ids of the running servers whose log is not synced."""
        return [
            sid
            for sid, member in self.members.items()
            if member.peer is not None and member.disk.synced < len(member.disk.log)
        ]

    # Without faults.

    def settle(self) -> None:
        """Delivers everything in flight and syncs all logs, without time passing."""
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
        """Lets time pass and delivers everything until a condition holds.

        Args:
            until: the condition.
            limit: the longest wait, in milliseconds of the world's clock.

        Raises:
            AssertionError: the condition does not hold in time.
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
        """Yields the cores of the servers that run."""
        for member in self.members.values():
            if member.peer is not None:
                yield member.peer

    @property
    def leader(self) -> Peer | None:
        """The leader that serves, of the highest epoch; None if there is none."""
        leading = [
            peer for peer in self.peers() if peer.state == ServerState.LEADING and peer.service is not None
        ]
        return max(leading, key=lambda peer: peer.current_epoch, default=None)

    def cable_of(self, link: Link) -> Cable | None:
        """Returns the connection that a link is an end of; None if it is closed."""
        found = self._cable_of.get(link)
        return None if found is None else found[0]

    def serves(self, sid: int) -> bool:
        """Returns True if a server runs and serves clients."""
        peer = self.members[sid].peer
        return peer is not None and peer.service is not None

    def all_serve(self) -> bool:
        """Returns True if all running servers serve clients."""
        return all(peer.service is not None for peer in self.peers())

    # The part of the shell.

    def perform(self, sid: int) -> None:
        """Performs the effects of a server's core, in order, until there are none."""
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
            if not queue or queue[-1] is not None:  # if it is broken, this end has not noticed yet
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
        """Lets the dialed server accept, or the connection fail if that server is down."""
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
        """Removes from a queue what arrives: the first chunk, or its first bytes."""
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
