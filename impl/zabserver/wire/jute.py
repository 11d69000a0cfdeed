"""Jute, ZooKeeper's serialization: big-endian, no tags, a length before whatever varies.

A `Reader` takes values off a buffer in order. The functions make bytes. Strings stay the UTF-8 bytes that
they are on the wire: the server compares them and hands them back, and never looks at characters except to
validate a path.

ZooKeeper: BinaryInputArchive, BinaryOutputArchive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import Struct, error
from typing import TypeVar

Item = TypeVar("Item")

MAX_ITEMS = 1 << 20
"""More items in a vector than any honest sender has; a frame of a megabyte cannot hold them anyway."""

INT = Struct(">i")
LONG = Struct(">q")
NULL = INT.pack(-1)
FALSE, TRUE = b"\0", b"\1"


class Malformed(ValueError):
    """The bytes are not what they should be: cut short, or a length that cannot be."""


class Reader:
    """Takes values off a buffer, from a place on.

    Args:
        buffer: the bytes.
        at: where to begin.

    Raises, in every method:
        Malformed: the buffer ends within the value, or a length is impossible.
    """

    __slots__ = ("at", "buffer")

    def __init__(self, buffer: bytes, at: int = 0) -> None:
        self.buffer = buffer
        self.at = at

    def int32(self) -> int:
        """A signed number of 4 bytes."""
        try:
            (value,) = INT.unpack_from(self.buffer, self.at)
        except error:
            raise Malformed(f"4 bytes wanted at {self.at} of {len(self.buffer)}") from None
        self.at += 4
        number: int = value
        return number

    def int64(self) -> int:
        """A signed number of 8 bytes."""
        try:
            (value,) = LONG.unpack_from(self.buffer, self.at)
        except error:
            raise Malformed(f"8 bytes wanted at {self.at} of {len(self.buffer)}") from None
        self.at += 8
        number: int = value
        return number

    def flag(self) -> bool:
        """One byte, not zero for true."""
        if self.at >= len(self.buffer):
            raise Malformed(f"1 byte wanted at {self.at} of {len(self.buffer)}")
        self.at += 1
        return self.buffer[self.at - 1] != 0

    def data(self) -> bytes | None:
        """A buffer; None if it is null."""
        at = self.at + 4
        try:
            (length,) = INT.unpack_from(self.buffer, at - 4)
        except error:
            raise Malformed(f"4 bytes wanted at {self.at} of {len(self.buffer)}") from None
        end = at + length
        if length < 0:
            if length != -1:
                raise Malformed(f"length {length} at {self.at} of {len(self.buffer)} bytes")
            self.at = at
            return None
        if end > len(self.buffer):
            raise Malformed(f"length {length} at {self.at} of {len(self.buffer)} bytes")
        self.at = end
        return self.buffer[at:end]

    def string(self) -> bytes:
        """A string in UTF-8; null is the empty one, as kazoo writes it."""
        at = self.at + 4
        try:
            (length,) = INT.unpack_from(self.buffer, at - 4)
        except error:
            raise Malformed(f"4 bytes wanted at {self.at} of {len(self.buffer)}") from None
        end = at + length
        if length < 0 or end > len(self.buffer):
            return self.data() or b""
        self.at = end
        return self.buffer[at:end]

    def vector(self, item: Callable[[], Item]) -> list[Item]:
        """A vector, of which `item` takes one; null is the empty one."""
        count = self.int32()
        if count < -1 or count > MAX_ITEMS:
            raise Malformed(f"{count} items at {self.at - 4}")
        return [item() for _ in range(count)]

    @property
    def is_at_end(self) -> bool:
        """Whether all was taken."""
        return self.at >= len(self.buffer)


def data(value: bytes | None) -> bytes:
    """The bytes of a buffer or a string; null for None."""
    return NULL if value is None else INT.pack(len(value)) + value


def vector(items: Iterable[bytes]) -> bytes:
    """The bytes of a vector of what is encoded already."""
    encoded = list(items)
    return INT.pack(len(encoded)) + b"".join(encoded)
