"""The port over which members send each other packets: bytes from sockets to links and back.

A link that is behind is not written to until its socket has taken what it was given, so that a snapshot for a
slow learner is made as fast as that reads.

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
"""How many bytes a socket may hold that are not sent, before nothing more is made for it."""
LAST_WORDS = 5.0
"""How long the other end of a connection that is to be closed has to take what was sent, in seconds."""
DIAL_TIMEOUT = 5.0
"""How long a connection may take to be made, in seconds."""


class QuorumHost(Protocol):
    """The member that a quorum port belongs to.

    Attributes:
        peer: the core that is told what happens to links.
    """

    peer: Peer

    def set_clocks(self) -> None:
        """Tells the core what time it is."""

    def hear(self, what: Callable[..., object], *arguments: object) -> None:
        """Calls a method of the core and schedules a turn."""

    def on_lost(self, link: Link) -> None:
        """Tells the core that a link has failed."""

    def want_turn(self) -> None:
        """Schedules a turn."""


class QuorumPort:
    """The listening socket, and the connections to and from other members.

    Args:
        member: whose port it is.
        accepting, dialing: TLS for connections that come and that go; None for none.
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
        """Begins to listen.

        Raises:
            OSError: the port cannot be used.
        """
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Wire(self), host, port, ssl=self._accepting)

    async def move(self, host: str | None, port: int) -> None:
        """Listens elsewhere from now on; connections stay.

        Raises:
            OSError: the port cannot be used; it listens where it did.
        """
        before = self._listener
        await self.open(host, port)
        if before is not None:
            before.close()

    def close(self) -> None:
        """Stops to listen and closes all connections."""
        if self._listener is not None:
            self._listener.close()
        for dial in self._dials:
            dial.cancel()
        for wire in list(self.wires.values()):
            wire.transport.abort()

    def dial(self, link: Link, sid: int, ensemble: Ensemble) -> None:
        """Begins to connect to a member."""
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
            log.info(event("unreachable", server=sid, reason=str(error) or "no answer in time"))
            self.member.on_lost(link)

    def send(self, link: Link, out: bytes) -> None:
        """Sends bytes over a link."""
        wire = self.wires.get(link)
        if wire is not None:
            wire.transport.write(out)

    def hang_up(self, link: Link) -> None:
        """Closes a link, once what was sent is sent."""
        wire = self.wires.get(link)
        if wire is not None:
            wire.transport.close()
            asyncio.get_running_loop().call_later(LAST_WORDS, wire.transport.abort)


class Wire(asyncio.Protocol):
    """One socket, dialed if it has a link from the start."""

    transport: asyncio.Transport

    def __init__(self, port: QuorumPort, link: Link | None = None) -> None:
        self.port = port
        self.link = link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
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
            member.hear(member.peer.on_dialed, self.link)
        member.want_turn()

    def data_received(self, chunk: bytes) -> None:
        """Bytes have come."""
        assert self.link is not None
        self.port.member.hear(self.port.member.peer.on_bytes, self.link, chunk)

    def pause_writing(self) -> None:
        """The other end does not keep up."""
        assert self.link is not None
        self.link.is_full = True

    def resume_writing(self) -> None:
        """It has caught up."""
        assert self.link is not None
        self.link.is_full = False
        self.port.member.want_turn()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever."""
        if self.link is not None:
            self.port.wires.pop(self.link, None)
            self.port.member.on_lost(self.link)
