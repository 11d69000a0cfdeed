"""A run: the events that befall an ensemble, one after the other, each judged as it is taken.

An event is a name and its arguments, nothing but numbers and words, so that a run can be written down and
taken again. One that cannot happen does nothing, so that what is left of a run without some of its events is
a run as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from zabcheck.servers.encoding import Sync
from zabcheck.simulation.client import Client
from zabcheck.simulation.disk import PowerCut
from zabcheck.simulation.guarantees import Guarantees
from zabcheck.simulation.judging import Judge, Violation
from zabcheck.simulation.mapping import Mapper, UnknownImage, zxid_of
from zabcheck.simulation.world import World
from zabserver.zab.ensemble import Ensemble, Member
from zabserver.zab.role import Rules
from zabspec import tree

Event = tuple[Any, ...]
"""A name and its arguments, as in `ARGUMENTS`: ids of members, numbers of clients, words of `REQUESTS`."""

CLIENTS = 3
TIMEOUT = 12_000
"""Of all sessions, in milliseconds."""
RULES = Rules(tick=1000, init=10, sync=5)
PACE = 100
"""How much time passes at once where time only passes, in milliseconds."""
PATIENCE = 90_000
"""How long an ensemble that nothing bad happens to any more may take until all its members serve."""
MOST_AT_ONCE = 1000
"""How many rounds of messages there may be without time passing."""
MARGIN = 2000
"""How long ago a session's last sign of life may be, in milliseconds, for the session to be alive."""

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "note": ("member", "member"),
    "forget": ("member", "member"),
    "chunk": ("member", "member", "number?"),
    "elect": ("member", "member"),
    "reset": ("member", "member"),
    "block": ("member", "member"),
    "isolate": ("member",),
    "heal": (),
    "sync": ("member",),
    "crash": ("member", "number?"),
    "fuse": ("member", "number"),
    "start": ("member",),
    "snapshot": ("member", "number?"),
    "tick": ("number",),
    "settle": (),
    "calm": ("number",),
    "live": ("number",),
    "connect": ("client", "member"),
    "disconnect": ("client",),
    "ask": ("client", "word", "number"),
    "ping": ("client",),
}
"""The events, each a method of `Run`, and what they take; with a ? what may be left out."""


def _path(number: int) -> str:
    return f"/{number}"


REQUESTS: dict[str, Callable[[int, bytes], Any]] = {
    "create": lambda number, content: tree.Create(_path(number), content),
    "ephemeral": lambda number, content: tree.Create(_path(number), content, flag=tree.Flag.EPHEMERAL),
    "sequential": lambda number, content: tree.Create("/s", content, flag=tree.Flag.SEQUENTIAL),
    "set": lambda number, content: tree.SetData(_path(number), content),
    "delete": lambda number, content: tree.Delete(_path(number)),
    "multi": lambda number, content: tree.Multi(
        (tree.SetData("/", content), tree.Create(_path(number), content))
    ),
    "get": lambda number, content: tree.GetData(_path(number)),
    "root": lambda number, content: tree.GetData("/"),
    "sync": lambda number, content: Sync("/"),
    "close": lambda number, content: tree.CloseSession(),
}
"""What clients ask for."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run is of.

    Attributes:
        voters, observers: how many.
        history: how many transactions a leader keeps at hand.
        size_factor: as of `Rules`.
        mistake: the name of a mistake put into the cores (`zabcheck.simulation.mistakes`); "" for none.
    """

    voters: int = 3
    observers: int = 0
    history: int = 500
    size_factor: float = 0.33
    mistake: str = ""

    def as_json(self) -> dict[str, Any]:
        """As it stands in a file."""
        return asdict(self)


class Run:
    """An ensemble and its clients, from when all members start.

    Args:
        setting: what it is of.

    Attributes:
        events: those that did something, in order.
        seen: what came up, and how often: the spec's SOMETIMES, and what the run itself counts.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        size = setting.voters + setting.observers
        members = {sid: Member(sid, "host", 2888, 3888, sid > setting.voters) for sid in range(1, size + 1)}
        rules = Rules(
            tick=RULES.tick,
            init=RULES.init,
            sync=RULES.sync,
            history=setting.history,
            size_factor=setting.size_factor,
        )
        self.world = _Watched(Ensemble(members), rules, self._on_turn)
        self.mapper = Mapper(self.world)
        self.judge = Judge(size)
        self.guarantees = Guarantees(self.world, self.mapper)
        self.clients = [Client(timeout=TIMEOUT) for _ in range(CLIENTS)]
        self.events: list[Event] = []
        self.seen: Counter[str] = self.judge.reached
        self._heard: dict[int, int] = {}
        self._closing: set[int] = set()
        for sid in self.world.members:
            self.start(sid)

    def do(self, event: Event) -> bool:
        """Lets an event happen.

        Returns:
            Whether it could; nothing is different if not.

        Raises:
            Violation: something is not as it must be.
        """
        name, *arguments = event
        self.events.append(event)
        if getattr(self, name)(*arguments) is False:
            self.events.pop()
            return False
        self._look(*self.world.members)
        return True

    def finish(self) -> None:
        """Nothing bad happens any more: the ensemble recovers, and all is as it must be.

        Raises:
            Violation: it does not, or is not.
        """
        if not self._live(PATIENCE, self._check_agreement):
            said = [f"{sid}: {'; '.join(each.news[-3:])}" for sid, each in self.world.members.items()]
            raise Violation("ensemble_recovers", f"not within {PATIENCE} ms: {' | '.join(said)}")
        self.judge.judge_rest(self.mapper.state)
        leader = self.world.leader
        assert leader is not None
        written = Counter(txn.zxid for txn in self.mapper.applied(leader.me))
        lost = [zxid for zxid in self.guarantees.acknowledged if written[zxid_of(zxid)] != 1]
        if lost:
            raise Violation("acknowledged_is_kept", f"0x{lost[0]:x} is not in the last leader's history")

    def _check_agreement(self) -> bool:
        """Returns whether all members serve clients and have applied the same transactions.

        Who has promised a later epoch to a leader that came to nothing stays out until there is another one,
        as with ZooKeeper.
        """
        world, leader = self.world, self.world.leader
        if leader is None or world.unsynced():
            return False
        joined = [sid for sid, each in world.members.items() if each.disk.accepted <= leader.current_epoch]
        if len(joined) < len(world.members):
            self.seen["promise_keeps_out"] += 1
        histories = [self.mapper.applied(sid) for sid in joined]
        serving = [each for each in joined if world.serves(each)]
        return serving == joined and all(history == histories[0] for history in histories)

    # Events: messages.

    def note(self, sender: int, receiver: int) -> bool:
        """A notification arrives."""
        if (sender, receiver) not in self.world.deliverable_notes():
            return False
        self._guarded(self.world.deliver_note, sender, receiver)
        return True

    def forget(self, sender: int, receiver: int) -> bool:
        """A notification is lost, with the connection that it was on."""
        return self.world.notes.pop((sender, receiver), None) is not None

    def chunk(self, sender: int, receiver: int, size: int = 0) -> bool:
        """What is next on the oldest connection on which there is something arrives, or the start of it."""
        for cable, side in self.world.deliverable():
            if (cable.ends[1 - side], cable.ends[side]) == (sender, receiver):
                self.world.time += cable.is_dialing  # a millisecond; ids of sessions count on that
                self._guarded(self.world.deliver, cable, side, size)
                return True
        return False

    def elect(self, sid: int, leader: int) -> bool:
        """A member's election comes to any result. Discovery must stand it (`server_leads_unelected`)."""
        peer = self.world.members[sid].peer
        if peer is None or peer.role is not None or leader not in self.world.ensemble.voters:
            return False
        self._guarded(self.world.elect, sid, leader)
        return True

    def reset(self, one: int, other: int) -> bool:
        """All connections between two members break."""
        cables = [cable for cable in self.world.cables if set(cable.ends) == {one, other}]
        for cable in cables:
            self.world.reset(cable)
        return bool(cables)

    def block(self, sender: int, receiver: int) -> bool:
        """From now on nothing that a member sends arrives at another."""
        if sender == receiver or (sender, receiver) in self.world.blocked:
            return False
        self.world.block(sender, receiver)
        return True

    def isolate(self, sid: int) -> None:
        """From now on nothing gets from a member to others, or from them to it."""
        for other in self.world.members:
            if other != sid:
                self.world.block(sid, other)
                self.world.block(other, sid)

    def heal(self) -> bool:
        """Everything arrives again."""
        was_whole = not self.world.blocked
        self.world.heal()
        return not was_whole

    # Events: members.

    def sync(self, sid: int) -> bool:
        """A disk is synced."""
        if sid not in self.world.unsynced():
            return False
        self._guarded(self.world.sync, sid)
        return True

    def crash(self, sid: int, kept: int = 0) -> bool:
        """A member is gone; the first few entries that were not synced are on its disk."""
        member = self.world.members[sid]
        if member.peer is None:
            return False
        if len(member.disk.log) > member.disk.synced + kept:
            self.seen["unsynced_is_lost"] += 1
        self.world.crash(sid, kept)
        return True

    def fuse(self, sid: int, count: int) -> bool:
        """A member will be gone after so many more writes that its core waits for."""
        if self.world.members[sid].peer is None:
            return False
        self.world.members[sid].disk.fuse = count
        return True

    def start(self, sid: int) -> bool:
        """A member that is gone starts again."""
        if self.world.members[sid].peer is not None:
            return False
        self._guarded(self.world.start, sid)
        return True

    def snapshot(self, sid: int, count: int = 3) -> bool:
        """A member that serves writes a snapshot, and keeps so many, and the log from the oldest on."""
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
        """All that is on its way arrives, and is synced, in no time.

        Raises:
            Violation: it never ends.
        """
        for _ in range(MOST_AT_ONCE):
            if not any([*self._step()]):
                return
        raise Violation("traffic_ends", "without time passing, members send each other more and more")

    def calm(self, milliseconds: int) -> None:
        """Time passes, and all arrives that is not blocked, at most until all that run serve."""
        self._pass(milliseconds, lambda: self.world.leader is not None and self.world.all_serve())

    def live(self, milliseconds: int) -> None:
        """As `calm`, with a network that is whole, all members started, and clients that hold on.

        Raises:
            Violation: a session is lost whose client held on.
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
            if client.session and now - self._heard.get(client.session, 0) <= MARGIN
        ]
        is_so = self._pass(milliseconds, until, self._hold_on)
        for client, session in alive:
            if session in client.ended and session not in self._closing:
                raise Violation(
                    "live_session_is_kept", f"0x{session:x} is not, {self.world.time - now} ms on"
                )
        self.seen["session_held"] += len(alive)
        return is_so

    def _pass(
        self, milliseconds: int, until: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None
    ) -> bool:
        end = self.world.time + milliseconds
        self.settle()
        while not until():
            if self.world.time >= end:
                return False
            self.tick(PACE)
            meanwhile()
            self.settle()
        return True

    def _step(self) -> Iterator[bool]:
        """One of all that may arrive or be synced, on every way."""
        world = self.world
        for pair in world.deliverable_notes():
            yield self.note(*pair)
        for cable, side in world.deliverable():
            yield self.chunk(cable.ends[1 - side], cable.ends[side])
        for sid in world.unsynced():
            yield self.sync(sid)

    # Events: clients.

    def connect(self, number: int, sid: int) -> bool:
        """A client connects to a member, with the session that it has."""
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
        """A client asks for something."""
        client = self.clients[number]
        sid = self._home_of(client)
        if sid is None:
            return False
        if word == "close":
            self._closing.add(client.session)
        self._sign(client, sid)
        content = b"%d.%d" % (number, len(client.asked))
        asked = client.ask(REQUESTS[word](which, content))
        asked.acknowledged = len(self.guarantees.acknowledged)
        self._guarded(self.world.perform, sid)
        return True

    def ping(self, number: int) -> bool:
        """A client gives a sign of life."""
        client = self.clients[number]
        sid = self._home_of(client)
        if sid is None:
            return False
        self._sign(client, sid)
        client.ping()
        self._guarded(self.world.perform, sid)
        return True

    def _hold_on(self) -> None:
        """Clients that have a session ping every second, and connect again where they have lost it."""
        members = list(self.world.members)
        for number, client in enumerate(self.clients):
            if client.connection is None and client.session:
                self.connect(number, members[(self.world.time // PACE + number) % len(members)])
            elif client.is_confirmed and self.world.time - self._heard.get(client.session, 0) >= 1000:
                self.seen["session_held"] += 1
                self.ping(number)

    def _home_of(self, client: Client) -> int | None:
        """The member that serves a client."""
        if not client.is_confirmed:
            return None
        for sid, member in self.world.members.items():
            if client.connection in member.clients:
                return sid
        return None

    def _sign(self, client: Client, sid: int) -> None:
        self._heard[client.session] = self.world.time
        self.guarantees.signs[client.session] = self.world.time, sid

    # Looking.

    def _on_turn(self, sid: int) -> None:
        """A member has done what its core said."""
        self._look(sid)
        for client in self.clients:
            if client.fresh:
                self.guarantees.on_answers(sid, client)

    def _look(self, *sids: int) -> None:
        before = self.mapper.state
        try:
            is_different = self.mapper.update(*sids)
        except UnknownImage as image:
            raise Violation("trees_agree", f"nobody had the tree with label 0x{image.args[0]:x}") from None
        if is_different:
            self.judge.judge_step(before, self.mapper.state)
        for sid in sids:
            self.guarantees.on_member(sid)

    def _guarded(self, what: Callable[..., object], *arguments: object) -> None:
        """Does something that may end with a power cut at a member.

        Raises:
            Violation: something is not as it must be, or a core fails.
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
    """A world that tells of every turn of a member."""

    def __init__(self, ensemble: Ensemble, rules: Rules, on_turn: Callable[[int], None]) -> None:
        super().__init__(ensemble, rules)
        self._on_turn = on_turn

    def start(self, sid: int) -> None:
        """A member's process starts, if it finds its disk in order."""
        try:
            super().start(sid)
        except ValueError as error:
            raise Violation("member_starts", f"{sid} does not: {error}") from error

    def perform(self, sid: int) -> None:
        """Does what a member's core says."""
        super().perform(sid)
        self._on_turn(sid)
