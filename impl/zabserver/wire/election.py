"""The format of the election port: a greeting that names the connecting server, then notifications.

A notification is a length-prefixed message with the sender's vote and state. The format has grown:

    bytes  from         fields
    28     3.3          state, leader, zxid, round
    40     3.4          those, the leader's epoch, a version that is ignored
    44 +   3.5 and on   those, with version 2, and the length and text of the sender's configuration

ZooKeeper: FastLeaderElection.buildMsg, WorkerReceiver.run; QuorumCnxManager.InitialMessage, RecvWorker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from zabserver.wire.jute import INT, Malformed, Reader, data

MAX_MESSAGE = 512 << 10
"""The longest message on the election port, in bytes (ZooKeeper: QuorumCnxManager.PACKETMAXSIZE)."""
MAX_ADDRESS = 2048
"""The longest address list in a greeting, in bytes (ZooKeeper: QuorumCnxManager.maxBuffer)."""
PROTOCOL = -65536
"""The protocol version of a greeting with one address."""
PROTOCOL_OF_MANY_ADDRESSES = -65535
"""The protocol version of a greeting with several addresses."""
NAMELESS_OBSERVER = (1 << 63) - 1
"""The server id of an observer that is configured without one (ZooKeeper: QuorumPeer.OBSERVER_ID)."""

_SHORT = Struct(">iqqq")
_FULL = Struct(">iqqqqi")
_GREETING = Struct(">qq")


class ServerState(IntEnum):
    """The state of a server, as notifications encode it (ZooKeeper: QuorumPeer.ServerState)."""

    LOOKING = 0
    FOLLOWING = 1
    LEADING = 2
    OBSERVING = 3


@dataclass(frozen=True, slots=True)
class Notification:
    """A server's vote and state, as sent to another server (ZooKeeper: FastLeaderElection.Notification).

    Attributes:
        state: the state of the sender.
        leader: the id of the server that the sender votes for, or follows.
        zxid: the last zxid that this leader has logged.
        round: the sender's election round (ZooKeeper: electionEpoch, logicalclock).
        epoch: the current epoch of the leader (ZooKeeper: peerEpoch).
        version: the version of the format; below 2 there is no configuration.
        config: the sender's ensemble, as `Ensemble.text` writes it, in UTF-8.
    """

    state: ServerState
    leader: int
    zxid: int
    round: int
    epoch: int
    version: int = 2
    config: bytes = b""

    def encode(self) -> bytes:
        """Returns the notification's bytes, without length prefix.

        All versions below 2, which have no configuration, are written as version 1.
        """
        has_config = self.version > 1
        fixed = _FULL.pack(
            self.state, self.leader, self.zxid, self.round, self.epoch, self.version if has_config else 1
        )
        return fixed + data(self.config) if has_config else fixed


def decode_notification(body: bytes) -> Notification:
    """Returns the notification in a message.

    Raises:
        Malformed: the message is too short, or the state or a length is impossible.
    """
    if len(body) < _SHORT.size:
        raise Malformed(f"a notification of {len(body)} bytes is too short")
    reader = Reader(body)
    number = reader.int32()
    leader, zxid, in_round = reader.int64(), reader.int64(), reader.int64()
    if number not in (0, 1, 2, 3):
        raise Malformed(f"a notification with unknown server state {number}")
    state = ServerState(number)
    if len(body) == _SHORT.size:
        return Notification(state, leader, zxid, in_round, zxid >> 32, version=0)
    epoch = reader.int64()
    if len(body) == _FULL.size:
        return Notification(state, leader, zxid, in_round, epoch, version=0)
    version = reader.int32()
    config = b""
    if version > 1:
        taken = reader.data()
        if taken is None:
            raise Malformed("a notification whose configuration has length -1")
        config = taken
    return Notification(state, leader, zxid, in_round, epoch, version, config)


def encode_message(body: bytes) -> bytes:
    """Returns a message with its length prefix."""
    return INT.pack(len(body)) + body


class MessageReader:
    """Splits the bytes from an election connection into messages; buffers less than one message."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yields the messages that this chunk completes, without their length prefixes.

        Raises:
            Malformed: a length is not between 1 byte and 512 KiB; the rest of the connection cannot be read.
        """
        self._held += chunk
        while len(self._held) >= INT.size:
            (length,) = INT.unpack_from(self._held)
            if not 0 < length <= MAX_MESSAGE:
                raise Malformed(f"a message of {length} bytes; 1 to {MAX_MESSAGE} are allowed")
            end = INT.size + length
            if len(self._held) < end:
                return
            body = bytes(self._held[INT.size : end])
            del self._held[:end]
            yield body


@dataclass(frozen=True, slots=True)
class Hello:
    """The greeting of a server that connects to an election port.

    Attributes:
        sid: the server's id.
        addresses: host and port of the server's own election port; empty if the greeting has none, as before
            3.5, or only wildcard addresses.
    """

    sid: int
    addresses: tuple[tuple[str, int], ...] = ()


def encode_hello(sid: int, host: str, port: int) -> bytes:
    """Returns the greeting of a connecting server: its id, and the address of its own election port."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return _GREETING.pack(PROTOCOL, sid) + data(address.encode())


class HelloReader:
    """Reads the greeting at the beginning of a connection.

    Attributes:
        rest: the bytes behind the greeting.
    """

    __slots__ = ("_held", "rest")

    def __init__(self) -> None:
        self._held = b""
        self.rest = b""

    def feed(self, chunk: bytes) -> Hello | None:
        """Returns the greeting, or None until all of it has arrived.

        Raises:
            Malformed: the bytes are not a greeting.
        """
        self._held += chunk
        reader = Reader(self._held)
        if len(self._held) < 8:
            return None
        protocol = reader.int64()
        if protocol >= 0:  # a server id: greetings had no protocol version before 3.5
            self.rest = self._held[reader.at :]
            return Hello(protocol)
        if protocol not in (PROTOCOL, PROTOCOL_OF_MANY_ADDRESSES):
            raise Malformed(f"unknown protocol version {protocol}")
        if len(self._held) < 20:
            return None
        sid, length = reader.int64(), reader.int32()
        if sid < 0:
            raise Malformed(f"negative server id {sid}")
        if not 0 < length <= MAX_ADDRESS:
            raise Malformed(f"an address of {length} bytes")
        if len(self._held) < 20 + length:
            return None
        self.rest = self._held[20 + length :]
        return Hello(sid, _addresses(self._held[20 : 20 + length]))


def _addresses(encoded: bytes) -> tuple[tuple[str, int], ...]:
    """Returns the hosts and ports in `host:port|host:port`, without wildcard addresses."""
    try:
        text = encoded.decode()
    except UnicodeDecodeError:
        raise Malformed("an address in the greeting is not UTF-8") from None
    found = []
    for each in text.split("|"):
        host, colon, port = each.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        is_port = port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 1 << 16
        if not colon or not host or not is_port:
            raise Malformed(f"{each[:80]!r} is not an address")
        if host not in ("0.0.0.0", "::", "0:0:0:0:0:0:0:0"):
            found.append((host, int(port)))
    return tuple(found)
