"""The election port on real sockets: which member makes a connection, what is sent over it, who is
refused.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from election_peer import PATIENCE, ElectionPeer, local_ensemble, until
from places import LOCALHOST_PEM
from zabserver.net.ports import election_port
from zabserver.net.ports.election_port import ElectionPort
from zabserver.wire.election import MAX_MESSAGE, Notification, ServerState, encode_hello, encode_message
from zabserver.zab.ensemble import Ensemble, Member

CERTIFICATE = LOCALHOST_PEM


def vote(leader: int, config: bytes = b"") -> Notification:
    return Notification(ServerState.LOOKING, leader, 10, 1, 1, config=config)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 2 * PATIENCE))  # type: ignore[arg-type]


class Hearing:
    """An election port, and the notifications that it received."""

    def __init__(self, me: int, ensemble: Ensemble) -> None:
        self.heard: list[tuple[int, Notification]] = []
        self.port = ElectionPort(me, ensemble, lambda sid, each: self.heard.append((sid, each)))


@asynccontextmanager
async def opened(ensemble: Ensemble, *sids: int) -> AsyncIterator[list[Hearing]]:
    """Opens ports for members and closes them at the end."""
    members = [Hearing(sid, ensemble) for sid in sids]
    try:
        for each in members:
            await each.port.open()
        yield members
    finally:
        for each in members:
            each.port.close()
            await each.port.closed()


@asynccontextmanager
async def connection(port: ElectionPort) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connects to an election port without a peer's protocol."""
    reader, writer = await asyncio.open_connection(*port.address)
    try:
        yield reader, writer
    finally:
        writer.close()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """True if the other side closes the connection without sending anything more."""
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE) == b""
    except ConnectionError:
        return True


# Whose connections are.


@pytest.mark.parametrize("first", [1, 2])
def test_larger_id_has_made_the_connection_whoever_speaks_first(first: int) -> None:
    async def check() -> None:
        ensemble = local_ensemble(2)
        async with opened(ensemble, 1, 2) as (one, two):
            speaker, listener = (one, two) if first == 1 else (two, one)
            speaker.port.send(3 - first, vote(7))
            await until(lambda: bool(listener.heard), "a notification")
            assert listener.heard == [(first, vote(7))]
            listener.port.send(first, vote(8))
            await until(lambda: bool(speaker.heard), "an answer")
            channel = two.port.peers[1].channel
            assert channel is not None
            assert channel.name == f"127.0.0.1:{ensemble.members[1].election_port}"
            assert (one.port.connected(), two.port.connected()) == ([2], [1])

    run(check)


def test_newest_notification_alone_waits_for_a_peer() -> None:
    async def check() -> None:
        ensemble = local_ensemble(2)
        async with opened(ensemble, 2) as (two,):
            assert not two.port.has_delivered()
            for leader in (1, 2, 3):
                two.port.send(1, vote(leader))
            assert not two.port.has_delivered()
            async with opened(ensemble, 1) as (one,):
                await until(lambda: bool(one.heard), "a notification")
                assert one.heard == [(2, vote(3))]
                assert two.port.has_delivered()

    run(check)


def test_last_notification_is_sent_again_over_a_new_connection() -> None:
    async def check() -> None:
        async with opened(local_ensemble(2), 1, 2) as (one, two):
            two.port.send(1, vote(2))
            await until(lambda: len(one.heard) == 1, "a notification")
            channel = one.port.peers[2].channel
            assert channel is not None
            channel.abort()
            await until(lambda: len(one.heard) == 2, "the same again")
            assert one.heard == [(2, vote(2))] * 2

    run(check)


def test_what_a_peer_does_not_read_is_bounded_and_the_newest_arrives() -> None:
    async def check() -> None:
        async with opened(local_ensemble(2), 1, 2) as (one, two):
            two.port.send(1, vote(1))
            await until(lambda: bool(one.heard), "a notification")
            reading, writing = one.port.peers[2].channel, two.port.peers[1].channel
            assert reading is not None
            assert writing is not None
            reading.transport.pause_reading()
            most = 0
            config = bytes(40_000)
            for leader in range(1, 601):
                two.port.send(1, vote(leader, config))
                await asyncio.sleep(0)
                most = max(most, writing.transport.get_write_buffer_size())
            assert writing.is_full
            assert most < election_port.MOST_UNSENT + 50_000
            reading.transport.resume_reading()
            await until(lambda: one.heard[-1][1].leader == 600, "the newest")
            assert len(one.heard) < 600

    run(check)


def test_peers_in_a_new_configuration_are_dialed() -> None:
    async def check() -> None:
        three = local_ensemble(3)
        two_members = Ensemble({sid: three.members[sid] for sid in (1, 3)})
        async with opened(two_members, 3) as (third,):
            third.port.send(2, vote(1))
            assert list(third.port.peers) == []
            third.port.set_ensemble(three)
            async with opened(three, 2) as (second,):
                third.port.send(2, vote(2))
                await until(lambda: second.heard == [(3, vote(2))], "a notification")

    run(check)


def test_server_that_is_no_member_needs_an_address() -> None:
    ensemble = Ensemble({1: Member(1, "h", 1, 2)})
    with pytest.raises(ValueError, match="server 9 is not a member"):
        ElectionPort(9, ensemble, lambda *_: None)
    assert ElectionPort(9, ensemble, lambda *_: None, address=("h", 3)).address == ("h", 3)


# Strangers.


def test_stranger_with_a_larger_id_is_heard_and_answered() -> None:
    async def check() -> None:
        async with opened(local_ensemble(2), 1) as (one,), connection(one.port) as (reader, writer):
            writer.write(encode_hello(9, "127.0.0.1", 1) + encode_message(vote(9).encode()))
            await until(lambda: one.heard == [(9, vote(9))], "a notification")
            one.port.send(9, vote(1))
            answer = encode_message(vote(1).encode())
            assert await asyncio.wait_for(reader.readexactly(len(answer)), PATIENCE) == answer
            writer.close()
            await until(lambda: 9 not in one.port.peers, "that nothing is kept of it")

    run(check)


def test_stranger_with_a_smaller_id_is_dialed_back() -> None:
    async def check() -> None:
        members = local_ensemble(3).members
        old, new = Ensemble({3: members[3]}), Ensemble({3: members[3], 1: members[1]})
        async with opened(old, 3) as (third,), opened(new, 1) as (first,):
            first.port.send(3, vote(1))
            await until(lambda: third.heard == [(1, vote(1))], "a notification")
            third.port.send(1, vote(3))
            await until(lambda: first.heard == [(3, vote(3))], "an answer")

    run(check)


def test_strangers_are_limited(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(election_port, "MOST_STRANGERS", 2)

    async def check() -> None:
        async with opened(local_ensemble(2), 1) as (one,):
            async with connection(one.port) as (_, first), connection(one.port) as (_, second):
                first.write(encode_hello(8, "h", 1))
                second.write(encode_hello(9, "h", 1))
                await until(lambda: one.port.connected() == [8, 9], "two strangers")
                async with connection(one.port) as (reader, third):
                    third.write(encode_hello(10, "h", 1))
                    assert await is_closed(reader)
                async with connection(one.port) as (reader, third):
                    third.write(encode_hello(9, "h", 1))  # once more
                    await until(lambda: len(one.port.unidentified) == 0, "a greeting")
            await until(lambda: one.port.peers == {}, "that nothing is kept of them")

    run(check)
    assert "server 10 is not a member, and 2 others that are not are connected" in caplog.text


# Who is refused.


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n" + bytes(20), "server 5135603447292250196 is not a member"),
        (b"\xff" * 30, "protocol version -1"),
        (encode_hello(2, "127.0.0.1", 1), "the peer claims to be server 2, which is this one"),
        (encode_hello(1, "0.0.0.0", 1)[:16] + b"\0\0\x08\1", "an address of 2049 bytes"),
        (encode_hello(9, "h", 1)[:-1] + b"x", "'h:x' is not an address"),
        (encode_hello(0, "0.0.0.0", 1), "server 0 is not a member, and gives no address"),
        (encode_hello(3, "h", 1) + b"\0\x08\0\1", f"a message of {MAX_MESSAGE + 1} bytes"),
        (encode_hello(3, "h", 1) + b"\xff\xff\xff\xff", "a message of -1 bytes"),
        (encode_hello(3, "h", 1) + bytes(4), "a message of 0 bytes"),
    ],
)
def test_bad_beginning_is_refused_with_a_reason(
    wire: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def check() -> None:
        async with opened(local_ensemble(3), 2) as (two,), connection(two.port) as (reader, writer):
            writer.write(wire)
            assert await is_closed(reader)
            assert two.heard == []

    run(check)
    lines = [each.getMessage() for each in caplog.records if "event=refused" in each.getMessage()]
    assert len(lines) == 1
    assert reason in lines[0]


def test_malformed_notification_is_ignored_and_the_next_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    """Follows ZooKeeper, which skips malformed notifications."""

    async def check() -> None:
        async with opened(local_ensemble(3), 2) as (two,), connection(two.port) as (_, writer):
            writer.write(encode_hello(3, "h", 1) + encode_message(bytes(27)) + encode_message(bytes(36)))
            writer.write(encode_message(vote(3).encode()))
            await until(lambda: two.heard == [(3, vote(3))], "a notification")

    run(check)
    assert [each.levelno for each in caplog.records if "event=ignored" in each.getMessage()] == [
        logging.WARNING
    ] * 2


def test_who_does_not_say_who_it_is_is_closed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(election_port, "HELLO_TIMEOUT", 0.05)

    async def check() -> None:
        async with opened(local_ensemble(2), 1) as (one,), connection(one.port) as (reader, writer):
            writer.write(b"\xff" * 5)
            assert await is_closed(reader)
            assert one.port.unidentified == {}

    run(check)
    assert "no server id received within 0.05 s" in caplog.text


def test_connections_without_a_name_are_limited(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(election_port, "MOST_UNIDENTIFIED", 2)

    async def check() -> None:
        async with opened(local_ensemble(2), 1) as (one,), connection(one.port) as (oldest, _):
            await until(lambda: len(one.port.unidentified) == 1, "a connection")
            async with connection(one.port) as (reader, _), connection(one.port) as (_, writer):
                assert await is_closed(oldest)
                writer.write(encode_hello(2, "127.0.0.1", 1))
                await until(lambda: one.port.connected() == [2], "a greeting, whoever else says nothing")
                assert not reader.at_eof()

    run(check)
    assert "2 newer connections have not sent a server id either" in caplog.text


def test_nothing_that_is_sent_to_it_stops_it(caplog: pytest.LogCaptureFixture) -> None:
    """Sends randomly damaged messages; what is refused or ignored is logged with a reason."""
    caplog.set_level(logging.WARNING)
    chance = Random(6)

    async def check() -> None:
        async with opened(local_ensemble(3), 2) as (two,):
            for _ in range(200):
                async with connection(two.port) as (_, writer):
                    writer.write(damaged(chance))
                    await writer.drain()
            await until(lambda: not two.port.unidentified, "that all are gone")
            await until(lambda: set(two.port.peers) <= {1, 3}, "that nothing is kept of strangers")
            heard = len(two.heard)
            async with connection(two.port) as (_, writer):
                writer.write(encode_hello(3, "h", 1) + encode_message(vote(3).encode()))
                await until(lambda: two.heard[heard:] == [(3, vote(3))], "a notification")

    run(check)
    warnings = [each.getMessage() for each in caplog.records]
    assert any("event=refused" in each for each in warnings)
    assert any("event=ignored" in each for each in warnings)
    assert all("reason=" in each for each in warnings)


def damaged(chance: Random) -> bytes:
    """Returns a greeting and two notifications with bytes changed, removed or inserted."""
    config = local_text(chance)
    wire = bytearray(encode_hello(chance.choice([1, 3, 3, 9]), "127.0.0.1", 1))
    for _ in range(2):
        wire += encode_message(vote(3, config).encode())
    for _ in range(chance.randrange(3)):
        at = chance.randrange(len(wire))
        match chance.randrange(4):
            case 0:
                wire[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
            case 1:
                del wire[at:]
            case 2:
                del wire[at : at + chance.randrange(1, 9)]
            case _:
                wire[at:at] = chance.randbytes(chance.randrange(1, 9))
        if not wire:
            break
    return bytes(wire)


def local_text(chance: Random) -> bytes:
    return chance.choice([b"", b"server.1=h:1:2\nversion=0", chance.randbytes(30)])


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone has it")
def test_connection_on_which_nothing_is_acknowledged_is_given_up_soon() -> None:
    async def check() -> None:
        async with opened(local_ensemble(2), 1, 2) as (one, two):
            two.port.send(1, vote(1))
            await until(lambda: bool(one.heard), "a notification")
            for channel in (one.port.peers[2].channel, two.port.peers[1].channel):
                assert channel is not None
                wire = channel.transport.get_extra_info("socket")
                assert (
                    wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == election_port.UNANSWERED
                )

    run(check)


def test_second_connection_of_a_peer_takes_the_place_of_the_first() -> None:
    async def check() -> None:
        async with opened(local_ensemble(3), 2) as (two,), connection(two.port) as (reader, writer):
            writer.write(encode_hello(3, "h", 1))
            await until(lambda: two.port.connected() == [3], "a connection")
            async with connection(two.port) as (_, other):
                other.write(encode_hello(3, "h", 1) + encode_message(vote(3).encode()))
                assert await is_closed(reader)
                await until(lambda: two.heard == [(3, vote(3))], "a notification")

    run(check)


# Elections over it.


async def elected(peers: list[ElectionPeer], leader: int) -> None:
    await until(lambda: all(each.leader == leader for each in peers), f"that all follow {leader}")


def test_three_elect_the_best_and_another_when_it_is_gone() -> None:
    async def check() -> None:
        ensemble = local_ensemble(3, observers=1)
        peers = [ElectionPeer(sid, ensemble, zxid=10 * (sid == 2)) for sid in (1, 2, 3, 4)]
        try:
            for each in peers:
                await each.open()
            await elected(peers, 2)
            states = [each.election.state for each in peers]
            assert states == [
                ServerState.FOLLOWING,
                ServerState.LEADING,
                ServerState.FOLLOWING,
                ServerState.OBSERVING,
            ]
            await peers[1].close()
            rest = [peers[0], peers[2], peers[3]]
            for each in rest:
                each.look()
            await elected(rest, 3)
            late = ElectionPeer(2, ensemble, zxid=99)
            peers.append(late)
            await late.open()
            await elected([late], 3)
        finally:
            for each in peers:
                await each.close()

    run(check)


def test_election_over_tls() -> None:
    async def check() -> None:
        ensemble = local_ensemble(3)
        peers = []
        for sid in (1, 2, 3):
            accept = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            accept.load_cert_chain(CERTIFICATE)
            dial = ssl.create_default_context(cafile=str(CERTIFICATE))
            dial.check_hostname = False
            peers.append(ElectionPeer(sid, ensemble, tls=(accept, dial)))
        try:
            for each in peers:
                await each.open()
            await elected(peers, 3)
            connections = [each.port.peers[3].channel for each in peers[:2]]
            async with connection(peers[0].port) as (reader, writer):
                writer.write(encode_hello(3, "h", 1) + encode_message(vote(1).encode()))
                await asyncio.wait_for(reader.read(), PATIENCE)  # an alert, perhaps, and the end
            assert [each.port.peers[3].channel for each in peers[:2]] == connections
        finally:
            for each in peers:
                await each.close()

    run(check)
