"""A member of an ensemble, on real sockets and a real disk: asyncio around a `Peer`.

A proposal goes out before it is on our own disk, since its followers are as good as we are; nothing is
acknowledged before it is.

ZooKeeper: QuorumPeerMain, QuorumPeer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from zabserver.net.configuration.config_files import ConfigFiles
from zabserver.net.configuration.options import Options
from zabserver.net.disk.member_disk import MemberDisk
from zabserver.net.lines import event
from zabserver.net.ports.election_port import ElectionPort
from zabserver.net.ports.quorum_port import QuorumPort
from zabserver.net.ports.tls import MEMBERS, context_from, dialing_context
from zabserver.net.shell.shell import Shell
from zabserver.service.clients import Clients
from zabserver.service.primary import Primary
from zabserver.service.tree import Tree
from zabserver.wire.election import Notification, ServerState
from zabserver.zab import ensemble as zab
from zabserver.zab.ensemble import Ensemble
from zabserver.zab.leader import Leader
from zabserver.zab.learner import Learner
from zabserver.zab.link import Link
from zabserver.zab.peer import Peer
from zabserver.zab.role import Rules

log = logging.getLogger("zabserver")

BUSY = 0.01
"""How often time is told at least while a leader is looked for, in seconds."""
CALM = 0.05
"""The same with a leader."""
MODES = {
    ServerState.LOOKING: "looking",
    ServerState.FOLLOWING: "follower",
    ServerState.LEADING: "leader",
    ServerState.OBSERVING: "observer",
}


class Files(MemberDisk):
    """A member's disk, which waits for what the shell is writing before it does anything else.

    Attributes:
        member: whose it is.
    """

    member: Member

    def write(self, payloads: Sequence[bytes]) -> None:
        """Appends to the log, and syncs it."""
        self.member.flush()
        super().write(payloads)

    def truncate(self, zxid: int) -> None:
        """Makes the history end with a zxid."""
        self.member.flush()
        self.member.abandon_snapshot()
        super().truncate(zxid)

    def save(self, tree: Tree, timeouts: Mapping[int, int]) -> None:
        """Writes a snapshot that came from a leader."""
        self.member.flush()
        self.member.abandon_snapshot()
        super().save(tree, timeouts)


class Member(Shell):
    """A member of an ensemble.

    Args:
        options: as in zoo.cfg.
        ensemble: who the members are, `options.server_id` among them.

    Raises:
        ValueError: the data directory is damaged, or this server is no member.
        OSError: the data directory or a port cannot be used.
    """

    disk: Files

    def __init__(self, options: Options, ensemble: Ensemble) -> None:
        me = options.server_id
        if me not in ensemble.members:
            raise ValueError(f"this is server {me} (myid), and there is no server.{me}")
        log_dir = Path(options.log_dir) if options.log_dir else None
        disk = Files(Path(options.data_dir), log_dir, options.preallocated, options.force_sync)
        disk.member = self
        super().__init__(options, disk)
        if options.reconfig and options.config_file is not None:
            disk.config = ConfigFiles(options.config_file, me)
        self.peer = Peer(
            me, ensemble, disk, rules_of(options), self._time(), self._clock(), options.last_seen
        )
        self._known = self.peer.ensembles
        self._mine = ensemble.members[me]
        self._move: asyncio.Task[None] | None = None
        accepting = context_from(options.tls, MEMBERS) if options.has_quorum_tls else None
        dialing = dialing_context(options.tls) if options.has_quorum_tls else None
        self._listen_host = None if options.listens_everywhere else ensemble.members[me].host
        self.quorum_port = QuorumPort(self, accepting, dialing)
        self.election_port = ElectionPort(
            me,
            ensemble,
            self._on_notification,
            accepting,
            dialing,
            listen_host="" if options.listens_everywhere else None,
        )
        self._last_clean_up = time.monotonic()
        tree = self.peer.tree
        log.info("loaded zxid=0x%x nodes=%d epoch=%d", tree.zxid, tree.count, self.peer.current_epoch)

    async def start(self) -> None:
        """Opens all ports, and begins to look for a leader."""
        mine = self.peer.ensemble.members[self.peer.me]
        self._loop = asyncio.get_running_loop()
        await self.quorum_port.open(self._listen_host, mine.quorum_port)
        await self.election_port.open()
        await super().start()
        self.set_clocks()
        self.peer.start()
        self._turn()

    def close_ports(self) -> None:
        """Closes all connections."""
        self.election_port.close()
        self.quorum_port.close()
        super().close_ports()

    @property
    def service(self) -> Clients:
        """What it does for its clients."""
        return self.peer.service or self.peer.leaderless

    @property
    def is_serving(self) -> bool:  # type: ignore[override]
        """Whether it takes what clients ask for."""
        return self.peer.service is not None

    @property
    def mode(self) -> str:  # type: ignore[override]
        """Leader, follower, observer, or looking for a leader, maybe read-only meanwhile."""
        if self.service.is_read_only:
            return "read-only"
        return MODES[ServerState(self.peer.state)]

    @property
    def tree(self) -> Tree:
        """The data."""
        return self.peer.tree

    @property
    def timeouts(self) -> dict[int, int]:
        """Of the sessions in it, in milliseconds."""
        return self.peer.timeouts

    def set_clocks(self) -> None:
        """Tells the cores what time it is."""
        now, clock = self._time(), self._clock()
        self.peer.set_clocks(now, clock)

    def on_lost(self, link: Link) -> None:
        """A connection to another member is gone, or could not be made."""
        self.hear(self.peer.on_lost, link)

    def _on_notification(self, sender: int, notification: Notification) -> None:
        self.hear(self.peer.on_notification, sender, notification)

    def hear(self, what: Callable[..., object], *arguments: object) -> None:
        """The core is told something. If its disk fails over that, this is the end of it.

        Args:
            what: a method of the core.
            arguments: what it is told.
        """
        if self._has_failed:
            return
        self.set_clocks()
        try:
            what(*arguments)
        except OSError as error:
            self._on_failed(error)
        else:
            self.want_turn()

    def _turn(self) -> None:
        """Does what there is to do."""
        self._is_turn_due = False
        if self._has_failed or self._stopping:
            return
        try:
            while True:
                self._perform()
                if self.peer.ensembles != self._known:
                    self._follow_ensemble()
                if self.peer.is_idle:
                    break
        except OSError as error:
            self._on_failed(error)

    def _perform(self) -> None:
        turn = self.peer.turn()
        for line in self.peer.news:
            log.info(event("member", server=self.peer.me, news=line))
        self.peer.news.clear()
        for receiver, notification in turn.notifications:
            self.election_port.send(receiver, notification)
        for link, sid in turn.dials:
            self.quorum_port.dial(link, sid, self.peer.known)
        for link, out in turn.wires:
            self.quorum_port.send(link, out)
        self._unwritten += turn.log
        self._sync()
        for link in turn.hang_ups:
            self.quorum_port.hang_up(link)
        if turn.clients is not None:
            self.port.perform(turn.clients)

    # Reconfiguration.

    def _follow_ensemble(self) -> None:
        """The members are others, or reached elsewhere, this one perhaps."""
        peer = self.peer
        self._known = peer.ensembles
        self.election_port.set_ensemble(peer.known)
        mine = peer.ensemble.members.get(peer.me)
        if mine is not None and mine != self._mine:
            before, self._mine = self._mine, mine
            self._move = self._loop.create_task(self._move_ports(before, mine))

    async def _move_ports(self, before: zab.Member, after: zab.Member) -> None:
        """Listens where others look for this member now; connections that there are stay."""
        host = None if self.options.listens_everywhere else after.host
        moves = [
            (before.quorum_port, after.quorum_port, self.quorum_port.move),
            (before.election_port, after.election_port, self.election_port.move),
        ]
        try:
            for was, port, move in moves:
                if (before.host, was) != (after.host, port):
                    await move(host, port)
            if after.client_port is not None and after.client_port != self.port.number:
                await self.port.move(after.client_host or self.options.client_host, after.client_port)
        except OSError as error:
            log.error(event("not moved", server=self.peer.me, reason=str(error)))

    # The disk.

    def flush(self) -> None:
        """Returns when all that the cores wanted logged is with the disk; a sync is then enough.

        Raises:
            OSError: it cannot be written.
        """
        self._syncer.submit(lambda: None).result()  # after whatever it is doing
        unwritten, self._unwritten = self._unwritten, []
        self.disk.append(unwritten)

    def abandon_snapshot(self) -> None:
        """A snapshot that is being written is given up; one that is nearly named, named."""
        if self._snapshot is not None:
            self._snapshot.cancel()
        self._snapshotter.submit(lambda: None).result()  # a purge goes on in there, too

    def _tell_synced(self, zxid: int) -> None:
        self.hear(self.peer.on_synced, zxid)

    def _on_failed(self, error: BaseException) -> None:
        super()._on_failed(error)
        self.election_port.close()
        self.quorum_port.close()

    # Time.

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(BUSY if self.peer.role is None else CALM)
            self.hear(self.peer.on_tick)
            service = self.peer.service
            if isinstance(service, Primary):
                self._clean_up(service)
            self._turn()

    def _clean_up(self, service: Primary) -> None:
        if time.monotonic() - self._last_clean_up >= self.options.container_interval / 1000:
            self._last_clean_up = time.monotonic()
            service.clean_up(self.options.container_unused)

    # What it tells.

    def more_counts(self) -> dict[str, int | str]:
        """What `mntr` says of a member."""
        role = self.peer.role
        voters = len(self.peer.ensemble.voters)
        found: dict[str, int | str] = {
            "peer_state": self.peer_state,
            "quorum_size": voters,
            "current_epoch": self.peer.current_epoch,
            "last_zxid": f"0x{self.peer.tree.zxid:x}",
        }
        if isinstance(role, Leader):
            found |= role.counts()
        return found

    @property
    def peer_state(self) -> str:
        """What it does, and how far it has come with that."""
        role = self.peer.role
        if isinstance(role, Leader):
            return f"leading - {role.phase.name.lower()}"
        if isinstance(role, Learner):
            doing = "observing" if role.is_observer else "following"
            return f"{doing} - {role.stage.name.lower()}"
        return "looking - election"


def rules_of(options: Options) -> Rules:
    """What of the options decides how a member behaves."""
    return Rules(
        tick=options.tick,
        init=options.init_limit,
        sync=options.sync_limit,
        least=options.least_timeout,
        most=options.most_timeout,
        history=max(options.history, 500),
        size_factor=options.size_factor,
        settings=options.settings(),
        read_only=options.read_only,
        first_patience=options.first_patience,
        most_patience=options.most_patience,
        lone_voter=options.others.get("standaloneEnabled", "true").lower() == "false",
    )
