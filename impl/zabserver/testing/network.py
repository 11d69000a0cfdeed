"""The network between members in one process: an event loop that knows who talks to whom and holds it back.

What is held back arrives later, in order, as TCP would have it; nothing is lost. So a cut that is healed soon
is a delay, and one that lasts is found out by whoever hears nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, cast

acting: ContextVar[int] = ContextVar("acting")
"""Which member does what is done now: set where a member starts, inherited by everything that follows."""


class Network(asyncio.SelectorEventLoop):
    """An event loop for several members.

    Attributes:
        paused: whose process stands still.
        cuts: sender and receiver of what does not arrive.
    """

    def __init__(self) -> None:
        super().__init__()
        self.paused: set[int] = set()
        self.cuts: set[tuple[int, int]] = set()
        self._dialers: dict[int, int] = {}  # whose connection comes from which port
        self._gates: set[Gate] = set()

    async def create_server(self, protocol_factory: Any, *arguments: Any, **options: Any) -> asyncio.Server:
        """As of any loop; what is accepted goes through a gate."""
        sid = acting.get()
        return await super().create_server(
            lambda: cast(asyncio.Protocol, Gate(self, sid, protocol_factory())), *arguments, **options
        )

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """As of any loop; what is dialed goes through a gate, and the other end knows it by its port."""
        sid = acting.get()
        wire = socket.socket()
        wire.setblocking(False)
        wire.bind((host, 0))
        own = wire.getsockname()[1]
        self._dialers[own] = sid
        try:
            await self.sock_connect(wire, (host, port))
            _, gate = await super().create_connection(
                lambda: cast(asyncio.Protocol, Gate(self, sid, protocol_factory(), self.owner(port), own)),
                sock=wire,
                **options,
            )
        except BaseException:
            wire.close()
            del self._dialers[own]
            raise
        inner = cast(Gate, gate).inner
        return cast(Gate, gate).transport, inner

    def owner(self, port: int) -> int | None:
        """Who dialed from a port, or listens there."""
        return self._dialers.get(port)

    def own(self, port: int, sid: int) -> None:
        """A member listens at a port."""
        self._dialers[port] = sid

    def is_open(self, sender: int | None, receiver: int) -> bool:
        """Whether what one sends arrives at another; None for a client."""
        if receiver in self.paused:
            return False
        return sender is None or (sender, receiver) not in self.cuts

    def let_through(self) -> None:
        """What was held back and may arrive now does."""
        for gate in list(self._gates):
            gate.open()

    def remember(self, gate: Gate) -> None:
        """A connection was made."""
        self._gates.add(gate)

    def forget(self, gate: Gate) -> None:
        """A connection is gone."""
        self._gates.discard(gate)
        if gate.port is not None:
            self._dialers.pop(gate.port, None)


class Gate(asyncio.Protocol):
    """What comes over one connection, let through or held back.

    Args:
        receiver: the member at this end.
        inner: what it is let through to.
        sender: the member at the other end; None for a client.
        port: what it was dialed from, if it was.
    """

    transport: asyncio.Transport

    def __init__(
        self,
        network: Network,
        receiver: int,
        inner: asyncio.Protocol,
        sender: int | None = None,
        port: int | None = None,
    ) -> None:
        self.network = network
        self.receiver = receiver
        self.inner = inner
        self.sender = sender
        self.port = port
        self._held: list[tuple[Callable[..., object], tuple[object, ...]]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self.transport = cast(asyncio.Transport, transport)
        self.network.remember(self)
        if self.sender is None:
            peer = self.transport.get_extra_info("peername") or ("", 0)
            self.sender = self.network.owner(peer[1])
        self._do(self.inner.connection_made, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self._do(self.inner.data_received, data)

    def pause_writing(self) -> None:
        """The other end does not keep up."""
        self._do(self.inner.pause_writing)

    def resume_writing(self) -> None:
        """It has caught up."""
        self._do(self.inner.resume_writing)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._do(self.inner.connection_lost, exc)
        if not self._held:
            self.network.forget(self)

    def open(self) -> None:
        """What is held back is let through, unless it still may not be."""
        if not self.network.is_open(self.sender, self.receiver):
            return
        held, self._held = self._held, []
        is_over = bool(held) and held[-1][0] == self.inner.connection_lost
        if not (is_over and held[0][0] == self.inner.connection_made):  # who came and went was never here
            for what, arguments in held:
                what(*arguments)
        if self.transport.is_closing():
            self.network.forget(self)

    def _do(self, what: Callable[..., object], *arguments: object) -> None:
        if self._held or not self.network.is_open(self.sender, self.receiver):
            self._held.append((what, arguments))
        else:
            what(*arguments)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody uses now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
