"""The port for quorum packets between leader and learners: passes bytes between sockets and links.

A link whose socket is behind produces no more output, so that a snapshot for a slow learner is encoded at the
pace at which the learner reads.

ZooKeeper: Leader.LearnerCnxAcceptor, Learner.connectToLeader.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from zabserver.net.lines import event
from zabserver.zab.ensemble import Ensemble
from zabserver.zab.link import Link
from zabserver.zab.peer import Peer

log = logging.getLogger("zabserver.quorum")

MOST_UNSENT = 4 << 20
"""Most unsent bytes in a socket's output buffer; with more, the link produces no output."""
CLOSE_TIMEOUT = 5.0
"""Longest time for the other side to read what was sent before a connection is closed, in seconds."""
DIAL_TIMEOUT = 5.0
"""Longest time to connect, in seconds."""


class QuorumHost(Protocol):
    """The member that a quorum port belongs to.

    Attributes:
        peer: the core that is told what happens to links.
    """

    peer: Peer

    def set_clocks(self) -> None:
        """Sets the core's clocks."""

    def call_core(self, what: Callable[..., object], *arguments: object) -> None:
        """Calls a method of the core, then schedules a turn."""

    def on_lost(self, link: Link) -> None:
        """Reports a link that was closed or could not be opened."""

    def schedule_turn(self) -> None:
        """Schedules a turn."""


class QuorumPort:
    """The listening socket for quorum packets, and the connections to and from other members.

    Args:
        member: the member that the port belongs to.
        accepting, dialing: TLS for accepted and for outgoing connections; None for none.

    Attributes:
        wires: the socket of each open link.
    """

    def __init__(
        self,
        member: QuorumHost,
        accepting: ssl.SSLContext | None = None,
        dialing: ssl.SSLContext | None = None,
    ) -> None:
        self.member = member
        self.wires: dict[Link, Wire] = {}
        self._accepting = accepting
        self._dialing = dialing
        self._listener: asyncio.Server | None = None
        self._dials: set[asyncio.Task[None]] = set()

    async def open(self, host: str | None, port: int) -> None:
        """Starts listening.

        Raises:
            OSError: the port cannot be bound.
        """
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Wire(self), host, port, ssl=self._accepting)

    async def move(self, host: str | None, port: int) -> None:
        """Moves the listening socket; open connections are kept.

        Raises:
            OSError: the new port cannot be bound; the old one stays open.
        """
        before = self._listener
        await self.open(host, port)
        if before is not None:
            before.close()

    def close(self) -> None:
        """Stops listening and closes all connections."""
        if self._listener is not None:
            self._listener.close()
        for dial in self._dials:
            dial.cancel()
        for wire in list(self.wires.values()):
            wire.transport.abort()

    def dial(self, link: Link, sid: int, ensemble: Ensemble) -> None:
        """Starts connecting a link to a member."""
        dial = asyncio.get_running_loop().create_task(self._dial(link, sid, ensemble))
        self._dials.add(dial)
        dial.add_done_callback(self._dials.discard)

    async def _dial(self, link: Link, sid: int, ensemble: Ensemble) -> None:
        other = ensemble.members[sid]
        loop = asyncio.get_running_loop()
        try:
            connecting = loop.create_connection(
                lambda: Wire(self, link), other.host, other.quorum_port, ssl=self._dialing
            )
            await asyncio.wait_for(connecting, DIAL_TIMEOUT)
        except (OSError, TimeoutError) as error:
            log.info(
                event("unreachable", server=sid, reason=str(error) or f"no answer within {DIAL_TIMEOUT} s")
            )
            self.member.on_lost(link)

    def send(self, link: Link, out: bytes) -> None:
        """Sends bytes over a link; drops them if the link is closed."""
        wire = self.wires.get(link)
        if wire is not None:
            wire.transport.write(out)

    def hang_up(self, link: Link) -> None:
        """Closes a link once everything sent is read, or after `CLOSE_TIMEOUT`."""
        wire = self.wires.get(link)
        if wire is not None:
            wire.transport.close()
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, wire.transport.abort)


class Wire(asyncio.Protocol):
    """The socket of one link.

    Args:
        port: the port that accepted or made the connection.
        link: the link that was dialed; None for an accepted connection, which gets a new one.
    """

    transport: asyncio.Transport

    def __init__(self, port: QuorumPort, link: Link | None = None) -> None:
        self.port = port
        self.link = link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Registers the connection with its link, and tells the core."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's class is not a subclass
        wire = self.transport.get_extra_info("socket")
        if wire is not None and wire.family in (socket.AF_INET, socket.AF_INET6):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport.set_write_buffer_limits(MOST_UNSENT)
        member = self.port.member
        member.set_clocks()
        if self.link is None:
            host, number = (self.transport.get_extra_info("peername") or ("?", 0))[:2]
            self.link = member.peer.accept(f"{host}:{number}")
            self.port.wires[self.link] = self
        elif self.link.why_closed is not None:
            self.transport.abort()
        else:
            self.port.wires[self.link] = self
            member.call_core(member.peer.on_dialed, self.link)
        member.schedule_turn()

    def data_received(self, chunk: bytes) -> None:
        """Passes bytes to the core."""
        assert self.link is not None
        self.port.member.call_core(self.port.member.peer.on_bytes, self.link, chunk)

    def pause_writing(self) -> None:
        """Notes that the other side does not read what is sent."""
        assert self.link is not None
        self.link.is_full = True

    def resume_writing(self) -> None:
        """Schedules a turn, because the other side has read."""
        assert self.link is not None
        self.link.is_full = False
        self.port.member.schedule_turn()

    def connection_lost(self, exc: Exception | None) -> None:
        """Reports the closed link, whichever side closed it."""
        if self.link is not None:
            self.port.wires.pop(self.link, None)
            self.port.member.on_lost(self.link)
