"""One member of an ensemble, sans-IO: it looks for a leader, then leads or follows, and looks again.

The shell passes in what arrives (notifications, bytes, ticks, fsyncs) and does what `turn` returns, in that
order. Whatever must be on disk before anything else can proceed is written through `Storage` at once.

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
from zabserver.zab.link import MOST_BEFORE_PROMISE, Link
from zabserver.zab.role import Abandoned, Reassigned, Role, Rules
from zabserver.zab.storage import Storage

READ_ONLY_AFTER = 2000
"""How long a member looks for a leader before it serves read-only clients, in ms; at least one tick."""
PARKED = 1000
"""How long the connection of a learner is kept while this server does not lead yet, in milliseconds."""
MOST_PARKED = 256


@dataclass(slots=True)
class PeerTurn:
    """The effects of a turn, all performed before the next turn.

    A message that depends on an fsync of the log is sent in a turn after `Peer.on_synced`; epochs are written
    by the core's storage before the turn ends. A leader's proposal may go out before the leader's own fsync.

    Attributes:
        log: payloads to append to the log; after the fsync the shell calls `Peer.on_synced`.
        notifications: election messages to send, with their receivers.
        dials: connections to make to the quorum ports of members.
        wires: bytes to send on each connection.
        hang_ups: connections to close after that.
        clients: the effects for clients; None if none are served.
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
        ensemble: the ensemble that the member knows to be committed.
        storage: its disk.
        rules: the settings from zoo.cfg.
        time: monotonic milliseconds.
        clock: milliseconds since 1970.
        last_seen: a later ensemble that was proposed to the member, if there is one.

    Attributes:
        ensemble, last_seen: the committed ensemble and the last one proposed; equal unless reconfiguring.
        tree: the tree.
        timeouts: the timeouts of the sessions in the tree, in milliseconds, by session id.
        committed: the last transactions applied.
        accepted_epoch: the last epoch promised.
        current_epoch: the epoch of the leader whose history this is.
        needs_image: True if the history must be replaced by a snapshot, because the log cannot be truncated.
        log: payloads that the shell has not taken yet.
        role: what the member does; None while it looks for a leader.
        role_over: when the last role ended, in monotonic milliseconds; None before the first.
        leaderless: what serves clients while there is no leader.
        links: the connections to other members.
        election: the member's part in elections.
        news: what has happened, one line each, for the log.

    Raises:
        ValueError: the files are damaged or contradict each other.
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

    # Called by the shell.

    def start(self) -> None:
        """Begins to look for a leader."""
        self._start_election()

    @property
    def service(self) -> Clients | None:
        """The service for clients; None while there is none."""
        if self.role is not None:
            return self.role.service
        return self.leaderless if self.leaderless.is_read_only else None

    @property
    def state(self) -> int:
        """The state: LOOKING, FOLLOWING, LEADING or OBSERVING."""
        return ServerState.LOOKING if self.role is None else self.election.state

    def set_clocks(self, time: int, clock: int) -> None:
        """Sets the time: monotonic, and since 1970, in milliseconds."""
        self.time, self.clock = time, clock
        self.leaderless.time, self.leaderless.clock = time, clock
        service = self.service
        if service is not None:
            service.time, service.clock = time, clock

    def on_notification(self, sender: int, notification: Notification) -> None:
        """Handles another member's election notification."""
        self.election.on_notification(sender, notification, self.time)
        self._activate_newer_ensemble()
        self._take_decision()

    def accept(self, name: str) -> Link:
        """Accepts a connection to the quorum port."""
        link = Link(name, self._dirty, self.time, is_dialed=False)
        self.links[link] = None
        if isinstance(self.role, Leader):
            self.role.add(link)
        elif self._may_yet_lead:
            if len(self._parked) >= MOST_PARKED:
                oldest = next(iter(self._parked))
                self.hang_up(oldest, f"this server does not lead yet, and {MOST_PARKED} have connected since")
            self._parked[link] = (self.time + PARKED, [])
        else:
            self.hang_up(link, "this server does not lead")
        return link

    def on_dialed(self, link: Link) -> None:
        """Handles a connection that `dial` asked for and that is made."""
        link.heard = self.time
        if isinstance(self.role, Learner) and link is self.role.link:
            self.role.on_dialed(link)

    def on_bytes(self, link: Link, chunk: bytes) -> None:
        """Feeds bytes from a connection."""
        if link.why_closed is not None:
            return
        link.heard = self.time
        if link in self._parked:
            self._park(link, chunk)
            return
        try:
            items = link.feed(chunk)
            if items and self.role is not None:
                self._call(self.role.on_items, link, items)
        except ValueError as error:  # which includes Malformed
            self._on_malformed(link, error)

    def on_lost(self, link: Link) -> None:
        """Handles the loss of a connection, or the failure to make it."""
        self.links.pop(link, None)
        self._dirty.pop(link, None)
        self._parked.pop(link, None)
        if self.role is not None:
            self._call(self.role.on_lost, link)

    def on_synced(self, zxid: int) -> None:
        """Handles an fsync: everything logged up to a zxid is on disk."""
        if self.role is not None:
            self._call(self.role.on_synced, zxid)

    def on_tick(self) -> None:
        """Handles the passing of time."""
        if self.role is None:
            self.election.on_tick(self.time)
            self._take_decision()
            self._maybe_read_only()
        else:
            self._call(self.role.on_tick)
        for link in [link for link, (until, _) in self._parked.items() if self.time >= until]:
            self.hang_up(link, "this server does not lead")

    @property
    def next_due(self) -> int:
        """When `on_tick` must be called next, in monotonic milliseconds."""
        if self.role is None:
            due = self.election.next_due
            return self.time + self.rules.tick if due is None else due
        return self.time + min(self.rules.tick // 4, 100)

    def turn(self) -> PeerTurn:
        """Returns the effects to perform now, and clears them."""
        if self.role is not None:
            self._call(self.role.settle)
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
        """True if a turn would have no effects."""
        service = None if self.role is None else self.role.service
        if self.log or self._hang_ups or self._dials or not all(link.is_full for link in self._dirty):
            return False
        return self.leaderless.is_idle and (service is None or service.is_idle)

    # Called by roles.

    def dial(self, sid: int) -> Link:
        """Asks for a connection to the quorum port of a member."""
        link = Link(f"server {sid}", self._dirty, self.time)
        self.links[link] = None
        self._dials.append((link, sid))
        return link

    def hang_up(self, link: Link, why: str) -> None:
        """Closes a connection once its output is sent."""
        if link.why_closed is None:
            link.why_closed = why
            self.news.append(f"{link.name} closed: {why}")
            self._parked.pop(link, None)
            self.links.pop(link, None)
            self._hang_ups.append(link)

    def accept_epoch(self, epoch: int) -> None:
        """Promises an epoch, on disk."""
        self.storage.set_accepted_epoch(epoch)
        self.accepted_epoch = epoch

    def adopt_epoch(self, epoch: int) -> None:
        """Makes an epoch the current one, on disk: the history is that of its leader."""
        self.storage.set_current_epoch(epoch)
        self.current_epoch = epoch

    def on_serving(self, epoch: int) -> None:
        """Records that clients are served in an epoch."""
        self.election.on_synchronized(epoch)
        service = self.service
        assert service is not None
        service.time, service.clock = self.time, self.clock
        self.news.append(f"serving epoch {epoch} from zxid 0x{self.tree.zxid:x}")

    def log_and_apply(self, entries: Sequence[Received]) -> None:
        """Writes committed transactions to disk and applies them."""
        if entries:
            self.storage.write([each.payload for each in entries])
            for each in entries:
                self._apply(each)

    def truncate(self, zxid: int) -> None:
        """Truncates the log after a zxid, and loads the tree again."""
        try:
            self.storage.truncate(zxid)
        except ValueError as error:
            self.needs_image = True
            raise Abandoned(
                f"the log cannot be truncated after 0x{zxid:x}, a snapshot is needed: {error}"
            ) from None
        self._load()

    def adopt(self, image: Image, zxid: int) -> None:
        """Replaces the tree by an image, on disk first."""
        tree = Tree()
        tree.restore(image.nodes)
        tree.zxid = zxid
        self.storage.save(tree, image.sessions)
        self.tree, self.timeouts = tree, image.sessions
        self.needs_image = False
        self.committed.entries.clear()
        self._write_config_node()

    # Roles begin and end.

    def _start_election(self) -> None:
        self.role = None
        self._looking_since = self.time
        self.election.start(self.tree.zxid, self.current_epoch, self.time)
        self.news.append(f"looking for a leader with zxid 0x{self.tree.zxid:x}, epoch {self.current_epoch}")
        self._take_decision()

    def _take_decision(self) -> None:
        """Begins a role if the election has ended."""
        vote = self.election.decided
        if self.role is not None or vote is None:
            return
        self.leaderless.close("this server has a leader again")
        if vote.leader == self.me:
            leader = Leader(self)
            self.role = leader
        else:
            self.role = Learner(self, vote.leader, self.me in self.ensemble.observers)
        parked, self._parked = self._parked, {}
        self.news.append("leading" if vote.leader == self.me else f"following {vote.leader}")
        self._call(self.role.begin)
        for link, (_, chunks) in parked.items():
            if isinstance(self.role, Leader):
                self.role.add(link)
                for chunk in chunks:
                    self.on_bytes(link, chunk)
            else:
                self.hang_up(link, "this server does not lead")

    def _maybe_read_only(self) -> None:
        """Enters read-only mode if that is enabled and the member has looked for a leader for long enough."""
        if self.role is not None:
            return
        self.leaderless.on_tick()
        patience = max(READ_ONLY_AFTER, self.rules.tick)
        is_due = self.rules.read_only and self.time >= self._looking_since + patience
        if is_due and not self.leaderless.is_read_only:
            self.leaderless.open(self.tree, self.timeouts)
            self.news.append(f"read-only mode at zxid 0x{self.tree.zxid:x}")

    def _call(self, what: Callable[..., None], *arguments: object) -> None:
        """Calls a method of the role, which may end it."""
        try:
            what(*arguments)
        except Abandoned as why:
            self._leave(str(why), why.leader if isinstance(why, Reassigned) else None)

    def _on_malformed(self, link: Link, error: ValueError) -> None:
        """Closes a connection on which malformed data was received, and treats it as lost."""
        self.hang_up(link, str(error))
        if self.role is not None:
            self._call(self.role.on_lost, link)

    def _leave(self, why: str, leader: int | None) -> None:
        """Ends the role: what it has logged is on disk and in the tree when the next one begins.

        A vote counts everything in the log, committed or not (ZOOKEEPER-2845).
        """
        role = self.role
        assert role is not None
        self.news.append(f"no longer a {type(role).__name__.lower()}: {why}")
        service = role.service
        if service is not None:
            service.close_all("this server is looking for a leader")
            self._last_turn = service.turn()
        logged = role.logged()
        self.role, self.role_over = None, self.time
        for link in list(self.links):
            if link not in self._parked:
                self.hang_up(link, "this server's role has ended")
        self._dials.clear()
        self.storage.write(self.log)
        self.log = []
        for entry in logged:
            self._apply(received(*entry))
        if leader is None:
            self._start_election()
        else:
            self.election.designate(leader, self.tree.zxid)
            self._take_decision()

    def _park(self, link: Link, chunk: bytes) -> None:
        """Keeps what a learner sends until it is known whether this server leads."""
        _, chunks = self._parked[link]
        chunks.append(chunk)
        if sum(map(len, chunks)) > MOST_BEFORE_PROMISE:
            self.hang_up(link, f"more than {MOST_BEFORE_PROMISE} bytes before this server leads")

    # The members.

    @property
    def ensembles(self) -> tuple[Ensemble, ...]:
        """The ensembles of which quorums are needed: the committed one, and a later proposed one."""
        return (self.ensemble, self.last_seen) if self.is_reconfiguring else (self.ensemble,)

    @property
    def is_reconfiguring(self) -> bool:
        """True if there is a later ensemble that is not known to be committed."""
        return self.last_seen.version > self.ensemble.version

    @property
    def known(self) -> Ensemble:
        """All members that this one knows of, with their addresses."""
        members = {**self.last_seen.members, **self.ensemble.members}
        return Ensemble(members, version=self.ensemble.version)

    def see(self, ensemble: Ensemble) -> None:
        """Records a proposed ensemble: from now on decisions need a quorum of it, too.

        ZooKeeper: QuorumPeer.setLastSeenQuorumVerifier.
        """
        if self.rules.settings.reconfig and ensemble.version > self.last_seen.version:
            self.storage.save_ensembles(self.ensemble, ensemble)
            self.last_seen = ensemble
            self.election.set_ensemble(self.ensemble, ensemble)
            self.news.append(f"configuration {ensemble.version:x} proposed")

    def install(self, ensemble: Ensemble, leader: int | None) -> bool:
        """Activates a committed ensemble.

        Args:
            ensemble: the ensemble.
            leader: the id of the leader that it designates; None if unknown.

        Returns:
            True if that changes this server's leader or its role.

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
        self._write_config_node()
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
        """True if a learner that connects may know better than this server who leads."""
        return self.role is None or self.rules.settings.reconfig

    def _activate_newer_ensemble(self) -> None:
        """Activates a later ensemble that a peer has sent during an election."""
        newer = self.election.newer
        if newer is None or self.role is not None or not self.rules.settings.reconfig:
            return
        is_another = not newer.has_the_same_members(self.ensemble)
        self.install(newer, None)
        self.election.newer = None
        if is_another:
            self._start_election()

    # Data.

    def _load(self) -> None:
        found = self.storage.load()
        self.tree = found.tree
        self.timeouts = found.sessions
        self.committed.entries.clear()
        for zxid, payload in self.storage.recent(self.rules.history):
            if zxid <= self.tree.zxid:
                self.committed.append(zxid, payload)
        self._write_config_node()

    def _write_config_node(self) -> None:
        """Writes the ensemble to its node, unless the history already holds a later one."""
        node = self.tree.nodes[CONFIG]
        if self.rules.settings.reconfig and node.mzxid > self.ensemble.version:
            return  # the node is part of the history
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
