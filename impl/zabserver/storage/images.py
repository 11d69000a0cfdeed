"""What comes off a quorum connection: packets and, after SNAP, the image of a leader's tree.

An image is a snapshot without its header, seals and digest. It is as fuzzy: it is made while transactions go
on being applied, and its receiver gets those again.

The packets themselves are in `zabserver.wire.quorum`; `PacketStream` is here because an image has nodes.

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
"""What follows an image."""
REST = LONG.size + PERSISTED.size
"""What follows the data of a node: the number of its access control list, its stat."""
LARGEST = 1 << 36
"""More bytes than an image may have, unless it is said."""


@dataclass(slots=True)
class Image:
    """A leader's tree, as it came.

    Attributes:
        sessions: timeout in milliseconds, by id.
        nodes: with their paths, the root first under "/"; `Tree.restore` judges whether each has a parent.
    """

    sessions: dict[int, int]
    nodes: list[tuple[bytes, Node]]


def encode_image(tree: Tree, timeouts: Mapping[int, int]) -> Iterator[bytes]:
    """The bytes that follow SNAP, in pieces; between two of them transactions may be applied.

    Args:
        tree: what is sent.
        timeouts: of the open sessions, in milliseconds, by id.
    """
    yield from encode_nodes(tree, timeouts)
    yield SIGNATURE


class PacketStream:
    """Takes packets and images off a connection, in whatever pieces they come.

    What it costs is linear in what comes: nothing is looked at again before enough of it is there.

    Args:
        longest: how many bytes the data of a packet or of a node may have, and each string.
        takes_images: whether SNAP may come; a leader is sent none.
        largest: how many bytes an image may have.
    """

    __slots__ = ("_image", "_kept", "_largest", "_longest", "_size", "_takes_images", "_wanted")

    def __init__(self, longest: int, takes_images: bool = True, largest: int = LARGEST) -> None:
        self._longest = longest
        self._largest = largest
        self._takes_images = takes_images
        self._kept: list[bytes] = []
        self._size = 0  # of what is kept
        self._wanted = 0  # so many bytes of it make another look worth it
        self._image: _ImageReader | None = None

    def feed(self, chunk: bytes) -> list[Packet | Image]:
        """What is whole with the next bytes.

        Args:
            chunk: as many of them as there are.

        Raises:
            Malformed: it is nothing that a member sends; nothing more may be fed in.
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
            raise Malformed("a SNAP from one who does not lead")
        return _ImageReader(self._longest, self._largest)


class _ImageReader:
    """Reads an image; its parts are read when they are whole, so a look costs as much as it takes off.

    Attributes:
        wanted: how many bytes from where it stands on it needs.
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
        """Goes on from a place in a buffer: where what it takes ends, and the image if it is whole."""
        self._buffer, self._at = buffer, at
        image = None
        try:
            self.wanted = next(self._reading)
        except StopIteration as stop:
            image = stop.value
        self._left -= self._at - at
        if self._left < 0:
            raise Malformed("the image has no end")
        self._buffer = b""
        return self._at, image

    def _read(self) -> Generator[int, None, Image]:
        """The image; yields how many bytes it needs, whenever there are fewer."""
        sessions = yield from self._sessions()
        acls = yield from self._lists()
        nodes = yield from self._nodes(acls)
        while len(self._buffer) - self._at < len(SIGNATURE):
            yield len(SIGNATURE)
        if not self._buffer.startswith(SIGNATURE, self._at):
            raise Malformed("the image is not signed")
        self._at += len(SIGNATURE)
        return Image(sessions, nodes)

    def _count(self) -> Generator[int, None, int]:
        """How many of something follow."""
        while len(self._buffer) - self._at < INT.size:
            yield INT.size
        (count,) = INT.unpack_from(self._buffer, self._at)
        if count < 0:
            raise Malformed(f"an image with {count} of something")
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
        """One entry of a list: permissions and two strings."""
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
                raise Malformed(f"a node {path[:100]!r} where the root, or no root, is wanted")
            rest = end - REST
            content = None if buffer.startswith(NULL, path_end) else buffer[path_end + 4 : rest]
            try:
                nodes.append((path or b"/", node_of(content, buffer, rest, acls)))
            except KeyError as number:
                raise Malformed(f"{path!r} has access control list {number}, which there is not") from None
            at = end
        if not nodes:
            raise Malformed("an image without a root")
        self._at = end
        return nodes


def _length(buffer: bytes, at: int, longest: int) -> int:
    """The length of a string; null is the empty one."""
    length: int = INT.unpack_from(buffer, at)[0]
    if not -1 <= length <= longest:
        raise Malformed(f"a string of {length} bytes, {longest} are allowed")
    return max(length, 0)


def _extent(buffer: bytes, at: int, longest: int) -> tuple[int, int]:
    """Where a node's path and all of it end; the latter is beyond the buffer if more is needed.

    The end mark is a path and nothing else.
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
