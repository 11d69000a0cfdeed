"""A network between the members of an ensemble that cuts, delays, half-closes and swallows.

Every member reaches every other through an address of its own, behind which is the other's real one. What
goes from one member to another, over whichever connection, shares one fate:

    cut         connections are reset, and new ones too
    swallowed   nothing arrives, and nobody is told; what was on its way arrives once the network is whole
    delayed     everything arrives so much later
    half-closed the end of what one member sends arrives; what the other sends goes on

A swallowed connection is as one whose packets are lost: TCP sends them again for many minutes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping

from zabcheck.servers.members import free_ports

CHUNK = 1 << 16
PATIENCE = 10.0
"""How long anything asked of the proxy may take, in seconds."""

Pair = tuple[int, int]
Ports = tuple[int, int]
"""Of a member: quorum port and election port."""


class Proxy:
    """The network, on a thread of its own, as a context manager.

    Args:
        real: each member's own ports.

    Attributes:
        ports: where the first member of a pair finds the second.
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

    # What may happen to the network; each pair is what the first sends to the second.

    def cut(self, pairs: Iterable[Pair]) -> None:
        """Resets connections between members; there are no more until `heal`."""
        self._do(self._cut, pairs)

    def swallow(self, pairs: Iterable[Pair]) -> None:
        """Lets nothing arrive until `heal`."""
        self._do(lambda pair: self._open[pair].clear(), pairs)

    def delay(self, pairs: Iterable[Pair], seconds: float) -> None:
        """Lets everything arrive later, in order."""
        self._do(lambda pair: self._delays.update({pair: seconds}), pairs)

    def half_close(self, pairs: Iterable[Pair]) -> None:
        """Ends what is sent over the connections that there are, one way."""
        self._do(self._finish, pairs)

    def heal(self) -> None:
        """The network is whole, for the connections that are left and for new ones."""

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

    # On its thread.

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
        """One connection that the first of a pair has made, to its end."""
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
        except RuntimeError as error:  # it was half-closed meanwhile
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
