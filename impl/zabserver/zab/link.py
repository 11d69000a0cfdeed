"""A connection between two members, as either end sees it: from bytes to packets and back.

ZooKeeper: LearnerHandler's and Learner's sockets and queues.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from zabserver.storage.images import Image, PacketStream
from zabserver.wire.jute import Malformed
from zabserver.wire.quorum import Packet

LONGEST = 1 << 26
"""The longest packet, in bytes; the transaction that ends a session with many ephemerals is long."""
MOST_OF_STRANGER = 1 << 12
"""How much is taken in all from one who has connected, before it has said who it is and promised an epoch."""
AT_ONCE = 1 << 20
"""How much of a snapshot is serialized between two turns, in bytes."""


class Link:
    """One connection.

    Args:
        name: for the log.
        dirty: where it puts itself when it has something to send.
        now: monotonic milliseconds.
        is_dialed: whether this end has made it: the other leads, and may send as much as it wants.

    Attributes:
        since: when there was nothing of it yet, in monotonic milliseconds.
        heard: when something last came, in monotonic milliseconds.
        left: how many bytes more are taken; None for any number.
        is_full: whether the shell wants nothing more to send, for now.
        why_closed: a reason, once it is to be closed.
    """

    __slots__ = ("_dirty", "_out", "_stream", "heard", "is_full", "left", "name", "since", "why_closed")

    def __init__(self, name: str, dirty: dict[Link, None], now: int, is_dialed: bool = True) -> None:
        self.name = name
        self.heard = self.since = now
        self.is_full = False
        self.why_closed: str | None = None
        self._dirty = dirty
        self._out: deque[bytes | Iterator[bytes]] = deque()
        self.left = None if is_dialed else MOST_OF_STRANGER
        self._stream = PacketStream(LONGEST, takes_images=is_dialed)

    def feed(self, chunk: bytes) -> list[Packet | Image]:
        """What is whole of what was read.

        Raises:
            Malformed: it is nothing that a member sends.
        """
        if self.left is not None:
            self.left -= len(chunk)
            if self.left < 0:
                raise Malformed(f"more than {MOST_OF_STRANGER} bytes before it has promised an epoch")
        return self._stream.feed(chunk)

    def send(self, packets: bytes | Iterator[bytes]) -> None:
        """Queues packets; an iterator's pieces are made when they are sent."""
        if self.why_closed is None:
            self._out.append(packets)
            self._dirty[self] = None

    def take(self) -> bytes:
        """What is to be sent now; it is taken. More of an image than `AT_ONCE` waits for the next turn."""
        out: list[bytes] = []
        size = 0
        while self._out and size < AT_ONCE:
            first = self._out[0]
            if isinstance(first, bytes):
                out.append(first)
                self._out.popleft()
                continue
            piece = next(first, None)
            if piece is None:
                self._out.popleft()
                continue
            size += len(piece)
            out.append(piece)
        if not self._out:
            self._dirty.pop(self, None)
        return b"".join(out)
