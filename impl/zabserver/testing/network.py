"""The network between members in one process: an event loop that knows the sender of all traffic and can hold
it back.

Held traffic is delivered later and in order, as TCP would; nothing is lost. So a cut that is healed soon is a
delay, and a longer one is noticed by timeouts.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, cast

current_member: ContextVar[int] = ContextVar("current_member")
"""Id of the member that runs now: set where a member starts, and inherited by its tasks and callbacks."""


class Network(asyncio.SelectorEventLoop):
    """An event loop for several members.

    Attributes:
        paused: ids of the members whose process is paused.
        cuts: pairs of sender and receiver between which nothing is delivered.
    """

    def __init__(self) -> None:
        super().__init__()
        self.paused: set[int] = set()
        self.cuts: set[tuple[int, int]] = set()
        self._members_by_port: dict[int, int] = {}  # member by port
        self._gates: set[Gate] = set()

    async def create_server(self, protocol_factory: Any, *arguments: Any, **options: Any) -> asyncio.Server:
        """Listens as any event loop does; accepted connections go through a gate."""
        sid = current_member.get()
        return await super().create_server(
            lambda: cast(asyncio.Protocol, Gate(self, sid, protocol_factory())), *arguments, **options
        )

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Connects as any event loop does; the connection goes through a gate, and its port tells who made
        it.
        """
        sid = current_member.get()
        wire = socket.socket()
        wire.setblocking(False)
        wire.bind((host, 0))
        own = wire.getsockname()[1]
        self._members_by_port[own] = sid
        try:
            await self.sock_connect(wire, (host, port))
            _, gate = await super().create_connection(
                lambda: cast(asyncio.Protocol, Gate(self, sid, protocol_factory(), self.owner(port), own)),
                sock=wire,
                **options,
            )
        except BaseException:
            wire.close()
            del self._members_by_port[own]
            raise
        inner = cast(Gate, gate).inner
        return cast(Gate, gate).transport, inner

    def owner(self, port: int) -> int | None:
        """Returns the member that uses a port; None for a client."""
        return self._members_by_port.get(port)

    def register_port(self, port: int, sid: int) -> None:
        """Registers the port of a member."""
        self._members_by_port[port] = sid

    def is_open(self, sender: int | None, receiver: int) -> bool:
        """True if traffic from a sender reaches a receiver; the sender is None for a client."""
        if receiver in self.paused:
            return False
        return sender is None or (sender, receiver) not in self.cuts

    def deliver_held(self) -> None:
        """Delivers held traffic that may be delivered now."""
        for gate in list(self._gates):
            gate.open()

    def add_gate(self, gate: Gate) -> None:
        """Registers a connection."""
        self._gates.add(gate)

    def remove_gate(self, gate: Gate) -> None:
        """Unregisters a closed connection."""
        self._gates.discard(gate)
        if gate.port is not None:
            self._members_by_port.pop(gate.port, None)


class Gate(asyncio.Protocol):
    """One end of a connection, which delivers or holds what arrives.

    Args:
        network: the event loop.
        receiver: the member at this end.
        inner: the protocol that traffic is delivered to.
        sender: the member at the other end; None for a client.
        port: port that the connection was made from; None if it was accepted.
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
        """Registers the connection, and delivers or holds its opening."""
        self.transport = cast(asyncio.Transport, transport)
        self.network.add_gate(self)
        if self.sender is None:
            peer = self.transport.get_extra_info("peername") or ("", 0)
            self.sender = self.network.owner(peer[1])
        self._do(self.inner.connection_made, transport)

    def data_received(self, data: bytes) -> None:
        """Delivers or holds bytes."""
        self._do(self.inner.data_received, data)

    def pause_writing(self) -> None:
        """Delivers or holds the notice that the other end does not read."""
        self._do(self.inner.pause_writing)

    def resume_writing(self) -> None:
        """Delivers or holds the notice that the other end has read."""
        self._do(self.inner.resume_writing)

    def connection_lost(self, exc: Exception | None) -> None:
        """Delivers or holds the end of the connection."""
        self._do(self.inner.connection_lost, exc)
        if not self._held:
            self.network.remove_gate(self)

    def open(self) -> None:
        """Delivers what is held, unless it must still be held."""
        if not self.network.is_open(self.sender, self.receiver):
            return
        held, self._held = self._held, []
        is_over = bool(held) and held[-1][0] == self.inner.connection_lost
        if not (
            is_over and held[0][0] == self.inner.connection_made
        ):  # otherwise opened and closed while held
            for what, arguments in held:
                what(*arguments)
        if self.transport.is_closing():
            self.network.remove_gate(self)

    def _do(self, what: Callable[..., object], *arguments: object) -> None:
        if self._held or not self.network.is_open(self.sender, self.receiver):
            self._held.append((what, arguments))
        else:
            what(*arguments)
