"""The format of the transaction log: entries with checksums, in files that are preallocated with zeros.

A file is named `log.<zxid of its first entry in hexadecimal>`. After the last complete entry come zeros, or
the remains of an entry that a crash cut short and that was never acknowledged (`Tail`). A damaged entry with
complete ones after it is an error that names file and offset; Apache silently drops some or all of those.

ZooKeeper: FileTxnLog, FilePadding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from mmap import mmap
from struct import Struct
from zlib import adler32

HEADER = Struct(">4siq")
MAGIC = b"ZKLG"
VERSION = 2
START = HEADER.pack(MAGIC, VERSION, 0)
ENTRY = Struct(">qi")
"""The head of an entry: the Adler-32 checksum and the length of the payload."""
END = b"B"
LEAST = 32
"""The length of the shortest payload, in bytes: a transaction header."""
BLOCK = 4096
STRIDE = 1 << 20
PREALLOCATED = 64 << 20
"""The default for how many bytes a file grows at a time (`preAllocSize`)."""
CANDIDATE = re.compile(rb"(?=\0{4}.{4}(?!\0{4})[\0-\x40])", re.DOTALL)
"""Where an entry may begin: the upper half of the checksum is zero, the length is positive."""
PATIENCE = 16
"""Bounds the search for complete entries after damage: the sum of candidates' lengths, per byte searched."""


class Corrupt(ValueError):
    """A file is damaged in a way that no crash explains.

    Args:
        name: the file's name.
        offset: where the damage is, in bytes.
        why: what is wrong there.
    """

    def __init__(self, name: str, offset: int, why: str) -> None:
        super().__init__(f"{name}: at byte {offset}: {why}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a log.

    Attributes:
        offset: where the entry begins, in bytes.
        payload: the transaction.
    """

    offset: int
    payload: bytes

    @property
    def end(self) -> int:
        """The offset of the next entry."""
        return self.offset + ENTRY.size + len(self.payload) + 1


@dataclass(frozen=True, slots=True)
class Tail:
    """The bytes after the last complete entry of a log, if they are not all zeros.

    Attributes:
        name: the file's name.
        offset: where the tail begins, in bytes.
        size: the length of the tail in bytes, without trailing zeros.
        is_rotten: True if the tail is an entry with its end mark and a wrong checksum. A crash leaves one if
            a block of the last entries did not reach the disk; so does bit rot, and then an acknowledged
            transaction is lost. Apache does not start on such a file.
    """

    name: str
    offset: int
    size: int
    is_rotten: bool

    @property
    def what(self) -> str:
        """A description of the tail, in words."""
        kind = "the last entry has a wrong checksum" if self.is_rotten else "the last entry is cut short"
        return f"{kind}: ignoring {self.size} bytes"

    def __str__(self) -> str:
        return f"{self.name}: at byte {self.offset}: {self.what}"


def ignore(_: Tail) -> None:
    """Ignores a tail."""


def encode_entry(payload: bytes) -> bytes:
    """Returns the bytes of an entry."""
    return ENTRY.pack(adler32(payload), len(payload)) + payload + END


def padded_size(position: int, size: int, step: int = PREALLOCATED) -> int:
    """Returns the size to preallocate a file to before writing.

    Args:
        position: the offset of the next entry.
        size: the present size of the file.
        step: how many bytes the file grows at a time; 0 for no preallocation.

    ZooKeeper: FilePadding.calculateFileSizeWithPadding.
    """
    if step <= 0 or position + BLOCK < size:
        return size
    if position > size:
        return (position + step) // step * step
    return size + step


def entries(
    whole: bytes | mmap, name: str, longest: int = 1 << 30, on_tail: Callable[[Tail], None] = ignore
) -> Iterator[Entry]:
    """Yields the entries of a log file, up to the end or to where a crash cut the file short.

    Args:
        whole: the contents of the file; if empty or cut short within the header, there are no entries.
        name: the file's name, for errors.
        longest: the most bytes in a payload.
        on_tail: called at the end with the tail, if there is one.

    Raises:
        Corrupt: the file is not a log, or complete entries follow a damaged one.
    """
    if len(whole) < HEADER.size or not any(whole[: HEADER.size]):
        _check_rest(whole, 0, name, longest, "the header is missing", on_tail)
        return
    magic, version, _ = HEADER.unpack_from(whole)
    if magic != MAGIC or version != VERSION:
        raise Corrupt(name, 0, f"not a transaction log of version {VERSION}")
    at = HEADER.size
    while True:
        entry = entry_at(whole, at, longest)
        if entry is None:
            break
        yield entry
        at = entry.end
    _check_rest(whole, at, name, longest, "a damaged entry", on_tail)


def _check_rest(
    whole: bytes | mmap, at: int, name: str, longest: int, what: str, on_tail: Callable[[Tail], None]
) -> None:
    """Reports what follows the last complete entry as a tail, which a crash leaves, or raises.

    Raises:
        Corrupt: complete entries follow, or the bytes are such that searching for them would take too long.
    """
    end = _end_of_data(whole, at)
    if end == at:
        return
    left = PATIENCE * (end - at) + BLOCK
    found = CANDIDATE.search(whole, at + 1, end)
    while found is not None:
        place = found.start()
        left -= _payload_size(whole, place, longest) or 0
        if left < 0:
            raise Corrupt(name, at, f"{what}; searching for complete entries after it would take too long")
        if entry_at(whole, place, longest) is not None:
            raise Corrupt(name, at, f"{what}; complete entries follow from byte {place}")
        found = CANDIDATE.search(whole, place + 1, end)
    is_rotten = at >= HEADER.size and _payload_size(whole, at, longest) is not None
    on_tail(Tail(name, at, end - at, is_rotten))


def entry_at(whole: bytes | mmap, at: int, longest: int) -> Entry | None:
    """Returns the entry at an offset; None if there is no complete one."""
    length = _payload_size(whole, at, longest)
    if length is None:
        return None
    payload = whole[at + ENTRY.size : at + ENTRY.size + length]
    return Entry(at, payload) if adler32(payload) == ENTRY.unpack_from(whole, at)[0] else None


def _payload_size(whole: bytes | mmap, at: int, longest: int) -> int | None:
    """Returns the payload's length of the entry at an offset; None if no end mark is where that says."""
    if at + ENTRY.size > len(whole):
        return None
    length: int = ENTRY.unpack_from(whole, at)[1]
    end = at + ENTRY.size + length
    return length if LEAST <= length <= longest and end < len(whole) and whole[end] == END[0] else None


def _end_of_data(whole: bytes | mmap, at: int) -> int:
    """Returns the offset from which on there are only zeros."""
    end = at
    for begin in range(at, len(whole), STRIDE):
        kept = len(whole[begin : begin + STRIDE].rstrip(b"\0"))
        if kept:
            end = begin + kept
    return end
