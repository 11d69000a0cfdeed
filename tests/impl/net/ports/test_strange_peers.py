"""Strangers at the quorum and election ports of real processes are refused with a reason, and disturb nobody.

Epochs, tree and role of each member are the same before and after, its memory has not grown, members that
were away rejoin, and clients are served meanwhile.
"""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import pack

import pytest

from zabcheck.servers.clients import everything
from zabcheck.servers.members import Kind, Members
from zabcheck.servers.session import Session
from zabserver.net.ports import quorum_port
from zabserver.testing import Ensemble
from zabserver.wire.election import Notification, ServerState, encode_hello, encode_message
from zabserver.wire.jute import INT
from zabserver.wire.quorum import Kind as Packets
from zabserver.wire.quorum import encode_learner_info, encode_packet
from zabspec import tree
from zabspec.tree import CloseSession
from zabspec.tree.replies import Created

MOST_GROWTH = 24 << 20
"""Most growth of a member's memory, in bytes: Python's own allocator grows in steps."""
ABSENT = 4
"""Id of an observer that is not running."""


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    """Three voters."""
    kinds = dict.fromkeys((1, 2, 3, ABSENT), Kind.OURS)
    ensemble = Members(tmp_path_factory.mktemp("strangers"), kinds, [ABSENT], tick=500)
    with contextlib.ExitStack() as stack:
        stack.callback(ensemble.__exit__)
        for sid in (1, 2, 3):
            ensemble.start(sid)
        ensemble.wait_until_serving()
        yield ensemble


@pytest.fixture(autouse=True)
def nothing_changes(members: Members) -> Iterator[None]:
    before = state_of(members)
    yield
    assert state_of(members) == before
    write(members)


def state_of(members: Members) -> object:
    """Returns the role and the data of each member, without the nodes that are written here."""
    return {
        sid: (
            members.mode(sid),
            *(
                (members.data(sid) / "version-2" / name).read_text()
                for name in ("acceptedEpoch", "currentEpoch")
            ),
            sorted(path for path in everything(members.client_ports[sid]) if not path.startswith("/w")),
        )
        for sid in members.processes
    }


def write(members: Members) -> None:
    """Checks that clients of all members are served."""
    for sid in members.processes:
        session = Session("127.0.0.1", members.client_ports[sid], 4000)
        path = f"/w{sid}-{time.monotonic_ns()}"
        assert session.call(tree.Create(path)).reply == Created(path, None)
        session.call(CloseSession())


def leader_of(members: Members) -> int:
    assert members.leader is not None
    return members.leader


def memory(members: Members, sid: int) -> int:
    """Returns the resident memory of a member, in bytes."""
    status = Path(f"/proc/{members.processes[sid].pid}/statm").read_text()
    return int(status.split()[1]) * 4096


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 60)


def is_refused(port: int, sent: bytes) -> bool:
    """True if the other side closes a connection after some bytes were sent."""
    with connect(port) as stranger:
        with contextlib.suppress(ConnectionError):
            stranger.sendall(sent)
        stranger.settimeout(60)
        try:
            while stranger.recv(1 << 16):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True


def said(members: Members, sid: int, words: str) -> bool:
    return words in (members.folder / f"{sid}.out").read_text()


def info(sid: int, epoch: int = 0, protocol: int = 0x10000) -> bytes:
    return encode_packet(Packets.FOLLOWERINFO, epoch << 32, pack(">qiq", sid, protocol, 0))


QUORUM: dict[str, tuple[Callable[[int], bytes], str]] = {
    "the leader's own id": (info, "which is this server"),
    "nobody's id": (lambda _: info(99), "which is not a member"),
    "the id of one who is there": (lambda leader: info(1 if leader != 1 else 2), "is connected already"),
    "an epoch out of reach": (lambda _: info(ABSENT, 1 << 30), "promised epoch 1073741824"),
    "a negative epoch": (lambda _: info(ABSENT, -3), "promised epoch -3"),
    "an old protocol": (lambda _: info(ABSENT, protocol=1), "is too old"),
    "an oversized packet": (lambda _: pack(">iqii", 11, 0, 1 << 30, 0), "a packet of 1073741824 bytes"),
    "a large packet": (lambda _: pack(">iqii", 11, 0, 1 << 20, 0) + bytes(1 << 16), "before it has promised"),
    "an image": (lambda _: encode_packet(Packets.SNAP, 0) + bytes(1 << 10), "does not lead"),
    "another protocol": (lambda _: b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "a packet of unknown type"),
    "an acknowledgement": (lambda _: encode_packet(Packets.ACK, 1 << 32), "before FOLLOWERINFO"),
    "a promise of nothing": (
        lambda _: info(ABSENT) + encode_packet(Packets.ACKEPOCH, 0, INT.pack(-2)),
        "impossible ACKEPOCH: epoch -2",
    ),
}


@pytest.mark.parametrize("name", QUORUM)
def test_the_leaders_quorum_port_refuses(name: str, members: Members) -> None:
    sent, why = QUORUM[name]
    leader = leader_of(members)
    assert is_refused(members.addresses[leader][0], sent(leader))
    members.wait_until(lambda: said(members, leader, why))


def test_a_followers_quorum_port_refuses_everyone(members: Members) -> None:
    follower = next(sid for sid in (1, 2, 3) if sid != leader_of(members))
    assert is_refused(members.addresses[follower][0], info(ABSENT))
    members.wait_until(lambda: said(members, follower, "this server does not lead"))


def hello(sid: int, address: str = "127.0.0.1") -> bytes:
    return encode_hello(sid, address, 3888)


ELECTION: dict[str, tuple[Callable[[int], bytes], str]] = {
    "its own id": (hello, "claims to be server"),
    "nobody's id": (lambda _: hello(1 << 40), "is not a member"),
    "a negative id": (lambda _: hello(-5), "server id -5"),
    "an old protocol": (lambda _: pack(">qq", -65537, 2) + b"\0\0\0\4abcd", "protocol version -65537"),
    "an oversized greeting": (lambda _: pack(">qqi", -65536, 2, 1 << 20), "an address of 1048576 bytes"),
    "an address that is none": (lambda _: pack(">qqi", -65536, 2, 4) + b"abcd", "'abcd' is not an address"),
    "another protocol": (lambda _: b"GET / HTTP/1.1\r\n\r\n", "is not a member"),
    "an oversized notification": (
        lambda _: hello(ABSENT) + INT.pack(1 << 20) + bytes(99),
        "a message of 1048576",
    ),
    "a notification of less than nothing": (lambda _: hello(ABSENT) + INT.pack(-1), "a message of -1 bytes"),
}


@pytest.mark.parametrize("name", ELECTION)
def test_an_election_port_refuses(name: str, members: Members) -> None:
    sent, why = ELECTION[name]
    for sid in members.processes:
        assert is_refused(members.addresses[sid][1], sent(sid))
        members.wait_until(lambda sid=sid: said(members, sid, why))


@pytest.mark.parametrize("name", [3, ABSENT])
def test_votes_in_the_name_of_another_change_nothing(name: int, members: Members) -> None:
    draw = random.Random(name)
    numbers = [0, 1, 2, ABSENT, 99, 1 << 32, 5 << 32, -1, (1 << 63) - 1]
    for sid in set(members.processes) - {name}:
        # The member with this name may connect meanwhile, which closes the stranger's connection.
        with connect(members.addresses[sid][1]) as stranger, contextlib.suppress(ConnectionError):
            stranger.sendall(hello(name))
            for _ in range(200):
                state = draw.choice(list(ServerState))
                leader, zxid, number, epoch = (draw.choice(numbers) for _ in range(4))
                vote = Notification(
                    state, leader, zxid, number, epoch, 2, draw.choice([b"", b"\xff", b"version=9"])
                )
                stranger.sendall(encode_message(vote.encode()))
                stranger.sendall(encode_message(draw.randbytes(draw.randrange(1, 60))))


def streams(seed: int) -> Iterator[bytes]:
    """Yields bytes for either port: a valid beginning, then anything."""
    draw = random.Random(seed)
    starts = [
        b"",
        b"",
        info(ABSENT),
        hello(ABSENT),
        hello(2),
        info(ABSENT) + encode_packet(18, 0, INT.pack(0)),
    ]
    while True:
        found = bytearray(draw.choice(starts))
        for _ in range(draw.randrange(4)):
            body = draw.choice(
                [None, b"", encode_learner_info(ABSENT, 0), draw.randbytes(draw.randrange(80))]
            )
            found += encode_packet(draw.randrange(1, 20), draw.choice([0, 1 << 32, -1]), body)
        if found and draw.random() < 0.5:
            found[draw.randrange(len(found))] = draw.randrange(256)
        yield bytes(found + draw.randbytes(draw.choice([0, 0, 3, 500])))


@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=pytest.mark.deep)])
def test_any_bytes(count: int, members: Members) -> None:
    before = {sid: memory(members, sid) for sid in members.processes}
    drawn = streams(count)
    for number in range(count):
        port = members.addresses[number % 3 + 1][number // 3 % 2]
        with connect(port) as stranger, contextlib.suppress(ConnectionError):
            stranger.sendall(next(drawn))
            if number % 10 == 0:
                stranger.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    stranger.recv(1 << 16)
    for sid, size in before.items():
        assert memory(members, sid) < size + MOST_GROWTH


@pytest.mark.parametrize("count", [400, pytest.param(5000, marks=pytest.mark.deep)])
def test_a_thousand_connections_that_say_nothing_keep_no_member_out(count: int, members: Members) -> None:
    """Half of the connections send a byte now and then. A follower is killed and rejoins meanwhile."""
    leader = leader_of(members)
    follower = next(sid for sid in (1, 2, 3) if sid != leader)
    before = memory(members, leader)
    with contextlib.ExitStack() as stack:
        held: list[socket.socket] = []
        for number in range(count):
            stranger = connect(members.addresses[leader][number % 2])
            if len(held) < 400:
                held.append(stack.enter_context(stranger))
            else:
                stranger.close()
        for stranger in held[::2]:
            with contextlib.suppress(ConnectionError):
                stranger.sendall(b"\0")
        members.kill(follower)
        members.start(follower)
        members.wait_until_serving()
        write(members)
    assert memory(members, leader) < before + MOST_GROWTH


def test_a_learner_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection whose other end reads nothing would stay open for as long as TCP retransmits.

    Ticks are long: the leader keeps its role while it encodes a megabyte at a time on a busy machine. The
    learner is abandoned after `initLimit`.
    """
    monkeypatch.setattr(quorum_port, "CLOSE_TIMEOUT", 0.2)
    with Ensemble(observers=1, tick=1000, settings={"initLimit": "4"}) as it, socket.socket() as learner:
        it.kill(4)
        leader = it._running[it.leader]
        learner.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        learner.connect(("127.0.0.1", leader.peer.ensemble.members[leader.peer.me].quorum_port))
        said = encode_packet(Packets.OBSERVERINFO, 0, encode_learner_info(4, 0))
        learner.sendall(said + encode_packet(Packets.ACKEPOCH, 0, INT.pack(0)))
        it.wait_until(lambda: len(leader.quorum_port.wires) == 3)
        session = Session("127.0.0.1", it.port(leader.peer.me))
        for _ in range(20):
            session.call(tree.SetData("/", bytes(1_000_000)))
        it.wait_until(lambda: len(leader.quorum_port.wires) == 2)
        assert leader.mode == "leader"
