"""Real sockets and a real disk around server cores: what all kinds of servers share.

All that arrives between two turns of the loop goes in, then what the service wants done is done at once: one
append to the log, one write for each connection. While the disk is synced, the next group of writes gathers.

A sync takes a tenth of a millisecond on one disk and ten on another. Handing it to a thread costs as much as
the first, so a quick disk is waited for in the loop, and a slow one on a thread: reads and pings go on.

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

QUICK = 0.0005
"""A disk that is synced in so many seconds, of late, is waited for."""
WEIGHT = 0.1
"""How much the last sync counts for what is expected of the next."""


class Shell:
    """What every server has around its cores: ports, a disk, a clock.

    Args:
        options: as in zoo.cfg.
        disk: its files.
        chance: draws when snapshots are written.

    Attributes:
        mode: what it is, as `srvr` says.
        is_serving: whether it takes what clients ask for.
        failed: set once its disk has failed, and it does nothing any more.
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
        self._sync_time = 0.0  # expected, in seconds
        self._is_turn_due = False
        draw = (chance or Random()).randrange
        self._schedule = Schedule(options.snapshot_count, options.snapshot_size, draw)
        self._snapshot: asyncio.Task[None] | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._purger: asyncio.Task[None] | None = None
        self._stopping = False

    # What each kind of server has of its own.

    @property
    def tree(self) -> Tree:
        """The data."""
        return self.service.tree

    @property
    def timeouts(self) -> dict[int, int]:
        """Of the sessions in it, in milliseconds."""
        return self.service.timeouts

    def more_counts(self) -> dict[str, int | str]:
        """What `mntr` says of it besides what it says of all servers."""
        return {}

    @property
    def service(self) -> Clients:
        """What it does for its clients."""
        raise NotImplementedError

    def set_clocks(self) -> None:
        """Tells the cores what time it is."""
        raise NotImplementedError

    def _turn(self) -> None:
        """Does what there is to do."""
        raise NotImplementedError

    def _tell_synced(self, zxid: int) -> None:
        """The cores are told that all up to a zxid is on disk."""
        raise NotImplementedError

    async def _tick(self) -> None:
        """Tells the cores, again and again, that time has passed."""
        raise NotImplementedError

    async def start(self) -> None:
        """Opens the client port; clients are served when it returns."""
        self._loop = asyncio.get_running_loop()
        await self.metrics.open()
        await self.port.open()
        self._ticker = self._loop.create_task(self._tick())
        if self.options.purge_interval:
            self._purger = self._loop.create_task(self._purge())

    async def stop(self) -> None:
        """Closes all connections, and syncs and closes the log. Sessions live on."""
        await self._end()
        self.disk.close()

    async def crash(self) -> None:
        """Ends as a process that is killed: connections are cut, and what is not written never is."""
        self.fall()
        await self._end()
        self.disk.abandon()

    def fall(self) -> None:
        """From now on it hears, does and writes nothing: the beginning of a crash."""
        self._has_failed = True

    def close_ports(self) -> None:
        """Closes all connections."""
        self.metrics.close()
        self.port.close()

    async def _end(self) -> None:
        """Returns when nothing of it runs any more."""
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

    def want_turn(self) -> None:
        """Something came in: at the end of this turn of the loop, what is to be done is done."""
        if not self._is_turn_due:
            self._is_turn_due = True
            self.set_clocks()
            self._loop.call_soon(self._turn)

    def _sync(self) -> None:
        """Begins to write what waits, unless that is going on."""
        if self._is_syncing or self._has_failed or not self._unwritten:
            return
        payloads, self._unwritten = self._unwritten, []
        self._is_syncing = True
        self._schedule.add(len(payloads), sum(map(len, payloads)))
        if self._sync_time > QUICK:
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
        """Writes to the log, and returns the last zxid when that is on disk."""
        self.disk.append(payloads)
        began = time.monotonic()
        self.disk.sync()
        self._sync_time += (time.monotonic() - began - self._sync_time) * WEIGHT
        return zxid_of(payloads[-1])

    def _on_written(self, done: asyncio.Future[int]) -> None:
        """The thread is done."""
        error = done.exception()
        if error is not None:
            self._on_failed(error)
        else:
            self.set_clocks()
            self._on_synced(done.result())
            self._turn()

    def _on_failed(self, error: BaseException) -> None:
        log.critical("the log cannot be written, no more requests are served: %s", error)
        self._has_failed = True
        self.failed.set()
        self._is_syncing = False
        self.port.close()

    def _on_synced(self, zxid: int) -> None:
        """All up to a zxid is on disk."""
        self._is_syncing = False
        self._tell_synced(zxid)
        if self._schedule.is_due and self._snapshot is None:
            self._begin_snapshot()

    # Time.

    async def _purge(self) -> None:
        """Now and at intervals, deletes snapshots and logs that are not needed any more.

        ZooKeeper: DatadirCleanupManager, which keeps three snapshots at least.
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
        """Writes a snapshot in pieces, between which requests are served."""
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
            log.error("no snapshot written: %s", error)
        finally:
            self._snapshot = None

    def _write_snapshot_now(self) -> None:
        file = self.disk.begin_snapshot(self.tree.zxid)
        for piece in snapshots.encode_snapshot(self.tree, self.timeouts):
            file.write(piece)
        file.finish()
