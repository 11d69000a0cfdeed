"""Packets and images are read from a quorum connection however it is cut into pieces, and refused if
damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from data_directories import SESSION, described, some_txns
from zabserver.service.node import OPEN, Ace, Node
from zabserver.service.prepare import Preparer, Request
from zabserver.service.settings import Settings
from zabserver.service.tree import Tree
from zabserver.service.txns import CreateTxn, Record
from zabserver.storage import images, snapshots
from zabserver.storage.images import SIGNATURE, Image, PacketStream, encode_image
from zabserver.wire import quorum
from zabserver.wire.jute import INT, Malformed, Reader, data
from zabserver.wire.protocol import Op
from zabserver.wire.quorum import Ids, Kind, Packet, encode_packet

LONGEST = 1 << 12
E1 = 1 << 32

# Bytes, from the layout of the reference; those marked so were seen on the wire of 3.8.0.

GOLDEN: list[tuple[Packet, str]] = [
    (
        Packet(Kind.OBSERVERINFO, 0, quorum.encode_learner_info(5, 0)),  # seen
        "00000010 0000000000000000 00000014 0000000000000005 00010000 0000000000000000 ffffffff",
    ),
    (
        Packet(Kind.LEADERINFO, E1, INT.pack(quorum.PROTOCOL)),
        "00000011 0000000100000000 00000004 00010000 ffffffff",
    ),
    (Packet(Kind.ACKEPOCH, 7, INT.pack(-1)), "00000012 0000000000000007 00000004 ffffffff ffffffff"),
    (Packet(Kind.ACK, E1 + 2), "00000003 0000000100000002 ffffffff ffffffff"),
    (Packet(Kind.UPTODATE, -1), "0000000c ffffffffffffffff ffffffff ffffffff"),  # seen
    (Packet(Kind.PROPOSAL, E1 + 1, b""), "00000002 0000000100000001 00000000 ffffffff"),
    (
        Packet(Kind.REVALIDATE, -1, quorum.encode_revalidate(0x100, 4000)),
        "00000006 ffffffffffffffff 0000000c 0000000000000100 00000fa0 ffffffff",
    ),
    (
        Packet(Kind.REVALIDATE, -1, quorum.encode_validity(0x100, True)),
        "00000006 ffffffffffffffff 00000009 0000000000000100 01 ffffffff",
    ),
    (
        Packet(Kind.PING, E1, quorum.encode_sessions([(1, 2), (3, 4)])),
        "00000005 0000000100000000 00000018 0000000000000001 00000002 0000000000000003 00000004 ffffffff",
    ),
    (
        Packet(Kind.REQUEST, -1, quorum.encode_request(9, 3, Op.SYNC, b"\0"), ((b"ip", b"::1"),)),
        "00000001 ffffffffffffffff 00000011 0000000000000009 00000003 00000009 00"
        "00000001 00000002 6970 00000003 3a3a31",
    ),
]


@pytest.mark.parametrize(("packet", "expected"), GOLDEN)
def test_packets_are_apaches(packet: Packet, expected: str) -> None:
    whole = bytes.fromhex(expected)
    assert encode_packet(packet.kind, packet.zxid, packet.data, packet.ids) == whole
    assert PacketStream(LONGEST).feed(whole) == [packet]


def test_an_image_of_a_fresh_tree_is_apaches() -> None:
    """Parts 2 to 4 of the snapshot.0 that 3.8.0 wrote, and the signature."""
    stat = bytes(60)
    open_node = "00000000 ffffffffffffffff"
    expected = (
        bytes.fromhex("00000000 00000001 0000000000000001 00000001 00000001 00000005 776f726c64 00000006")
        + b"anyone"
        + bytes.fromhex(f"00000000 {open_node}") + stat
        + data(b"/zookeeper") + bytes.fromhex(open_node) + stat
        + data(b"/zookeeper/config") + bytes.fromhex("00000000 0000000000000001") + pack(
            ">qqqqiiiqq", 0, 0, 0, 0, 0, 0, -1, 0, 0)
        + data(b"/zookeeper/quota") + bytes.fromhex(open_node) + stat
        + data(b"/") + data(b"BenWasHere")
    )  # fmt: skip
    assert b"".join(encode_image(Tree(), {})) == expected


def test_what_is_in_packets_is_read_back() -> None:
    assert quorum.decode_learner_info(quorum.encode_learner_info(5, 7)) == (5, quorum.PROTOCOL, 7)
    session, cxid, op, reader = quorum.decode_request(quorum.encode_request(9, 3, 14, b"body"))
    assert (session, cxid, op, reader.buffer[reader.at :]) == (9, 3, 14, b"body")
    assert quorum.decode_sessions(quorum.encode_sessions([(1, 2), (-3, 4)])) == [(1, 2), (-3, 4)]
    assert quorum.decode_validity(quorum.encode_validity(-5, False)) == (-5, False)


@pytest.mark.parametrize(
    "decode",
    [quorum.decode_learner_info, quorum.decode_request, quorum.decode_validity, quorum.decode_sessions],
)
def test_what_cannot_be_in_a_packet_is_refused(decode: Callable[[bytes | None], object]) -> None:
    for length in (1, 7, 11):
        with pytest.raises(Malformed):
            decode(bytes(length))


# Streams.


def some_node(choose: Random) -> tuple[bytes | None, tuple[Ace, ...]]:
    content = choose.choice([None, b"", b"x", bytes(choose.randrange(300))])
    acl = choose.choice([OPEN, (), (Ace(5, b"ip", b"1.2.3.4"),), (Ace(1, b"a", b""), Ace(2, b"", b"b"))])
    return content, acl


def some_tree(choose: Random) -> Tree:
    """Returns a tree with a few nodes of all kinds."""
    tree, paths = Tree(), [b""]
    for zxid in range(1, choose.randrange(2, 12)):
        above = choose.choice(paths)
        path = above + b"/n%d" % zxid
        content, acl = some_node(choose)
        txn = CreateTxn(Op.CREATE, path, content, acl, choose.random() < 0.2, zxid)
        tree.apply(Record(7, 0, E1 + zxid, 1000 + zxid, txn))
        paths.append(path)
    return tree


def some_packet(choose: Random) -> Packet:
    kind = choose.choice([kind for kind in range(1, 20) if kind != Kind.SNAP])
    content = choose.choice([None, b"", b"payload", choose.randbytes(choose.randrange(200))])
    ids: Ids = tuple((b"digest", b"user%d" % at) for at in range(choose.choice([0, 0, 0, 1, 3])))
    return Packet(kind, choose.randrange(-1, 1 << 40), content, ids)


def some_stream(choose: Random) -> list[tuple[bytes, Packet | Image]]:
    """Returns random packets and images, each with its bytes."""
    stream: list[tuple[bytes, Packet | Image]] = []
    for _ in range(choose.randrange(1, 8)):
        if choose.random() < 0.25:
            tree, sessions = some_tree(choose), {choose.randrange(100): 4000 for _ in range(3)}
            snap = Packet(Kind.SNAP, tree.zxid)
            stream.append((encode_packet(snap.kind, snap.zxid), snap))
            stream.append((b"".join(encode_image(tree, sessions)), Image(sessions, list(tree.nodes.items()))))
        else:
            packet = some_packet(choose)
            stream.append((encode_packet(packet.kind, packet.zxid, packet.data, packet.ids), packet))
    return stream


def shown(item: Packet | Image) -> object:
    """Returns a packet or an image in a form that can be compared."""
    if isinstance(item, Packet):
        return item
    return item.sessions, sorted((path, node.data, node.acl, node.persisted()) for path, node in item.nodes)


def comes_when_it_is_whole(stream: PacketStream, choose: Random) -> None:
    """Each packet and image is returned with the piece that has its last byte, and equals what was sent."""
    parts = some_stream(choose)
    whole = b"".join(part for part, _ in parts)
    most = choose.choice([1, 3, 40, 5000])
    at = 0
    ends = [sum(len(part) for part, _ in parts[: count + 1]) for count in range(len(parts))]
    came: list[object] = []
    while at < len(whole):
        size = choose.randrange(1, most + 1)
        came += map(shown, stream.feed(whole[at : at + size]))
        at += size
        assert came == [shown(item) for (_, item), end in zip(parts, ends, strict=True) if end <= at]


def test_streams_cut_anywhere() -> None:
    for seed in range(400):
        comes_when_it_is_whole(PacketStream(LONGEST), Random(seed))


def patched(owner: object, name: str, change: Callable[..., object]) -> Callable[[pytest.MonkeyPatch], None]:
    """Returns a mistake: a function replaced by another."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        right = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *arguments: change(*right(*arguments)))

    return patch


MISTAKES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "waits for a byte too many": patched(
        images, "take_packets", lambda at, wanted: (at, wanted and wanted + 1)
    ),
    "an image follows every packet": patched(images, "take_packets", lambda at, _: (at, 0)),
    "identities end late": patched(quorum, "_ids_at", lambda ids, end: (ids, end + 1)),
    "identities are lost": patched(quorum, "_ids_at", lambda _, end: ((), end)),
    "a node ends late": patched(images, "_extent", lambda path_end, end: (path_end, end + (end > path_end))),
    "null is empty": lambda monkeypatch: monkeypatch.setattr(images, "NULL", b"none"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MISTAKES[name](monkeypatch)
    with pytest.raises((AssertionError, Malformed)):
        test_streams_cut_anywhere()


def test_a_long_packet_is_looked_at_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost is linear in the bytes received, in however small pieces."""
    looks: list[int] = []
    right = quorum.take_packets

    def counted(buffer: bytes, at: int, longest: int, taken: list[Packet]) -> tuple[int, int]:
        looks.append(len(buffer))
        return right(buffer, at, longest, taken)

    monkeypatch.setattr(images, "take_packets", counted)
    stream, whole = PacketStream(1 << 20), encode_packet(Kind.PROPOSAL, 1, bytes(1 << 20))
    for at in range(0, len(whole), 1 << 10):
        stream.feed(whole[at : at + (1 << 10)])
    assert sum(looks) < 2 * len(whole)


def test_a_long_node_is_looked_at_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    tree, size = Tree(), 1 << 18
    tree.apply(Record(7, 0, 1, 1, CreateTxn(Op.CREATE, b"/n", bytes(size), OPEN, False, 1)))
    reads: list[int] = []
    right = images._extent

    def counted(buffer: bytes, at: int, longest: int) -> tuple[int, int]:
        reads.append(len(buffer) - at)
        return right(buffer, at, longest)

    monkeypatch.setattr(images, "_extent", counted)
    stream, whole = PacketStream(1 << 20), encode_packet(Kind.SNAP, 1) + b"".join(encode_image(tree, {}))
    found = [item for at in range(0, len(whole), 100) for item in stream.feed(whole[at : at + 100])]
    assert len(found) == 2
    assert sum(reads) < 2 * size


# What cannot be.


def head(kind: int, length: int) -> bytes:
    return quorum.HEAD.pack(kind, 0, length)


SNAP = encode_packet(Kind.SNAP, 1)
NO_LISTS = INT.pack(0) + INT.pack(0)
STAT = bytes(60)
ROOT = data(b"") + data(b"") + pack(">q", -1) + STAT


@pytest.mark.parametrize(
    "bad",
    [
        head(0, -1) + INT.pack(-1),
        head(20, -1) + INT.pack(-1),
        head(-1, -1) + INT.pack(-1),
        head(Kind.ACK, -2) + INT.pack(-1),
        head(Kind.ACK, LONGEST + 1) + INT.pack(-1),
        head(Kind.ACK, 0) + INT.pack(-2),
        head(Kind.ACK, 0) + INT.pack(quorum.MOST_IDS + 1),
        head(Kind.ACK, 0) + INT.pack(1) + INT.pack(-2),
        head(Kind.ACK, 0) + INT.pack(1) + INT.pack(LONGEST + 1),
        SNAP + INT.pack(-1),
        SNAP + INT.pack(0) + INT.pack(-1),
        SNAP + INT.pack(0) + INT.pack(1) + pack(">qi", 1, -2),
        SNAP + INT.pack(0) + INT.pack(1) + pack(">qiii", 1, 1, 31, -2),
        SNAP + INT.pack(0) + INT.pack(1) + pack(">qiii", 1, 1, 31, 0) + INT.pack(LONGEST + 1),
        SNAP + NO_LISTS + INT.pack(LONGEST + 1),
        SNAP + NO_LISTS + data(b"/a") + data(b"") + pack(">q", -1) + STAT,
        SNAP + NO_LISTS + ROOT + ROOT,
        SNAP + NO_LISTS + ROOT + data(b"a") + data(b"") + pack(">q", -1) + STAT,
        SNAP + NO_LISTS + ROOT + data(b"/a") + data(b"") + pack(">q", 1) + STAT,
        SNAP + NO_LISTS + ROOT + data(b"/a") + INT.pack(-2),
        SNAP + NO_LISTS + ROOT + data(b"/a") + INT.pack(LONGEST + 1),
        SNAP + NO_LISTS + data(b"/") + SIGNATURE,
        SNAP + NO_LISTS + ROOT + data(b"/") + data(b"BenWasHera"),
    ],
)
def test_what_cannot_be_is_refused_at_once(bad: bytes) -> None:
    """Malformed input is refused with the last of these bytes at the latest, whatever would follow."""
    for size in (1, len(bad)):
        stream = PacketStream(LONGEST)
        with pytest.raises(Malformed):
            feed_all(stream, bad, size)


def test_a_leader_takes_no_images() -> None:
    with pytest.raises(Malformed, match="does not lead"):
        PacketStream(LONGEST, takes_images=False).feed(SNAP)


def test_an_image_without_an_end_is_refused() -> None:
    tree = Tree()
    for at in range(1, 200):
        tree.apply(Record(7, 0, at, 1, CreateTxn(Op.CREATE, b"/n%d" % at, bytes(100), OPEN, False, 1)))
    whole = SNAP + b"".join(encode_image(tree, {}))
    assert len(feed_all(PacketStream(LONGEST, largest=len(whole)), whole, 100)) == 2
    with pytest.raises(Malformed, match="too large"):
        feed_all(PacketStream(LONGEST, largest=len(whole) // 2), whole, 100)


def feed_all(stream: PacketStream, whole: bytes, size: int) -> list[Packet | Image]:
    """Feeds bytes in pieces."""
    return [item for at in range(0, len(whole), size) for item in stream.feed(whole[at : at + size])]


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(some.integers(0, 1 << 30), some.binary(min_size=1, max_size=12), some.integers(0, 1 << 30))
def test_damage_is_refused_or_read_the_same_however_it_is_cut(seed: int, rubbish: bytes, place: int) -> None:
    """No more is buffered than a packet or a node may have."""
    whole = bytearray(b"".join(part for part, _ in some_stream(Random(seed))))
    at = place % len(whole)
    whole[at : at + len(rubbish)] = rubbish
    outcomes = []
    for size in (1, 7, len(whole)):
        stream = PacketStream(LONGEST)
        try:
            outcomes.append([shown(item) for item in feed_all(stream, bytes(whole), size)])
        except Malformed:
            outcomes.append(["refused"])
        assert stream._size <= 2 * LONGEST + len(whole)
        assert size > 1 or stream._wanted <= 2 * LONGEST + 200
    assert outcomes[0] == outcomes[1] == outcomes[2]


# Images.


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(some_txns(), some.integers(1, 5), some.integers(0, 60))
def test_an_image_sent_while_writes_go_on_and_what_follows_make_the_tree(
    requests: list[tuple[int, bytes]], between: int, begin: int
) -> None:
    """With pieces of one node each, a learner that gets all transactions since the zxid of SNAP has the
    tree.
    """
    tree = Tree()
    preparer = Preparer(tree, lambda _: None, Settings())
    records: list[Record] = []

    def write(count: int) -> None:
        for op, body in requests[len(records) : len(records) + count]:
            zxid = len(records) + 1
            record = preparer.prepare(Request(SESSION, 0, op, Reader(body), ()), zxid, 1000 + zxid)
            tree.apply(record)
            preparer.outstanding.on_applied(zxid)
            records.append(record)

    write(begin)
    start = tree.zxid
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshots, "SIZE", 1)
        image = image_of(encode_image(tree, {1: 2}), lambda: write(between))
    write(len(requests))
    loaded = Tree()
    loaded.restore(image.nodes)
    loaded.zxid = start
    for record in records[start:]:
        loaded.apply(record)
    assert described(loaded) == described(tree)
    assert image.sessions == {1: 2}


def image_of(pieces: Iterable[bytes], meanwhile: Callable[[], None] = lambda: None) -> Image:
    """Reads an image from its pieces."""
    stream = PacketStream(LONGEST)
    found = stream.feed(SNAP)
    for piece in pieces:
        found += stream.feed(piece)
        meanwhile()
    [_, image] = found
    assert isinstance(image, Image)
    return image


def test_an_image_is_the_tree_node_by_node() -> None:
    for seed in range(50):
        tree = some_tree(Random(seed))
        loaded = Tree()
        loaded.restore(image_of(encode_image(tree, {})).nodes)
        assert described(loaded) == described(tree)
        assert loaded.ephemerals.keys() == tree.ephemerals.keys()


def test_pieces_of_an_image_are_small_and_made_when_they_are_wanted() -> None:
    tree = Tree()
    for at in range(1, 2000):
        tree.nodes[b"/n%d" % at] = Node(bytes(300), OPEN, at, 1, 0)
        tree.nodes[b"/"].children.add(b"n%d" % at)
    pieces = encode_image(tree, {})
    sizes = [len(next(pieces)) for _ in range(3)]
    del tree.nodes[b"/n999"]
    rest = list(pieces)
    assert max(*sizes, *map(len, rest)) < snapshots.SIZE + 1000
    assert len(rest) > 5
    assert not any(b"/n999\0" in piece for piece in rest)
