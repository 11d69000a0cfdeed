"""The port that clients connect to: passes bytes between sockets and connections, answers four-letter words,
and enforces limits.

ZooKeeper: NIOServerCnxnFactory, NIOServerCnxn.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable
from typing import Protocol, cast

from zabserver.net.configuration.options import BACKLOG
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
"""Most requests of one connection in flight; with more, the connection is not read from."""
MOST_UNANSWERED_BYTES = 8 << 20
"""Most bytes received on one connection since it last had no request in flight; with more, the connection is
not read from.
"""
MOST_UNSENT = 4 << 20
"""Most bytes sent to one client and not read by it; with more, its connection is not read from."""
MOST_UNSENT_AT_ALL = 64 << 20
"""Most bytes sent to one client and not read by it; with more, its connection is closed."""
LINGER = 10.0
"""Longest time for a client to read what was sent before its connection is closed, in seconds."""


class ClientHost(Observed, Protocol):
    """The server that a client port belongs to."""

    def schedule_turn(self) -> None:
        """Schedules a turn, because requests have arrived."""


class ClientPort:
    """The listening sockets for clients, with and without TLS, and all open connections.

    Args:
        server: the server whose clients connect here.

    Attributes:
        by_host: number of open connections by client address.
        sockets: the socket of each open connection.
        number: the port without TLS; 0 if there is none.
        secure_number: the port with TLS; None if there is none.
        traffic: counters that four-letter words and metrics report.
        trace_mask: the value that `gtmk` returns; it has no effect here.
    """

    def __init__(self, server: ClientHost) -> None:
        self.server = server
        self.by_host: Counter[str] = Counter()
        self.sockets: dict[Connection, ClientSocket] = {}
        self.number = 0
        self.secure_number: int | None = None
        self._listeners: list[asyncio.Server] = []
        self._plain: asyncio.Server | None = None
        self._backlog = server.options.backlog if server.options.backlog > 0 else BACKLOG
        self.traffic = Traffic()
        self.trace_mask = 306  # Apache's default

    async def open(self) -> None:
        """Starts listening.

        Raises:
            OSError: a port cannot be bound, or a TLS file cannot be read.
            ValueError: a TLS setting is invalid.
        """
        options = self.server.options
        loop = asyncio.get_running_loop()
        host = options.client_host
        if options.client_port is not None:
            plain = await loop.create_server(
                lambda: ClientSocket(self), host, options.client_port, backlog=self._backlog
            )
            self._plain = plain
            self._listeners.append(plain)
            self.number = plain.sockets[0].getsockname()[1]
        if options.secure_port is not None:
            context = context_from(options.tls)
            secure_host = options.secure_host or host
            secure = await loop.create_server(
                lambda: ClientSocket(self),
                secure_host,
                options.secure_port,
                backlog=self._backlog,
                ssl=context,
            )
            self._listeners.append(secure)
            self.secure_number = secure.sockets[0].getsockname()[1]

    async def move(self, host: str | None, port: int) -> None:
        """Moves the listening socket without TLS to another address; open connections are kept.

        Raises:
            OSError: the new port cannot be bound; the old one stays open.
        """
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: ClientSocket(self), host, port, backlog=self._backlog)
        if self._plain is not None:
            self._plain.close()
            self._listeners.remove(self._plain)
        self._plain = listener
        self._listeners.append(listener)
        self.number = port

    def close(self) -> None:
        """Stops listening and closes all connections."""
        for each in self._listeners:
            each.close()
        for client in list(self.sockets.values()):
            client.transport.abort()

    async def closed(self) -> None:
        """Returns when the event loop has closed the sockets."""
        await asyncio.sleep(0)

    def perform(self, turn: Turn) -> None:
        """Performs the sends, then the closes, that a turn of the service asks for."""
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
    """The socket of one client.

    Args:
        port: the port that accepted it.

    Attributes:
        connection: the core's side of this connection.
        name: the client's address, for log lines.
        is_paused: True if the socket is not read from.
        is_full: True if the client does not read what is sent.
        delay: delay of everything sent, in seconds; tests set it.
        loses_next_reply: True if the next reply is lost with the connection; tests set it.
        answered: how long this client has waited for replies.
    """

    transport: asyncio.Transport
    connection: Connection

    def __init__(self, port: ClientPort) -> None:
        self.port = port
        self.service = port.server.service
        self.traffic = port.traffic
        self.name = "?"
        self.is_paused = False
        self.is_full = False
        self.delay = 0.0
        self.loses_next_reply = False
        self._is_first = True
        self._beginning = b""
        self._unanswered_bytes = 0
        self._is_closing = False
        self._deadline: asyncio.TimerHandle | None = None
        self._delayed = 0  # number of calls that are still delayed
        self._due = 0.0  # time of the last of them
        self.answered = Answered()

    # Opening and closing.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Registers the connection, or closes it if a limit is reached."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's class is not a subclass
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
        """Returns why the connection is refused; an empty string if it is accepted."""
        options = self.port.server.options
        if options.max_connections and self.port.by_host[host] > options.max_connections:
            return f"more than {options.max_connections} connections from this address (maxClientCnxns)"
        if options.max_connections_in_all and len(self.port.sockets) > options.max_connections_in_all:
            return f"more than {options.max_connections_in_all} connections in total (maxCnxns)"
        return ""

    def _on_no_session(self) -> None:
        if self.connection.session is None and not self.transport.is_closing():
            self.traffic.without_session += 1
            log.info(
                event(
                    "closed",
                    client=self.name,
                    reason=f"no session requested within {self.port.server.options.connect_timeout} ms",
                )
            )
            self.transport.abort()

    def finish(self) -> None:
        """Closes the connection once its output has been read, or after `LINGER`."""
        if self._is_closing:
            return
        self._is_closing = True
        self._do(self.transport.close)
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(LINGER + self.delay, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregisters the connection, whichever side closed it."""
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

    # Input.

    def data_received(self, chunk: bytes) -> None:
        """Passes bytes to the connection, or answers a four-letter word."""
        self.traffic.bytes_received += len(chunk)
        if self._is_first:
            chunk = self._beginning + chunk
            if len(chunk) < 4:
                self._beginning = chunk
                return
            if self._answer_word(chunk):
                return
        self.port.server.schedule_turn()
        self._unanswered_bytes += len(chunk)
        self.answered.on_asked(self.service.time)
        self.connection.on_bytes(chunk)
        self.limit()

    def _answer_word(self, chunk: bytes) -> bool:
        """Answers a four-letter word if the connection begins with one.

        Returns:
            True if the bytes were taken; False if they are requests.
        """
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
        """Stops reading while too much is unanswered or unread, and resumes afterwards."""
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

    # Output.

    def send(self, out: bytes) -> None:
        """Sends whole frames; late, or not at all, if a test asked for that."""
        if self.loses_next_reply and has_reply(out):
            self.transport.abort()
            return
        self.answered.on_sent(self.service.time)
        self.traffic.bytes_sent += len(out)
        self.traffic.response_sizes.add(INT.unpack_from(out)[0])
        if self.delay or self._delayed:
            self._do(lambda: self.transport.write(out))
        else:
            self.transport.write(out)
        if self.is_paused or self._unanswered_bytes:
            self.limit()
        if self.is_full:
            self._check_unsent()
        elif self.connection.is_held:
            self._resume_held()

    def _check_unsent(self) -> None:
        """Closes a client that reads nothing, for which watch events would be buffered without limit."""
        unsent = self.transport.get_write_buffer_size()
        if unsent > MOST_UNSENT_AT_ALL and not self._is_closing:
            self._is_closing = True
            log.warning(
                event("closed", client=self.name, reason=f"{unsent} bytes sent but not read by the client")
            )
            self.transport.abort()

    def _resume_held(self) -> None:
        """Resumes requests that were held until replies to earlier ones were sent."""
        self.connection.on_bytes(b"")
        self.port.server.schedule_turn()

    def _do(self, what: Callable[[], None]) -> None:
        """Runs a function after the delay that a test has set, in the order of calls."""
        if not self.delay and not self._delayed:
            what()
            return

        def do_delayed() -> None:
            self._delayed -= 1
            what()

        loop = asyncio.get_running_loop()
        self._delayed += 1
        self._due = max(self._due + 1e-6, loop.time() + self.delay)  # or two could be reordered
        loop.call_at(self._due, do_delayed)

    def pause_writing(self) -> None:
        """Notes that the client does not read what is sent."""
        self.is_full = True
        self.limit()

    def resume_writing(self) -> None:
        """Notes that the client has read most of what was sent."""
        self.is_full = False
        self.limit()
        if self.connection.is_held:
            self._resume_held()


def has_reply(out: bytes) -> bool:
    """True if whole frames hold a reply to a request; watch events and answers to pings are none."""
    at = 0
    while at + 8 <= len(out):
        (length,) = INT.unpack_from(out, at)
        if INT.unpack_from(out, at + 4)[0] >= 0:
            return True
        at += 4 + length
    return False
