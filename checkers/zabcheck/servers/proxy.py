"""A network between the members of an ensemble, with faults.

Each member reaches each other one through a port of the proxy, which forwards to the other's own port. A
fault applies to everything that one member sends to another, on all connections:

    cut         connections are reset, existing and new ones
    swallow     nothing arrives and no connection is closed, as if packets were lost, which TCP sends again
    for
                many minutes; what was in flight arrives once the network is whole
    delay       everything arrives later
    half-close  one direction of each connection is closed, and the other stays open
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping

from zabcheck.servers.members import free_ports

CHUNK = 1 << 16
PATIENCE = 60.0
"""Timeout for each call of the proxy's thread, in seconds."""

Pair = tuple[int, int]
Ports = tuple[int, int]
"""The quorum port and the election port of a member."""


class Proxy:
    """The network on a thread of its own, as a context manager.

    Args:
        real: the ports of each member.

    Attributes:
        real: as above.
        ports: by pair, the ports at which the first member reaches the second.
    """

    def __init__(self, real: Mapping[int, Ports]) -> None:
        pairs = [(one, other) for one in sorted(real) for other in sorted(real) if one != other]
        free = free_ports(2 * len(pairs))
        self.real = dict(real)
        self.ports: dict[Pair, Ports] = {pair: (free.pop(), free.pop()) for pair in pairs}
        self._is_cut: set[Pair] = set()
        self._delays: dict[Pair, float] = {}
        self._open = {pair: asyncio.Event() for pair in pairs}
        self._writers: dict[Pair, dict[asyncio.StreamWriter, None]] = {pair: {} for pair in pairs}
        self._loop = asyncio.new_event_loop()
        self._listeners: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    # Faults. A pair stands for what its first member sends to the second.

    def cut(self, pairs: Iterable[Pair]) -> None:
        """Resets connections between members, and all new ones until `heal`."""
        self._do(self._cut, pairs)

    def swallow(self, pairs: Iterable[Pair]) -> None:
        """Stops delivery until `heal`, without closing connections."""
        self._do(lambda pair: self._open[pair].clear(), pairs)

    def delay(self, pairs: Iterable[Pair], seconds: float) -> None:
        """Delays delivery, without changing the order."""
        self._do(lambda pair: self._delays.update({pair: seconds}), pairs)

    def half_close(self, pairs: Iterable[Pair]) -> None:
        """Closes one direction of the existing connections."""
        self._do(self._finish, pairs)

    def heal(self) -> None:
        """Ends all faults, for the connections that are left and for new ones."""

        def whole(pair: Pair) -> None:
            self._is_cut.discard(pair)
            self._delays.pop(pair, None)
            self._open[pair].set()

        self._do(whole, self.ports)

    def _do(self, what: Callable[[Pair], object], pairs: Iterable[Pair]) -> None:
        async def all_of_them() -> None:
            for pair in list(pairs):
                what(pair)

        asyncio.run_coroutine_threadsafe(all_of_them(), self._loop).result(PATIENCE)

    # On the thread.

    async def _listen(self) -> None:
        for pair, addresses in self.ports.items():
            self._open[pair].set()
            for port, target in zip(addresses, self.real[pair[1]], strict=True):
                accept = self._accepting(pair, target)
                self._listeners.append(await asyncio.start_server(accept, "127.0.0.1", port))

    async def _end(self) -> None:
        for listener in self._listeners:
            listener.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def _accepting(
        self, pair: Pair, target: int
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = self._loop.create_task(self._serve(pair, target, reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return accept

    async def _serve(
        self, pair: Pair, target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Forwards a connection that the first member of a pair has made, until it ends."""
        back = (pair[1], pair[0])
        there: asyncio.StreamWriter | None = None
        try:
            for way in (pair, back):
                await self._open[way].wait()
            if self._is_cut & {pair, back}:
                return
            from_there, there = await asyncio.open_connection("127.0.0.1", target)
            await asyncio.gather(self._pump(pair, reader, there), self._pump(back, from_there, writer))
        except OSError:
            pass
        finally:
            for each in (writer, there):
                if each is not None:
                    each.transport.abort()

    async def _pump(self, pair: Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers[pair][writer] = None
        try:
            while chunk := await reader.read(CHUNK):
                await asyncio.sleep(self._delays.get(pair, 0.0))
                await self._open[pair].wait()
                writer.write(chunk)
                await writer.drain()
            await self._open[pair].wait()
            writer.write_eof()
        except RuntimeError as error:  # half-closed meanwhile
            raise ConnectionResetError(str(error)) from None
        finally:
            del self._writers[pair][writer]

    def _cut(self, pair: Pair) -> None:
        self._is_cut.add(pair)
        for writer in list(self._writers[pair]):
            writer.transport.abort()

    def _finish(self, pair: Pair) -> None:
        for writer in list(self._writers[pair]):
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()
