"""A server that stands alone, on real sockets and a real disk.

ZooKeeper: ZooKeeperServerMain, ZooKeeperServer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from random import Random

from zabserver.net.configuration.options import Options
from zabserver.net.disk.disk import Disk
from zabserver.net.shell.shell import Shell
from zabserver.service.sessions import Sessions
from zabserver.service.standalone import Standalone

log = logging.getLogger("zabserver")


class Server(Shell):
    """A server that stands alone.

    Args:
        options: settings, as in zoo.cfg.
        chance: random numbers that decide when snapshots are written.

    Raises:
        Corrupt: the data directory is damaged.
        OSError: the data directory or a port cannot be used.
    """

    def __init__(self, options: Options, chance: Random | None = None) -> None:
        log_dir = Path(options.log_dir) if options.log_dir else None
        disk = Disk(Path(options.data_dir), log_dir, options.preallocated, options.force_sync)
        super().__init__(options, disk, chance)
        found = disk.load()
        now = self._time()
        sessions = Sessions(options.server_id, now, options.tick, options.least_timeout, options.most_timeout)
        for session, timeout in found.sessions.items():
            sessions.add(session, timeout, now)
        self._service = Standalone(found.tree, sessions, options.settings(), self._clock())
        self._service.time = now
        self._schedule.add(found.replayed, found.replayed_size)
        if found.snapshot is None:
            self._write_snapshot_now()
        log.info("loaded zxid=0x%x nodes=%d replayed=%d", found.tree.zxid, found.tree.count, found.replayed)

    @property
    def service(self) -> Standalone:
        """The core that serves clients."""
        return self._service

    def set_clocks(self) -> None:
        """Sets the clocks of the service."""
        self._service.clock = self._clock()
        self._service.time = self._time()

    def _turn(self) -> None:
        """Logs new writes, and sends the replies to those that are committed."""
        self._is_turn_due = False
        while True:
            turn = self._service.turn()
            self._unwritten += turn.log
            self._sync()
            self.port.perform(turn)
            if self._service.is_idle:
                break

    def _report_synced(self, zxid: int) -> None:
        """Reports that the log is on disk up to a zxid."""
        self._service.on_synced(zxid)

    async def _tick(self) -> None:
        last_clean_up = time.monotonic()
        while True:
            await asyncio.sleep(min(self.options.tick, 1000) / 2000)
            self.set_clocks()
            self._service.on_tick()
            if time.monotonic() - last_clean_up >= self.options.container_interval / 1000:
                last_clean_up = time.monotonic()
                self._service.clean_up(self.options.container_unused)
            self._turn()
