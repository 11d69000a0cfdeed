"""A member of an ensemble on real sockets and a real disk: runs a `Peer` under asyncio.

A leader sends a proposal before its own disk is synced, because a quorum of followers suffices; no member
acknowledges a proposal before its own disk is synced.

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

ELECTION_TICK = 0.01
"""Longest interval between clock ticks during leader election, in seconds."""
TICK = 0.05
"""Longest interval between clock ticks while there is a leader, in seconds."""
MODES = {
    ServerState.LOOKING: "looking",
    ServerState.FOLLOWING: "follower",
    ServerState.LEADING: "leader",
    ServerState.OBSERVING: "observer",
}


class Files(MemberDisk):
    """A member's disk, which finishes the shell's pending writes before it changes the history.

    Args:
        member: the member that the disk belongs to.
        options: settings, as in zoo.cfg.
    """

    def __init__(self, member: Member, options: Options) -> None:
        log_dir = Path(options.log_dir) if options.log_dir else None
        config = None
        if options.reconfig and options.config_file is not None:
            config = ConfigFiles(options.config_file, options.server_id)
        super().__init__(Path(options.data_dir), log_dir, options.preallocated, options.force_sync, config)
        self.member = member

    def write(self, payloads: Sequence[bytes]) -> None:
        """Appends to the log and syncs it."""
        self.member.flush()
        super().write(payloads)

    def truncate(self, zxid: int) -> None:
        """Removes every transaction after a zxid from the history."""
        self.member.flush()
        self.member.abandon_snapshot()
        super().truncate(zxid)

    def save(self, tree: Tree, timeouts: Mapping[int, int]) -> None:
        """Writes a snapshot that a leader sent."""
        self.member.flush()
        self.member.abandon_snapshot()
        super().save(tree, timeouts)


class Member(Shell):
    """A member of an ensemble.

    Args:
        options: settings, as in zoo.cfg.
        ensemble: the members, `options.server_id` among them.

    Attributes:
        peer: the core: election, leader or learner, and the service for clients.
        quorum_port: the port for quorum packets.
        election_port: the port for votes.

    Raises:
        ValueError: the data directory is damaged, or this server is not a member.
        OSError: the data directory or a port cannot be used.
    """

    disk: Files

    def __init__(self, options: Options, ensemble: Ensemble) -> None:
        me = options.server_id
        if me not in ensemble.members:
            raise ValueError(f"myid is {me}, but there is no server.{me} in the ensemble")
        disk = Files(self, options)
        super().__init__(options, disk)
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
        """Opens all ports and starts leader election."""
        mine = self.peer.ensemble.members[self.peer.me]
        self._loop = asyncio.get_running_loop()
        await self.quorum_port.open(self._listen_host, mine.quorum_port)
        await self.election_port.open()
        await super().start()
        self.set_clocks()
        self.peer.start()
        self._turn()

    def close_ports(self) -> None:
        """Closes all ports and connections."""
        self.election_port.close()
        self.quorum_port.close()
        super().close_ports()

    @property
    def service(self) -> Clients:
        """The core that serves clients in the present role."""
        return self.peer.service or self.peer.leaderless

    @property
    def is_serving(self) -> bool:  # type: ignore[override]
        """True if there is a leader, so that clients are served."""
        return self.peer.service is not None

    @property
    def mode(self) -> str:  # type: ignore[override]
        """The role that `srvr` reports: leader, follower, observer, looking, or read-only."""
        if self.service.is_read_only:
            return "read-only"
        return MODES[ServerState(self.peer.state)]

    @property
    def tree(self) -> Tree:
        """The data tree."""
        return self.peer.tree

    @property
    def timeouts(self) -> dict[int, int]:
        """Timeouts of the sessions in the tree, in milliseconds."""
        return self.peer.timeouts

    def set_clocks(self) -> None:
        """Sets the clocks of the core."""
        now, clock = self._time(), self._clock()
        self.peer.set_clocks(now, clock)

    def on_lost(self, link: Link) -> None:
        """Reports a link that was closed or could not be opened."""
        self.call_core(self.peer.on_lost, link)

    def _on_notification(self, sender: int, notification: Notification) -> None:
        self.call_core(self.peer.on_notification, sender, notification)

    def call_core(self, what: Callable[..., object], *arguments: object) -> None:
        """Calls a method of the core and schedules a turn; stops the member if its disk fails during the
        call.

        Args:
            what: a method of the core.
            arguments: its arguments.
        """
        if self._has_failed:
            return
        self.set_clocks()
        try:
            what(*arguments)
        except OSError as error:
            self._on_failed(error)
        else:
            self.schedule_turn()

    def _turn(self) -> None:
        """Performs effects of the core until there are none."""
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
        """Adopts a new configuration: peers' addresses, and this member's own ports if they have changed."""
        peer = self.peer
        self._known = peer.ensembles
        self.election_port.set_ensemble(peer.known)
        mine = peer.ensemble.members.get(peer.me)
        if mine is not None and mine != self._mine:
            before, self._mine = self._mine, mine
            self._move = self._loop.create_task(self._move_ports(before, mine))

    async def _move_ports(self, before: zab.Member, after: zab.Member) -> None:
        """Listens at this member's new addresses; open connections are kept."""
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
            log.error(event("not_moved", server=self.peer.me, reason=str(error)))

    # The disk.

    def flush(self) -> None:
        """Writes everything that the cores have logged to the disk, without syncing it.

        Raises:
            OSError: the log cannot be written.
        """
        self._syncer.submit(lambda: None).result()  # waits for the write in progress
        unwritten, self._unwritten = self._unwritten, []
        self.disk.append(unwritten)

    def abandon_snapshot(self) -> None:
        """Cancels the snapshot that is being written, or waits for it if it is complete."""
        if self._snapshot is not None:
            self._snapshot.cancel()
        self._snapshotter.submit(lambda: None).result()  # waits for a purge in progress, too

    def _report_synced(self, zxid: int) -> None:
        self.call_core(self.peer.on_synced, zxid)

    def _on_failed(self, error: BaseException) -> None:
        super()._on_failed(error)
        self.election_port.close()
        self.quorum_port.close()

    # Time.

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(ELECTION_TICK if self.peer.role is None else TICK)
            self.call_core(self.peer.on_tick)
            service = self.peer.service
            if isinstance(service, Primary):
                self._clean_up(service)
            self._turn()

    def _clean_up(self, service: Primary) -> None:
        if time.monotonic() - self._last_clean_up >= self.options.container_interval / 1000:
            self._last_clean_up = time.monotonic()
            service.clean_up(self.options.container_unused)

    # Counts.

    def more_counts(self) -> dict[str, int | str]:
        """Returns what `mntr` reports of members only."""
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
        """The role and its phase, as `mntr` reports them."""
        role = self.peer.role
        if isinstance(role, Leader):
            return f"leading - {role.phase.name.lower()}"
        if isinstance(role, Learner):
            doing = "observing" if role.is_observer else "following"
            return f"{doing} - {role.stage.name.lower()}"
        return "looking - election"


def rules_of(options: Options) -> Rules:
    """Returns the settings that the core of a member needs."""
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
