"""Read-only mode: a member without a leader serves clients that only read."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from struct import pack

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NotReadOnlyCallError
from kazoo.protocol.states import KeeperState

from zabcheck.servers.encoding import Request, Sync
from zabcheck.servers.members import Kind, Members, ask_word
from zabcheck.simulation.client import Asked, Client
from zabcheck.simulation.world import World
from zabserver.wire.protocol import Err
from zabserver.zab.ensemble import Ensemble, Member
from zabserver.zab.peer import Peer
from zabserver.zab.role import Rules
from zabspec import tree

RULES = Rules(tick=1000, init=10, sync=5, read_only=True)
THREE = Ensemble({sid: Member(sid, "127.0.0.1", 2888, 3888) for sid in (1, 2, 3)})
WRITES: list[Request] = [tree.Create("/b", b""), tree.SetData("/a", b"x"), tree.Delete("/a"), Sync("/a")]
READS: list[Request] = [tree.Exists("/a"), tree.GetData("/"), tree.GetChildren("/")]


def serving(rules: Rules = RULES) -> tuple[World, Client]:
    """Returns three members that serve clients, with a node /a, and a client of member 1 that had a
    session.
    """
    made = World(THREE, rules)
    for sid in made.members:
        made.start(sid)
    made.calm(lambda: made.leader is not None and made.all_serve())
    by = Client(timeout=20_000)
    assert made.connect(by, 1)
    made.calm(lambda: by.session != 0)
    by.ask(tree.Create("/a", b""))
    made.perform(1)
    made.calm(lambda: by.asked[-1].error == 0)
    return made, by


def alone(rules: Rules = RULES, patience: int = 2000) -> tuple[World, Client]:
    """Returns the same after the two others have gone and some time has passed."""
    made, by = serving(rules)
    for sid in (2, 3):
        made.crash(sid)
    made.calm(lambda: peer(made).role is None)
    for _ in range(patience // 50):
        made.tick(50)
    return made, by


def peer(of: World) -> Peer:
    found = of.members[1].peer
    assert found is not None
    return found


def connected(of: World, session: Client | None = None, wants_read_only: bool = True) -> Client:
    """Connects a client to member 1, with the session of another if given."""
    made = Client(timeout=4000, wants_read_only=wants_read_only)
    if session is not None:
        made.session, made.password = session.session, session.password
    assert of.connect(made, 1)
    return made


def ask(of: World, by: Client, request: Request) -> Asked:
    asked = by.ask(request)
    of.perform(1)
    return asked


def come_back(of: World) -> None:
    """Restarts the others, and waits for a leader."""
    of.start(2)
    of.start(3)
    of.calm(lambda: of.leader is not None and all(each.role is not None for each in of.peers()))
    of.calm(of.all_serve)


@pytest.mark.parametrize(("tick", "wait"), [(1000, 2000), (3000, 3000)])
def test_nobody_is_served_for_two_seconds_or_a_tick(tick: int, wait: int) -> None:
    it, _ = alone(Rules(tick=tick, init=10, sync=5, read_only=True), 0)
    for _ in range(wait // 50 - 1):
        it.tick(50)
    assert peer(it).service is None
    it.tick(50)
    assert peer(it).service is peer(it).leaderless


def test_nobody_is_served_unless_it_is_wanted() -> None:
    it, _ = alone(Rules(tick=1000, init=10, sync=5), 60_000)
    assert peer(it).service is None


@pytest.mark.parametrize("goes_on", [False, True])
def test_reads_are_answered_and_writes_refused(goes_on: bool) -> None:
    it, before = alone()
    by = connected(it, before if goes_on else None)
    assert by.is_read_only
    assert (by.session == before.session) is goes_on
    assert [ask(it, by, each).error for each in WRITES] == [Err.NOT_READ_ONLY] * len(WRITES)
    assert [ask(it, by, each).error for each in READS] == [0] * len(READS)
    assert not by.is_lost


def test_a_server_with_a_leader_takes_writes_of_whoever_is_content_with_less() -> None:
    it, _ = serving()
    by = connected(it)
    it.calm(lambda: by.session != 0)
    assert not by.is_read_only
    asked = ask(it, by, tree.Create("/b", b""))
    it.calm(lambda: asked.error == 0)


def test_who_wants_to_write_is_closed() -> None:
    it, before = alone()
    assert connected(it, wants_read_only=False).is_lost
    assert connected(it, before, wants_read_only=False).is_lost


def test_a_session_goes_on_only_with_its_password() -> None:
    it, before = alone()
    stranger = Client()
    stranger.session, stranger.password = before.session, b"0123456789abcdef"
    unknown = Client()
    unknown.session, unknown.password = before.session + 1, before.password
    for each in (stranger, unknown):
        by = connected(it, each)
        assert by.is_lost
        assert by.session == 0


def test_all_are_closed_when_there_is_a_leader_and_only_sessions_of_the_tree_go_on() -> None:
    it, before = alone()
    old, new = connected(it, before), connected(it)
    watches = [ask(it, each, tree.Exists("/b", watch=True)) for each in (old, new)]
    assert [each.error for each in watches] == [Err.NO_NODE] * 2
    come_back(it)
    assert old.is_lost
    assert new.is_lost
    assert len(peer(it).tree.watches.data.by_path) == 0
    resumed, gone = connected(it, old, wants_read_only=False), connected(it, new)
    it.settle()
    assert resumed.session == before.session
    assert gone.session == 0


def test_a_session_that_begins_here_ends_here() -> None:
    it, before = alone()
    by, old = connected(it), connected(it, before)
    again = connected(it, by)
    assert by.is_lost
    assert again.session == by.session
    for _ in range(60):
        it.tick(50)
        assert ask(it, old, tree.Exists("/a")).error == 0
    assert not again.is_lost
    for _ in range(60):
        it.tick(50)
        assert ask(it, old, tree.Exists("/a")).error == 0
    assert again.is_lost
    assert not old.is_lost
    assert connected(it, again).session == 0
    closing = connected(it)
    assert ask(it, closing, tree.CloseSession()).error == 0
    assert closing.is_lost


def test_a_silent_session_of_the_tree_is_closed_and_may_come_back() -> None:
    it, before = alone()
    old = connected(it, before)
    for _ in range(120):
        it.tick(50)
    assert old.is_lost
    assert connected(it, before).session == before.session


@pytest.fixture
def members(tmp_path: Path) -> Iterator[Members]:
    """Three processes of ours, with read-only mode."""
    kinds = dict.fromkeys((1, 2, 3), Kind.OURS)
    with Members(tmp_path, kinds, settings={"readonlymode.enabled": "true"}) as made:
        made.wait_until_serving()
        yield made


def test_kazoo_reads_while_there_is_no_quorum(members: Members) -> None:
    """Repeats kazoo's own test: stop two, read, be refused a write, and continue when they are back."""
    port = members.client_ports[1]
    client = KazooClient(f"127.0.0.1:{port}", timeout=10, read_only=True)
    states: list[KeeperState] = []
    is_read_only, is_back = threading.Event(), threading.Event()

    def listen(_: object) -> None:
        states.append(client.client_state)
        if client.client_state == KeeperState.CONNECTED_RO:
            is_read_only.set()
        elif client.client_state == KeeperState.CONNECTED and is_read_only.is_set():
            is_back.set()

    client.start(20)
    try:
        client.create("/a", b"x", ephemeral=True)
        client.add_listener(listen)
        session = client.client_id
        members.kill(2)
        members.kill(3)
        assert is_read_only.wait(60), members.said()
        assert client.get("/a")[0] == b"x"
        with pytest.raises(NotReadOnlyCallError):
            client.create("/b")
        with pytest.raises(NotReadOnlyCallError):
            client.sync("/")
        assert ask_word(port, "isro") == "ro"
        assert members.mode(1) == "read-only"
        with socket.create_connection(("127.0.0.1", port), 5) as other:  # it wants to write
            other.sendall(pack(">iiqiqi16s?", 45, 0, 0, 10_000, 0, 16, bytes(16), False))
            assert other.recv(1) == b""
        members.start(2)
        members.start(3)
        assert is_back.wait(60), members.said()
        assert client.client_id == session
        client.create("/b")
        assert client.get("/a")[0] == b"x"
    finally:
        client.stop()
        client.close()
    assert KeeperState.CONNECTED_RO in states
