"""The port on which members exchange votes, with at most one connection for each pair.

Of two members, the one with the larger id opens the connection. A member with the smaller id that has
something to send connects, sends its id and closes the connection; the member with the larger id then
connects in turn. A stranger, that is a server that is not a member, may connect as well: it may be about to
join, and is told who leads.

Only the newest notification for a peer is kept while it cannot be sent. The last one sent is sent again on a
new connection, because it may have been lost with the old one. Failed connections are retried with
exponential backoff while there is something to send.

ZooKeeper: QuorumCnxManager.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import cast

from zabserver.net.configuration.options import GREATEST_ID
from zabserver.net.lines import event
from zabserver.wire.election import (
    Hello,
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

CONNECT_TIMEOUT = 5.0
"""Longest time to connect, in seconds (ZooKeeper: zookeeper.cnxTimeout)."""
HELLO_TIMEOUT = 5.0
"""Longest time from the accept of a connection until its peer has sent its id, in seconds."""
FIRST_WAIT = 0.05
"""First interval between attempts to connect, in seconds; it doubles with each failure."""
MOST_WAIT = 3.0
"""Longest interval between attempts to connect, in seconds."""
SMALLER_ID_FACTOR = 4
"""Factor by which a member with the smaller id waits longer between attempts: the member with the larger id
tries as well, and one connection is enough.
"""
MOST_UNIDENTIFIED = 64
"""Most accepted connections that have not sent an id; one more closes the oldest."""
MOST_STRANGERS = 64
"""Most strangers connected."""
MOST_UNSENT = 64 << 10
"""Most bytes that a peer leaves unread; with more, only the newest notification is kept for it."""

UNANSWERED = 10_000
"""Longest time that bytes sent stay unacknowledged by TCP before the connection is closed, in milliseconds,
where the operating system supports that (TCP_USER_TIMEOUT); by default, Linux retransmits for a quarter of an
hour.
"""

Heard = Callable[[int, Notification], None]
Address = tuple[str, int]


class ElectionPort:
    """The listening socket for elections, and the connections with all peers.

    Args:
        me: this server's id.
        ensemble: the addresses of the members.
        on_notification: is called with the sender's id and its notification.
        accepting, dialing: TLS for accepted and for outgoing connections; None for none.
        address: address of this server's election port; by default, as in the ensemble.
        listen_host: address to listen on; by default, that of `address`; every address, if empty (ZooKeeper:
            quorumListenOnAllIPs).

    Attributes:
        dialing: TLS for outgoing connections; None for none.
        unidentified: accepted connections whose peer has not sent its id, the oldest first.
        peers: all peers that are members, connected, or to be sent something.
        is_closed: True if the port is closed and makes no more connections.
        address: the address that peers are told.

    Raises:
        ValueError: this server is not in the ensemble, and no address is given.
    """

    def __init__(
        self,
        me: int,
        ensemble: Ensemble,
        on_notification: Heard,
        accepting: ssl.SSLContext | None = None,
        dialing: ssl.SSLContext | None = None,
        *,
        address: Address | None = None,
        listen_host: str | None = None,
    ) -> None:
        self.me = me
        self.ensemble = ensemble
        self.on_notification = on_notification
        self.dialing = dialing
        self.unidentified: dict[Channel, None] = {}
        self.peers: dict[int, Peer] = {}
        self.is_closed = False
        self._accepting = accepting
        self._listener: asyncio.Server | None = None
        if address is None:
            if me not in ensemble.members:
                raise ValueError(
                    f"server {me} is not a member: the address of its election port must be given"
                )
            address = (ensemble.members[me].host, ensemble.members[me].election_port)
        self.address = address
        self._listen_host = address[0] if listen_host is None else listen_host or None

    async def open(self) -> None:
        """Starts listening.

        Raises:
            OSError: the port cannot be bound.
        """
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: Channel(self, None),
            self._listen_host,
            self.address[1],
            ssl=self._accepting,
            ssl_handshake_timeout=HELLO_TIMEOUT if self._accepting else None,
        )

    async def move(self, host: str | None, port: int) -> None:
        """Moves the listening socket; open connections are kept.

        Args:
            host: address to listen on; None for every address, in which case peers are told the old one.
            port: port to listen on.

        Raises:
            OSError: the new port cannot be bound; the old one stays open.
        """
        before = self._listener, self.address, self._listen_host
        self.address, self._listen_host = (host or self.address[0], port), host
        try:
            await self.open()
        except OSError:
            self._listener, self.address, self._listen_host = before
            raise
        if before[0] is not None:
            before[0].close()

    def send(self, sid: int, notification: Notification) -> None:
        """Sends a notification as soon as its receiver is connected, unless a newer one replaces it before.

        Args:
            sid: the receiver; nothing is sent to one that is neither a member nor connected.
            notification: what to send.
        """
        peer = self._peer(sid)
        if peer is not None and not self.is_closed:
            peer.offer(encode_message(notification.encode()))

    def has_delivered(self) -> bool:
        """True if no notification is pending for at least one peer (ZooKeeper: haveDelivered)."""
        return any(peer.pending is None for peer in self.peers.values())

    def connected(self) -> list[int]:
        """Returns the ids of the peers that are connected."""
        return [sid for sid, peer in sorted(self.peers.items()) if peer.channel is not None]

    def set_ensemble(self, ensemble: Ensemble) -> None:
        """Replaces the ensemble. Connections with former members are kept until their other side closes
        them.
        """
        self.ensemble = ensemble

    def close(self) -> None:
        """Stops listening and closes all connections."""
        self.is_closed = True
        if self._listener is not None:
            self._listener.close()
        for channel in list(self.unidentified):
            channel.abort()
        for peer in self.peers.values():
            peer.close()

    async def closed(self) -> None:
        """Returns when no attempt to connect is running."""
        dialing = [peer.dialing for peer in self.peers.values() if peer.dialing is not None]
        await asyncio.gather(*dialing, return_exceptions=True)
        await asyncio.sleep(0)

    # Called by connections.

    def is_member(self, sid: int) -> bool:
        """True if a server belongs to the ensemble, so that connections to it are retried."""
        return sid in self.ensemble.members

    def forget(self, sid: int) -> None:
        """Forgets a stranger."""
        self.peers.pop(sid, None)

    def on_hello(self, channel: Channel, hello: Hello) -> Peer | None:
        """Assigns an accepted connection to the peer that has sent its id over it.

        Returns:
            The peer; None if the connection is closed.
        """
        if hello.sid == self.me:
            channel.refuse(f"the peer claims to be server {self.me}, which is this one")
            return None
        peer = self._peer(hello.sid) or self._stranger(hello)
        if peer is None:
            channel.refuse(self._why_refused(hello))
            return None
        if hello.addresses and not self.is_member(hello.sid):
            peer.said_address = hello.addresses[0]
        peer.failures = 0
        if hello.sid < self.me:
            channel.finish()
            peer.dial_back()
            return None
        peer.attach(channel)
        return peer

    def _peer(self, sid: int) -> Peer | None:
        if sid not in self.peers and self.is_member(sid) and sid != self.me:
            self.peers[sid] = Peer(self, sid)
        return self.peers.get(sid)

    def _stranger(self, hello: Hello) -> Peer | None:
        strangers = sum(not self.is_member(sid) for sid in self.peers)
        if strangers >= MOST_STRANGERS or hello.sid > GREATEST_ID:
            return None
        if hello.sid < self.me and not hello.addresses:
            return None
        self.peers[hello.sid] = Peer(self, hello.sid)
        return self.peers[hello.sid]

    def _why_refused(self, hello: Hello) -> str:
        """Returns why a stranger is refused."""
        if hello.sid > GREATEST_ID:
            return f"server {hello.sid} is not a member, and its id is greater than {GREATEST_ID}"
        if hello.sid < self.me and not hello.addresses:
            return f"server {hello.sid} is not a member, and gives no address to connect to"
        return f"server {hello.sid} is not a member, and {MOST_STRANGERS} others that are not are connected"


class Peer:
    """Another server: its connection, and the notification that waits for one.

    Args:
        port: the port that exchanges votes with it.
        sid: its id.

    Attributes:
        channel: the connection; None if there is none.
        pending: the newest notification not yet sent, encoded; None if there is none.
        last: the notification last sent, encoded; None if there is none.
        said_address: the address that a stranger gave.
        failures: failed attempts to connect since the peer was last heard from.
        dialing: the running attempt to connect; None if there is none.
    """

    def __init__(self, port: ElectionPort, sid: int) -> None:
        self.port = port
        self.sid = sid
        self.channel: Channel | None = None
        self.pending: bytes | None = None
        self.last: bytes | None = None
        self.said_address: Address | None = None
        self.failures = 0
        self.dialing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def offer(self, message: bytes) -> None:
        """Sends an encoded notification, in place of one that is still pending."""
        self.pending = message
        if self.channel is not None:
            self.flush()
        elif self._timer is None:
            self._dial()

    def flush(self) -> None:
        """Sends the pending notification if there is a connection and its output buffer is not full."""
        if self.channel is not None and self.pending is not None and not self.channel.is_full:
            self.last, self.pending = self.pending, None
            self.channel.write(self.last)

    def attach(self, channel: Channel) -> None:
        """Replaces the peer's connection."""
        self._stop_waiting()
        self._drop_channel()
        self.channel = channel
        log.info(event("connected", peer=self.sid, address=channel.name))
        if self.pending is None:
            self.pending = self.last
        self.flush()

    def dial_back(self) -> None:
        """Connects to a peer with a smaller id that has asked for a connection."""
        self._stop_waiting()
        self._drop_channel()
        self._dial()

    def on_lost(self, channel: Channel) -> None:
        """Forgets a closed connection, and schedules the next attempt."""
        if channel is self.channel:
            log.info(event("disconnected", peer=self.sid, address=channel.name))
            self.channel = None
            if self.pending is None:
                self.pending = self.last
            self._try_later()

    def close(self) -> None:
        """Closes the connection and cancels all attempts."""
        self._stop_waiting()
        self._drop_channel()
        if self.dialing is not None:
            self.dialing.cancel()

    def _address(self) -> Address | None:
        member = self.port.ensemble.members.get(self.sid)
        return (member.host, member.election_port) if member else self.said_address

    def _dial(self) -> None:
        if self.dialing is None and not self.port.is_closed:
            address = self._address()
            if address is not None:
                self.dialing = asyncio.get_running_loop().create_task(self._connect(address))

    async def _connect(self, address: Address) -> None:
        host, number = address
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                _, channel = await asyncio.get_running_loop().create_connection(
                    lambda: Channel(self.port, self), host, number, ssl=self.port.dialing
                )
        except (
            OSError,
            ValueError,
        ) as error:  # TimeoutError is an OSError; ValueError for invalid host names
            if self.failures == 0:
                reason = str(error) or "timeout"
                log.info(event("unreachable", peer=self.sid, address=f"{host}:{number}", reason=reason))
            self.dialing = None
            self._try_later()
            return
        self.dialing = None
        channel.write(encode_hello(self.port.me, *self.port.address))
        if self.sid > self.port.me:
            channel.finish()
            self._try_later()
        elif channel.is_lost:
            self._try_later()
        else:
            self.attach(channel)

    def _try_later(self) -> None:
        """Schedules the next attempt, which is made if something is pending and no connection exists by
        then.
        """
        if not self.port.is_member(self.sid):
            if self.channel is None:
                self.port.forget(self.sid)
            return
        if self.port.is_closed or self.channel is not None or self._timer is not None:
            return
        wait = min(FIRST_WAIT * 2 ** min(self.failures, 10), MOST_WAIT)
        if self.sid > self.port.me:
            wait = min(wait * SMALLER_ID_FACTOR, MOST_WAIT)
        self.failures += 1
        self._timer = asyncio.get_running_loop().call_later(wait, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self.channel is None and self.pending is not None:
            self._dial()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drop_channel(self) -> None:
        if self.channel is not None:
            channel, self.channel = self.channel, None
            channel.abort()


class Channel(asyncio.Protocol):
    """One connection between two servers.

    Args:
        port: the port that accepted or made it.
        peer: the server that it was made to; None if it was accepted, until its other side has sent its id.

    Attributes:
        name: the other side's address, for log lines.
        is_full: True if the other side does not read what is sent.
        is_lost: True if the connection is closed.
    """

    transport: asyncio.Transport

    def __init__(self, port: ElectionPort, peer: Peer | None) -> None:
        self.port = port
        self.peer = peer
        self.name = "?"
        self.is_full = False
        self.is_lost = False
        self._is_done = False
        self._hello = HelloReader()
        self._messages = MessageReader()
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sets socket options, and a deadline for the id of the server at the other side of an accepted
        connection.
        """
        self.transport = cast(asyncio.Transport, transport)  # uvloop's class is not a subclass
        self.name = "{}:{}".format(*(self.transport.get_extra_info("peername") or ("?", 0))[:2])
        self.transport.set_write_buffer_limits(MOST_UNSENT)
        wire = self.transport.get_extra_info("socket")
        if wire is not None and wire.family in (socket.AF_INET, socket.AF_INET6):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED)
        if self.peer is not None:
            return
        if self.port.is_closed:
            self.abort()
            return
        if len(self.port.unidentified) >= MOST_UNIDENTIFIED:
            next(iter(self.port.unidentified)).refuse(
                f"{MOST_UNIDENTIFIED} newer connections have not sent a server id either"
            )
        self.port.unidentified[self] = None
        self._deadline = asyncio.get_running_loop().call_later(
            HELLO_TIMEOUT, self.refuse, f"no server id received within {HELLO_TIMEOUT} s"
        )

    def data_received(self, chunk: bytes) -> None:
        """Reads the id of the other side, then its notifications."""
        try:
            if self.peer is None and not self._is_done:
                chunk = self._greet(chunk)
            if self.peer is not None and not self._is_done:
                self._take(self.peer, chunk)
        except Malformed as error:
            self.refuse(str(error))

    def _greet(self, chunk: bytes) -> bytes:
        """Reads the id of the other side, and returns the bytes after it."""
        hello = self._hello.feed(chunk)
        if hello is None:
            return b""
        self._on_identified()
        self.peer = self.port.on_hello(self, hello)
        return self._hello.rest

    def _take(self, peer: Peer, chunk: bytes) -> None:
        for body in self._messages.feed(chunk):
            peer.failures = 0
            try:
                notification = decode_notification(body)
            except Malformed as error:  # the next message may be valid: ZooKeeper goes on, too
                log.warning(event("ignored", peer=peer.sid, address=self.name, reason=str(error)))
                continue
            self.port.on_notification(peer.sid, notification)
            if self._is_done:
                break

    def write(self, message: bytes) -> None:
        """Sends bytes."""
        self.transport.write(message)

    def pause_writing(self) -> None:
        """Notes that the other side does not read what is sent."""
        self.is_full = True

    def resume_writing(self) -> None:
        """Sends the pending notification, because the other side has read."""
        self.is_full = False
        if self.peer is not None and self.peer.channel is self:
            self.peer.flush()

    def refuse(self, reason: str) -> None:
        """Closes the connection and logs the reason."""
        self._on_identified()
        log.warning(event("refused", address=self.name, reason=reason))
        self.abort()

    def finish(self) -> None:
        """Closes the connection once everything written is sent; no more input is processed."""
        self._is_done = True
        self.transport.close()

    def abort(self) -> None:
        """Closes the connection at once."""
        self._is_done = True
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregisters the connection, whichever side closed it."""
        self.is_lost = self._is_done = True
        self._on_identified()
        if self.peer is not None:
            self.peer.on_lost(self)

    def _on_identified(self) -> None:
        """Cancels the deadline for the other side's id."""
        self.port.unidentified.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
