"""Sessions: ids and passwords, who is let in, when a session ends, and who may speak for it."""

from __future__ import annotations

import pytest

from zabspec.sessions import first_session_id, negotiated, password_of

# Ids, passwords, timeouts.


def test_a_password_is_that_of_apache_zookeeper() -> None:
    """Seen on the wire, in the answer of a server 3.8.0."""
    assert password_of(0x100003276DF0000).hex() == "d325af0964dea7206954781d4d8f801c"


def test_an_id_has_the_server_on_top_and_its_clock_below() -> None:
    assert first_session_id(1, 0x3276DF) == 0x100003276DF0000
    assert first_session_id(0, 0) == 0
    assert first_session_id(3, (1 << 40) + 5) == 0x0300000000050000
    assert first_session_id(255, 0) == -(1 << 56)
    assert first_session_id(128, 0) == -(1 << 63) + 1


@pytest.mark.parametrize(
    ("asked", "granted"), [(0, 4_000), (3_999, 4_000), (10_000, 10_000), (40_001, 40_000), (-1, 4_000)]
)
def test_a_timeout_is_between_two_and_twenty_ticks(asked: int, granted: int) -> None:
    assert negotiated(asked, tick=2_000) == granted
    assert negotiated(asked, tick=2_000, least=1, most=100_000) == max(1, asked)
