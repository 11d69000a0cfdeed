"""A run: an ensemble and its clients, and the events that happen to them one by one, each judged at once.

An event that cannot happen changes nothing. So what is left of a run when some of its events are taken out
is a run as well, which is what the shrinker needs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from zabcheck.servers.encoding import Request
from zabcheck.simulation.client import Client
from zabcheck.simulation.disk import PowerCut
from zabcheck.simulation.events import CLIENTS, REQUESTS, Event, reconfiguration
from zabcheck.simulation.guarantees import Guarantees
from zabcheck.simulation.judging import Judge, Violation
from zabcheck.simulation.mapping import Mapper, UnknownImage, zxid_of
from zabcheck.simulation.reconfigurations import Reconfigurations
from zabcheck.simulation.setting import Setting
from zabcheck.simulation.world import World
from zabserver.zab.ensemble import Ensemble
from zabserver.zab.role import Rules

TIMEOUT = 12_000
"""Session timeout of all clients, in milliseconds."""
TICK = 100
"""Interval between clock ticks while a run only waits, in milliseconds."""
RECOVERY = 240_000
"""How long an ensemble without faults may take until all its members serve, in milliseconds.

Servers that have looked for a leader for long send notifications only once a minute. Voters and, after them,
servers that became observers may wait for that.
"""
ROUNDS = 1000
"""How many rounds of messages there may be without time passing."""
FRESH = 2000
"""How old a session's last activity may be, in milliseconds, for the session to count as alive."""
PING_INTERVAL = 1000
"""Interval between the pings of a client that keeps its session, in milliseconds."""


class Run:
    """An ensemble and its clients, from the start of all servers.

    Args:
        setting: what the run starts from.

    Attributes:
        setting: as above.
        world: the servers, their disks and the network.
        mapper: the state of the spec that the world stands for.
        judge: checks the spec's properties.
        guarantees: checks what must hold over the whole run.
        reconfigurations: checks what must hold while members change; None if they cannot.
        clients: by number.
        events: the events that changed something, in order.
        seen: what came up, and how often: the spec's SOMETIMES, and what the run itself counts.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.world = _Watched(setting.ensemble, setting.rules, self._on_turn)
        for sid in range(setting.size - setting.joiners + 1, setting.size + 1):
            self.world.add(sid, setting.ensemble_of_joiner(sid))
        self.mapper = Mapper(self.world)
        self.judge = Judge(setting.size, is_reconfigured=setting.joiners > 0)
        self.guarantees = Guarantees(self.world, self.mapper)
        self.reconfigurations = Reconfigurations(self.world, self.mapper) if setting.joiners else None
        self.clients = [Client(timeout=TIMEOUT) for _ in range(CLIENTS)]
        self.events: list[Event] = []
        self.seen: Counter[str] = self.judge.reached
        self._active: dict[int, int] = {}  # sessions, and when their clients last sent something
        self._closing: set[int] = set()
        for sid in self.world.members:
            self.start(sid)

    def do(self, event: Event) -> bool:
        """Lets an event happen, and judges what has become of the ensemble.

        Returns:
            True if it happened; False if it could not, and nothing has changed.

        Raises:
            Violation: a property does not hold.
        """
        name, *arguments = event
        self.events.append(event)
        if getattr(self, name)(*arguments) is False:
            self.events.pop()
            return False
        self._look(*self.world.members)
        return True

    def finish(self) -> None:
        """Ends all faults, waits until the ensemble has recovered, and judges what it has kept.

        Raises:
            Violation: it does not recover in time, or a property does not hold.
        """
        if not self._live(RECOVERY, self._check_recovery):
            news = [f"{sid}: {'; '.join(each.news[-3:])}" for sid, each in self.world.members.items()]
            raise Violation("ensemble_recovers", f"not within {RECOVERY} ms: {' | '.join(news)}")
        self.judge.judge_end(self.mapper.state)
        leader = self.world.leader
        assert leader is not None
        written = Counter(txn.zxid for txn in self.mapper.applied(leader.me))
        lost = [zxid for zxid in self.guarantees.acknowledged if written[zxid_of(zxid)] != 1]
        if lost:
            raise Violation("acknowledged_is_kept", f"0x{lost[0]:x} is not in the last leader's history")

    def _check_recovery(self) -> bool:
        """Returns True if all members of the ensemble serve, and have applied the same transactions.

        A member that has promised a later epoch to a leader that failed cannot join until there is another
        leader, as in ZooKeeper; it is not waited for.
        """
        world, leader = self.world, self.world.leader
        if leader is None or world.unsynced():
            return False
        members = [sid for sid in world.members if sid in leader.ensemble.members]
        joined = [sid for sid in members if world.members[sid].disk.accepted <= leader.current_epoch]
        if len(joined) < len(members):
            self.seen["promise_keeps_out"] += 1
        histories = [self.mapper.applied(sid) for sid in joined]
        serving = [sid for sid in joined if world.serves(sid)]
        if serving != joined or any(history != histories[0] for history in histories):
            return False
        return self.reconfigurations is None or self.reconfigurations.is_known_to_all(joined)

    # Events: messages.

    def note(self, sender: int, receiver: int) -> bool:
        """A notification of the election arrives."""
        if (sender, receiver) not in self.world.deliverable_notes():
            return False
        self._guarded(self.world.deliver_note, sender, receiver)
        return True

    def forget(self, sender: int, receiver: int) -> bool:
        """A notification of the election is lost, with the connection that it was on."""
        return self.world.notes.pop((sender, receiver), None) is not None

    def chunk(self, sender: int, receiver: int, size: int = 0) -> bool:
        """The next chunk of bytes arrives on the oldest connection that has one, or its first bytes do."""
        for cable, side in self.world.deliverable():
            if (cable.ends[1 - side], cable.ends[side]) == (sender, receiver):
                self.world.time += (
                    cable.is_dialing
                )  # a millisecond, so that no two leaders give equal session ids
                self._guarded(self.world.deliver, cable, side, size)
                return True
        return False

    def elect(self, sid: int, leader: int) -> bool:
        """The election of a server ends with any voter as its result: discovery must be safe all the same.

        Spec: `server_leads_unelected`.
        """
        peer = self.world.members[sid].peer
        if peer is None or peer.role is not None or leader not in peer.ensemble.voters:
            return False
        self._guarded(self.world.elect, sid, leader)
        return True

    def reset(self, one: int, other: int) -> bool:
        """All connections between two servers break."""
        cables = [cable for cable in self.world.cables if set(cable.ends) == {one, other}]
        for cable in cables:
            self.world.reset(cable)
        return bool(cables)

    def block(self, sender: int, receiver: int) -> bool:
        """The network stops delivering what one server sends another."""
        if sender == receiver or (sender, receiver) in self.world.blocked:
            return False
        self.world.block(sender, receiver)
        return True

    def isolate(self, sid: int) -> None:
        """The network stops delivering anything between a server and all others."""
        for other in self.world.members:
            if other != sid:
                self.world.block(sid, other)
                self.world.block(other, sid)

    def heal(self) -> bool:
        """The network delivers everything again."""
        was_whole = not self.world.blocked
        self.world.heal()
        return not was_whole

    # Events: servers.

    def sync(self, sid: int) -> bool:
        """A server's log is synced to its disk."""
        if sid not in self.world.unsynced():
            return False
        self._guarded(self.world.sync, sid)
        return True

    def crash(self, sid: int, kept: int = 0) -> bool:
        """A server crashes; of the log entries that were not synced the first few are on its disk."""
        member = self.world.members[sid]
        if member.peer is None:
            return False
        if len(member.disk.log) > member.disk.synced + kept:
            self.seen["unsynced_is_lost"] += 1
        self.world.crash(sid, kept)
        return True

    def fuse(self, sid: int, count: int) -> bool:
        """A server will crash after so many more writes that its core waits for."""
        if self.world.members[sid].peer is None:
            return False
        self.world.members[sid].disk.fuse = count
        return True

    def start(self, sid: int) -> bool:
        """A server that has crashed starts again."""
        if self.world.members[sid].peer is not None:
            return False
        self._guarded(self.world.start, sid)
        return True

    def snapshot(self, sid: int, count: int = 3) -> bool:
        """A server that serves writes a snapshot, keeps the last few, and the log from the oldest on."""
        self.sync(sid)
        member = self.world.members[sid]
        if member.peer is None or member.peer.service is None or not member.peer.tree.zxid:
            return False
        member.disk.take_snapshot(member.peer.tree, member.peer.timeouts, max(1, count))
        return True

    # Events: time.

    def tick(self, milliseconds: int) -> None:
        """Time passes, and nothing arrives."""
        self._guarded(self.world.tick, milliseconds)

    def settle(self) -> None:
        """Everything in flight arrives and every log is synced, without time passing.

        Raises:
            Violation: messages lead to more messages without end.
        """
        for _ in range(ROUNDS):
            if not any([*self._step()]):
                return
        raise Violation("traffic_ends", "without time passing, servers send messages without end")

    def calm(self, milliseconds: int) -> None:
        """Time passes and all arrives that is not blocked, at most until all running servers serve."""
        self._pass(milliseconds, lambda: self.world.leader is not None and self.world.all_serve())

    def live(self, milliseconds: int) -> None:
        """Time passes without faults: the network is whole, all servers run, and clients keep their sessions.

        Raises:
            Violation: a session expires though its client has kept it alive.
        """
        self._live(milliseconds, lambda: False)

    def _live(self, milliseconds: int, until: Callable[[], bool]) -> bool:
        self.heal()
        for sid, member in self.world.members.items():
            member.disk.fuse = None
            self.start(sid)
        now = self.world.time
        alive = [
            (client, client.session)
            for client in self.clients
            if client.session and now - self._active.get(client.session, 0) <= FRESH
        ]
        is_so = self._pass(milliseconds, until, self._keep_sessions)
        for client, session in alive:
            if session in client.ended and session not in self._closing:
                raise Violation(
                    "live_session_is_kept", f"0x{session:x} expired within {self.world.time - now} ms"
                )
        self.seen["session_held"] += len(alive)
        return is_so

    def _pass(
        self, milliseconds: int, until: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None
    ) -> bool:
        """Lets time pass until a condition holds; False if it does not hold in time."""
        end = self.world.time + milliseconds
        self.settle()
        while not until():
            if self.world.time >= end:
                return False
            self.tick(TICK)
            meanwhile()
            self.settle()
        return True

    def _step(self) -> Iterator[bool]:
        """Delivers what is next on each connection and syncs each log; yields whether it could."""
        world = self.world
        for pair in world.deliverable_notes():
            yield self.note(*pair)
        for cable, side in world.deliverable():
            yield self.chunk(cable.ends[1 - side], cable.ends[side])
        for sid in world.unsynced():
            yield self.sync(sid)

    # Events: clients.

    def connect(self, number: int, sid: int) -> bool:
        """A client connects to a server, with the session that it has."""
        client, peer = self.clients[number], self.world.members[sid].peer
        if peer is None or peer.service is None:
            return False
        self._guarded(self.world.connect, client, sid)
        return True

    def disconnect(self, number: int) -> bool:
        """A client closes its connection."""
        client = self.clients[number]
        if client.connection is None:
            return False
        self._guarded(self.world.disconnect, client)
        return True

    def ask(self, number: int, word: str, which: int) -> bool:
        """A client sends one of `REQUESTS`."""
        client = self.clients[number]
        if word == "close" and client.is_confirmed:
            self._closing.add(client.session)
        content = b"%d.%d" % (number, len(client.asked))
        return self._send(number, REQUESTS[word](which, content))

    def reconfigure(self, number: int, voters: str, observers: str) -> bool:
        """A client asks for another ensemble."""
        return self._send(number, reconfiguration(voters, observers))

    def ping(self, number: int) -> bool:
        """A client sends a ping."""
        client = self.clients[number]
        sid = self._server_of(client)
        if sid is None:
            return False
        self._record_activity(client, sid)
        client.ping()
        self._guarded(self.world.perform, sid)
        return True

    def _send(self, number: int, request: Request) -> bool:
        client = self.clients[number]
        sid = self._server_of(client)
        if sid is None:
            return False
        self._record_activity(client, sid)
        self._guarded(self._ask, client, request, sid)
        return True

    def _ask(self, client: Client, request: Request, sid: int) -> None:
        client.ask(request).acknowledged = len(self.guarantees.acknowledged)
        self.world.perform(sid)

    def _keep_sessions(self) -> None:
        """Lets clients with a session ping every second, and connect again where the connection is lost."""
        members = list(self.world.members)
        for number, client in enumerate(self.clients):
            if client.connection is None and client.session:
                self.connect(number, members[(self.world.time // TICK + number) % len(members)])
            elif client.is_confirmed and self._silence(client) >= PING_INTERVAL:
                self.seen["session_held"] += 1
                self.ping(number)

    def _silence(self, client: Client) -> int:
        return self.world.time - self._active.get(client.session, 0)

    def _server_of(self, client: Client) -> int | None:
        """Returns the server that a client has a confirmed connection to."""
        if not client.is_confirmed:
            return None
        for sid, member in self.world.members.items():
            if client.connection in member.clients:
                return sid
        return None

    def _record_activity(self, client: Client, sid: int) -> None:
        self._active[client.session] = self.world.time
        self.guarantees.activity[client.session] = self.world.time, sid

    # Judging.

    def _on_turn(self, sid: int) -> None:
        """Judges a server that has performed the effects of its core."""
        self._look(sid)
        for client in self.clients:
            if client.fresh:
                self.guarantees.on_answers(sid, client)

    def _look(self, *sids: int) -> None:
        before = self.mapper.state
        try:
            is_different = self.mapper.update(*sids)
        except UnknownImage as image:
            raise Violation("trees_agree", f"no server ever had this tree at 0x{image.args[0]:x}") from None
        if is_different:
            self.judge.judge_step(before, self.mapper.state)
        for sid in sids:
            if self.reconfigurations is not None:
                self.reconfigurations.on_member(sid, len(self.guarantees.committed))
            self.guarantees.on_member(sid)

    def _guarded(self, what: Callable[..., object], *arguments: object) -> None:
        """Does something during which a server may crash.

        Raises:
            Violation: a property does not hold, or a core fails.
        """
        try:
            what(*arguments)
        except Violation:
            raise
        except PowerCut as cut:
            self.seen["power_is_cut"] += 1
            for sid, member in self.world.members.items():
                if member.disk is cut.args[0]:
                    self.world.crash(sid)
                    self._look(sid)
        except (AssertionError, LookupError, ValueError, TypeError, AttributeError) as error:
            raise Violation("core_goes_on", f"{type(error).__name__}: {error}") from error


class _Watched(World):
    """A world that calls back after each turn of a server."""

    def __init__(self, ensemble: Ensemble, rules: Rules, on_turn: Callable[[int], None]) -> None:
        super().__init__(ensemble, rules)
        self._on_turn = on_turn

    def start(self, sid: int) -> None:
        """Starts a server's process.

        Raises:
            Violation: the server refuses what it finds on its disk.
        """
        try:
            super().start(sid)
        except ValueError as error:
            raise Violation("member_starts", f"server {sid} does not start: {error}") from error

    def perform(self, sid: int) -> None:
        """Performs the effects of a server's core."""
        super().perform(sid)
        self._on_turn(sid)
