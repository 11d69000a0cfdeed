"""Runs in which members join, leave and change parts while anything crashes, and what must hold in all.

one_leader_an_epoch      an epoch has one established leader, ever
one_history              members that serve have one transaction at a zxid, and one ensemble at a version
acknowledged_is_kept     every write that was answered is in the tree in the end
all_agree                in the end all that are to be members serve the same tree, and know the same ensemble

A run is a function of its seed. Messages arrive in any order, disks are synced or lose what is not, a member
may die at each single write of its core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from zabcheck.servers.encoding import Reconfigure
from zabcheck.simulation.client import Asked, Client
from zabcheck.simulation.disk import PowerCut
from zabcheck.simulation.judging import Violation
from zabcheck.simulation.world import World
from zabserver.service.settings import Settings
from zabserver.service.tree import CONFIG
from zabserver.wire.election import ServerState
from zabserver.zab.ensemble import Ensemble, ensemble_from_text
from zabserver.zab.peer import Peer
from zabserver.zab.role import Rules
from zabspec import tree

FIRST = (1, 2, 3)
JOINERS = (4, 5)
RULES = Rules(tick=1000, init=10, sync=5, settings=Settings(reconfig=True, skip_acl=True))
CALM = 120_000
"""How long the ensemble has in the end to come to itself, in milliseconds of its own time."""


def line(sid: int, kind: str = "participant") -> str:
    """A server as in zoo.cfg."""
    return f"server.{sid}=h{sid}:2888:3888:{kind};{2180 + sid}"


def ensemble_of(voters: Sequence[int], observers: Sequence[int] = ()) -> Ensemble:
    """An ensemble that was there from the start."""
    lines = [line(sid) for sid in voters] + [line(sid, "observer") for sid in observers]
    return ensemble_from_text("\n".join(lines))


@dataclass
class Changing:
    """One run.

    Args:
        seed: of all that is chosen.

    Attributes:
        established: who has led each epoch.
        applied: what was applied at each zxid, by a member that served.
        ensembles: of each version.
        changes: how many reconfigurations were committed.
    """

    seed: int
    established: dict[int, int] = field(default_factory=dict)
    applied: dict[int, bytes] = field(default_factory=dict)
    ensembles: dict[int, str] = field(default_factory=dict)
    asked: list[tuple[str, Asked]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.world = World(ensemble_of(FIRST), RULES)
        for sid in FIRST:
            self.world.start(sid)
        self.world.calm(lambda: self.world.leader is not None and self.world.all_serve())
        for sid in JOINERS:
            self.world.add(sid, ensemble_of((*FIRST, sid)))
            self.world.start(sid)
        self.world.calm(self.world.all_serve)
        self.client = Client()

    @property
    def changes(self) -> int:
        """How many ensembles were committed after the first."""
        return len(self.ensembles) - 1

    def go(self, steps: int) -> None:
        """So many things happen, then everything comes to itself.

        Raises:
            Violation: a property does not hold.
        """
        for _ in range(steps):
            self.happen()
            self.check()
        self.end()

    # What happens.

    def happen(self) -> None:
        """One thing, chosen at random."""
        kinds: list[tuple[int, Callable[[], None]]] = [
            (60, self._arrive),
            (10, self._sync),
            (8, lambda: self.world.tick(self.random.choice((50, 250, 1000)))),
            (10, self._write),
            (3, self._reconfigure),
            (2, self._crash),
            (2, self._light_fuse),
            (6, self._start),
            (1, self._block),
            (2, self.world.heal),
            (2, self._calm_down),
        ]
        (what,) = self.random.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])
        try:
            what()
        except PowerCut as cut:
            self._crash_of(cut)

    def _arrive(self) -> None:
        world = self.world
        notes, chunks = world.deliverable_notes(), world.deliverable()
        number = self.random.randrange(len(notes) + len(chunks)) if notes or chunks else None
        if number is None:
            return
        if number < len(notes):
            world.deliver_note(*notes[number])
        else:
            world.deliver(*chunks[number - len(notes)])

    def _sync(self) -> None:
        unsynced = self.world.unsynced()
        if unsynced:
            self.world.sync(self.random.choice(unsynced))

    def _calm_down(self) -> None:
        """Everything arrives for a while."""
        for _ in range(self.random.choice((1, 5, 20))):
            self.world.settle()
            self.world.tick(100)

    def _write(self) -> None:
        sid = self._connected()
        if sid is not None:
            path = f"/{len(self.asked)}"
            self.asked.append((path, self.client.ask(tree.Create(path, b""))))
            self.world.perform(sid)

    def _reconfigure(self) -> None:
        sid = self._connected()
        if sid is None:
            return
        all_sids = [*FIRST, *JOINERS]
        voters = sorted(self.random.sample(all_sids, self.random.choice((2, 3, 3, 4, 5))))
        observers = [each for each in all_sids if each not in voters and self.random.random() < 0.5]
        self.client.ask(Reconfigure(members=ensemble_of(voters, observers).text().rpartition("\n")[0]))
        self.world.perform(sid)

    def _connected(self) -> int | None:
        """Where the client is connected, as it is now if it was not before; None if it cannot be."""
        for sid, member in self.world.members.items():
            if self.client.connection in member.clients:
                return sid if self.client.is_confirmed else None
        serving = [peer.me for peer in self.world.peers() if peer.service is not None]
        if serving:
            self.client = Client()
            self.world.connect(self.client, self.random.choice(serving))
        return None

    def _crash(self) -> None:
        running = [peer.me for peer in self.world.peers()]
        if running:
            self.world.crash(self.random.choice(running), self.random.randrange(3))

    def _light_fuse(self) -> None:
        running = [peer.me for peer in self.world.peers()]
        if running:
            self.world.members[self.random.choice(running)].disk.fuse = self.random.randrange(4)

    def _crash_of(self, cut: PowerCut) -> None:
        for sid, member in self.world.members.items():
            if member.disk is cut.args[0]:
                self.world.crash(sid)

    def _start(self) -> None:
        down = [sid for sid, member in self.world.members.items() if member.peer is None]
        if down:
            self.world.start(self.random.choice(down))

    def _block(self) -> None:
        one, other = self.random.sample([*FIRST, *JOINERS], 2)
        self.world.block(one, other)
        if self.random.random() < 0.5:
            self.world.block(other, one)

    # What must hold.

    def check(self) -> None:
        """Judges what can be seen now.

        Raises:
            Violation: a property does not hold.
        """
        for peer in self.world.peers():
            if peer.role is None or peer.role.service is None:
                continue
            if peer.state == ServerState.LEADING:
                epoch = peer.tree.zxid >> 32
                if self.established.setdefault(epoch, peer.me) != peer.me:
                    raise Violation(
                        "one_leader_an_epoch", f"{peer.me} and {self.established[epoch]}: {epoch}"
                    )
            self._check_history(peer)

    def _check_history(self, peer: Peer) -> None:
        for zxid, payload in peer.committed.entries:
            if self.applied.setdefault(zxid, payload) != payload:
                raise Violation("one_history", f"two transactions 0x{zxid:x}")
        version, text = peer.ensemble.version, peer.ensemble.text()
        if self.ensembles.setdefault(version, text) != text:
            raise Violation("one_history", f"two ensembles {version:x}")

    def end(self) -> None:
        """Everybody is there and hears the others: what was promised holds.

        Raises:
            Violation: a property does not hold.
        """
        self.world.heal()
        for member in self.world.members.values():
            member.disk.fuse = None
            if member.peer is None:
                self.world.start(member.sid)
        try:
            self.world.calm(self._agree, CALM)
        except AssertionError as error:
            raise Violation("all_agree", str(error)) from None
        self.check()
        leader = self.world.leader
        assert leader is not None
        for path, asked in self.asked:
            if asked.error == 0 and path.encode() not in leader.tree.nodes:
                raise Violation("acknowledged_is_kept", path)

    def _agree(self) -> bool:
        leader = self.world.leader
        if leader is None:
            return False
        here = [peer for peer in self.world.peers() if peer.me in leader.ensemble.members]
        return all(peer.service is not None and _state(peer) == _state(leader) for peer in here)


def _state(peer: Peer) -> object:
    nodes = {path: (node.stat(), node.data) for path, node in peer.tree.nodes.items() if path != CONFIG}
    return nodes, peer.ensemble.version, peer.tree.nodes[CONFIG].data, peer.timeouts
