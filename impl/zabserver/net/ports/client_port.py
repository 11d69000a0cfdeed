"""The port that clients connect to: bytes from sockets to connections and back, four-letter words, limits.

ZooKeeper: NIOServerCnxnFactory, NIOServerCnxn.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable
from typing import Protocol, cast

from zabserver.net.lines import event
from zabserver.net.ports.tls import context_from, identity_of
from zabserver.net.words.four_letter_words import ARGUMENT_LENGTHS, WORDS, answer_word
from zabserver.net.words.observed import Observed
from zabserver.net.words.traffic import Answered, Traffic
from zabserver.service.clients import Turn
from zabserver.service.connection import Connection
from zabserver.wire.jute import INT

log = logging.getLogger("zabserver.client")

MOST_UNANSWERED = 20_000
"""How many requests a connection may have on their way before nothing more is read from it."""
MOST_UNANSWERED_BYTES = 8 << 20
"""How many bytes may have come since a connection last had no request on its way, before the same happens."""
MOST_UNSENT = 4 << 20
"""How many bytes a connection may leave unread before nothing more is read from it."""
DEFAULT_BACKLOG = 1024
"""How many connections the system holds until they are accepted, unless zoo.cfg says."""
MOST_UNSENT_AT_ALL = 64 << 20
"""How many bytes a connection may leave unread before it is closed."""
LINGER = 10.0
"""How long a connection that is closed may take to read what it was sent, in seconds."""


class ClientHost(Observed, Protocol):
    """The server that a client port belongs to."""

    def want_turn(self) -> None:
        """Schedules a turn, because requests have come in."""


class ClientPort:
    """The listening socket, and the protocols of all connections."""

    def __init__(self, server: ClientHost) -> None:
        self.server = server
        self.by_host: Counter[str] = Counter()
        self.sockets: dict[Connection, ClientSocket] = {}
        self.number = 0
        self.secure_number: int | None = None
        self._listeners: list[asyncio.Server] = []
        self._plain: asyncio.Server | None = None
        self.traffic = Traffic()
        self.trace_mask = 306  # as Apache's, for `gtmk`; nothing is traced here

    async def open(self) -> None:
        """Begins to listen.

        Raises:
            OSError: a port cannot be used, or a file of TLS read.
            ValueError: what is set for TLS makes no sense.
        """
        options = self.server.options
        loop = asyncio.get_running_loop()
        host = options.client_host
        backlog = options.backlog if options.backlog > 0 else DEFAULT_BACKLOG
        if options.client_port is not None:
            plain = await loop.create_server(
                lambda: ClientSocket(self), host, options.client_port, backlog=backlog
            )
            self._plain = plain
            self._listeners.append(plain)
            self.number = plain.sockets[0].getsockname()[1]
        if options.secure_port is not None:
            context = context_from(options.tls)
            secure_host = options.secure_host or host
            secure = await loop.create_server(
                lambda: ClientSocket(self), secure_host, options.secure_port, backlog=backlog, ssl=context
            )
            self._listeners.append(secure)
            self.secure_number = secure.sockets[0].getsockname()[1]

    async def move(self, host: str | None, port: int) -> None:
        """Listens for clients without TLS elsewhere from now on; connections stay.

        Raises:
            OSError: the port cannot be used; it listens where it did.
        """
        loop = asyncio.get_running_loop()
        backlog = self.server.options.backlog if self.server.options.backlog > 0 else DEFAULT_BACKLOG
        listener = await loop.create_server(lambda: ClientSocket(self), host, port, backlog=backlog)
        if self._plain is not None:
            self._plain.close()
            self._listeners.remove(self._plain)
        self._plain = listener
        self._listeners.append(listener)
        self.number = port

    def close(self) -> None:
        """Stops to listen and closes all connections."""
        for each in self._listeners:
            each.close()
        for client in list(self.sockets.values()):
            client.transport.abort()

    async def closed(self) -> None:
        """Returns when the port is closed."""
        await asyncio.sleep(0)

    def perform(self, turn: Turn) -> None:
        """Sends and closes what a turn says."""
        for connection, out in turn.sends:
            client = self.sockets.get(connection)
            if client is not None:
                client.send(out)
        for connection in turn.closes:
            client = self.sockets.get(connection)
            if client is not None:
                if connection.why_closed:
                    log.info(event("closed", client=client.name, reason=connection.why_closed))
                client.finish()


class ClientSocket(asyncio.Protocol):
    """One socket."""

    transport: asyncio.Transport
    connection: Connection

    def __init__(self, port: ClientPort) -> None:
        self.port = port
        self.service = port.server.service
        self.traffic = port.traffic
        self.name = "?"
        self.is_paused = False
        self.is_full = False
        self.delay = 0.0  # for tests: seconds that everything is late
        self.is_deaf = False  # for tests: the next reply is lost with the connection
        self._is_first = True
        self._beginning = b""
        self._unanswered_bytes = 0
        self._is_closing = False
        self._deadline: asyncio.TimerHandle | None = None
        self._late = 0  # how much of what is late is not done yet
        self._due = 0.0  # when the last of that is done
        self.answered = Answered()

    # Its beginning and its end.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        host, number = (self.transport.get_extra_info("peername") or ("?", 0))[:2]
        self.name = f"{host}:{number}"
        self.connection = self.service.connect(host, number)
        shown = identity_of(self.transport.get_extra_info("peercert"))
        if shown is not None:
            self.connection.ids = (*self.connection.ids, shown)
        self.traffic.accepted += 1
        self.port.by_host[host] += 1
        self.port.sockets[self.connection] = self
        reason = self._refusal(host)
        if reason:
            self.traffic.refused += 1
            log.warning(event("refused", client=self.name, reason=reason))
            self.transport.abort()
            return
        wire = self.transport.get_extra_info("socket")
        if wire is not None and wire.family in (socket.AF_INET, socket.AF_INET6):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport.set_write_buffer_limits(MOST_UNSENT)
        seconds = self.port.server.options.connect_timeout / 1000
        self._deadline = asyncio.get_running_loop().call_later(seconds, self._on_no_session)

    def _refusal(self, host: str) -> str:
        """Why it may not stay; empty if it may."""
        options = self.port.server.options
        if options.max_connections and self.port.by_host[host] > options.max_connections:
            return f"more than {options.max_connections} connections from there (maxClientCnxns)"
        if options.max_connections_in_all and len(self.port.sockets) > options.max_connections_in_all:
            return f"more than {options.max_connections_in_all} connections (maxCnxns)"
        return ""

    def _on_no_session(self) -> None:
        if self.connection.session is None and not self.transport.is_closing():
            self.traffic.without_session += 1
            log.info(event("closed", client=self.name, reason="no session asked for in time"))
            self.transport.abort()

    def finish(self) -> None:
        """Closes it when what was sent is read, or not read for too long."""
        if self._is_closing:
            return
        self._is_closing = True
        self._do(self.transport.close)
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(LINGER + self.delay, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever."""
        if self._deadline is not None:
            self._deadline.cancel()
        host = self.connection.host
        self.port.by_host[host] -= 1
        if not self.port.by_host[host]:
            del self.port.by_host[host]
        if not self._is_closing:
            self.traffic.lost += 1
        self.port.sockets.pop(self.connection, None)
        self.service.disconnect(self.connection)

    # What comes in.

    def data_received(self, chunk: bytes) -> None:
        """Bytes have come."""
        self.traffic.bytes_received += len(chunk)
        if self._is_first:
            chunk = self._beginning + chunk
            if len(chunk) < 4:
                self._beginning = chunk
                return
            if self._is_word(chunk):
                return
        self.port.server.want_turn()
        self._unanswered_bytes += len(chunk)
        self.answered.on_asked(self.service.time)
        self.connection.on_bytes(chunk)
        self.limit()

    def _is_word(self, chunk: bytes) -> bool:
        """Whether a connection begins with a four-letter word; then it is answered, in one write."""
        word = chunk[:4].decode("ascii", "replace")
        if word not in WORDS:
            self._is_first, self._beginning = False, b""
            return False
        if len(chunk) < 4 + ARGUMENT_LENGTHS.get(word, 0):
            self._beginning = chunk
            return True
        self.transport.write(answer_word(self.port.server, word, chunk[4:]).encode())
        self.finish()
        return True

    def limit(self) -> None:
        """Reads no more while too much is unanswered or unread, and again when it is not."""
        too_much = self.is_full or self.connection.is_connecting
        if not self.connection.queued:
            self._unanswered_bytes = 0
        elif not too_much:
            too_much = (
                self.connection.queued > MOST_UNANSWERED
                or self._unanswered_bytes > MOST_UNANSWERED_BYTES
                or self.service.outstanding > self.port.server.options.outstanding_limit
            )
        if too_much != self.is_paused and not self.transport.is_closing():
            self.is_paused = too_much
            if too_much:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    # What goes out.

    def send(self, out: bytes) -> None:
        """Sends bytes, or what a test makes of that."""
        if self.is_deaf and has_reply(out):
            self.transport.abort()
            return
        self.answered.on_sent(self.service.time)
        self.traffic.bytes_sent += len(out)
        self.traffic.response_sizes.add(INT.unpack_from(out)[0])
        if self.delay or self._late:
            self._do(lambda: self.transport.write(out))
        else:
            self.transport.write(out)
        if self.is_paused or self._unanswered_bytes:
            self.limit()
        if self.is_full:
            self._check_unsent()
        elif self.connection.is_held:
            self._go_on()

    def _check_unsent(self) -> None:
        """What others do goes on, and with it the events for a client that reads none of them."""
        unsent = self.transport.get_write_buffer_size()
        if unsent > MOST_UNSENT_AT_ALL and not self._is_closing:
            self._is_closing = True
            log.warning(event("closed", client=self.name, reason=f"{unsent} bytes sent and not read"))
            self.transport.abort()

    def _go_on(self) -> None:
        """Looks at the requests that waited until replies to others were sent."""
        self.connection.on_bytes(b"")
        self.port.server.want_turn()

    def _do(self, what: Callable[[], None]) -> None:
        """Does something as late as a test wants it, after all that is late already."""
        if not self.delay and not self._late:
            what()
            return

        def do_late() -> None:
            self._late -= 1
            what()

        loop = asyncio.get_running_loop()
        self._late += 1
        self._due = max(self._due + 1e-6, loop.time() + self.delay)  # or two may change places
        loop.call_at(self._due, do_late)

    def pause_writing(self) -> None:
        """The client does not read what it is sent."""
        self.is_full = True
        self.limit()

    def resume_writing(self) -> None:
        """The client has read most of it."""
        self.is_full = False
        self.limit()
        if self.connection.is_held:
            self._go_on()


def has_reply(out: bytes) -> bool:
    """Whether there is a reply to a request among whole frames: no event, no answer to a ping."""
    at = 0
    while at + 8 <= len(out):
        (length,) = INT.unpack_from(out, at)
        if INT.unpack_from(out, at + 4)[0] >= 0:
            return True
        at += 4 + length
    return False
