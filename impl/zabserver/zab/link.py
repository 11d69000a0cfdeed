"""A connection between two members, from bytes to packets and back.

ZooKeeper: the sockets and queues of LearnerHandler and Learner.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from zabserver.storage.images import Image, PacketStream
from zabserver.wire.jute import Malformed
from zabserver.wire.quorum import Packet

LONGEST = 1 << 26
"""The longest packet, in bytes. The transaction that closes a session with many ephemeral nodes is long."""
MOST_BEFORE_PROMISE = 1 << 12
"""The most bytes accepted from a connecting server before it has promised an epoch."""
AT_ONCE = 1 << 20
"""The most bytes of a snapshot that are serialized in one turn."""


class Link:
    """One connection.

    Args:
        name: the name for the log.
        dirty: the set that the link adds itself to when it has output.
        now: monotonic milliseconds.
        is_dialed: True if this end has made the connection: the other end leads, and may send any amount.

    Attributes:
        since: when the link was created, in monotonic milliseconds.
        heard: when something was last received, in monotonic milliseconds.
        left: how many more bytes are accepted; None for any number.
        is_full: True while the shell accepts no more output.
        why_closed: the reason once the connection is to be closed; None before.
    """

    __slots__ = ("_dirty", "_out", "_stream", "heard", "is_full", "left", "name", "since", "why_closed")

    def __init__(self, name: str, dirty: dict[Link, None], now: int, is_dialed: bool = True) -> None:
        self.name = name
        self.heard = self.since = now
        self.is_full = False
        self.why_closed: str | None = None
        self._dirty = dirty
        self._out: deque[bytes | Iterator[bytes]] = deque()
        self.left = None if is_dialed else MOST_BEFORE_PROMISE
        self._stream = PacketStream(LONGEST, takes_images=is_dialed)

    def feed(self, chunk: bytes) -> list[Packet | Image]:
        """Returns the packets and images that these bytes complete.

        Raises:
            Malformed: no member sends such bytes.
        """
        if self.left is not None:
            self.left -= len(chunk)
            if self.left < 0:
                raise Malformed(f"more than {MOST_BEFORE_PROMISE} bytes before it has promised an epoch")
        return self._stream.feed(chunk)

    def send(self, packets: bytes | Iterator[bytes]) -> None:
        """Queues packets; the pieces of an iterator are produced when they are sent."""
        if self.why_closed is None:
            self._out.append(packets)
            self._dirty[self] = None

    def take(self) -> bytes:
        """Returns the output to send now, and clears it; an image is sent `AT_ONCE` bytes at a time."""
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
