"""The snapshot format: sessions, access control lists and nodes, with running checksums.

A snapshot is fuzzy: transactions continue to be applied while it is written. It is named after the last
transaction applied when it began; later ones are replayed from the log when it is loaded, whether or not the
snapshot contains them already.

ZooKeeper: FileSnap, SerializeUtils, DataTree.serialize, ReferenceCountedACLCache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from struct import Struct
from zlib import adler32

from zabserver.service.node import DIGEST_VERSION, OPEN, PERSISTED, Acl, Node
from zabserver.service.tree import DIGEST_MASK, Tree
from zabserver.service.txns import decode_acl, encode_acl
from zabserver.storage.logs import HEADER, Corrupt
from zabserver.wire.jute import INT, LONG, Malformed, Reader, data

MAGIC = b"ZKSN"
VERSION = 2
TERMINATOR = data(b"/")
SESSION = Struct(">qi")
DIGEST = Struct(">qiq")
OPEN_ID = -1
SEAL = LONG.size + len(TERMINATOR)
"""The length of a checksum and the end mark after it, in bytes."""
LEAST = 10
"""The length of the shortest snapshot, in bytes."""
CHUNK = 512
"""The most nodes that are serialized between two turns of the server."""
SIZE = 1 << 16
"""The most bytes of nodes serialized between two turns of the server, unless a single node has more."""


@dataclass(slots=True)
class Snapshot:
    """The contents of a snapshot.

    Attributes:
        sessions: the timeout of each session in milliseconds, by session id.
        nodes: paths and nodes, each after its parent.
        digest: the tree's digest and the zxid that it belongs to; None if there is none.
    """

    sessions: dict[int, int] = field(default_factory=dict)
    nodes: list[tuple[bytes, Node]] = field(default_factory=list)
    digest: tuple[int, int] | None = None


def encode_snapshot(
    tree: Tree, sessions: Mapping[int, int], with_digest: bool = True, chunk: int = CHUNK
) -> Iterator[bytes]:
    """Yields the bytes of a snapshot in pieces; transactions may be applied between two of them.

    Args:
        tree: the tree to save.
        sessions: the timeout of each session in milliseconds, by session id.
        with_digest: True to include the tree's digest.
        chunk: the most nodes in a piece.
    """
    checksum = 1
    for piece in chain((HEADER.pack(MAGIC, VERSION, -1),), encode_nodes(tree, sessions, chunk)):
        checksum = adler32(piece, checksum)
        yield piece
    seal = LONG.pack(checksum) + TERMINATOR
    yield seal
    if with_digest:
        zxid, digest = (0, 0) if tree.digest is None else (tree.zxid, tree.digest)
        signed = digest - (1 << 64) if digest >> 63 else digest
        part = DIGEST.pack(zxid, DIGEST_VERSION, signed)
        yield part + LONG.pack(adler32(part, adler32(seal, checksum))) + TERMINATOR


def encode_nodes(tree: Tree, sessions: Mapping[int, int], chunk: int = CHUNK) -> Iterator[bytes]:
    """Yields sessions, access control lists and nodes, `chunk` nodes to a piece: for snapshots and images."""
    begun = tree.zxid
    ids = _acl_ids(node.acl for node in tree.nodes.values())
    sessions = dict(sessions)
    start = [INT.pack(len(sessions))]
    start += (SESSION.pack(session, timeout) for session, timeout in sessions.items())
    start.append(INT.pack(len(ids)))
    start += (LONG.pack(number) + encode_acl(acl) for acl, number in ids.items())
    yield b"".join(start)
    nodes: list[bytes] = []
    size = 0
    todo = [b"/"]
    while todo:
        path = todo.pop()
        node = tree.nodes.get(path)
        if node is None or (node.czxid > begun and number_of(node.acl, ids) is None):
            continue  # deleted, or created, since the snapshot began: the log has that
        nodes.append(encode_node(path, node, ids))
        above = b"" if path == b"/" else path
        todo += [above + b"/" + name for name in sorted(node.children, reverse=True)]
        size += len(nodes[-1])
        if len(nodes) == chunk or size >= SIZE:
            yield b"".join(nodes)
            nodes.clear()
            size = 0
    yield b"".join(nodes) + TERMINATOR


def encode_node(path: bytes, node: Node, ids: Mapping[Acl, int]) -> bytes:
    """Returns the bytes of a node; the root is encoded with an empty path.

    An access control list set after the snapshot began has no number; the node gets it again when the log is
    replayed.
    """
    number = number_of(node.acl, ids)
    number = OPEN_ID if number is None else number
    return data(b"" if path == b"/" else path) + data(node.data) + LONG.pack(number) + node.persisted()


def number_of(acl: Acl, ids: Mapping[Acl, int]) -> int | None:
    """Returns the number of an access control list in a snapshot; None if it has none."""
    return OPEN_ID if acl == OPEN else ids.get(acl)


def _acl_ids(acls: Iterable[Acl]) -> dict[Acl, int]:
    """Returns a number for each access control list other than the open one."""
    ids: dict[Acl, int] = {}
    for acl in acls:
        if acl != OPEN and acl not in ids:
            ids[acl] = len(ids) + 1
    return ids


def looks_whole(buffer: bytes | memoryview) -> bool:
    """True if a file ends as a complete snapshot does.

    ZooKeeper: SnapStream.isValidSnapshot.
    """
    return len(buffer) >= LEAST and bytes(buffer[-5:]) == TERMINATOR


def decode_snapshot(buffer: bytes, name: str, into: Snapshot | None = None) -> Snapshot:
    """Returns the contents of a snapshot file.

    Args:
        buffer: the contents of the file.
        name: the file's name, for errors.
        into: a snapshot to fill, so that what precedes the damage is available after an error.

    Raises:
        Corrupt: the file is not a snapshot, or is damaged.
    """
    snapshot = Snapshot() if into is None else into
    reader = Reader(buffer)
    if len(buffer) < HEADER.size:
        raise Corrupt(name, 0, "not a snapshot")
    magic, version, _ = HEADER.unpack_from(buffer)
    if magic != MAGIC or version != VERSION:
        raise Corrupt(name, 0, f"not a snapshot of version {VERSION}")
    reader.at = HEADER.size
    try:
        for _ in range(reader.int32()):
            session, timeout = reader.int64(), reader.int32()
            snapshot.sessions[session] = timeout
        acls = {reader.int64(): _same(decode_acl(reader)) for _ in range(reader.int32())}
        for each in _decode_nodes(reader, acls, name):
            snapshot.nodes.append(each)
        check_seal(buffer, reader, name)
        if not reader.is_at_end:
            zxid, version, digest = reader.int64(), reader.int32(), reader.int64()
            check_seal(buffer, reader, name)
            if version == DIGEST_VERSION and zxid:
                snapshot.digest = (zxid, digest & DIGEST_MASK)
    except Malformed as malformed:
        raise Corrupt(name, reader.at, str(malformed)) from None
    return snapshot


def _decode_nodes(reader: Reader, acls: Mapping[int, Acl], name: str) -> Iterator[tuple[bytes, Node]]:
    while True:
        at = reader.at
        path = reader.string()
        if path == b"/":
            return
        try:
            yield decode_node(path, reader, acls)
        except KeyError as number:
            why = f"{path!r} refers to access control list {number}, which does not exist"
            raise Corrupt(name, at, why) from None


def decode_node(path: bytes, reader: Reader, acls: Mapping[int, Acl]) -> tuple[bytes, Node]:
    """Returns a path and its node, reading the node from behind the path.

    Raises:
        Malformed: the buffer ends within the node.
        KeyError: the snapshot has no access control list with the node's number.
    """
    content = reader.data()
    at = reader.at + LONG.size + PERSISTED.size
    if at > len(reader.buffer):
        raise Malformed(f"a stat at byte {reader.at} of {len(reader.buffer)} is cut short")
    node = node_of(content, reader.buffer, reader.at, acls)
    reader.at = at
    return path or b"/", node


def node_of(content: bytes | None, buffer: bytes, at: int, acls: Mapping[int, Acl]) -> Node:
    """Returns a node with this data, reading the number of its access control list and its stat at an offset.

    Raises:
        KeyError: the snapshot has no access control list with the node's number.
    """
    (number,) = LONG.unpack_from(buffer, at)
    node = Node(content, OPEN if number == OPEN_ID else acls[number], 0, 0, 0)
    (
        node.czxid,
        node.mzxid,
        node.ctime,
        node.mtime,
        node.version,
        node.cversion,
        node.aversion,
        node.owner,
        node.pzxid,
    ) = PERSISTED.unpack_from(buffer, at + LONG.size)
    return node


def check_seal(buffer: bytes, reader: Reader, name: str) -> None:
    """Reads the checksum of everything before it, and the end mark, and verifies both.

    Raises:
        Corrupt: one of them is wrong.
    """
    at = reader.at
    checksum, mark = reader.int64(), reader.string()
    if checksum != adler32(memoryview(buffer)[:at]) or mark != b"/":
        raise Corrupt(name, at, "the checksum is wrong")


def _same(acl: Acl) -> Acl:
    return OPEN if acl == OPEN else acl
