"""Sockets and a disk around server cores: what all kinds of servers share.

Everything that arrives during one turn of the event loop is passed to the core. Then the core's effects are
performed together: one append to the log, and one write for each connection. While the disk syncs, the next
group of writes accumulates.

An fsync takes from 0.1 to more than 10 milliseconds, depending on the disk. Handing it to a thread costs
about 0.1 milliseconds. So a fast disk is synced in the event loop, and a slow one on a thread, while reads
and pings go on.

ZooKeeper: NIOServerCnxnFactory, SyncRequestProcessor, ZooKeeperServerMain.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

from zabserver.net.configuration.options import Options
from zabserver.net.disk.disk import KEPT, Disk
from zabserver.net.lines import event
from zabserver.net.ports.client_port import ClientPort
from zabserver.net.words.metrics import MetricsPort
from zabserver.service.clients import Clients
from zabserver.service.tree import Tree
from zabserver.service.txns import zxid_of
from zabserver.storage import snapshots
from zabserver.storage.schedule import Schedule

log = logging.getLogger("zabserver")

FAST_SYNC = 0.0005
"""Longest expected fsync that is done in the event loop, in seconds."""
WEIGHT = 0.1
"""Weight of the last fsync in the moving average that predicts the next."""


class Shell:
    """The ports, disk and clock around the cores of a server.

    Args:
        options: settings, as in zoo.cfg.
        disk: the data directory.
        chance: random numbers that decide when snapshots are written.

    Attributes:
        mode: the role that `srvr` reports.
        is_serving: True if clients are served.
        started: when the server was started, on the monotonic clock, in seconds.
        port: the port that clients connect to.
        metrics: the port for metrics.
        failed: set once the disk has failed, so that the server stops serving.
    """

    mode = "standalone"
    is_serving = True

    def __init__(self, options: Options, disk: Disk, chance: Random | None = None) -> None:
        self.options = options
        self.disk = disk
        self.started = time.monotonic()
        self.port = ClientPort(self)
        self.metrics = MetricsPort(self)
        self._syncer = ThreadPoolExecutor(1, "sync")
        self._snapshotter = ThreadPoolExecutor(1, "snapshot")
        self._unwritten: list[bytes] = []
        self._is_syncing = False
        self.failed = asyncio.Event()
        self._has_failed = False
        self._sync_time = 0.0  # expected duration of the next fsync, in seconds
        self._is_turn_due = False
        draw = (chance or Random()).randrange
        self._schedule = Schedule(options.snapshot_count, options.snapshot_size, draw)
        self._snapshot: asyncio.Task[None] | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._purger: asyncio.Task[None] | None = None
        self._stopping = False

    # Defined by each kind of server.

    @property
    def tree(self) -> Tree:
        """The data tree."""
        return self.service.tree

    @property
    def timeouts(self) -> dict[int, int]:
        """Timeouts of the sessions in the tree, in milliseconds."""
        return self.service.timeouts

    def more_counts(self) -> dict[str, int | str]:
        """Returns what `mntr` reports of this kind of server only."""
        return {}

    @property
    def service(self) -> Clients:
        """The core that serves clients."""
        raise NotImplementedError

    def set_clocks(self) -> None:
        """Sets the clocks of the cores."""
        raise NotImplementedError

    def _turn(self) -> None:
        """Performs the effects of the cores until there are none."""
        raise NotImplementedError

    def _report_synced(self, zxid: int) -> None:
        """Reports to the cores that the log is on disk up to a zxid."""
        raise NotImplementedError

    async def _tick(self) -> None:
        """Tells the cores that time has passed, at intervals, until cancelled."""
        raise NotImplementedError

    async def start(self) -> None:
        """Opens the client port; clients are served on return."""
        self._loop = asyncio.get_running_loop()
        await self.metrics.open()
        await self.port.open()
        self._ticker = self._loop.create_task(self._tick())
        if self.options.purge_interval:
            self._purger = self._loop.create_task(self._purge())

    async def stop(self) -> None:
        """Closes all connections, then syncs and closes the log. Sessions stay open."""
        await self._end()
        self.disk.close()

    async def crash(self) -> None:
        """Ends like a killed process: connections are cut, and writes that have not reached the disk are
        lost.
        """
        self.halt()
        await self._end()
        self.disk.abandon()

    def halt(self) -> None:
        """Ignores all further input and writes nothing more: the first step of a crash."""
        self._has_failed = True

    def close_ports(self) -> None:
        """Closes all ports and connections."""
        self.metrics.close()
        self.port.close()

    async def _end(self) -> None:
        """Stops all tasks and threads."""
        self._stopping = True
        self.close_ports()
        tasks = [task for task in (self._ticker, self._snapshot, self._purger) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while self._is_syncing:
            await asyncio.sleep(0.001)
        self._syncer.shutdown()
        self._snapshotter.shutdown()
        await self.port.closed()

    # Turns.

    def schedule_turn(self) -> None:
        """Schedules a turn at the end of the present iteration of the event loop."""
        if not self._is_turn_due:
            self._is_turn_due = True
            self.set_clocks()
            self._loop.call_soon(self._turn)

    def _sync(self) -> None:
        """Starts writing pending log entries, unless a write is in progress."""
        if self._is_syncing or self._has_failed or not self._unwritten:
            return
        payloads, self._unwritten = self._unwritten, []
        self._is_syncing = True
        self._schedule.add(len(payloads), sum(map(len, payloads)))
        if self._sync_time > FAST_SYNC:
            writing = self._loop.run_in_executor(self._syncer, self._write, payloads)
            writing.add_done_callback(self._on_written)
            return
        try:
            zxid = self._write(payloads)
        except OSError as error:
            self._on_failed(error)
            return
        self._on_synced(zxid)

    def _write(self, payloads: list[bytes]) -> int:
        """Appends to the log, syncs it, and returns the last zxid."""
        self.disk.append(payloads)
        began = time.monotonic()
        self.disk.sync()
        self._sync_time += (time.monotonic() - began - self._sync_time) * WEIGHT
        return zxid_of(payloads[-1])

    def _on_written(self, done: asyncio.Future[int]) -> None:
        """Continues after a sync on the thread."""
        error = done.exception()
        if error is not None:
            self._on_failed(error)
        else:
            self.set_clocks()
            self._on_synced(done.result())
            self._turn()

    def _on_failed(self, error: BaseException) -> None:
        log.critical("the log cannot be written, so requests are no longer served: %s", error)
        self._has_failed = True
        self.failed.set()
        self._is_syncing = False
        self.port.close()

    def _on_synced(self, zxid: int) -> None:
        """Reports that the log is on disk up to a zxid, and starts a snapshot if one is due."""
        self._is_syncing = False
        self._report_synced(zxid)
        if self._schedule.is_due and self._snapshot is None:
            self._begin_snapshot()

    # Time.

    async def _purge(self) -> None:
        """Deletes snapshots and logs that are no longer needed, at the start and at intervals.

        ZooKeeper: DatadirCleanupManager, which keeps at least three snapshots.
        """
        while True:
            kept = max(self.options.kept_snapshots, KEPT)
            gone = await self._loop.run_in_executor(self._snapshotter, self.disk.purge, kept)
            log.info(event("purged", files=len(gone)))
            await asyncio.sleep(self.options.purge_interval * 3600)

    def _clock(self) -> int:
        return time.time_ns() // 1_000_000

    def _time(self) -> int:
        return time.monotonic_ns() // 1_000_000

    # Snapshots.

    def _begin_snapshot(self) -> None:
        self._schedule.begin()
        self.disk.roll()
        self._snapshot = self._loop.create_task(self._write_snapshot())

    async def _write_snapshot(self) -> None:
        """Writes a snapshot in pieces, and lets requests be served in between."""
        tree = self.tree
        try:
            file = self.disk.begin_snapshot(tree.zxid)
            try:
                for piece in snapshots.encode_snapshot(tree, self.timeouts):
                    file.write(piece)
                    await asyncio.sleep(0)
                await self._loop.run_in_executor(self._snapshotter, file.finish)
            except BaseException:
                file.abandon()
                raise
            log.info("snapshot written: %s", file.path.name)
        except OSError as error:
            log.error("snapshot not written: %s", error)
        finally:
            self._snapshot = None

    def _write_snapshot_now(self) -> None:
        file = self.disk.begin_snapshot(self.tree.zxid)
        for piece in snapshots.encode_snapshot(self.tree, self.timeouts):
            file.write(piece)
        file.finish()
