"""The port on which members tell each other their votes: one connection a pair, and whose it is.

The member with the larger id keeps a connection that it has made. One with a smaller id that has something to
say connects, says who it is and hangs up; the larger one then dials back. Who is not a member may do so, too:
it may be about to become one, and is told who leads.

Of what is to be sent to a peer, only the newest is kept, and what was sent last is sent again over a new
connection: it may have been lost with the old one. Connections are tried again, ever more seldom, while there
is something to be sent over them.

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
"""How long it may take to connect, in seconds (ZooKeeper: zookeeper.cnxTimeout)."""
HELLO_TIMEOUT = 5.0
"""How long one who connects may take to say who it is, in seconds."""
FIRST_WAIT = 0.05
"""How long after a connection is lost, or cannot be made, the next is tried, in seconds; then twice that."""
MOST_WAIT = 3.0
"""The most of that."""
KNOCKS_LATER = 4
"""How many times as long a smaller id waits: the larger is trying as well, and one connection is enough."""
MOST_NAMELESS = 64
"""How many connections may be open that have not said whose they are; one more ends the oldest."""
MOST_STRANGERS = 64
"""How many may be connected that are no members."""
MOST_STRANGE_ID = 255
"""The greatest id of one that is no member: ids are in the first byte of session ids."""
MOST_UNSENT = 64 << 10
"""How many bytes a peer may leave unread before only the newest notification waits for it."""

UNANSWERED = 10_000
"""After how long a connection on which the other machine acknowledges nothing is given up, in ms, where the
system can tell; on its own it tries for a quarter of an hour."""

Heard = Callable[[int, Notification], None]
Address = tuple[str, int]


class ElectionPort:
    """The listening socket, and the connections with all peers.

    Args:
        me: this server's id.
        ensemble: where members are.
        on_notification: is told from whom, and what.
        accepting, dialing: TLS for connections that come and that go; None for none.
        address: of this server's own port; as the ensemble says, if not given.
        listen_host: where to listen; at that address, if not given; everywhere, if empty (ZooKeeper:
            quorumListenOnAllIPs).

    Raises:
        ValueError: nobody says what this server's address is.
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
        self.nameless: dict[Channel, None] = {}
        self.peers: dict[int, Peer] = {}
        self.is_closed = False
        self._accepting = accepting
        self._listener: asyncio.Server | None = None
        if address is None:
            if me not in ensemble.members:
                raise ValueError(f"server {me} is no member: the address of its election port must be given")
            address = (ensemble.members[me].host, ensemble.members[me].election_port)
        self.address = address
        self._listen_host = address[0] if listen_host is None else listen_host or None

    async def open(self) -> None:
        """Begins to listen.

        Raises:
            OSError: the port cannot be used.
        """
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: Channel(self, None),
            self._listen_host,
            self.address[1],
            ssl=self._accepting,
            ssl_handshake_timeout=HELLO_TIMEOUT if self._accepting else None,
        )

    async def move(self, host: str | None, port: int) -> None:
        """Listens elsewhere from now on.

        Args:
            host: the address; None for all, of which the present one is still told to others.
            port: the port.

        Raises:
            OSError: the port cannot be used; it listens where it did.
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
        """Sends a notification as soon as that is possible, unless a newer one comes before.

        Args:
            sid: to whom; one that is no member and is not connected is not told.
            notification: what to say.
        """
        peer = self._peer(sid)
        if peer is not None and not self.is_closed:
            peer.offer(encode_message(notification.encode()))

    def has_delivered(self) -> bool:
        """Whether for some peer nothing waits to be sent (ZooKeeper: haveDelivered)."""
        return any(peer.pending is None for peer in self.peers.values())

    def connected(self) -> list[int]:
        """Ids of the peers with which there is a connection."""
        return [sid for sid, peer in sorted(self.peers.items()) if peer.channel is not None]

    def set_ensemble(self, ensemble: Ensemble) -> None:
        """Members are others now, or elsewhere. Connections stay, until the other side ends them."""
        self.ensemble = ensemble

    def close(self) -> None:
        """Stops to listen, and closes all connections."""
        self.is_closed = True
        if self._listener is not None:
            self._listener.close()
        for channel in list(self.nameless):
            channel.abort()
        for peer in self.peers.values():
            peer.close()

    async def closed(self) -> None:
        """Returns when nothing of it runs any more."""
        dialing = [peer.dialing for peer in self.peers.values() if peer.dialing is not None]
        await asyncio.gather(*dialing, return_exceptions=True)
        await asyncio.sleep(0)

    # For its connections.

    def is_member(self, sid: int) -> bool:
        """Whether a server belongs to the ensemble, and is tried again and again."""
        return sid in self.ensemble.members

    def forget(self, sid: int) -> None:
        """Nothing more is kept of one that is no member."""
        self.peers.pop(sid, None)

    def on_hello(self, channel: Channel, hello: Hello) -> Peer | None:
        """One who has connected says who it is.

        Returns:
            Whose the connection is from now on; None if it is not kept.
        """
        if hello.sid == self.me:
            channel.refuse(f"it says that it is server {self.me}, which is this one")
            return None
        peer = self._peer(hello.sid) or self._stranger(hello)
        if peer is None:
            channel.refuse(f"server {hello.sid} is no member, and gives no address, or is one too many")
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
        if strangers >= MOST_STRANGERS or hello.sid > MOST_STRANGE_ID:
            return None
        if hello.sid < self.me and not hello.addresses:
            return None
        self.peers[hello.sid] = Peer(self, hello.sid)
        return self.peers[hello.sid]


class Peer:
    """Another server: the connection with it, and what waits for one.

    Attributes:
        channel: the connection, if there is one.
        pending: what is to be sent; nothing but the newest.
        last: what was sent last.
        said_address: where it says that it is, if it is no member.
        failures: how often connections have failed since it was last heard of.
        dialing: the attempt to connect, while there is one.
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
        """This is to be sent now, and nothing that still waits."""
        self.pending = message
        if self.channel is not None:
            self.flush()
        elif self._timer is None:
            self._dial()

    def flush(self) -> None:
        """Sends what waits, if the connection takes it."""
        if self.channel is not None and self.pending is not None and not self.channel.is_full:
            self.last, self.pending = self.pending, None
            self.channel.write(self.last)

    def attach(self, channel: Channel) -> None:
        """There is a new connection; an old one is none any more."""
        self._stop_waiting()
        self._drop_channel()
        self.channel = channel
        log.info(event("connected", peer=self.sid, address=channel.name))
        if self.pending is None:
            self.pending = self.last
        self.flush()

    def dial_back(self) -> None:
        """It has a smaller id and has something to say: the connection is to be made from here."""
        self._stop_waiting()
        self._drop_channel()
        self._dial()

    def on_lost(self, channel: Channel) -> None:
        """A connection is closed, by whomever."""
        if channel is self.channel:
            log.info(event("disconnected", peer=self.sid, address=channel.name))
            self.channel = None
            if self.pending is None:
                self.pending = self.last
            self._try_later()

    def close(self) -> None:
        """Ends all there is."""
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
        except (OSError, ValueError) as error:  # a timeout is one; the other is for names that cannot be
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
        """Connects again after a while, if there is something to be sent and no connection by then."""
        if not self.port.is_member(self.sid):
            if self.channel is None:
                self.port.forget(self.sid)
            return
        if self.port.is_closed or self.channel is not None or self._timer is not None:
            return
        wait = min(FIRST_WAIT * 2 ** min(self.failures, 10), MOST_WAIT)
        if self.sid > self.port.me:
            wait = min(wait * KNOCKS_LATER, MOST_WAIT)
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
    """One connection.

    Args:
        port: where it belongs.
        peer: to whom it was made; None if it was accepted, and its other side has to say who it is.
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
        """The connection is there."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
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
        if len(self.port.nameless) >= MOST_NAMELESS:
            next(iter(self.port.nameless)).refuse(f"{MOST_NAMELESS} more do not say whose they are")
        self.port.nameless[self] = None
        self._deadline = asyncio.get_running_loop().call_later(
            HELLO_TIMEOUT, self.refuse, "it has not said in time who it is"
        )

    def data_received(self, chunk: bytes) -> None:
        """Bytes have come."""
        try:
            if self.peer is None and not self._is_done:
                chunk = self._greet(chunk)
            if self.peer is not None and not self._is_done:
                self._take(self.peer, chunk)
        except Malformed as error:
            self.refuse(str(error))

    def _greet(self, chunk: bytes) -> bytes:
        """Learns who is there; returns what came behind the greeting."""
        hello = self._hello.feed(chunk)
        if hello is None:
            return b""
        self._is_named()
        self.peer = self.port.on_hello(self, hello)
        return self._hello.rest

    def _take(self, peer: Peer, chunk: bytes) -> None:
        for body in self._messages.feed(chunk):
            peer.failures = 0
            try:
                notification = decode_notification(body)
            except Malformed as error:  # the next may be none, as ZooKeeper takes it
                log.warning(event("ignored", peer=peer.sid, address=self.name, reason=str(error)))
                continue
            self.port.on_notification(peer.sid, notification)
            if self._is_done:
                break

    def write(self, message: bytes) -> None:
        """Sends bytes."""
        self.transport.write(message)

    def pause_writing(self) -> None:
        """The other side leaves too much unread."""
        self.is_full = True

    def resume_writing(self) -> None:
        """The other side has read."""
        self.is_full = False
        if self.peer is not None and self.peer.channel is self:
            self.peer.flush()

    def refuse(self, reason: str) -> None:
        """Closes it, and says why in the log."""
        self._is_named()
        log.warning(event("refused", address=self.name, reason=reason))
        self.abort()

    def finish(self) -> None:
        """Closes it when what was written is sent; nothing is taken from it any more."""
        self._is_done = True
        self.transport.close()

    def abort(self) -> None:
        """Closes it now."""
        self._is_done = True
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self.is_lost = self._is_done = True
        self._is_named()
        if self.peer is not None:
            self.peer.on_lost(self)

    def _is_named(self) -> None:
        """It need not say who it is any more."""
        self.port.nameless.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
