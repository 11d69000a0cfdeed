"""The packets that members of an ensemble send each other: one after the other, with no length before them.

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
"""Server id, protocol version, version of its configuration."""
ASKED = Struct(">qii")
"""Session, cxid and operation of a request that is passed on; its body follows."""
SESSION = Struct(">qi")
"""Session and its timeout in milliseconds."""
PROTOCOL = 0x10000
MOST_IDS = 1024


class Kind:
    """What a packet is; plain numbers, as in `Op`."""

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


FIRST, LAST = Kind.REQUEST, Kind.INFORM_AND_ACTIVATE


@dataclass(slots=True)
class Packet:
    """One packet; `ids` are the schemes and names of whoever asks, of a REQUEST."""

    kind: int
    zxid: int
    data: bytes | None = None
    ids: tuple[tuple[bytes, bytes], ...] = ()


def encode_packet(
    kind: int, zxid: int, body: bytes | None = None, ids: tuple[tuple[bytes, bytes], ...] = ()
) -> bytes:
    """The bytes of a packet."""
    if body is None and not ids:
        return BARE.pack(kind, zxid, -1, -1)
    start = HEAD.pack(kind, zxid, -1 if body is None else len(body)) + (body or b"")
    if not ids:
        return start + NULL
    return start + INT.pack(len(ids)) + b"".join(data(scheme) + data(name) for scheme, name in ids)


def packet_at(buffer: bytes, at: int, longest: int) -> tuple[Packet, int] | None:
    """The packet at a place and where the next begins; None if there is no whole one yet.

    Args:
        buffer: what was read.
        at: where it begins.
        longest: how many bytes its data may have.

    Raises:
        Malformed: nothing that follows could make it a packet.
    """
    body_at = at + HEAD.size
    if body_at > len(buffer):
        return None
    kind, zxid, length = HEAD.unpack_from(buffer, at)
    if not FIRST <= kind <= LAST:
        raise Malformed(f"a packet of kind {kind}")
    if not -1 <= length <= longest:
        raise Malformed(f"a packet of {length} bytes")
    end = body_at + max(length, 0)
    if end + 4 > len(buffer):
        return None
    body = None if length < 0 else buffer[body_at:end]
    (count,) = INT.unpack_from(buffer, end)
    end += 4
    if count <= 0:
        if count < -1:
            raise Malformed(f"a packet with {count} identities")
        return Packet(kind, zxid, body), end
    if count > MOST_IDS:
        raise Malformed(f"a packet with {count} identities")
    return _with_ids(buffer, end, count, Packet(kind, zxid, body), longest)


def _with_ids(buffer: bytes, at: int, count: int, packet: Packet, longest: int) -> tuple[Packet, int] | None:
    found: list[bytes] = []
    for _ in range(2 * count):
        if at + 4 > len(buffer):
            return None
        (length,) = INT.unpack_from(buffer, at)
        if not -1 <= length <= longest:
            raise Malformed(f"an identity of {length} bytes")
        at += 4
        end = at + max(length, 0)
        if end > len(buffer):
            return None
        found.append(buffer[at:end])
        at = end
    packet.ids = tuple(zip(found[::2], found[1::2], strict=True))
    return packet, at


def encode_learner_info(sid: int, config_version: int) -> bytes:
    """What a learner says of itself in FOLLOWERINFO and OBSERVERINFO."""
    return LEARNER.pack(sid, PROTOCOL, config_version)


def decode_learner_info(body: bytes | None) -> tuple[int, int, int]:
    """Server id, protocol version and version of the configuration; old learners leave the last out.

    Raises:
        Malformed: it is something else.
    """
    reader = Reader(body or b"")
    sid, protocol = reader.int64(), reader.int32()
    return sid, protocol, 0 if reader.is_at_end else reader.int64()


def encode_request(session: int, cxid: int, op: int, body: bytes) -> bytes:
    """A client's request as it is passed on to the leader."""
    return ASKED.pack(session, cxid, op) + body


def decode_request(asked: bytes | None) -> tuple[int, int, int, Reader]:
    """Session, cxid, operation and body of a request that was passed on.

    Raises:
        Malformed: it is something else.
    """
    reader = Reader(asked or b"")
    return reader.int64(), reader.int32(), reader.int32(), reader


def encode_revalidate(session: int, timeout: int) -> bytes:
    """Asks whether a session may go on, with this timeout in milliseconds."""
    return SESSION.pack(session, timeout)


def decode_sessions(body: bytes | None) -> list[tuple[int, int]]:
    """Sessions and their timeouts, as in a PING's reply; one, in REVALIDATE.

    Raises:
        Malformed: it is something else.
    """
    whole = body or b""
    if len(whole) % SESSION.size:
        raise Malformed(f"{len(whole)} bytes of sessions")
    return list(SESSION.iter_unpack(whole))


def encode_sessions(sessions: Iterable[tuple[int, int]]) -> bytes:
    """Sessions and their timeouts in milliseconds."""
    return b"".join(SESSION.pack(session, timeout) for session, timeout in sessions)
