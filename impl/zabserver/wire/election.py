"""Bytes of the election port: a greeting that says who connects, then notifications behind their lengths.

A notification says whom a server wants to lead, and what it is doing. It has grown:

    bytes  from         holds
    28     3.3          state, leader, zxid, round
    40     3.4          the same, the leader's epoch, a version that nobody reads
    44 +   3.5 and on   the same, version 2, length and text of the sender's configuration

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
"""The longest address in a greeting, in bytes (ZooKeeper: QuorumCnxManager.maxBuffer)."""
PROTOCOL = -65536
"""The protocol version of a greeting with one address."""
PROTOCOL_OF_MANY_ADDRESSES = -65535
"""The protocol version of a greeting with several addresses."""
NAMELESS_OBSERVER = (1 << 63) - 1
"""The id of an observer that has none of its own (ZooKeeper: QuorumPeer.OBSERVER_ID)."""

_SHORT = Struct(">iqqq")
_FULL = Struct(">iqqqqi")
_GREETING = Struct(">qq")


class ServerState(IntEnum):
    """What a server does, as the election port has it (ZooKeeper: QuorumPeer.ServerState)."""

    LOOKING = 0
    FOLLOWING = 1
    LEADING = 2
    OBSERVING = 3


@dataclass(frozen=True, slots=True)
class Notification:
    """One server to another: its vote, and what it is doing.

    Attributes:
        state: what the sender is doing.
        leader: the server that it votes for, or that leads.
        zxid: the last that this server has logged.
        round: the election's number, as the sender counts (ZooKeeper: electionEpoch, logicalclock).
        epoch: the current epoch of the server that is voted for (ZooKeeper: peerEpoch).
        version: of the format; below 2 there is no configuration.
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
        """Its bytes, without the length before them; version 1 stands for all that have no configuration."""
        has_config = self.version > 1
        fixed = _FULL.pack(
            self.state, self.leader, self.zxid, self.round, self.epoch, self.version if has_config else 1
        )
        return fixed + data(self.config) if has_config else fixed


def decode_notification(body: bytes) -> Notification:
    """A notification from its bytes, without their length.

    Raises:
        Malformed: they are too few, or the state or a length is impossible.
    """
    if len(body) < _SHORT.size:
        raise Malformed(f"a notification of {len(body)} bytes")
    reader = Reader(body)
    number = reader.int32()
    leader, zxid, in_round = reader.int64(), reader.int64(), reader.int64()
    if number not in (0, 1, 2, 3):
        raise Malformed(f"a notification from a server in state {number}")
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
            raise Malformed("a notification with a configuration of -1 bytes")
        config = taken
    return Notification(state, leader, zxid, in_round, epoch, version, config)


def encode_message(body: bytes) -> bytes:
    """A message with its length before it."""
    return INT.pack(len(body)) + body


class MessageReader:
    """Cuts what comes on the election port into messages. It holds less than one message at a time."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The messages, without their lengths, that are whole with this chunk.

        Raises:
            Malformed: a length is not from 1 to 512 KiB. Nothing after it can be read.
        """
        self._held += chunk
        while len(self._held) >= INT.size:
            (length,) = INT.unpack_from(self._held)
            if not 0 < length <= MAX_MESSAGE:
                raise Malformed(f"a message of {length} bytes")
            end = INT.size + length
            if len(self._held) < end:
                return
            body = bytes(self._held[INT.size : end])
            del self._held[:end]
            yield body


@dataclass(frozen=True, slots=True)
class Hello:
    """Who connects to an election port.

    Attributes:
        sid: its id.
        addresses: host and port of its own election port; none if it does not say, as before 3.5, or if it
            only says that it listens everywhere.
    """

    sid: int
    addresses: tuple[tuple[str, int], ...] = ()


def encode_hello(sid: int, host: str, port: int) -> bytes:
    """What a server says first when it connects: its id, and where its own election port is."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return _GREETING.pack(PROTOCOL, sid) + data(address.encode())


class HelloReader:
    """Takes a greeting off the beginning of a connection.

    Attributes:
        rest: what came behind it.
    """

    __slots__ = ("_held", "rest")

    def __init__(self) -> None:
        self._held = b""
        self.rest = b""

    def feed(self, chunk: bytes) -> Hello | None:
        """Who connects; None until the whole greeting is there.

        Raises:
            Malformed: this is no greeting.
        """
        self._held += chunk
        reader = Reader(self._held)
        if len(self._held) < 8:
            return None
        protocol = reader.int64()
        if protocol >= 0:  # an id, as it was before there were protocols
            self.rest = self._held[reader.at :]
            return Hello(protocol)
        if protocol not in (PROTOCOL, PROTOCOL_OF_MANY_ADDRESSES):
            raise Malformed(f"protocol version {protocol}")
        if len(self._held) < 20:
            return None
        sid, length = reader.int64(), reader.int32()
        if sid < 0:
            raise Malformed(f"server id {sid}")
        if not 0 < length <= MAX_ADDRESS:
            raise Malformed(f"an address of {length} bytes")
        if len(self._held) < 20 + length:
            return None
        self.rest = self._held[20 + length :]
        return Hello(sid, _addresses(self._held[20 : 20 + length]))


def _addresses(encoded: bytes) -> tuple[tuple[str, int], ...]:
    """The hosts and ports in `host:port|host:port`, but those that only say "everywhere"."""
    try:
        text = encoded.decode()
    except UnicodeDecodeError:
        raise Malformed("an address that is not UTF-8") from None
    found = []
    for each in text.split("|"):
        host, colon, port = each.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        is_port = port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 1 << 16
        if not colon or not host or not is_port:
            raise Malformed(f"address {each[:80]!r}")
        if host not in ("0.0.0.0", "::", "0:0:0:0:0:0:0:0"):
            found.append((host, int(port)))
    return tuple(found)
