"""Reading snapshots that Apache compressed (`snapshot.compression.method`): gzip, or snappy in Java framing.

Zabkit writes none. Decompressed data comes in pieces, so that a damaged file yields what precedes the damage,
and a small file that decompresses to more than memory holds is refused in time.

ZooKeeper: SnapStream. Formats: RFC 1952; snappy's `format_description.txt` for the blocks, snappy-java's
`SnappyOutputStream` for the framing.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from gzip import GzipFile
from io import SEEK_END
from struct import Struct
from typing import BinaryIO

from zabserver.storage.logs import Corrupt

LARGEST = 1 << 33
"""The most bytes that a snapshot may decompress to."""
PIECE = 1 << 20
MAGIC = b"\x82SNAPPY\0"
FRAME = Struct(">8sii")
"""The header of a stream: magic bytes, a version, and the oldest version that can read it."""
CHUNK = Struct(">i")
"""The length before each block. Where another stream is appended, its magic bytes stand here instead."""

Unpack = Callable[[BinaryIO, str, int], Iterator[bytes]]


def plain(file: BinaryIO, _: str, __: int = LARGEST) -> Iterator[bytes]:
    """Yields the contents of an uncompressed file."""
    while piece := file.read(PIECE):
        yield piece


def gunzipped(file: BinaryIO, name: str, largest: int = LARGEST) -> Iterator[bytes]:
    """Yields the decompressed contents of a gzip file.

    Args:
        file: the file, at its beginning.
        name: the file's name, for errors.
        largest: the most bytes that it may decompress to.

    Raises:
        Corrupt: the file is not gzip, damaged, truncated, or too large when decompressed.
    """
    size = 0
    with GzipFile(fileobj=file) as stream:
        while True:
            try:
                piece = stream.read1(PIECE)
            except (EOFError, OSError, zlib.error) as error:
                raise Corrupt(name, file.tell(), f"damaged gzip: {error}") from None
            if not piece:
                return
            size += len(piece)
            if size > largest:
                raise Corrupt(name, file.tell(), f"decompresses to more than {largest} bytes")
            yield piece


def unsnapped(file: BinaryIO, name: str, largest: int = LARGEST) -> Iterator[bytes]:
    """Yields the decompressed contents of a snappy-java file; arguments and errors as of `gunzipped`."""
    end = file.seek(0, SEEK_END)
    file.seek(0)
    start = file.read(FRAME.size)
    if not start.startswith(MAGIC) or len(start) < FRAME.size:
        raise Corrupt(name, 0, "not a snappy-java stream")
    size, at = 0, FRAME.size
    while head := file.read(CHUNK.size):
        if MAGIC.startswith(head):
            head += file.read(FRAME.size - CHUNK.size)
            if len(head) < FRAME.size or not head.startswith(MAGIC):
                raise Corrupt(name, at, "not a snappy-java stream")
        else:
            length = CHUNK.unpack(head)[0] if len(head) == CHUNK.size else -1
            block = file.read(length) if 0 <= length <= end - at else b""  # read() allocates
            piece = decode_block(block, largest - size) if len(block) == length else None
            if piece is None:
                raise Corrupt(name, at, f"a damaged snappy block, or more than {largest} bytes in total")
            size += len(piece)
            yield piece
        at = file.tell()


def decode_block(block: bytes, most: int) -> bytes | None:
    """Returns the contents of one snappy block; None if it is damaged or holds more than `most` bytes."""
    size = shift = at = 0
    while True:
        if at >= len(block) or shift > 28:
            return None
        size |= (block[at] & 0x7F) << shift
        shift += 7
        at += 1
        if block[at - 1] < 0x80:
            break
    if size > most:
        return None
    out = bytearray()
    while at < len(block) and len(out) <= size:
        tag = block[at]
        kind, value = tag & 3, tag >> 2
        width = (max(value - 59, 0), 1, 2, 4)[kind]  # of the integer after the tag
        number = int.from_bytes(block[at + 1 : at + 1 + width], "little")
        at += 1 + width
        if kind == 0:
            length = (number if width else value) + 1
            out += block[at : at + length]
            at += length
        else:
            length, back = value + 1, number
            if kind == 1:
                length, back = 4 + (value & 7), (tag >> 5) << 8 | number
            if not 0 < back <= len(out):
                return None
            begin = len(out) - back
            out += (out[begin : begin + length] * -(-length // back))[:length]
    return bytes(out) if at == len(block) and len(out) == size else None


UNPACK: Mapping[str, Unpack] = {"": plain, ".gz": gunzipped, ".snappy": unsnapped}
"""The decompressor for each suffix that a snapshot's name has after its zxid."""
