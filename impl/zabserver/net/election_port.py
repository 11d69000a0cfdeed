"""The port over which members tell each other their votes: one connection a pair, a newer vote for an older.

The member with the larger id dials. One with a smaller id that has something to say dials, gives its name and
hangs up; the other dials back. What could not be sent yet is replaced by what is newer. Whoever connects is
sent the last vote again, for what was sent before may have been lost with another connection.

ZooKeeper: QuorumCnxManager.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import cast

from zabserver.net.lines import event
from zabserver.wire.election import (
    HelloReader,
    MessageReader,
    Notification,
    decode_notification,
    encode_hello,
    encode_message,
)
from zabserver.wire.jute import Malformed
from zabserver.zab.ensemble import Ensemble

log = logging.getLogger("zabserver.election")

DIAL_TIMEOUT = 5.0
"""How long a connection may take to be made, in seconds."""
HELLO_TIMEOUT = 5.0
"""How long whoever connects may take to say who it is, in seconds."""
MOST_NAMELESS = 256
"""How many connections may be open that have not said whose they are."""
MOST_UNSENT = 1 << 16
"""How many bytes a socket may hold that are not sent, before votes wait here."""
MOST_STRANGERS = 64
"""How many members may be connected that the ensemble does not have."""


class ElectionPort:
    """The listening socket, and one connection to each other member.

    Args:
        me: the id of this server.
        ensemble: who the members are.
        on_notification: is told who sent what.
        accepting, dialing: TLS for connections that come and that go; None for none.
    """

    def __init__(
        self,
        me: int,
        ensemble: Ensemble,
        on_notification: Callable[[int, Notification], None],
        accepting: ssl.SSLContext | None = None,
        dialing: ssl.SSLContext | None = None,
    ) -> None:
        self.me = me
        self.ensemble = ensemble
        self.on_notification = on_notification
        self.wires: dict[int, Wire] = {}
        self.nameless: set[Wire] = set()
        self._accepting = accepting
        self._dialing = dialing
        self._last: dict[int, bytes] = {}
        self._waiting: dict[int, bytes] = {}
        self._dials: dict[int, asyncio.Task[None]] = {}
        self._listener: asyncio.Server | None = None
        self._is_closed = False

    async def open(self) -> None:
        """Begins to listen.

        Raises:
            OSError: the port cannot be used.
        """
        mine = self.ensemble.members[self.me]
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Wire(self), mine.host, mine.election_port, ssl=self._accepting
        )

    def close(self) -> None:
        """Stops to listen and closes all connections."""
        self._is_closed = True
        if self._listener is not None:
            self._listener.close()
        for dial in self._dials.values():
            dial.cancel()
        for wire in (*self.wires.values(), *self.nameless):
            wire.transport.abort()

    def set_ensemble(self, ensemble: Ensemble) -> None:
        """The members are others."""
        self.ensemble = ensemble

    def send(self, receiver: int, notification: Notification) -> None:
        """Sends a vote, when it can be sent, unless a newer one takes its place before that."""
        message = encode_message(notification.encode())
        self._last[receiver] = message
        wire = self.wires.get(receiver)
        if wire is not None and not wire.is_full:
            wire.transport.write(message)
            return
        self._waiting[receiver] = message
        if wire is None:
            self._dial(receiver)

    # Connections.

    def _dial(self, sid: int, address: tuple[str, int] | None = None) -> None:
        other = self.ensemble.members.get(sid)
        if other is not None:
            address = (other.host, other.election_port)
        if address is None or sid in self._dials or self._is_closed:
            return
        dial = asyncio.get_running_loop().create_task(self._connect(sid, address))
        self._dials[sid] = dial
        dial.add_done_callback(lambda _: self._dials.pop(sid, None))

    async def _connect(self, sid: int, address: tuple[str, int]) -> None:
        connecting = asyncio.get_running_loop().create_connection(
            lambda: Wire(self, sid), *address, ssl=self._dialing
        )
        try:
            await asyncio.wait_for(connecting, DIAL_TIMEOUT)
        except (OSError, TimeoutError) as error:
            log.debug(event("unreachable", server=sid, reason=str(error) or "no answer in time"))

    def on_dialed(self, wire: Wire, sid: int) -> None:
        """A connection that was dialed is there: it says who this is, and stays if this has the larger id."""
        mine = self.ensemble.members[self.me]
        wire.transport.write(encode_hello(self.me, mine.host, mine.election_port))
        if self.me > sid:
            self._keep(wire, sid)
        else:
            wire.transport.close()

    def on_named(self, wire: Wire, sid: int, address: tuple[str, int] | None) -> None:
        """Whoever connected has said who it is: it is kept, or dialed back."""
        self.nameless.discard(wire)
        if sid > self.me:
            if sid not in self.ensemble.members and len(self.wires) >= MOST_STRANGERS:
                wire.refuse(f"server {sid} is no member")
            else:
                self._keep(wire, sid)
            return
        wire.transport.close()
        if sid == self.me:
            log.warning(event("refused", client=wire.name, reason=f"it says it is server {sid}, as this is"))
        else:
            before = self.wires.pop(sid, None)
            if before is not None:
                before.transport.abort()
            self._dial(sid, address)

    def _keep(self, wire: Wire, sid: int) -> None:
        """One connection for each other member: the newest."""
        before = self.wires.get(sid)
        self.wires[sid] = wire
        wire.sid = sid
        if before is not None:
            before.transport.abort()
        self.on_ready(sid, self._last.get(sid))

    def on_ready(self, sid: int, again: bytes | None = None) -> None:
        """A connection takes more: what waits is sent, or else something again."""
        message = self._waiting.pop(sid, again)
        if message is not None:
            self.wires[sid].transport.write(message)

    def on_lost(self, wire: Wire) -> None:
        """A connection is gone."""
        self.nameless.discard(wire)
        if wire.sid is not None and self.wires.get(wire.sid) is wire:
            del self.wires[wire.sid]


class Wire(asyncio.Protocol):
    """One socket; `dialed` is whom it was dialed to reach."""

    transport: asyncio.Transport

    def __init__(self, port: ElectionPort, dialed: int | None = None) -> None:
        self.port = port
        self.dialed = dialed
        self.sid: int | None = None
        self.name = "?"
        self.is_full = False
        self._hello: HelloReader | None = HelloReader() if dialed is None else None
        self._messages = MessageReader()
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        host, number = (self.transport.get_extra_info("peername") or ("?", 0))[:2]
        self.name = f"{host}:{number}"
        wire = self.transport.get_extra_info("socket")
        if wire is not None and wire.family in (socket.AF_INET, socket.AF_INET6):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport.set_write_buffer_limits(MOST_UNSENT)
        if self.dialed is not None:
            self.port.on_dialed(self, self.dialed)
        elif len(self.port.nameless) >= MOST_NAMELESS:
            self.refuse(f"more than {MOST_NAMELESS} that have not said who they are")
        else:
            self.port.nameless.add(self)
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(HELLO_TIMEOUT, self.refuse, "it did not say who it is in time")

    def data_received(self, chunk: bytes) -> None:
        """Bytes have come."""
        try:
            if self._hello is not None:
                hello = self._hello.feed(chunk)
                if hello is None:
                    return
                chunk, self._hello = self._hello.rest, None
                if self._deadline is not None:
                    self._deadline.cancel()
                self.port.on_named(self, hello.sid, next(iter(hello.addresses), None))
            if self.sid is None or not chunk:
                return
            for message in self._messages.feed(chunk):
                self._on_message(self.sid, message)
        except Malformed as malformed:
            self.refuse(str(malformed))

    def _on_message(self, sid: int, message: bytes) -> None:
        """A vote; one that makes no sense is passed over, as ZooKeeper does."""
        try:
            notification = decode_notification(message)
        except Malformed as malformed:
            log.warning(event("passed over", server=sid, reason=str(malformed)))
        else:
            self.port.on_notification(sid, notification)

    def refuse(self, why: str) -> None:
        """Closes it, and says why in the log."""
        log.warning(event("refused", client=self.name, reason=why))
        self.transport.abort()

    def pause_writing(self) -> None:
        """The other end does not keep up."""
        self.is_full = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self.is_full = False
        if self.sid is not None and self.port.wires.get(self.sid) is self:
            self.port.on_ready(self.sid)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever."""
        if self._deadline is not None:
            self._deadline.cancel()
        self.port.on_lost(self)
