"""Files as snappy-java writes them."""

from __future__ import annotations

import random

from zabserver.storage import compressed


def varint(number: int) -> bytes:
    """Returns a number as a varint, as before a snappy block."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def snapped(whole: bytes, chance: random.Random | None = None) -> bytes:
    """Returns a file as snappy-java writes it, with random copies of bytes that repeat."""
    chance = chance or random.Random(0)
    out = [compressed.FRAME.pack(compressed.MAGIC, 1, 1)]
    for begin in range(0, len(whole), 1000):
        block = snappy_block(whole[begin : begin + 1000], chance)
        out.append(compressed.CHUNK.pack(len(block)) + block)
    return b"".join(out)


def snappy_block(whole: bytes, chance: random.Random) -> bytes:
    """Returns a block with literals and copies of all kinds."""
    out, at = [varint(len(whole))], 0
    while at < len(whole):
        length = min(chance.randint(4, 11), len(whole) - at)
        back = whole.rfind(whole[at : at + length], 0, at + length - 1)
        if length >= 4 and back != -1:
            offset = at - back
            if offset < 2048 and chance.random() < 0.5:
                out.append(bytes([1 | (length - 4) << 2 | (offset >> 8) << 5, offset & 255]))
            elif chance.random() < 0.5:
                out.append(bytes([2 | (length - 1) << 2]) + offset.to_bytes(2, "little"))
            else:
                out.append(bytes([3 | (length - 1) << 2]) + offset.to_bytes(4, "little"))
        else:
            length = min(chance.choice([1, 5, 60, 61, 256, 300]), len(whole) - at)
            width = 0 if length <= 60 else 1 if length <= 256 else 2
            tag = (length - 1 if not width else 59 + width) << 2
            literal = (length - 1).to_bytes(width, "little") if width else b""
            out.append(bytes([tag]) + literal + whole[at : at + length])
        at += length
    return b"".join(out)
