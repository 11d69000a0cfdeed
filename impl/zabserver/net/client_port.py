"""The port that clients connect to: bytes from sockets to connections and back, four-letter words, limits.

ZooKeeper: NIOServerCnxnFactory, NIOServerCnxn.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from typing import TYPE_CHECKING, cast

from zabserver.net.tls import context_from, identity_of
from zabserver.net.words import WORDS, answer_word
from zabserver.service.connection import Connection
from zabserver.service.service import Turn

if TYPE_CHECKING:
    from zabserver.net.server import Server

log = logging.getLogger("zabserver.client")

MOST_UNANSWERED = 20_000
"""How many requests a connection may have on their way before nothing more is read from it."""
MOST_UNSENT = 4 << 20
"""How many bytes a connection may leave unread before nothing more is read from it."""
CONNECT_TIMEOUT = 10.0
"""How long a connection may take to ask for a session, in seconds."""


class ClientPort:
    """The listening socket, and the protocols of all connections."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.by_host: Counter[str] = Counter()
        self.protocols: dict[Connection, Protocol] = {}
        self.number = 0
        self.secure_number: int | None = None
        self._listeners: list[asyncio.Server] = []
        self.refused = 0

    async def open(self) -> None:
        """Begins to listen.

        Raises:
            OSError: a port cannot be used, or a file of TLS read.
            ValueError: what is set for TLS makes no sense.
        """
        options = self.server.options
        loop = asyncio.get_running_loop()
        host = options.client_host
        if options.client_port is not None:
            plain = await loop.create_server(lambda: Protocol(self), host, options.client_port, backlog=1024)
            self._listeners.append(plain)
            self.number = plain.sockets[0].getsockname()[1]
        if options.secure_port is not None:
            context = context_from(options.tls)
            secure_host = options.secure_host or host
            secure = await loop.create_server(
                lambda: Protocol(self), secure_host, options.secure_port, backlog=1024, ssl=context
            )
            self._listeners.append(secure)
            self.secure_number = secure.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stops to listen and closes all connections."""
        for each in self._listeners:
            each.close()
        for protocol in list(self.protocols.values()):
            protocol.transport.abort()

    async def closed(self) -> None:
        """Returns when the port is closed."""
        await asyncio.sleep(0)

    def perform(self, turn: Turn) -> None:
        """Sends and closes what a turn says."""
        for connection, out in turn.sends:
            protocol = self.protocols.get(connection)
            if protocol is not None:
                protocol.send(out)
        for connection in turn.closes:
            protocol = self.protocols.get(connection)
            if protocol is not None:
                if connection.why_closed:
                    log.info("closed %s:%d: %s", connection.host, connection.port, connection.why_closed)
                protocol.transport.close()


class Protocol(asyncio.Protocol):
    """One socket."""

    transport: asyncio.Transport
    connection: Connection

    def __init__(self, port: ClientPort) -> None:
        self.port = port
        self.service = port.server.service
        self.is_first = True
        self.is_paused = False
        self.is_full = False
        self.deadline: asyncio.TimerHandle | None = None
        self.delay = 0.0  # for tests: seconds that everything is late
        self.is_deaf = False  # for tests: the next reply is lost with the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        host, number = (self.transport.get_extra_info("peername") or ("?", 0))[:2]
        self.connection = self.service.connect(host, number)
        shown = identity_of(self.transport.get_extra_info("peercert"))
        if shown is not None:
            self.connection.ids = (*self.connection.ids, shown)
        most = self.port.server.options.max_connections
        self.port.by_host[host] += 1
        self.port.protocols[self.connection] = self
        if most and self.port.by_host[host] > most:
            self.port.refused += 1
            log.warning("refused %s:%d: more than %d connections from there", host, number, most)
            self.transport.abort()
            return
        wire = self.transport.get_extra_info("socket")
        if wire is not None and wire.family in (socket.AF_INET, socket.AF_INET6):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport.set_write_buffer_limits(MOST_UNSENT)
        loop = asyncio.get_running_loop()
        self.deadline = loop.call_later(CONNECT_TIMEOUT, self._on_deadline)

    def data_received(self, chunk: bytes) -> None:
        """Bytes have come."""
        if self.is_first:
            self.is_first = False
            word = chunk[:4].decode("ascii", "replace")
            if word in WORDS:
                self.transport.write(answer_word(self.port.server, word).encode())
                self.transport.close()
                return
        self.port.server.set_clocks()
        self.connection.on_bytes(chunk)
        self.limit()
        self.port.server.want_turn()

    def send(self, out: bytes) -> None:
        """Sends bytes, or what a test makes of that."""
        if self.is_deaf:
            self.transport.abort()
        elif self.delay:
            asyncio.get_running_loop().call_later(self.delay, self.transport.write, out)
        else:
            self.transport.write(out)
            self.limit()

    def limit(self) -> None:
        """Reads no more while too much is unanswered or unread, and again when it is not."""
        too_much = self.is_full or self.connection.queued > MOST_UNANSWERED
        if too_much != self.is_paused and not self.transport.is_closing():
            self.is_paused = too_much
            if too_much:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def pause_writing(self) -> None:
        """The client does not read what it is sent."""
        self.is_full = True
        self.limit()

    def resume_writing(self) -> None:
        """The client has read most of it."""
        self.is_full = False
        self.limit()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever."""
        if self.deadline is not None:
            self.deadline.cancel()
        host = self.connection.host
        self.port.by_host[host] -= 1
        if not self.port.by_host[host]:
            del self.port.by_host[host]
        self.port.protocols.pop(self.connection, None)
        self.service.disconnect(self.connection)

    def _on_deadline(self) -> None:
        if self.connection.session is None and not self.transport.is_closing():
            log.info("closed %s:%d: no session asked for", self.connection.host, self.connection.port)
            self.transport.abort()
