"""A snapshot as it crosses the quorum port, between two packets: the same as in a file, without its seals.

It has no length. So what comes after a SNAP is parsed as it comes, node by node.

ZooKeeper: LearnerHandler.run, Learner.syncWithLeader, ZKDatabase.serializeSnapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from zabserver.service.node import OPEN, Acl, Node
from zabserver.service.tree import Tree
from zabserver.service.txns import decode_acl
from zabserver.storage import snapshots
from zabserver.wire.jute import Malformed, Reader, data
from zabserver.wire.quorum import Kind, Packet, packet_at

SIGNATURE = data(b"BenWasHere")


@dataclass(slots=True)
class Image:
    """What a leader has sent of its tree.

    Attributes:
        sessions: timeouts in milliseconds, by id.
        nodes: with their paths, each after its parent.
    """

    sessions: dict[int, int] = field(default_factory=dict)
    nodes: list[tuple[bytes, Node]] = field(default_factory=list)


def encode_image(tree: Tree, timeouts: Mapping[int, int]) -> Iterator[bytes]:
    """The bytes of an image, in pieces; between two of them transactions may be applied."""
    yield from snapshots.encode_nodes(tree, timeouts)
    yield SIGNATURE


class PacketStream:
    """Cuts what is read into packets and images.

    Args:
        longest: how many bytes a packet's data may have.
    """

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._rest = b""
        self._image: ImageReader | None = None

    def feed(self, chunk: bytes) -> list[Packet | Image]:
        """What is whole of what has come.

        Raises:
            Malformed: it is nothing that a member sends.
        """
        buffer = self._rest + chunk if self._rest else chunk
        found: list[Packet | Image] = []
        at = 0
        while True:
            if self._image is not None:
                at, image = self._image.read(buffer, at)
                if image is None:
                    break
                found.append(image)
                self._image = None
            taken = packet_at(buffer, at, self.longest)
            if taken is None:
                break
            packet, at = taken
            found.append(packet)
            if packet.kind == Kind.SNAP:
                self._image = ImageReader(self.longest)
        self._rest = buffer[at:]
        if len(self._rest) > 2 * self.longest:
            raise Malformed(f"more than {2 * self.longest} bytes and no whole packet")
        return found


class ImageReader:
    """Takes an image off a stream, a whole value at a time."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._image = Image()
        self._lists: dict[int, Acl] = {snapshots.OPEN_ID: OPEN}
        self._left = 0
        self._next: Callable[[Reader], bool] = self._count_sessions

    def read(self, buffer: bytes, at: int) -> tuple[int, Image | None]:
        """Where what could be taken ends, and the image if that was all of it.

        Raises:
            Malformed: it is no image.
        """
        reader = Reader(buffer, at)
        while True:
            begin = reader.at
            try:
                is_whole = self._next(reader)
            except Malformed:
                if len(buffer) - begin > self.longest + 4096:
                    raise
                return begin, None
            if is_whole:
                return reader.at, self._image

    def _count_sessions(self, reader: Reader) -> bool:
        self._left = _count(reader)
        self._next = self._session if self._left else self._count_lists
        return False

    def _session(self, reader: Reader) -> bool:
        session, timeout = reader.int64(), reader.int32()
        self._image.sessions[session] = timeout
        self._left -= 1
        if not self._left:
            self._next = self._count_lists
        return False

    def _count_lists(self, reader: Reader) -> bool:
        self._left = _count(reader)
        self._next = self._list if self._left else self._node
        return False

    def _list(self, reader: Reader) -> bool:
        number, acl = reader.int64(), decode_acl(reader)
        self._lists[number] = OPEN if acl == OPEN else acl
        self._left -= 1
        if not self._left:
            self._next = self._node
        return False

    def _node(self, reader: Reader) -> bool:
        path = reader.string()
        if path == b"/":
            self._next = self._signature
            return False
        try:
            self._image.nodes.append(snapshots.decode_node(path, reader, self._lists))
        except KeyError as number:
            raise ImpossibleImage(f"{path!r} has access control list {number}, which there is not") from None
        return False

    def _signature(self, reader: Reader) -> bool:
        if reader.string() != b"BenWasHere":
            raise ImpossibleImage("an image that does not end as one")
        return True


class ImpossibleImage(ValueError):
    """What was read can be no image, whatever follows."""


def _count(reader: Reader) -> int:
    count = reader.int32()
    if count < 0:
        raise ImpossibleImage(f"{count} of something in an image")
    return count
