"""Jute, ZooKeeper's serialization: big-endian, without type tags, variable-length values after their length.

A `Reader` decodes values one after the other; the functions encode. Strings stay UTF-8 bytes: the server
compares them and returns them to clients, and decodes them only to validate a path.

ZooKeeper: BinaryInputArchive, BinaryOutputArchive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import Struct, error
from typing import TypeVar

Item = TypeVar("Item")

MAX_ITEMS = 1 << 20
"""The most items in a vector. No honest sender has as many: a frame of the default size cannot hold them."""

INT = Struct(">i")
LONG = Struct(">q")
NULL = INT.pack(-1)
FALSE, TRUE = b"\0", b"\1"


class Malformed(ValueError):
    """Bytes that do not encode what they should: they end early, or a length or number is impossible."""


class Reader:
    """Decodes values from a buffer, one after the other.

    Every method raises Malformed if the buffer ends within the value or a length is impossible.

    Args:
        buffer: the bytes.
        at: the offset of the first value.

    Attributes:
        at: the offset of the next value.
    """

    __slots__ = ("at", "buffer")

    def __init__(self, buffer: bytes, at: int = 0) -> None:
        self.buffer = buffer
        self.at = at

    def int32(self) -> int:
        """Returns a signed 4-byte integer."""
        try:
            (value,) = INT.unpack_from(self.buffer, self.at)
        except error:
            raise Malformed(f"an int at byte {self.at} of {len(self.buffer)} is cut short") from None
        self.at += 4
        number: int = value
        return number

    def int64(self) -> int:
        """Returns a signed 8-byte integer."""
        try:
            (value,) = LONG.unpack_from(self.buffer, self.at)
        except error:
            raise Malformed(f"a long at byte {self.at} of {len(self.buffer)} is cut short") from None
        self.at += 8
        number: int = value
        return number

    def flag(self) -> bool:
        """Returns a one-byte boolean: True unless the byte is zero."""
        if self.at >= len(self.buffer):
            raise Malformed(f"a boolean at byte {self.at} of {len(self.buffer)} is missing")
        self.at += 1
        return self.buffer[self.at - 1] != 0

    def data(self) -> bytes | None:
        """Returns a byte buffer, or None for null."""
        at = self.at + 4
        try:
            (length,) = INT.unpack_from(self.buffer, at - 4)
        except error:
            raise Malformed(f"a length at byte {self.at} of {len(self.buffer)} is cut short") from None
        end = at + length
        if length < 0:
            if length != -1:
                raise Malformed(f"length {length} at byte {self.at} of {len(self.buffer)}")
            self.at = at
            return None
        if end > len(self.buffer):
            raise Malformed(f"length {length} at byte {self.at} of {len(self.buffer)}")
        self.at = end
        return self.buffer[at:end]

    def string(self) -> bytes:
        """Returns a string as UTF-8 bytes; null, which kazoo writes for an empty string, becomes empty."""
        at = self.at + 4
        try:
            (length,) = INT.unpack_from(self.buffer, at - 4)
        except error:
            raise Malformed(f"a length at byte {self.at} of {len(self.buffer)} is cut short") from None
        end = at + length
        if length < 0 or end > len(self.buffer):
            return self.data() or b""
        self.at = end
        return self.buffer[at:end]

    def vector(self, item: Callable[[], Item]) -> list[Item]:
        """Returns a list of items, each decoded by calling `item`; null becomes an empty list."""
        count = self.int32()
        if count < -1 or count > MAX_ITEMS:
            raise Malformed(f"a vector of {count} items at byte {self.at - 4}")
        return [item() for _ in range(count)]

    @property
    def is_at_end(self) -> bool:
        """True if the whole buffer has been read."""
        return self.at >= len(self.buffer)


def data(value: bytes | None) -> bytes:
    """Returns the encoding of a byte buffer or string; None becomes null."""
    return NULL if value is None else INT.pack(len(value)) + value


def vector(items: Iterable[bytes]) -> bytes:
    """Returns the encoding of a vector whose items are encoded already."""
    encoded = list(items)
    return INT.pack(len(encoded)) + b"".join(encoded)
