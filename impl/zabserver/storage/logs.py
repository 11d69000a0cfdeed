"""The transaction log: entries with checksums, padded with zeros ahead.

A file is `log.<zxid of its first entry in hexadecimal>`. What follows the last whole entry is zeros, or what
a crash left of an entry that was never acknowledged (`Tail`). A damaged entry that whole ones follow is
something else: Apache hides those, or some of them; here it is an error that says where.

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
"""Before each payload: its Adler-32, its length."""
END = b"B"
LEAST = 32
"""No payload is shorter than a transaction header."""
BLOCK = 4096
STRIDE = 1 << 20
PREALLOCATED = 64 << 20
"""How many bytes a file grows at once, if `preAllocSize` does not say."""
CANDIDATE = re.compile(rb"(?=\0{4}.{4}(?!\0{4})[\0-\x40])", re.DOTALL)
"""Where an entry may begin: the upper half of its checksum is zero, its length is not, nor negative."""
PATIENCE = 16
"""How many times the length of what follows damage is summed at most, in looking for whole entries there."""


class Corrupt(ValueError):
    """A file is damaged, in a way that no crash explains.

    Args:
        name: of the file.
        offset: in bytes.
        why: what is wrong there.
    """

    def __init__(self, name: str, offset: int, why: str) -> None:
        super().__init__(f"{name}: at byte {offset}: {why}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a log: where it begins and what it holds."""

    offset: int
    payload: bytes

    @property
    def end(self) -> int:
        """Where the next begins."""
        return self.offset + ENTRY.size + len(self.payload) + 1


@dataclass(frozen=True, slots=True)
class Tail:
    """What is behind the last whole entry of a log, if it is not all zeros.

    Attributes:
        name: of the file.
        offset: where it begins, in bytes.
        size: how many bytes it has, without the zeros behind it.
        is_rotten: whether it is an entry with its end mark and a wrong checksum. A crash leaves that where a
            block of the last entries did not reach the disk, and so does a disk that rots: then an
            acknowledged transaction is gone. Apache does not start on such a file.
    """

    name: str
    offset: int
    size: int
    is_rotten: bool

    @property
    def what(self) -> str:
        """What it is, in words."""
        kind = "the last entry has another checksum" if self.is_rotten else "the end is cut off"
        return f"{kind}: {self.size} bytes are left out"

    def __str__(self) -> str:
        return f"{self.name}: at byte {self.offset}: {self.what}"


def ignore(_: Tail) -> None:
    """Does nothing about a tail."""


def encode_entry(payload: bytes) -> bytes:
    """The bytes of an entry."""
    return ENTRY.pack(adler32(payload), len(payload)) + payload + END


def padded_size(position: int, size: int, step: int = PREALLOCATED) -> int:
    """How long a file should be made before it is written to.

    Args:
        position: where the next entry begins.
        size: how long the file is.
        step: how much it grows at once; 0 for not at all.

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
    """The entries of a log file, to the end or to where a crash cut it off.

    Args:
        whole: the file; an empty one has no entries, as has one that was cut within its header.
        name: of the file, for errors.
        longest: how many bytes a payload may have.
        on_tail: is told, at the end, what is left out there.

    Raises:
        Corrupt: the file is no log, or an entry is damaged and others follow it.
    """
    if len(whole) < HEADER.size or not any(whole[: HEADER.size]):
        _check_rest(whole, 0, name, longest, "its header is gone", on_tail)
        return
    magic, version, _ = HEADER.unpack_from(whole)
    if magic != MAGIC or version != VERSION:
        raise Corrupt(name, 0, f"no transaction log of version {VERSION}")
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
    """Judges what is behind the last whole entry: a tail that a crash leaves, or damage.

    Raises:
        Corrupt: whole entries are in it, or it is made so that looking for them would take too long.
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
            raise Corrupt(name, at, f"{what}; it cannot be told whether whole entries follow")
        if entry_at(whole, place, longest) is not None:
            raise Corrupt(name, at, f"{what}; whole entries follow, from byte {place} on")
        found = CANDIDATE.search(whole, place + 1, end)
    is_rotten = at >= HEADER.size and _payload_size(whole, at, longest) is not None
    on_tail(Tail(name, at, end - at, is_rotten))


def entry_at(whole: bytes | mmap, at: int, longest: int) -> Entry | None:
    """The entry at an offset; None if there is no whole one."""
    length = _payload_size(whole, at, longest)
    if length is None:
        return None
    payload = whole[at + ENTRY.size : at + ENTRY.size + length]
    return Entry(at, payload) if adler32(payload) == ENTRY.unpack_from(whole, at)[0] else None


def _payload_size(whole: bytes | mmap, at: int, longest: int) -> int | None:
    """The length of the payload at an offset; None if there is no entry that goes on to its end mark."""
    if at + ENTRY.size > len(whole):
        return None
    length: int = ENTRY.unpack_from(whole, at)[1]
    end = at + ENTRY.size + length
    return length if LEAST <= length <= longest and end < len(whole) and whole[end] == END[0] else None


def _end_of_data(whole: bytes | mmap, at: int) -> int:
    """Where, from an offset on, there are but zeros."""
    end = at
    for begin in range(at, len(whole), STRIDE):
        kept = len(whole[begin : begin + STRIDE].rstrip(b"\0"))
        if kept:
            end = begin + kept
    return end
