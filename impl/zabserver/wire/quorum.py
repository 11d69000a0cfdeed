"""The packets between members of an ensemble, which follow each other without length prefixes.

`zabserver.storage.images.PacketStream` reads them from a connection, because it also reads the image of a
tree that follows a SNAP and is not a packet.

ZooKeeper: QuorumPacket, Leader, LearnerInfo.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Final

from zabserver.wire.jute import INT, NULL, Malformed, Reader, data

HEAD = Struct(">iqi")
"""Kind, zxid, length of the data."""
BARE = Struct(">iqii")
"""A packet without data and without identities."""
LEARNER = Struct(">qiq")
"""LearnerInfo: server id, protocol version, version of the learner's configuration."""
ASKED = Struct(">qii")
"""The head of a forwarded request: session, cxid, operation. The body of the request follows."""
SESSION = Struct(">qi")
"""A session id and its timeout in milliseconds."""
VALIDITY = Struct(">q?")
"""A session id and whether the session is open."""
LEAST = BARE.size
"""The length of the shortest packet, in bytes."""
PROTOCOL = 0x10000
"""The version of the quorum protocol since 3.4 (ZooKeeper: LearnerInfo.protocolVersion)."""
ALREADY_PROMISED = -1
"""The epoch in an ACKEPOCH of a learner that had promised the epoch before: the leader does not count it."""
MOST_IDS = 1024
Ids = tuple[tuple[bytes, bytes], ...]
"""Identities of a client: pairs of scheme and id."""


class Kind:
    """The types of packets (ZooKeeper: constants of Leader). Plain integers, as in `Op`."""

    REQUEST: Final = 1
    PROPOSAL: Final = 2
    ACK: Final = 3
    COMMIT: Final = 4
    PING: Final = 5
    REVALIDATE: Final = 6
    SYNC: Final = 7
    INFORM: Final = 8
    COMMIT_AND_ACTIVATE: Final = 9
    NEWLEADER: Final = 10
    FOLLOWERINFO: Final = 11
    UPTODATE: Final = 12
    DIFF: Final = 13
    TRUNC: Final = 14
    SNAP: Final = 15
    OBSERVERINFO: Final = 16
    LEADERINFO: Final = 17
    ACKEPOCH: Final = 18
    INFORM_AND_ACTIVATE: Final = 19


NAMES: dict[int, str] = {value: name for name, value in vars(Kind).items() if name.isupper()}
"""The names of the types of packets, for the log."""
SNAP: Final = Kind.SNAP
FIRST, LAST = Kind.REQUEST, Kind.INFORM_AND_ACTIVATE


@dataclass(slots=True)
class Packet:
    """One packet (ZooKeeper: QuorumPacket).

    Attributes:
        kind: the type, one of `Kind`.
        zxid: the zxid, or for some types an epoch in its upper half.
        data: the body; None for null.
        ids: the identities of the client whose request a REQUEST forwards.
    """

    kind: int
    zxid: int
    data: bytes | None = None
    ids: Ids = ()


def encode_packet(kind: int, zxid: int, body: bytes | None = None, ids: Ids = ()) -> bytes:
    """Returns the bytes of a packet."""
    if body is None and not ids:
        return BARE.pack(kind, zxid, -1, -1)
    start = HEAD.pack(kind, zxid, -1 if body is None else len(body)) + (body or b"")
    if not ids:
        return start + NULL
    return start + INT.pack(len(ids)) + b"".join(data(scheme) + data(name) for scheme, name in ids)


def take_packets(buffer: bytes, at: int, longest: int, taken: list[Packet]) -> tuple[int, int]:
    """Decodes the complete packets in a buffer, up to and including a SNAP: an image follows that.

    Args:
        buffer: the bytes received.
        at: the offset of the first packet.
        longest: the most bytes in the data of a packet, and in each string of an identity.
        taken: the list that the packets are appended to.

    Returns:
        The offset of the next packet, and how many bytes from there must have arrived before another call can
        make progress; 0 after a SNAP.

    Raises:
        Malformed: the bytes cannot be the beginning of a packet.
    """
    size, bare, add = len(buffer), BARE.unpack_from, taken.append
    while at + LEAST <= size:
        kind, zxid, length, count = bare(buffer, at)
        if not FIRST <= kind <= LAST:
            raise Malformed(f"a packet of unknown type {kind}")
        if length == count == -1:  # true of most packets: acknowledgements and commits
            add(Packet(kind, zxid))
            at += LEAST
        else:
            packet, end = _packet_at(buffer, at, longest)
            if end > size:
                return at, end - at
            add(packet)
            at = end
        if kind == SNAP:
            return at, 0
    return at, LEAST


def _packet_at(buffer: bytes, at: int, longest: int) -> tuple[Packet, int]:
    """Returns the packet at an offset and where it ends: beyond the buffer if the packet is incomplete."""
    kind, zxid, length = HEAD.unpack_from(buffer, at)
    if not -1 <= length <= longest:
        raise Malformed(f"a packet of {length} bytes; at most {longest} are allowed")
    begin = at + HEAD.size
    end = begin if length < 0 else begin + length
    packet = Packet(kind, zxid, None if length < 0 else buffer[begin:end])
    if end + 4 > len(buffer):
        return packet, end + 4
    (count,) = INT.unpack_from(buffer, end)
    end += 4
    if count == -1:
        return packet, end
    if not 0 <= count <= MOST_IDS:
        raise Malformed(f"a packet with {count} identities; at most {MOST_IDS} are allowed")
    packet.ids, end = _ids_at(buffer, end, count, longest)
    return packet, end


def _ids_at(buffer: bytes, at: int, count: int, longest: int) -> tuple[Ids, int]:
    """Returns `count` identities and where they end: beyond the buffer if they are incomplete."""
    strings: list[bytes] = []
    for _ in range(2 * count):
        if at + 4 > len(buffer):
            return (), at + 4
        (length,) = INT.unpack_from(buffer, at)
        if not -1 <= length <= longest:
            raise Malformed(f"an identity of {length} bytes; at most {longest} are allowed")
        at += 4
        end = at + max(length, 0)
        strings.append(buffer[at:end])
        at = end
    return tuple(zip(strings[::2], strings[1::2], strict=True)), at


def encode_learner_info(sid: int, config_version: int) -> bytes:
    """Returns the body of FOLLOWERINFO and OBSERVERINFO."""
    return LEARNER.pack(sid, PROTOCOL, config_version)


def decode_learner_info(body: bytes | None) -> tuple[int, int, int]:
    """Returns server id, protocol version and configuration version, which old learners omit (0 then).

    Raises:
        Malformed: the body is not a LearnerInfo.
    """
    reader = Reader(body or b"")
    sid, protocol = reader.int64(), reader.int32()
    return sid, protocol, 0 if reader.is_at_end else reader.int64()


def encode_request(session: int, cxid: int, op: int, body: bytes) -> bytes:
    """Returns the body of a REQUEST, which forwards a client's request to the leader."""
    return ASKED.pack(session, cxid, op) + body


def decode_request(asked: bytes | None) -> tuple[int, int, int, Reader]:
    """Returns session, cxid, operation and body of a forwarded request.

    Raises:
        Malformed: the body is not a forwarded request.
    """
    reader = Reader(asked or b"")
    return reader.int64(), reader.int32(), reader.int32(), reader


def encode_revalidate(session: int, timeout: int) -> bytes:
    """Returns the body of a REVALIDATE, which asks if a session is open. The timeout is in milliseconds."""
    return SESSION.pack(session, timeout)


def decode_sessions(body: bytes | None) -> list[tuple[int, int]]:
    """Returns the sessions and timeouts in a learner's PING, or the one in its REVALIDATE.

    Raises:
        Malformed: the body is not a list of sessions.
    """
    whole = body or b""
    if len(whole) % SESSION.size:
        raise Malformed(f"a list of sessions of {len(whole)} bytes, not a multiple of {SESSION.size}")
    return list(SESSION.iter_unpack(whole))


def encode_validity(session: int, is_open: bool) -> bytes:
    """Returns the body of the leader's answer to a REVALIDATE."""
    return VALIDITY.pack(session, is_open)


def decode_validity(body: bytes | None) -> tuple[int, bool]:
    """Returns the session that an answer to a REVALIDATE is about, and whether it is open.

    Raises:
        Malformed: the body is not such an answer.
    """
    if body is None or len(body) != VALIDITY.size:
        raise Malformed(f"an answer to REVALIDATE of {len(body or b'')} bytes")
    session, is_open = VALIDITY.unpack(body)
    return session, is_open


def encode_sessions(sessions: Iterable[tuple[int, int]]) -> bytes:
    """Returns the body of a learner's PING: the recently active sessions, with timeouts in milliseconds."""
    return b"".join(SESSION.pack(session, timeout) for session, timeout in sessions)
