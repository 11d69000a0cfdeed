"""The cores of a member refuse whatever a stranger or a peer sends with a reason, and nothing changes.

A member's disk, tree, sessions and role must not change; a learner whose leader sends nonsense must leave it.
See `test_strange_peers` for the same with sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from struct import pack

import pytest

from zabcheck.simulation.client import Client
from zabcheck.simulation.disk import MemoryDisk
from zabcheck.simulation.world import START, World
from zabserver.service.tree import Tree
from zabserver.service.txns import CreateSessionTxn, Record, SetDataTxn
from zabserver.storage.images import encode_image
from zabserver.wire.election import Notification, ServerState
from zabserver.wire.jute import INT
from zabserver.wire.protocol import Op
from zabserver.wire.quorum import (
    PROTOCOL,
    Kind,
    encode_packet,
    encode_request,
    encode_revalidate,
    encode_sessions,
)
from zabserver.zab.ensemble import Ensemble, Member
from zabserver.zab.leader import LAST_EPOCH, MOST_AHEAD, MOST_UNIDENTIFIED, Leader
from zabserver.zab.link import Link
from zabserver.zab.peer import MOST_PARKED, Peer
from zabserver.zab.role import Rules
from zabspec import tree

RULES = Rules(tick=1000, init=10, sync=5)
RECONFIGURABLE = replace(RULES, settings=replace(RULES.settings, reconfig=True))
EVERYONE = Ensemble({sid: Member(sid, "127.0.0.1", 2888, 3888, sid == 4) for sid in (1, 2, 3, 4)})
"""Three voters and an observer."""
E = 1 << 32


def about(sid: int, protocol: int = PROTOCOL, version: int = 0) -> bytes:
    """Returns a learner's description of itself."""
    return pack(">qiq", sid, protocol, version)


def info(sid: int, epoch: int = 0, protocol: int = PROTOCOL, version: int = 0) -> bytes:
    """Returns FOLLOWERINFO."""
    return encode_packet(Kind.FOLLOWERINFO, epoch * E, about(sid, protocol, version))


def state_of(peer: Peer) -> object:
    """Returns everything that must not change."""
    disk = peer.storage
    assert isinstance(disk, MemoryDisk)
    return (
        (disk.accepted, disk.current, list(disk.log), list(disk.snapshots)),
        (peer.accepted_epoch, peer.current_epoch, peer.tree.zxid, dict(peer.timeouts)),
        {path: (node.data, node.persisted()) for path, node in peer.tree.nodes.items()},
    )


# A leader, and who connects to it.


@pytest.fixture
def led() -> World:
    """Server 3 leads, 2 follows and 4 observes; 1 is down. There is a session and a node."""
    it = World(EVERYONE, RULES)
    for sid in (2, 3, 4):
        it.start(sid)
    it.calm(lambda: it.leader is not None and it.all_serve())
    client = Client()
    assert it.connect(client, 3)
    it.calm(lambda: client.session != 0)
    made = client.ask(tree.Create("/a", b"x"))
    it.perform(3)
    it.calm(lambda: made.error == 0)
    it.tick(0)
    return it


def leader_of(it: World) -> Peer:
    assert it.leader is not None
    return it.leader


def strangers_link(it: World, *chunks: bytes) -> Link:
    """Returns a connection to the leader over which these bytes have arrived."""
    leader = leader_of(it)
    link = leader.accept("stranger")
    for chunk in chunks:
        leader.on_bytes(link, chunk)
        it.perform(leader.me)
    return link


PROMISE = encode_packet(Kind.ACKEPOCH, 0, INT.pack(0))
FIRST: dict[str, tuple[bytes, str]] = {
    "the leader's own id": (info(3), "which is this server"),
    "nobody's id": (info(77), "not a member"),
    "a negative id": (info(-1), "not a member"),
    "the id of one who is there": (info(2), "connected already"),
    "a negative epoch": (info(1, -5), "promised epoch -5"),
    "an epoch out of reach": (info(1, 1 + MOST_AHEAD + 10), "promised epoch"),
    "the last epoch of all": (info(1, LAST_EPOCH), "promised epoch"),
    "an old protocol": (info(1, protocol=1), "too old"),
    "a later configuration": (info(1, version=1), "newer than ours"),
    "no word of itself": (encode_packet(Kind.FOLLOWERINFO, 0), "a long at byte"),
    "half a word of itself": (encode_packet(Kind.FOLLOWERINFO, 0, bytes(9)), "an int at byte"),
    "an acknowledgement first": (encode_packet(Kind.ACK, E + 1), "before FOLLOWERINFO"),
    "a promise first": (PROMISE, "before FOLLOWERINFO"),
    "a request first": (encode_packet(Kind.REQUEST, -1, bytes(16)), "before FOLLOWERINFO"),
    "a packet of another protocol": (b"GET / HTTP/1.1\r\nHost: localhost\r\n", "a packet of unknown type"),
    "a packet of no kind": (pack(">iqii", 77, 0, -1, -1), "a packet of unknown type 77"),
    "a packet that is too long": (pack(">iqii", 11, 0, 1 << 30, 0), "a packet of 1073741824 bytes"),
    "a packet of less than nothing": (pack(">iqii", 11, 0, -2, 0), "a packet of -2 bytes"),
    "too much": (pack(">iqi", 11, 0, 1 << 20) + bytes(5000), "before it has promised"),
    "too many identities": (pack(">iqii", 11, 0, -1, 1 << 20), "identities"),
    "a snapshot": (encode_packet(Kind.SNAP, E), "does not lead"),
    "a proposal": (encode_packet(Kind.PROPOSAL, E + 5, b"x"), "before FOLLOWERINFO"),
}


@pytest.mark.parametrize("name", FIRST)
def test_a_leader_refuses_who_begins_wrongly(name: str, led: World) -> None:
    chunk, why = FIRST[name]
    leader = leader_of(led)
    before, role = state_of(leader), leader.role
    link = strangers_link(led, chunk)
    assert link.why_closed is not None
    assert why in link.why_closed
    assert f"closed: {link.why_closed}" in led.members[3].news[-1]
    assert (state_of(leader), leader.role) == (before, role)
    assert led.all_serve()


THEN: dict[str, tuple[list[bytes], str]] = {
    "it says again who it is": ([info(1)], "during discovery"),
    "an acknowledgement": ([encode_packet(Kind.ACK, E)], "during discovery"),
    "a promise of nothing": ([encode_packet(Kind.ACKEPOCH, 0)], "an int at byte"),
    "a promise with a negative epoch": (
        [encode_packet(Kind.ACKEPOCH, 0, INT.pack(-2))],
        "ACKEPOCH: epoch -2",
    ),
    "a promise with a negative zxid": ([encode_packet(Kind.ACKEPOCH, -E, INT.pack(0))], "ACKEPOCH: epoch 0"),
    "more than the leader has": ([encode_packet(Kind.ACKEPOCH, 9 * E, INT.pack(9))], "more recent than"),
    "a snapshot": ([encode_packet(Kind.SNAP, E)], "does not lead"),
    "too much": ([pack(">iqi", 18, 0, 1 << 20) + bytes(5000)], "before it has promised"),
    "an acknowledgement of another NEWLEADER": (
        [PROMISE, encode_packet(Kind.ACK, 9 * E)],
        "before NEWLEADER",
    ),
    "an acknowledgement of a proposal": ([PROMISE, encode_packet(Kind.ACK, E + 1)], "before NEWLEADER"),
    "a request before UPTODATE": (
        [PROMISE, encode_packet(Kind.REQUEST, -1, encode_request(1, 1, Op.SYNC, b""))],
        "before UPTODATE",
    ),
    "a revalidation before UPTODATE": (
        [PROMISE, encode_packet(Kind.REVALIDATE, -1, encode_revalidate(1, 1))],
        "before UPTODATE",
    ),
    "half a session in a pong": ([PROMISE, encode_packet(Kind.PING, 0, bytes(7))], "sessions of 7 bytes"),
}
PART = [PROMISE, encode_packet(Kind.ACK, E)]
LATE: dict[str, tuple[bytes, str]] = {
    "an acknowledgement of what was not proposed": (encode_packet(Kind.ACK, E + 99), "not proposed"),
    "a commit": (encode_packet(Kind.COMMIT, E + 3), "from a learner"),
    "a proposal": (encode_packet(Kind.PROPOSAL, E + 3, b"x"), "from a learner"),
    "a snapshot": (encode_packet(Kind.SNAP, E + 3), "does not lead"),
    "NEWLEADER": (encode_packet(Kind.NEWLEADER, E), "from a learner"),
    "half a request": (encode_packet(Kind.REQUEST, -1, bytes(11)), "an int at byte"),
    "a request for nothing": (encode_packet(Kind.REQUEST, -1), "a long at byte"),
    "an operation that nobody passes on": (
        encode_packet(Kind.REQUEST, -1, encode_request(1, 1, Op.GET_DATA, b"")),
        "not one that learners forward",
    ),
    "a session of no timeout": (
        encode_packet(Kind.REQUEST, -1, encode_request(1, 0, Op.CREATE_SESSION, b"")),
        "an int at byte",
    ),
    "half a session": (encode_packet(Kind.REVALIDATE, -1, bytes(11)), "sessions of 11 bytes"),
    "half a session in a pong": (encode_packet(Kind.PING, 0, bytes(13)), "sessions of 13 bytes"),
}


@pytest.mark.parametrize("name", THEN)
def test_a_leader_refuses_who_goes_on_wrongly(name: str, led: World) -> None:
    chunks, why = THEN[name]
    leader = leader_of(led)
    before, role = state_of(leader), leader.role
    link = strangers_link(led, info(1), *chunks)
    assert link.why_closed is not None
    assert why in link.why_closed
    assert (state_of(leader), leader.role) == (before, role)


@pytest.mark.parametrize("name", LATE)
def test_a_leader_refuses_a_learner_that_talks_nonsense(name: str, led: World) -> None:
    chunk, why = LATE[name]
    leader = leader_of(led)
    before, role = state_of(leader), leader.role
    link = strangers_link(led, info(1), *PART)
    assert link.why_closed is None
    leader.on_bytes(link, chunk)
    led.perform(3)
    assert link.why_closed is not None
    assert why in link.why_closed
    assert (state_of(leader), leader.role) == (before, role)


def test_who_does_not_say_who_it_is_makes_room_for_who_does(led: World) -> None:
    leader = leader_of(led)
    assert isinstance(leader.role, Leader)
    links = [strangers_link(led, b"\0\0\0") for _ in range(2000)]
    assert sum(link.why_closed is None for link in links) == MOST_UNIDENTIFIED
    assert len(leader.role.handlers) == MOST_UNIDENTIFIED + 2
    led.start(1)
    led.calm(led.all_serve)


def test_one_byte_a_second_is_no_sign_of_life_of_who_has_not_said_who_it_is(led: World) -> None:
    leader = leader_of(led)
    link = strangers_link(led)
    for byte in info(1)[: RULES.init + 1]:
        assert link.why_closed is None
        leader.on_bytes(link, bytes([byte]))
        led.tick(RULES.tick)
        led.settle()
    assert link.why_closed is not None
    assert "no FOLLOWERINFO within" in link.why_closed


def test_who_connects_while_nobody_leads_is_not_kept_for_long() -> None:
    it = World(EVERYONE, RULES)
    it.start(1)
    (peer,) = it.peers()
    links = [peer.accept(f"{number}") for number in range(2000)]
    assert sum(link.why_closed is None for link in links) == MOST_PARKED
    peer.on_bytes(links[-1], bytes(5000))
    assert links[-1].why_closed is not None
    it.tick(RULES.tick)
    assert all(link.why_closed for link in links)


def test_a_member_whose_connection_broke_takes_its_place_again(led: World) -> None:
    """Nothing more arrives over the broken connection, not even answers to pings."""
    leader = leader_of(led)
    first = strangers_link(led, info(1))
    assert first.why_closed is None
    early = strangers_link(led, info(1))
    assert (first.why_closed, early.why_closed) == (
        None,
        "server 1 is connected already, and was heard from 0 ms ago",
    )
    led.tick(RULES.tick + 1)
    led.settle()
    second = strangers_link(led, info(1))
    assert (first.why_closed, second.why_closed) == ("server 1 has connected again", None)
    assert leader.role is not None


def test_an_epoch_that_a_member_promised_elsewhere_is_believed_within_reason() -> None:
    """A stranger cannot use up the epochs, and a member with a promise of a later epoch is not excluded."""
    it = World(EVERYONE, RULES)
    it.members[2].disk.accepted = 1000
    for sid in (1, 2):
        it.start(sid)
    it.calm(lambda: it.leader is not None and it.all_serve())
    assert leader_of(it).current_epoch == 1001


def test_an_epoch_after_the_last_is_not_begun() -> None:
    it = World(EVERYONE, RULES)
    for sid in (1, 2):
        it.members[sid].disk.accepted = LAST_EPOCH
        it.start(sid)
    for _ in range(200):
        it.tick(100)
        it.settle()
    assert it.leader is None
    assert [member.disk.accepted for member in it.members.values()][:2] == [LAST_EPOCH, LAST_EPOCH]
    assert any("there is no epoch after" in line for line in it.members[2].news)


def test_whatever_a_client_asks_of_a_follower_its_connection_with_the_leader_holds(led: World) -> None:
    """A bug found here: deleteContainer was forwarded, and the leader closed the follower's connection."""
    client = Client()
    assert led.connect(client, 2)
    led.calm(lambda: client.session != 0)
    asked = [client.ask(tree.DeleteContainer("/a")), client.ask(tree.Create("/b"))]
    led.perform(2)
    led.calm(lambda: all(each.error is not None for each in asked))
    assert asked[1].error == 0
    assert not client.is_lost


# A learner, and what its leader may say.


@dataclass
class Following:
    """A member that follows server 3, whose packets the test makes."""

    peer: Peer
    link: Link

    def hear(self, *packets: bytes) -> None:
        for packet in packets:
            if self.link.why_closed is None:
                self.peer.on_bytes(self.link, packet)
            while not self.peer.is_idle:
                disk = self.peer.storage
                assert isinstance(disk, MemoryDisk)
                disk.append(self.peer.turn().log)
                if disk.synced < len(disk.log):
                    self.peer.on_synced(disk.sync())


def following(rules: Rules = RULES) -> Following:
    peer = Peer(1, EVERYONE, MemoryDisk(), rules, START, START)
    peer.storage.write([txn(E + 1), txn(E + 2)])
    peer.storage.set_accepted_epoch(1)
    peer.storage.set_current_epoch(1)
    peer = Peer(1, EVERYONE, peer.storage, rules, START, START)
    peer.start()
    peer.on_notification(3, Notification(ServerState.LEADING, 3, E + 2, 1, 1))
    peer.on_notification(2, Notification(ServerState.FOLLOWING, 3, E + 2, 1, 1))
    ((link, sid),) = peer.turn().dials
    assert sid == 3
    peer.on_dialed(link)
    return Following(peer, link)


def txn(zxid: int) -> bytes:
    return Record(7, 0, zxid, 0, CreateSessionTxn(Op.CREATE_SESSION, 4000)).encode()


def proposal(zxid: int) -> bytes:
    return encode_packet(Kind.PROPOSAL, zxid, txn(zxid))


LEADERINFO = encode_packet(Kind.LEADERINFO, 2 * E, INT.pack(PROTOCOL))
DIFF = encode_packet(Kind.DIFF, E + 2)
NEWLEADER = encode_packet(Kind.NEWLEADER, 2 * E, b"")
UPTODATE = encode_packet(Kind.UPTODATE, -1)
IMAGE = b"".join(encode_image(Tree(), {}))
STAGES: dict[str, list[bytes]] = {
    "discovery": [],
    "choice": [LEADERINFO],
    "synchronization": [LEADERINFO, DIFF],
    "ready": [LEADERINFO, DIFF, NEWLEADER],
    "broadcast": [LEADERINFO, DIFF, NEWLEADER, UPTODATE],
}
NONSENSE: list[tuple[str, str, list[bytes]]] = [
    ("discovery", "an epoch before ours", [encode_packet(Kind.LEADERINFO, 0, INT.pack(PROTOCOL))]),
    ("discovery", "a negative epoch", [encode_packet(Kind.LEADERINFO, -E, INT.pack(PROTOCOL))]),
    ("discovery", "an old protocol", [encode_packet(Kind.LEADERINFO, 2 * E, INT.pack(1))]),
    ("discovery", "no protocol", [encode_packet(Kind.LEADERINFO, 2 * E)]),
    ("discovery", "NEWLEADER first", [NEWLEADER]),
    ("discovery", "SNAP first", [encode_packet(Kind.SNAP, E + 2) + IMAGE]),
    ("discovery", "no packet", [b"GET / HTTP/1.1\r\nHost: localhost\r\n"]),
    ("choice", "a commit", [encode_packet(Kind.COMMIT, E + 2)]),
    ("choice", "NEWLEADER", [NEWLEADER]),
    ("choice", "a cut where nothing is", [encode_packet(Kind.TRUNC, E + 77)]),
    ("choice", "a cut before everything", [encode_packet(Kind.TRUNC, -5)]),
    ("choice", "a snapshot of a later epoch", [encode_packet(Kind.SNAP, 3 * E) + IMAGE]),
    ("choice", "a snapshot of no zxid", [encode_packet(Kind.SNAP, -5) + IMAGE]),
    ("choice", "half an image, then another packet", [encode_packet(Kind.SNAP, E) + IMAGE[:-9] + NEWLEADER]),
    ("choice", "an image without a root", [encode_packet(Kind.SNAP, E) + pack(">ii", 0, 0) + IMAGE[-19:]]),
    ("synchronization", "a gap", [proposal(E + 4)]),
    ("synchronization", "what is there", [proposal(E + 2)]),
    ("synchronization", "the second of an epoch", [proposal(2 * E + 2)]),
    ("synchronization", "a later epoch than the leader's", [proposal(3 * E + 1)]),
    ("synchronization", "a proposal of nothing", [encode_packet(Kind.PROPOSAL, E + 3)]),
    ("synchronization", "a proposal of half", [encode_packet(Kind.PROPOSAL, E + 3, txn(E + 3)[:-1])]),
    ("synchronization", "a proposal of another", [encode_packet(Kind.PROPOSAL, E + 3, txn(E + 4))]),
    ("synchronization", "a commit of nothing", [encode_packet(Kind.COMMIT, E + 2)]),
    ("synchronization", "commits out of order", [proposal(E + 3), encode_packet(Kind.COMMIT, E + 4)]),
    ("synchronization", "UPTODATE first", [UPTODATE]),
    ("synchronization", "NEWLEADER of another", [encode_packet(Kind.NEWLEADER, 3 * E)]),
    ("synchronization", "a request", [encode_packet(Kind.REQUEST, -1, bytes(16))]),
    ("ready", "an older epoch", [proposal(E + 3)]),
    ("ready", "NEWLEADER twice", [NEWLEADER]),
    ("ready", "a snapshot", [encode_packet(Kind.SNAP, E) + IMAGE]),
    ("broadcast", "a gap", [proposal(2 * E + 2)]),
    ("broadcast", "an older epoch", [proposal(E + 3)]),
    ("broadcast", "a later epoch", [proposal(3 * E + 1)]),
    ("broadcast", "a proposal of half", [encode_packet(Kind.PROPOSAL, 2 * E + 1, txn(2 * E + 1)[:-1])]),
    ("broadcast", "a proposal of another", [encode_packet(Kind.PROPOSAL, 2 * E + 1, txn(E + 4))]),
    ("broadcast", "a proposal of rubbish", [encode_packet(Kind.PROPOSAL, 2 * E + 1, b"\xff" * 50)]),
    ("broadcast", "a commit of nothing", [encode_packet(Kind.COMMIT, 2 * E + 1)]),
    ("broadcast", "an INFORM with a gap", [encode_packet(Kind.INFORM, 2 * E + 2, txn(2 * E + 2))]),
    ("broadcast", "half a validity", [encode_packet(Kind.REVALIDATE, -1, bytes(3))]),
    ("broadcast", "NEWLEADER", [NEWLEADER]),
    ("broadcast", "an acknowledgement", [encode_packet(Kind.ACK, 2 * E + 1)]),
    ("broadcast", "a snapshot", [encode_packet(Kind.SNAP, E) + IMAGE]),
    ("broadcast", "a packet that is too long", [pack(">iqii", 2, 2 * E + 1, 1 << 30, 0)]),
]


@pytest.mark.parametrize(("stage", "name", "packets"), NONSENSE)
def test_a_learner_leaves_a_leader_that_talks_nonsense(stage: str, name: str, packets: list[bytes]) -> None:
    """The history on its disk is kept; the learner starts again with it."""
    del name
    it = following()
    it.hear(*STAGES[stage])
    assert it.peer.role is not None
    assert it.link.why_closed is None
    before = state_of(it.peer)
    it.hear(*packets)
    assert it.peer.role is None
    assert it.link.why_closed is not None
    assert state_of(it.peer) == before
    assert any("no longer a learner: " in line for line in it.peer.news)
    again = Peer(1, EVERYONE, it.peer.storage, RULES, START, START)
    assert again.tree.zxid == it.peer.tree.zxid


def test_the_stages_are_those_of_a_learner_that_serves_in_the_end() -> None:
    it = following()
    it.hear(*STAGES["broadcast"], proposal(2 * E + 1), encode_packet(Kind.COMMIT, 2 * E + 1))
    assert it.peer.service is not None
    assert it.peer.tree.zxid == 2 * E + 1


# Anything at all.


@dataclass
class Fuzz:
    """Draws packets, valid and invalid, from a seed."""

    random: Random

    def zxid(self) -> int:
        base = self.random.choice([0, E, E, E, 2 * E, 3 * E, -E, LAST_EPOCH * E])
        return base + self.random.choice([0, 1, 2, 3, 4, -1])

    def payload(self) -> bytes | None:
        zxid = self.zxid()
        made: list[Callable[[], bytes | None]] = [
            lambda: None,
            lambda: b"",
            lambda: txn(zxid),
            lambda: Record(7, 0, zxid, 0, SetDataTxn(Op.SET_DATA, b"/nowhere", b"", 3)).encode(),
            lambda: Record(
                7, 0, zxid, 0, SetDataTxn(Op.RECONFIG, b"/zookeeper/config", self.text(), 3)
            ).encode(),
            self.text,
            lambda: pack(">q", self.random.choice([1, 2, 3, 77, -1])),
            lambda: about(self.random.choice([-1, 1, 1, 1, 2, 3, 4, 77, 1 << 62])),
            lambda: INT.pack(self.random.choice([-2, -1, 0, 1, 2, LAST_EPOCH])),
            lambda: INT.pack(PROTOCOL),
            lambda: encode_sessions([(self.random.choice([0, 7, -1]), 4000)]),
            lambda: encode_request(7, 1, self.random.choice([0, 1, 9, 14, 19, -10, -11, 77]), b"\0" * 9),
            lambda: self.random.randbytes(self.random.randrange(60)),
        ]
        return self.random.choice(made)()

    def text(self) -> bytes:
        """Returns an ensemble as text, or nearly one."""
        version = self.random.choice([0, 1, E + 3, 2 * E, 2 * E + 1, 1 << 62])
        members = self.random.choice([EVERYONE.members, {3: EVERYONE.members[3], 1: EVERYONE.members[1]}, {}])
        servers = "".join(
            f"server.{sid}={each.host}:2888:3888:participant;2181\n" for sid, each in members.items()
        )
        return (servers + f"version={version:x}")[self.random.choice([0, 0, 0, 1]) :].encode()

    def packet(self) -> bytes:
        kind = self.random.randrange(1, 20)
        ids = ((b"ip", b"::1"),) if self.random.random() < 0.1 else ()
        zxid = min(max(self.zxid(), -(1 << 63)), (1 << 63) - 1)
        return encode_packet(kind, zxid, self.payload(), ids) + (IMAGE if kind == Kind.SNAP else b"")

    def chunk(self, likely: list[bytes]) -> bytes:
        chosen = self.random.random()
        if chosen < 0.5 and likely:
            return likely.pop(0)
        if chosen < 0.9:
            return self.packet()
        found = bytearray(self.packet())
        found[self.random.randrange(len(found))] = self.random.randrange(256)
        return bytes(found[: self.random.randrange(len(found) + 1)])


def fuzz_a_leader(seed: int, it: World) -> None:
    """A learner outside the quorum sends anything: the others continue, and nothing is lost."""
    fuzz = Fuzz(Random(seed))
    leader = leader_of(it)
    role, epochs = leader.role, (leader.accepted_epoch, leader.current_epoch)
    for _ in range(3):
        link = leader.accept("stranger")
        likely = [info(1), *PART]
        if fuzz.random.random() < 0.7:
            leader.on_bytes(link, b"".join(likely))
            likely.clear()
        for _ in range(12):
            if link.why_closed is None:
                leader.on_bytes(link, fuzz.chunk(likely))
            it.perform(leader.me)
            it.settle()
        leader.on_lost(link)
    assert leader.role is role
    assert (leader.accepted_epoch, leader.current_epoch) == epochs
    assert it.all_serve()
    assert leader.tree.nodes[b"/a"].data == b"x"


def fuzz_a_learner(seed: int) -> None:
    """A leader sends anything: the learner can always start again with what is on its disk."""
    fuzz = Fuzz(Random(seed))
    rules = RECONFIGURABLE if seed % 2 else RULES
    it = following(rules)
    likely = [*STAGES["broadcast"], proposal(2 * E + 1), encode_packet(Kind.COMMIT, 2 * E + 1)]
    if rules is RECONFIGURABLE:
        change = SetDataTxn(Op.RECONFIG, b"/zookeeper/config", fuzz.text(), 3)
        payload = Record(7, 0, 2 * E + 1, 0, change).encode()
        leader = pack(">q", fuzz.random.choice([1, 3]))
        likely = [
            *(LEADERINFO, DIFF, encode_packet(Kind.NEWLEADER, 2 * E, fuzz.text()), UPTODATE),
            encode_packet(Kind.PROPOSAL, 2 * E + 1, payload),
            encode_packet(Kind.COMMIT_AND_ACTIVATE, 2 * E + 1, leader),
        ]
    for _ in range(12):
        it.hear(fuzz.chunk(likely) if fuzz.random.random() < 0.5 else likely.pop(0) if likely else b"")
    it.peer.storage.load()
    peer = Peer(1, EVERYONE, it.peer.storage, rules, START, START)
    assert 1 <= peer.current_epoch <= peer.accepted_epoch <= LAST_EPOCH
    if it.peer.role is None:
        assert peer.tree.zxid == it.peer.tree.zxid


def test_a_leader_stands_anything(led: World) -> None:
    for seed in range(60):
        fuzz_a_leader(seed, led)


def test_a_learner_stands_anything() -> None:
    for seed in range(600):
        fuzz_a_learner(seed)


@pytest.mark.deep
@pytest.mark.parametrize("part", range(10))
def test_cores_stand_anything_for_long(part: int, led: World) -> None:
    for seed in range(10_000 * (part + 1), 10_000 * (part + 1) + 1000):
        fuzz_a_leader(seed, led)
        for more in range(10):
            fuzz_a_learner(10 * seed + more)


# Votes.


def test_a_round_that_nobody_can_have_reached_is_not_joined() -> None:
    """A bug found here: a member that joined the greatest round could send nothing in the next."""
    it = World(EVERYONE, RULES)
    it.start(1)
    (peer,) = it.peers()
    for number in ((1 << 63) - 1, 1 << 40, -1, -(1 << 63)):
        for state in ServerState:
            peer.on_notification(2, Notification(state, 2, 5 * E, number, 5))
            it.perform(1)
    assert peer.election.round == 1
    it.start(3)
    it.calm(lambda: it.leader is not None and it.all_serve())


@pytest.mark.parametrize("seed", range(5))
def test_votes_of_any_kind_stop_no_election(seed: int) -> None:
    """Server 2 is down, and a stranger sends anything in its name during some elections."""
    draw = Random(seed)
    it = World(EVERYONE, RULES)
    for sid in (1, 3, 4):
        it.start(sid)
    numbers = [0, 1, 2, 3, 7, E, 2 * E + 1, -1, 1 << 40, (1 << 63) - 1, -(1 << 63)]
    for turn in range(200):
        if turn % 40 == 39:
            it.crash(3)
            it.start(3)
        for peer in list(it.peers()):
            number, leader, zxid, epoch = (draw.choice(numbers) for _ in range(4))
            config = draw.choice([b"", b"\xff", b"version=7f", b"server.1=a:1:2\nversion=1"])
            state = draw.choice(list(ServerState))
            peer.on_notification(
                draw.choice([2, 77, -1]), Notification(state, leader, zxid, number, epoch, 2, config)
            )
            it.perform(peer.me)
        it.tick(10)
        it.settle()
    it.calm(lambda: it.leader is not None and it.all_serve(), limit=200_000)
