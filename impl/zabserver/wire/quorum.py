"""The packets that members of an ensemble send each other: one after the other, with no length before them.

What takes them off a connection is `zabserver.storage.images.PacketStream`: it knows the image of a tree too,
which follows a SNAP and is no packet.

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
VALIDITY = Struct(">q?")
"""Session, and whether it is open."""
LEAST = BARE.size
"""No packet is shorter, in bytes."""
PROTOCOL = 0x10000
"""The protocol version of members from 3.4 on (ZooKeeper: the version in LearnerInfo)."""
ALREADY_PROMISED = -1
"""The current epoch in an ACKEPOCH from a learner that had promised this epoch before: it does not count."""
MOST_IDS = 1024
Ids = tuple[tuple[bytes, bytes], ...]
"""Who asks: schemes and names."""


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


SNAP: Final = Kind.SNAP
FIRST, LAST = Kind.REQUEST, Kind.INFORM_AND_ACTIVATE


@dataclass(slots=True)
class Packet:
    """One packet; `ids` are the schemes and names of whoever asks, of a REQUEST."""

    kind: int
    zxid: int
    data: bytes | None = None
    ids: Ids = ()


def encode_packet(kind: int, zxid: int, body: bytes | None = None, ids: Ids = ()) -> bytes:
    """The bytes of a packet."""
    if body is None and not ids:
        return BARE.pack(kind, zxid, -1, -1)
    start = HEAD.pack(kind, zxid, -1 if body is None else len(body)) + (body or b"")
    if not ids:
        return start + NULL
    return start + INT.pack(len(ids)) + b"".join(data(scheme) + data(name) for scheme, name in ids)


def take_packets(buffer: bytes, at: int, longest: int, taken: list[Packet]) -> tuple[int, int]:
    """Takes the whole packets in a buffer, up to and with a SNAP: what follows that is no packet.

    Args:
        buffer: what was read.
        at: where the first begins.
        longest: how many bytes the data of a packet may have, and a string of an identity.
        taken: where they are put.

    Returns:
        Where the next begins, and how many bytes from there on are needed before another look is worth it; 0
        after a SNAP.

    Raises:
        Malformed: nothing that follows could make it a packet.
    """
    size, bare, add = len(buffer), BARE.unpack_from, taken.append
    while at + LEAST <= size:
        kind, zxid, length, count = bare(buffer, at)
        if not FIRST <= kind <= LAST:
            raise Malformed(f"a packet of kind {kind}")
        if length == count == -1:  # most are: acknowledgements, commits
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
    """The packet at a place, and where it ends: beyond the buffer, where that does not hold it."""
    kind, zxid, length = HEAD.unpack_from(buffer, at)
    if not -1 <= length <= longest:
        raise Malformed(f"a packet of {length} bytes, {longest} are allowed")
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
        raise Malformed(f"a packet with {count} identities, {MOST_IDS} are allowed")
    packet.ids, end = _ids_at(buffer, end, count, longest)
    return packet, end


def _ids_at(buffer: bytes, at: int, count: int, longest: int) -> tuple[Ids, int]:
    """So many identities, and where they end: beyond the buffer, where that does not hold them."""
    strings: list[bytes] = []
    for _ in range(2 * count):
        if at + 4 > len(buffer):
            return (), at + 4
        (length,) = INT.unpack_from(buffer, at)
        if not -1 <= length <= longest:
            raise Malformed(f"an identity of {length} bytes, {longest} are allowed")
        at += 4
        end = at + max(length, 0)
        strings.append(buffer[at:end])
        at = end
    return tuple(zip(strings[::2], strings[1::2], strict=True)), at


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


def encode_validity(session: int, is_open: bool) -> bytes:
    """The answer to a REVALIDATE."""
    return VALIDITY.pack(session, is_open)


def decode_validity(body: bytes | None) -> tuple[int, bool]:
    """The session that a REVALIDATE is the answer for, and whether it is open.

    Raises:
        Malformed: it is something else.
    """
    if body is None or len(body) != VALIDITY.size:
        raise Malformed(f"{len(body or b'')} bytes say of no session whether it is open")
    session, is_open = VALIDITY.unpack(body)
    return session, is_open


def encode_sessions(sessions: Iterable[tuple[int, int]]) -> bytes:
    """Sessions and their timeouts in milliseconds."""
    return b"".join(SESSION.pack(session, timeout) for session, timeout in sessions)
