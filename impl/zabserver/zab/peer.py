"""One member of an ensemble, without sockets, disk and clock: it looks for a leader, and leads or follows.

The shell passes in what comes (notifications, bytes, ticks, what is on disk) and does what `turn` says, in
its order. What must be on disk before anything else can go on is written through `Storage`, at once.

ZooKeeper: QuorumPeer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from zabserver.service.clients import Clients, Turn
from zabserver.service.leaderless import Leaderless
from zabserver.service.tree import CONFIG, Tree
from zabserver.service.txns import CloseSessionTxn, CreateSessionTxn
from zabserver.storage.images import Image
from zabserver.wire.election import Notification, ServerState
from zabserver.zab.configuration import is_at_the_same_address
from zabserver.zab.election import Election
from zabserver.zab.ensemble import Ensemble
from zabserver.zab.history import Committed, Received, received
from zabserver.zab.leader import Leader
from zabserver.zab.learner import Learner
from zabserver.zab.link import MOST_OF_STRANGER, Link
from zabserver.zab.role import Abandoned, Reassigned, Role, Rules
from zabserver.zab.storage import Storage

READ_ONLY_AFTER = 2000
"""How long a member looks before it serves those that only read, in milliseconds; a tick at least."""
PARKED = 1000
"""How long a learner may wait for this server to know that it leads, in milliseconds."""
MOST_PARKED = 256


@dataclass(slots=True)
class PeerTurn:
    """What the shell has to do, in this order.

    Attributes:
        log: payloads to be appended; then the disk is synced, and `Peer.on_synced` told.
        notifications: to whom, of the election.
        dials: connections to be made, each to the quorum port of a member.
        wires: what goes over which connection.
        hang_ups: connections to be closed after that.
        clients: what clients are sent; None if none are served.
    """

    log: list[bytes] = field(default_factory=list)
    notifications: list[tuple[int, Notification]] = field(default_factory=list)
    dials: list[tuple[Link, int]] = field(default_factory=list)
    wires: list[tuple[Link, bytes]] = field(default_factory=list)
    hang_ups: list[Link] = field(default_factory=list)
    clients: Turn | None = None


class Peer:
    """One member.

    Args:
        me: its id.
        ensemble: who the members are, as far as this member knows that to be committed.
        storage: its disk.
        rules: what of zoo.cfg it goes by.
        time: monotonic milliseconds.
        clock: milliseconds since 1970.
        last_seen: a later ensemble that was proposed to it, if there is one.

    Attributes:
        ensemble, last_seen: as above; the same twice, unless a reconfiguration is going on.
        tree, timeouts: the data, and the sessions in it.
        committed: the last transactions applied.
        needs_image: whether the history that is here cannot be mended by cutting it.
        log: payloads that the shell has not taken yet.
        role: what it is; None while it looks for a leader.
        role_over: when the last role ended, in monotonic milliseconds; None before there was one.
        leaderless: what it does for clients meanwhile.
        history: what happened, for the log: one line each.

    Raises:
        ValueError: what is on disk is damaged, or does not fit together.
    """

    def __init__(
        self,
        me: int,
        ensemble: Ensemble,
        storage: Storage,
        rules: Rules,
        time: int = 0,
        clock: int = 0,
        last_seen: Ensemble | None = None,
    ) -> None:
        self.me = me
        self.ensemble = ensemble
        self.last_seen = last_seen if last_seen and last_seen.version > ensemble.version else ensemble
        self.storage = storage
        self.rules = rules
        self.time, self.clock = time, clock
        self.needs_image = False
        self.role_over: int | None = None
        self.log: list[bytes] = []
        self.role: Role | None = None
        self.news: list[str] = []
        self.links: dict[Link, None] = {}
        self._dirty: dict[Link, None] = {}
        self._parked: dict[Link, tuple[int, list[bytes]]] = {}
        self._dials: list[tuple[Link, int]] = []
        self._hang_ups: list[Link] = []
        self._last_turn: Turn | None = None
        self.leaderless = Leaderless(rules.sessions(me, time, {}), rules.settings)
        self._looking_since = time
        self.committed = Committed(rules.history)
        self._load()
        self.accepted_epoch, self.current_epoch = storage.load_epochs(self.tree.zxid)
        self.election = Election(
            me,
            ensemble,
            self.last_seen,
            first_patience=rules.first_patience,
            most_patience=rules.most_patience,
        )

    # What the shell calls.

    def start(self) -> None:
        """Begins to look for a leader."""
        self._look()

    @property
    def service(self) -> Clients | None:
        """What it does for its clients; None while it serves none."""
        if self.role is not None:
            return self.role.service
        return self.leaderless if self.leaderless.is_read_only else None

    @property
    def state(self) -> int:
        """LOOKING, FOLLOWING, LEADING or OBSERVING."""
        return ServerState.LOOKING if self.role is None else self.election.state

    def set_clocks(self, time: int, clock: int) -> None:
        """Tells what time it is: monotonic, and since 1970, in milliseconds."""
        self.time, self.clock = time, clock
        self.leaderless.time, self.leaderless.clock = time, clock
        service = self.service
        if service is not None:
            service.time, service.clock = time, clock

    def on_notification(self, sender: int, notification: Notification) -> None:
        """Another member tells its vote."""
        self.election.on_notification(sender, notification, self.time)
        self._take_over_ensemble()
        self._take_decision()

    def accept(self, name: str) -> Link:
        """A member has connected to our quorum port."""
        link = Link(name, self._dirty, self.time, is_dialed=False)
        self.links[link] = None
        if isinstance(self.role, Leader):
            self.role.add(link)
        elif self._may_yet_lead:
            if len(self._parked) >= MOST_PARKED:
                self.hang_up(next(iter(self._parked)), f"{MOST_PARKED} have connected since")
            self._parked[link] = (self.time + PARKED, [])
        else:
            self.hang_up(link, "this server does not lead")
        return link

    def on_dialed(self, link: Link) -> None:
        """A connection that was to be made is made."""
        link.heard = self.time
        if isinstance(self.role, Learner) and link is self.role.link:
            self.role.on_dialed(link)

    def on_bytes(self, link: Link, chunk: bytes) -> None:
        """Something has come over a connection."""
        if link.why_closed is not None:
            return
        link.heard = self.time
        if link in self._parked:
            self._park(link, chunk)
            return
        try:
            items = link.feed(chunk)
            if items and self.role is not None:
                self._do(self.role.on_items, link, items)
        except ValueError as error:  # Malformed among them
            self._on_malformed(link, error)

    def on_lost(self, link: Link) -> None:
        """A connection is gone, or could not be made."""
        self.links.pop(link, None)
        self._dirty.pop(link, None)
        self._parked.pop(link, None)
        if self.role is not None:
            self._do(self.role.on_lost, link)

    def on_synced(self, zxid: int) -> None:
        """All that was logged up to a zxid is on disk."""
        if self.role is not None:
            self._do(self.role.on_synced, zxid)

    def on_tick(self) -> None:
        """Time has passed."""
        if self.role is None:
            self.election.on_tick(self.time)
            self._take_decision()
            self._maybe_read_only()
        else:
            self._do(self.role.on_tick)
        for link in [link for link, (until, _) in self._parked.items() if self.time >= until]:
            self.hang_up(link, "this server does not lead")

    @property
    def next_due(self) -> int:
        """When `on_tick` has something to do next, in monotonic milliseconds."""
        if self.role is None:
            due = self.election.next_due
            return self.time + self.rules.tick if due is None else due
        return self.time + min(self.rules.tick // 4, 100)

    def turn(self) -> PeerTurn:
        """What is to be done now; it is taken."""
        if self.role is not None:
            self._do(self.role.settle)
        turn = PeerTurn(self.log, self.election.take_sends(), self._dials)
        self.log, self._dials = [], []
        turn.wires = [(link, link.take()) for link in list(self._dirty) if not link.is_full]
        turn.hang_ups, self._hang_ups = self._hang_ups, []
        turn.clients, self._last_turn = self._last_turn, None
        for clients in filter(None, (None if self.role is None else self.role.service, self.leaderless)):
            turn.clients = clients.turn() if turn.clients is None else turn.clients.and_then(clients.turn())
        return turn

    @property
    def is_idle(self) -> bool:
        """Whether a turn would have nothing in it."""
        service = None if self.role is None else self.role.service
        if self.log or self._hang_ups or self._dials or not all(link.is_full for link in self._dirty):
            return False
        return self.leaderless.is_idle and (service is None or service.is_idle)

    # What roles call.

    def dial(self, sid: int) -> Link:
        """A connection to a member's quorum port is to be made."""
        link = Link(f"server {sid}", self._dirty, self.time)
        self.links[link] = None
        self._dials.append((link, sid))
        return link

    def hang_up(self, link: Link, why: str) -> None:
        """A connection is to be closed once what was sent is sent."""
        if link.why_closed is None:
            link.why_closed = why
            self.news.append(f"{link.name} closed: {why}")
            self._parked.pop(link, None)
            self.links.pop(link, None)
            self._hang_ups.append(link)

    def accept_epoch(self, epoch: int) -> None:
        """Promises an epoch."""
        self.storage.set_accepted_epoch(epoch)
        self.accepted_epoch = epoch

    def adopt_epoch(self, epoch: int) -> None:
        """The history is that of an epoch's leader."""
        self.storage.set_current_epoch(epoch)
        self.current_epoch = epoch

    def on_serving(self, epoch: int) -> None:
        """Clients are served in an epoch."""
        self.election.on_synchronized(epoch)
        service = self.service
        assert service is not None
        service.time, service.clock = self.time, self.clock
        self.news.append(f"serving epoch {epoch} from zxid 0x{self.tree.zxid:x}")

    def log_and_apply(self, entries: Sequence[Received]) -> None:
        """Writes transactions that are committed, and applies them."""
        if entries:
            self.storage.write([each.payload for each in entries])
            for each in entries:
                self._apply(each)

    def truncate(self, zxid: int) -> None:
        """Cuts off what was logged after a zxid, and forgets what it did."""
        try:
            self.storage.truncate(zxid)
        except ValueError as error:
            self.needs_image = True
            raise Abandoned(
                f"the log cannot be cut after 0x{zxid:x}, a snapshot is needed: {error}"
            ) from None
        self._load()

    def adopt(self, image: Image, zxid: int) -> None:
        """Takes over a tree, whose disk is written first."""
        tree = Tree()
        tree.restore(image.nodes)
        tree.zxid = zxid
        self.storage.save(tree, image.sessions)
        self.tree, self.timeouts = tree, image.sessions
        self.needs_image = False
        self.committed.entries.clear()
        self._show_ensemble()

    # Roles begin and end.

    def _look(self) -> None:
        self.role = None
        self._looking_since = self.time
        self.election.start(self.tree.zxid, self.current_epoch, self.time)
        self.news.append(f"looking for a leader with zxid 0x{self.tree.zxid:x}, epoch {self.current_epoch}")
        self._take_decision()

    def _take_decision(self) -> None:
        """If the election has ended, the role begins."""
        vote = self.election.decided
        if self.role is not None or vote is None:
            return
        self.leaderless.close("there is a leader again")
        if vote.leader == self.me:
            leader = Leader(self)
            self.role = leader
        else:
            self.role = Learner(self, vote.leader, self.me in self.ensemble.observers)
        parked, self._parked = self._parked, {}
        self.news.append(f"{'leading' if vote.leader == self.me else f'following {vote.leader}'}")
        self._do(self.role.begin)
        for link, (_, chunks) in parked.items():
            if isinstance(self.role, Leader):
                self.role.add(link)
                for chunk in chunks:
                    self.on_bytes(link, chunk)
            else:
                self.hang_up(link, "this server does not lead")

    def _maybe_read_only(self) -> None:
        """A member that looks for a leader for long serves those that only read, if it is to."""
        if self.role is not None:
            return
        self.leaderless.on_tick()
        patience = max(READ_ONLY_AFTER, self.rules.tick)
        is_due = self.rules.read_only and self.time >= self._looking_since + patience
        if is_due and not self.leaderless.is_read_only:
            self.leaderless.open(self.tree, self.timeouts)
            self.news.append(f"read-only at zxid 0x{self.tree.zxid:x}")

    def _do(self, what: Callable[..., None], *arguments: object) -> None:
        """Does something of the role, which may be the end of it."""
        try:
            what(*arguments)
        except Abandoned as why:
            self._leave(str(why), why.leader if isinstance(why, Reassigned) else None)

    def _on_malformed(self, link: Link, error: ValueError) -> None:
        """A connection over which nonsense comes is closed, and lost."""
        self.hang_up(link, str(error))
        if self.role is not None:
            self._do(self.role.on_lost, link)

    def _leave(self, why: str, leader: int | None) -> None:
        """The role is over: what was logged is on disk and in the tree when the next one begins.

        A vote tells of all that is in the log, committed or not (ZOOKEEPER-2845).
        """
        role = self.role
        assert role is not None
        self.news.append(f"no more {type(role).__name__.lower()}: {why}")
        service = role.service
        if service is not None:
            service.close_all("this server is looking for a leader")
            self._last_turn = service.turn()
        logged = role.logged()
        self.role, self.role_over = None, self.time
        for link in list(self.links):
            if link not in self._parked:
                self.hang_up(link, "the role is over")
        self._dials.clear()
        self.storage.write(self.log)
        self.log = []
        for entry in logged:
            self._apply(received(*entry))
        if leader is None:
            self._look()
        else:
            self.election.designate(leader, self.tree.zxid)
            self._take_decision()

    def _park(self, link: Link, chunk: bytes) -> None:
        """Keeps what a learner says until it is known whether this server leads."""
        _, chunks = self._parked[link]
        chunks.append(chunk)
        if sum(map(len, chunks)) > MOST_OF_STRANGER:
            self.hang_up(link, "too much before this server leads")

    # Who the members are.

    @property
    def ensembles(self) -> tuple[Ensemble, ...]:
        """Of which a quorum is needed: of the one that is committed, and of a later one that may be."""
        return (self.ensemble, self.last_seen) if self.is_reconfiguring else (self.ensemble,)

    @property
    def is_reconfiguring(self) -> bool:
        """Whether there is a later ensemble that is not known to be committed."""
        return self.last_seen.version > self.ensemble.version

    @property
    def known(self) -> Ensemble:
        """All members of which this one knows, and where they are reached."""
        members = {**self.last_seen.members, **self.ensemble.members}
        return Ensemble(members, version=self.ensemble.version)

    def see(self, ensemble: Ensemble) -> None:
        """A later ensemble is proposed: whatever is decided from now on needs a quorum of it, too.

        ZooKeeper: QuorumPeer.setLastSeenQuorumVerifier.
        """
        if self.rules.settings.reconfig and ensemble.version > self.last_seen.version:
            self.storage.save_ensembles(self.ensemble, ensemble)
            self.last_seen = ensemble
            self.election.set_ensemble(self.ensemble, ensemble)
            self.news.append(f"configuration {ensemble.version:x} proposed")

    def install(self, ensemble: Ensemble, leader: int | None) -> bool:
        """An ensemble is committed.

        Args:
            ensemble: which.
            leader: who leads from now on; None if nobody has said.

        Returns:
            Whether this server has another leader by that, or another part.

        ZooKeeper: QuorumPeer.processReconfig.
        """
        before = self.ensemble
        if not self.rules.settings.reconfig or ensemble.version <= before.version:
            return False
        if ensemble.version > self.last_seen.version:
            self.last_seen = ensemble
        self.storage.save_ensembles(ensemble, self.last_seen)
        self.ensemble = ensemble
        self.election.set_ensemble(ensemble, self.last_seen)
        self._show_ensemble()
        self.news.append(f"configuration {ensemble.version:x} committed: {ensemble.text()!r}")
        if before.has_the_same_members(ensemble):
            return False
        led_by = None if self.election.decided is None else self.election.decided.leader
        if leader is not None:
            is_led_by_another = leader != led_by
        else:
            is_led_by_another = led_by is None or not is_at_the_same_address(led_by, before, ensemble)
        return is_led_by_another or (self.me in before.observers) != (self.me in ensemble.observers)

    @property
    def _may_yet_lead(self) -> bool:
        """Whether a learner that connects may know better than this server whom it is to follow."""
        return self.role is None or self.rules.settings.reconfig

    def _take_over_ensemble(self) -> None:
        """While it looks for a leader, this server has heard of a later ensemble."""
        newer = self.election.newer
        if newer is None or self.role is not None or not self.rules.settings.reconfig:
            return
        is_another = not newer.has_the_same_members(self.ensemble)
        self.install(newer, None)
        self.election.newer = None
        if is_another:
            self._look()

    # Data.

    def _load(self) -> None:
        found = self.storage.load()
        self.tree = found.tree
        self.timeouts = found.sessions
        self.committed.entries.clear()
        for zxid, payload in self.storage.recent(self.rules.history):
            if zxid <= self.tree.zxid:
                self.committed.append(zxid, payload)
        self._show_ensemble()

    def _show_ensemble(self) -> None:
        """Who the members are is a node, which each server writes for itself unless it is reconfigured."""
        node = self.tree.nodes[CONFIG]
        if self.rules.settings.reconfig and node.mzxid > self.ensemble.version:
            return  # the history goes on
        node.data = self.ensemble.text().encode()
        node.version = -1
        if self.rules.settings.reconfig:
            node.mzxid = self.ensemble.version

    def _apply(self, entry: Received) -> None:
        """Applies a transaction while no clients are served."""
        zxid, payload, record = entry
        if type(record.txn) is CreateSessionTxn:
            self.timeouts[record.session] = record.txn.timeout
        elif type(record.txn) is CloseSessionTxn:
            self.timeouts.pop(record.session, None)
        self.tree.apply(record)
        self.committed.append(zxid, payload)
