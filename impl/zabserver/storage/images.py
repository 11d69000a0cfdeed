"""What arrives on a quorum connection: packets and, after a SNAP, the image of the leader's tree.

An image is a snapshot without header, checksums and digest. It is as fuzzy: transactions continue to be
applied while it is sent, and the learner receives those again.

`zabserver.wire.quorum` decodes the packets; `PacketStream` is here because an image contains nodes.

ZooKeeper: LearnerHandler.run, Learner.syncWithLeader, SerializeUtils.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

from zabserver.service.node import OPEN, PERSISTED, Ace, Acl, Node
from zabserver.service.tree import Tree
from zabserver.storage.snapshots import OPEN_ID, SESSION, TERMINATOR, encode_nodes, node_of
from zabserver.wire.jute import INT, LONG, NULL, Malformed, data
from zabserver.wire.quorum import Packet, take_packets

SIGNATURE = data(b"BenWasHere")
"""The string that ends an image."""
REST = LONG.size + PERSISTED.size
"""The length of what follows a node's data: the number of its access control list, and its stat."""
LARGEST = 1 << 36
"""The default for the most bytes in an image."""


@dataclass(slots=True)
class Image:
    """A leader's tree, as received.

    Attributes:
        sessions: the timeout of each session in milliseconds, by session id.
        nodes: paths and nodes, the root first, as "/"; `Tree.restore` checks that each node has a parent.
    """

    sessions: dict[int, int]
    nodes: list[tuple[bytes, Node]]


def encode_image(tree: Tree, timeouts: Mapping[int, int]) -> Iterator[bytes]:
    """Yields the bytes that follow a SNAP in pieces; transactions may be applied between two of them.

    Args:
        tree: the tree to send.
        timeouts: the timeouts of the open sessions in milliseconds, by session id.
    """
    yield from encode_nodes(tree, timeouts)
    yield SIGNATURE


class PacketStream:
    """Splits the bytes of a connection into packets and images, however they are fragmented.

    The cost is linear in the bytes received: incomplete data is not parsed again until enough has arrived.

    Args:
        longest: the most bytes in the data of a packet or node, and in each string.
        takes_images: True if a SNAP may arrive; a leader receives none.
        largest: the most bytes in an image.
    """

    __slots__ = ("_image", "_kept", "_largest", "_longest", "_size", "_takes_images", "_wanted")

    def __init__(self, longest: int, takes_images: bool = True, largest: int = LARGEST) -> None:
        self._longest = longest
        self._largest = largest
        self._takes_images = takes_images
        self._kept: list[bytes] = []
        self._size = 0  # bytes in _kept
        self._wanted = 0  # bytes needed before parsing can make progress
        self._image: _ImageReader | None = None

    def feed(self, chunk: bytes) -> list[Packet | Image]:
        """Returns the packets and images that these bytes complete.

        Args:
            chunk: the next bytes, any number of them.

        Raises:
            Malformed: no member sends such bytes; the stream cannot be used further.
        """
        if self._kept:
            self._kept.append(chunk)
            self._size += len(chunk)
            if self._size < self._wanted:
                return []
            chunk = b"".join(self._kept)
        found: list[Packet | Image] = []
        at = 0
        while True:
            if self._image is None:
                packets: list[Packet] = []
                at, self._wanted = take_packets(chunk, at, self._longest, packets)
                found += packets
                if self._wanted:
                    break
                self._image = self._begin_image()
            at, image = self._image.read(chunk, at)
            if image is None:
                self._wanted = self._image.wanted
                break
            found.append(image)
            self._image = None
        self._size = len(chunk) - at
        self._kept = [chunk[at:]] if self._size else []
        return found

    def _begin_image(self) -> _ImageReader:
        if not self._takes_images:
            raise Malformed("a SNAP from a server that does not lead")
        return _ImageReader(self._longest, self._largest)


class _ImageReader:
    """Reads an image incrementally; each part is parsed once, when it is complete.

    Attributes:
        wanted: how many bytes it needs from its present position to continue.
    """

    __slots__ = ("_at", "_buffer", "_left", "_longest", "_reading", "wanted")

    def __init__(self, longest: int, largest: int) -> None:
        self._longest = longest
        self._left = largest
        self._buffer = b""
        self._at = 0
        self.wanted = 0
        self._reading = self._read()

    def read(self, buffer: bytes, at: int) -> tuple[int, Image | None]:
        """Continues at an offset; returns where it stopped, and the image once it is complete."""
        self._buffer, self._at = buffer, at
        image = None
        try:
            self.wanted = next(self._reading)
        except StopIteration as stop:
            image = stop.value
        self._left -= self._at - at
        if self._left < 0:
            raise Malformed("the image is too large")
        self._buffer = b""
        return self._at, image

    def _read(self) -> Generator[int, None, Image]:
        """Returns the image; yields the number of bytes needed whenever there are fewer."""
        sessions = yield from self._sessions()
        acls = yield from self._lists()
        nodes = yield from self._nodes(acls)
        while len(self._buffer) - self._at < len(SIGNATURE):
            yield len(SIGNATURE)
        if not self._buffer.startswith(SIGNATURE, self._at):
            raise Malformed("the image does not end with its signature")
        self._at += len(SIGNATURE)
        return Image(sessions, nodes)

    def _count(self) -> Generator[int, None, int]:
        """Reads a count of items."""
        while len(self._buffer) - self._at < INT.size:
            yield INT.size
        (count,) = INT.unpack_from(self._buffer, self._at)
        if count < 0:
            raise Malformed(f"an image with a count of {count}")
        self._at += INT.size
        return int(count)

    def _sessions(self) -> Generator[int, None, dict[int, int]]:
        sessions: dict[int, int] = {}
        left = yield from self._count()
        while left:
            here = min(left, (len(self._buffer) - self._at) // SESSION.size)
            if not here:
                yield SESSION.size
                continue
            end = self._at + here * SESSION.size
            sessions.update(SESSION.iter_unpack(self._buffer[self._at : end]))
            self._at = end
            left -= here
        return sessions

    def _lists(self) -> Generator[int, None, dict[int, Acl]]:
        acls: dict[int, Acl] = {OPEN_ID: OPEN}
        for _ in range((yield from self._count())):
            while len(self._buffer) - self._at < LONG.size:
                yield LONG.size
            (number,) = LONG.unpack_from(self._buffer, self._at)
            self._at += LONG.size
            entries: list[Ace] = []
            for _ in range((yield from self._count())):
                entries.append((yield from self._entry()))
            acl = tuple(entries)
            acls[number] = OPEN if acl == OPEN else acl
        return acls

    def _entry(self) -> Generator[int, None, Ace]:
        """Reads one entry of an access control list: permissions and two strings."""
        while True:
            buffer, at = self._buffer, self._at
            end = at + 8
            if end <= len(buffer):
                middle = end + _length(buffer, at + 4, self._longest)
                end = middle + 4
                if end <= len(buffer):
                    end += _length(buffer, middle, self._longest)
                    if end <= len(buffer):
                        break
            yield end - at
        self._at = end
        return Ace(INT.unpack_from(buffer, at)[0], buffer[at + 8 : middle], buffer[middle + 4 : end])

    def _nodes(self, acls: Mapping[int, Acl]) -> Generator[int, None, list[tuple[bytes, Node]]]:
        nodes: list[tuple[bytes, Node]] = []
        buffer, at = self._buffer, self._at
        while True:
            path_end, end = _extent(buffer, at, self._longest)
            if end > len(buffer):
                self._at = at
                yield end - at
                buffer, at = self._buffer, self._at
                continue
            if end == path_end:
                break
            path = buffer[at + 4 : path_end]
            if path.startswith(b"/") is not bool(nodes) or bool(path) is not bool(nodes):
                raise Malformed(f"node {path[:100]!r} in an image: the root comes first, and once")
            rest = end - REST
            content = None if buffer.startswith(NULL, path_end) else buffer[path_end + 4 : rest]
            try:
                nodes.append((path or b"/", node_of(content, buffer, rest, acls)))
            except KeyError as number:
                raise Malformed(f"{path!r} refers to access control list {number}, unknown") from None
            at = end
        if not nodes:
            raise Malformed("an image without root node")
        self._at = end
        return nodes


def _length(buffer: bytes, at: int, longest: int) -> int:
    """Returns the length of a string; null counts as empty."""
    length: int = INT.unpack_from(buffer, at)[0]
    if not -1 <= length <= longest:
        raise Malformed(f"a string of {length} bytes; at most {longest} are allowed")
    return max(length, 0)


def _extent(buffer: bytes, at: int, longest: int) -> tuple[int, int]:
    """Returns where a node's path ends and where the node ends: beyond the buffer if more bytes are needed.

    The end mark is a path without a node.
    """
    size = len(buffer)
    path_end = at + 4
    if path_end <= size:
        path_end += _length(buffer, at, longest)
    if path_end > size or buffer.startswith(TERMINATOR, at):
        return path_end, path_end
    if path_end + 4 > size:
        return path_end, path_end + 4
    return path_end, path_end + 4 + _length(buffer, path_end, longest) + REST
