"""The transaction log: entries with checksums, padded with zeros ahead.

A file is `log.<zxid of its first entry in hexadecimal>`. What follows the last whole entry is zeros, or what
a crash left of an entry that was never acknowledged. A damaged entry that whole ones follow is something
else: Apache hides those, or some of them; here it is an error that says where.

ZooKeeper: FileTxnLog, FilePadding.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def entries(whole: bytes | mmap, name: str, longest: int = 1 << 30) -> Iterator[Entry]:
    """The entries of a log file, to the end or to where a crash cut it off.

    Args:
        whole: the file; an empty one has no entries, as has one that was cut within its header.
        name: of the file, for errors.
        longest: how many bytes a payload may have.

    Raises:
        Corrupt: the file is no log, or an entry is damaged and others follow it.
    """
    if len(whole) < HEADER.size:
        return
    if not any(whole[: HEADER.size]):
        later = _entry_after(whole, 0, longest)
        if later is not None:
            raise Corrupt(name, 0, f"its header is gone; whole entries follow, from byte {later} on")
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
    later = _entry_after(whole, at, longest)
    if later is not None:
        raise Corrupt(name, at, f"a damaged entry; whole ones follow it, from byte {later} on")


def entry_at(whole: bytes | mmap, at: int, longest: int) -> Entry | None:
    """The entry at an offset; None if there is no whole one."""
    if at + ENTRY.size > len(whole):
        return None
    checksum, length = ENTRY.unpack_from(whole, at)
    end = at + ENTRY.size + length
    if not LEAST <= length <= longest or end >= len(whole) or whole[end] != END[0]:
        return None
    payload = whole[at + ENTRY.size : end]
    return Entry(at, payload) if adler32(payload) == checksum else None


def _entry_after(whole: bytes | mmap, at: int, longest: int) -> int | None:
    """Where after an offset a whole entry begins, if there is one; checksums begin with four zeros."""
    end = _end_of_data(whole, at)
    mark = whole.find(b"\0\0\0\0", at + 1, end)
    while mark != -1:
        if entry_at(whole, mark, longest) is not None:
            return mark
        mark = whole.find(b"\0\0\0\0", mark + 1, end)
    return None


def _end_of_data(whole: bytes | mmap, at: int) -> int:
    """Where, from an offset on, there are but zeros."""
    end = at
    for begin in range(at, len(whole), STRIDE):
        kept = len(whole[begin : begin + STRIDE].rstrip(b"\0"))
        if kept:
            end = begin + kept
    return end
