"""Messages of the election port: bytes of Apache ZooKeeper 3.8.0, older formats, and malformed ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble_texts import MAJORITY_TEXT
from zabserver.wire.election import (
    MAX_MESSAGE,
    NAMELESS_OBSERVER,
    Hello,
    HelloReader,
    MessageReader,
    Notification,
    ServerState,
    decode_notification,
    encode_hello,
    encode_message,
)
from zabserver.wire.jute import Malformed

APACHE = (
    bytes.fromhex(
        "000000d1"  # length
        "00000000 0000000000000001 0000000000000000 0000000000000001 0000000000000000 00000002 000000a5"
    )
    + MAJORITY_TEXT.encode()
)
"""What server 1 of three sent to server 2 in its first round, without its length and its configuration."""
NOTIFICATION = Notification(ServerState.LOOKING, 1, 0, 1, 0, 2, MAJORITY_TEXT.encode())

LOW, HIGH = -(1 << 63), (1 << 63) - 1
LONGS = st.integers(LOW, HIGH)


def test_notification_is_apaches() -> None:
    (body,) = MessageReader().feed(APACHE)
    assert decode_notification(body) == NOTIFICATION
    assert encode_message(NOTIFICATION.encode()) == APACHE


def test_notification_of_3_4() -> None:
    body = bytes.fromhex(
        "00000002 0000000000000003 0000000500000007 0000000000000009 0000000000000006 00000001"
    )
    found = decode_notification(body)
    assert found == Notification(ServerState.LEADING, 3, 0x500000007, 9, 6, version=0)
    assert found.encode() == body


def test_notification_of_3_3_has_its_epoch_in_the_zxid() -> None:
    body = bytes.fromhex("00000001 0000000000000003 0000000500000007 0000000000000009")
    assert decode_notification(body) == Notification(ServerState.FOLLOWING, 3, 0x500000007, 9, 5, version=0)


@settings(max_examples=100, derandomize=True)
@given(st.sampled_from(ServerState), LONGS, LONGS, LONGS, LONGS, st.binary(max_size=50))
def test_notification_comes_back(
    state: ServerState, leader: int, zxid: int, in_round: int, epoch: int, config: bytes
) -> None:
    notification = Notification(state, leader, zxid, in_round, epoch, 2, config)
    assert decode_notification(notification.encode()) == notification


WHOLE = NOTIFICATION.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        WHOLE[:27],
        WHOLE[:36],
        WHOLE[:39],
        WHOLE[:43],
        WHOLE[:-1],
        b"\0\0\0\4" + WHOLE[4:],
        b"\xff\xff\xff\xff" + WHOLE[4:],
        WHOLE[:40] + b"\xff\xff\xff\xff",
        WHOLE[:40] + b"\x80\0\0\0" + WHOLE[44:],
        WHOLE[:40] + b"\x7f\xff\xff\xff" + WHOLE[44:],
    ],
)
def test_malformed_notification(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode_notification(body)


@settings(max_examples=300, derandomize=True)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_notification_or_malformed(body: bytes) -> None:
    try:
        decode_notification(body)
    except Malformed:
        return
    assert len(body) >= 28


@settings(max_examples=100, derandomize=True)
@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5), st.integers(1, 30))
def test_messages_are_cut_wherever_chunks_end(bodies: list[bytes], size: int) -> None:
    wire = b"".join(map(encode_message, bodies))
    reader = MessageReader()
    chunks = [wire[at : at + size] for at in range(0, len(wire), size)]
    assert [body for chunk in chunks for body in reader.feed(chunk)] == bodies


def test_longest_message_is_read_and_a_longer_one_is_not() -> None:
    longest = bytes(MAX_MESSAGE)
    assert list(MessageReader().feed(encode_message(longest))) == [longest]
    for length in (b"\0\x08\0\1", b"\0\0\0\0", b"\xff\xff\xff\xff"):
        with pytest.raises(Malformed):
            list(MessageReader().feed(length))


# Greetings.

GREETING = bytes.fromhex("ffffffffffff0000 0000000000000002 0000000e") + b"127.0.0.1:3888"


def read_hello(wire: bytes) -> tuple[Hello | None, bytes]:
    """Reads a greeting byte by byte."""
    reader = HelloReader()
    for at in range(len(wire)):
        hello = reader.feed(wire[at : at + 1])
        if hello is not None:
            return hello, reader.rest + wire[at + 1 :]
    return None, b""


def test_greeting_comes_back() -> None:
    assert encode_hello(2, "127.0.0.1", 3888) == GREETING
    assert read_hello(GREETING + b"more") == (Hello(2, (("127.0.0.1", 3888),)), b"more")
    reader = HelloReader()
    assert reader.feed(GREETING + b"more") == Hello(2, (("127.0.0.1", 3888),))
    assert reader.rest == b"more"
    assert read_hello(encode_hello(7, "::1", 1)) == (Hello(7, (("::1", 1),)), b"")


def test_greeting_with_many_addresses() -> None:
    addresses = b"a:1|[fe80::1]:2|0.0.0.0:3"
    wire = bytes.fromhex("ffffffffffff0001 00000000000000fe 00000019") + addresses
    assert read_hello(wire) == (Hello(254, (("a", 1), ("fe80::1", 2))), b"")


def test_greeting_before_there_were_protocols() -> None:
    assert read_hello(bytes(7) + b"\3") == (Hello(3), b"")
    assert read_hello(b"\x7f" + b"\xff" * 7) == (Hello(NAMELESS_OBSERVER), b"")


@pytest.mark.parametrize(
    ("wire", "found"),
    [
        (b"\xff" * 8, "unknown protocol version -1"),
        (GREETING[:8] + b"\xff" * 8 + GREETING[16:], "negative server id -1"),
        (GREETING[:16] + bytes(4), "an address of 0 bytes"),
        (GREETING[:16] + b"\0\0\x08\1", "an address of 2049 bytes"),
        (GREETING[:16] + b"\x80\0\0\0", "an address of -2147483648 bytes"),
        (GREETING[:16] + b"\0\0\0\3abc", "'abc' is not an address"),
        (GREETING[:16] + b"\0\0\0\3a:b", "'a:b' is not an address"),
        (GREETING[:16] + b"\0\0\0\7a:65536", "'a:65536' is not an address"),
        (GREETING[:16] + b"\0\0\0\2:1", "':1' is not an address"),
        (GREETING[:16] + b"\0\0\0\1\xff", "an address in the greeting is not UTF-8"),
    ],
)
def test_malformed_greeting(wire: bytes, found: str) -> None:
    with pytest.raises(Malformed) as error:
        read_hello(wire)
    assert str(error.value) == found


@settings(max_examples=300, derandomize=True)
@given(st.binary(max_size=80), st.booleans())
def test_any_bytes_are_a_greeting_or_malformed(tail: bytes, has_protocol: bool) -> None:
    wire = GREETING[:16] + tail if has_protocol else tail
    try:
        hello, rest = read_hello(wire)
    except Malformed:
        return
    assert hello is None or wire.endswith(rest)


def test_format_without_configuration_drops_it() -> None:
    assert decode_notification(replace(NOTIFICATION, version=1).encode()).config == b""
