"""An ensemble of cores in a simulated world, with only the fault that each test is about."""

from __future__ import annotations

import pytest

from zabcheck.servers.encoding import Sync
from zabcheck.simulation.client import Asked, Client
from zabcheck.simulation.world import World
from zabserver.service.sessions import Sessions
from zabserver.wire.election import ServerState
from zabserver.zab.ensemble import Ensemble, Member
from zabserver.zab.history import Committed
from zabserver.zab.role import RETRY, Rules
from zabspec import tree
from zabspec.tree import Error

RULES = Rules(tick=1000, init=10, sync=5)


def ensemble(voters: int, observers: int = 0) -> Ensemble:
    return Ensemble(
        {sid: Member(sid, "127.0.0.1", 2888, 3888, sid > voters) for sid in range(1, voters + observers + 1)}
    )


def world(voters: int = 3, observers: int = 0, rules: Rules = RULES) -> World:
    made = World(ensemble(voters, observers), rules)
    for sid in made.members:
        made.start(sid)
    made.calm(lambda: made.leader is not None and made.all_serve())
    return made


def client(of: World, sid: int, timeout: int = 10_000) -> Client:
    made = Client(timeout=timeout)
    assert of.connect(made, sid)
    of.calm(lambda: made.session != 0)
    return made


def ask(of: World, sid: int, by: Client, *requests: tree.Request) -> list[Asked]:
    """Sends all requests at once, and waits for the replies."""
    asked = [by.ask(request) for request in requests]
    of.perform(sid)
    of.calm(lambda: all(each.error is not None for each in asked))
    return asked


def nodes(of: World, sid: int) -> list[bytes]:
    peer = of.members[sid].peer
    assert peer is not None
    return sorted(path for path in peer.tree.nodes if not path.startswith(b"/zookeeper"))


def all_equal(of: World) -> bool:
    """Returns True if all running servers have the same tree and the same sessions."""
    states = [
        ({path: node.stat() for path, node in peer.tree.nodes.items()}, peer.timeouts) for peer in of.peers()
    ]
    return all(state == states[0] for state in states)


@pytest.mark.parametrize(("voters", "observers"), [(1, 0), (3, 0), (5, 0), (3, 1)])
def test_all_servers_have_what_any_client_writes(voters: int, observers: int) -> None:
    it = world(voters, observers)
    for sid in it.members:
        by = client(it, sid)
        made = ask(
            it, sid, by, tree.Create(f"/{sid}", b"x"), tree.Create(f"/{sid}", b"x"), tree.SetData("/", b"y")
        )
        assert [each.error for each in made] == [0, Error.NODE_EXISTS, 0]
        (seen,) = ask(it, sid, by, tree.GetData(f"/{sid}"))
        assert seen.error == 0
    it.tick(2000)
    it.settle()
    assert all_equal(it)
    assert nodes(it, 1) == [b"/", *(b"/%d" % sid for sid in it.members)]


def test_the_server_with_the_longest_history_is_elected() -> None:
    it = world()
    by = client(it, 1)
    it.block(3, 2)
    it.block(1, 2)  # server 2 receives nothing any more
    ask(it, 1, by, tree.Create("/a", b""))
    it.crash(3)
    it.heal()
    it.calm(lambda: it.leader is not None and it.all_serve())
    assert it.leader is not None
    assert it.leader.me == 1
    assert nodes(it, 2) == [b"/", b"/a"]


def test_acknowledged_writes_survive_a_crash_of_all_servers() -> None:
    it = world()
    by = client(it, 1)
    ask(it, 1, by, *(tree.Create(f"/{number}", b"") for number in range(20)))
    for sid in it.members:
        it.crash(sid)
    for sid in it.members:
        it.start(sid)
    it.calm(lambda: it.leader is not None and it.all_serve())
    assert all_equal(it)
    assert len(nodes(it, 2)) == 21


def test_what_only_a_crashed_leader_logged_is_truncated() -> None:
    it = world()
    first = it.leader
    assert first is not None
    by = client(it, first.me)
    others = [sid for sid in it.members if sid != first.me]
    for sid in others:
        it.block(first.me, sid)
    lost = by.ask(tree.Create("/lost", b""))
    it.perform(first.me)
    it.sync(first.me)
    it.crash(first.me)
    it.heal()
    it.calm(lambda: it.leader is not None and it.all_serve())
    kept = client(it, others[0])
    ask(it, others[0], kept, tree.Create("/kept", b""))
    it.start(first.me)
    it.calm(it.all_serve)
    assert lost.error is None
    assert nodes(it, first.me) == [b"/", b"/kept"]
    assert all_equal(it)


def test_a_learner_that_lacks_too_much_gets_a_snapshot() -> None:
    it = world(rules=Rules(tick=1000, init=10, sync=5, history=5))
    by = client(it, 1)
    it.crash(2)
    ask(it, 1, by, *(tree.Create(f"/{number}", b"x" * 50) for number in range(20)))
    for sid in (1, 3):
        disk = it.members[sid].disk
        disk.log, disk.synced = [], 0
    it.start(2)
    it.calm(it.all_serve)
    assert it.members[2].disk.snapshots[-1][0] > 0
    assert all_equal(it)
    ask(it, 1, by, tree.Create("/more", b""))
    it.tick(1000)
    it.settle()
    assert all_equal(it)


def test_a_learner_that_cannot_truncate_its_log_gets_a_snapshot() -> None:
    """Its only snapshot contains what must be truncated."""
    it = world()
    first = it.leader
    assert first is not None
    by = client(it, first.me)
    others = [sid for sid in it.members if sid != first.me]
    for sid in others:
        it.block(first.me, sid)
    by.ask(tree.Create("/lost", b""))
    it.perform(first.me)
    it.sync(first.me)
    it.crash(first.me)
    disk = it.members[first.me].disk
    found = disk.load()
    disk.snapshots.clear()
    disk.save(found.tree, found.sessions)
    it.heal()
    it.calm(lambda: it.leader is not None and it.all_serve())
    it.start(first.me)
    it.calm(it.all_serve)
    kept = client(it, others[0])
    ask(it, others[0], kept, tree.Create("/kept", b""))
    it.tick(1000)
    it.settle()
    assert any("a snapshot is needed" in line for line in it.members[first.me].news)
    assert nodes(it, first.me) == [b"/", b"/kept"]
    assert all_equal(it)


def test_a_learner_that_needs_a_snapshot_promises_epochs() -> None:
    """With one of three servers down, no epoch begins without its promise."""
    it = world()
    leader = it.leader
    assert leader is not None
    gone, lacking = (sid for sid in it.members if sid != leader.me)
    peer = it.members[lacking].peer
    assert peer is not None
    peer.needs_image = True
    it.crash(gone)
    it.reset(next(cable for cable in it.cables if lacking in cable.ends))
    it.calm(lambda: it.leader is not None and it.leader.current_epoch == 2 and it.all_serve())
    assert not any("no quorum within" in line for line in it.members[leader.me].news)
    assert all_equal(it)


def test_a_refused_learner_dials_again_later() -> None:
    """A server that has promised a later epoch stays out until there is another leader."""
    it = world()
    leader = it.leader
    assert leader is not None
    other = next(sid for sid in it.members if sid != leader.me)
    it.members[other].disk.accepted = 7
    it.crash(other)
    it.start(other)
    before = it.time
    it.calm(lambda: it.time > before + 2000)
    refused = [line for line in it.members[other].news if "epoch 1 is less than 7" in line]
    assert 5 <= len(refused) <= 2000 // RETRY + 1
    it.crash(leader.me)
    it.calm(lambda: it.leader is not None and it.all_serve())
    assert it.leader is not None
    assert it.leader.current_epoch == 8


def test_a_session_moves_with_its_client() -> None:
    it = world()
    by = client(it, 1)
    ask(it, 1, by, tree.Create("/mine", b"", flag=tree.Flag.EPHEMERAL))
    late = by.ask(tree.Create("/late", b""))  # in flight when the client moves
    it.block(1, 3)
    it.perform(1)
    assert it.connect(by, 2)
    it.calm(lambda: not by.is_lost and by.connection is not None and by.connection.session is not None)
    ask(it, 2, by, tree.Create("/there", b""))
    it.heal()
    it.settle()
    assert nodes(it, 1) == [b"/", b"/mine", b"/there"]
    assert late.error is None


def test_a_session_expires_everywhere_when_its_client_is_silent() -> None:
    it = world()
    by = client(it, 1, timeout=4000)
    ask(it, 1, by, tree.Create("/mine", b"", flag=tree.Flag.EPHEMERAL))
    for _ in range(10):
        it.tick(1000)
        it.settle()
    assert by.is_lost
    assert nodes(it, 2) == [b"/"]
    assert all(not peer.timeouts for peer in it.peers())


def test_a_session_does_not_expire_while_its_client_is_active() -> None:
    it = world()
    for sid in it.members:
        by = client(it, sid, timeout=4000)
        for _ in range(10):
            it.tick(1000)
            it.settle()
            ask(it, sid, by, tree.Exists("/"))
        assert not by.is_lost


def test_sync_waits_for_what_the_leader_has_committed() -> None:
    it = world()
    leader = it.leader
    assert leader is not None
    reader_at, writer_at = (sid for sid in it.members if sid != leader.me)
    reader, writer = client(it, reader_at), client(it, writer_at)
    it.block(leader.me, reader_at)
    ask(it, writer_at, writer, tree.Create("/a", b""))
    (stale,) = [reader.ask(tree.Exists("/a"))]
    it.perform(reader_at)
    assert stale.error == Error.NO_NODE
    it.heal()
    asked = [reader.ask(Sync("/a")), reader.ask(tree.Exists("/a"))]
    it.perform(reader_at)
    it.calm(lambda: all(each.error is not None for each in asked))
    assert [each.error for each in asked] == [0, 0]


def test_replies_come_in_order_when_much_is_committed_at_once() -> None:
    it = world()
    leader = it.leader
    assert leader is not None
    sid = next(sid for sid in it.members if sid != leader.me)
    by, other = client(it, sid), client(it, leader.me)
    it.block(1, 3)
    it.block(2, 3)  # no acknowledgement reaches the leader
    asked = [
        by.ask(tree.Create("/a", b"")),
        by.ask(Sync("/a")),
        by.ask(tree.Create("/b", b"")),
        by.ask(Sync("/")),
    ]
    it.blocked = {(2, 3)} if sid == 1 else {(1, 3)}
    it.perform(sid)
    for cable, side in it.deliverable():
        it.deliver(cable, side)  # the requests reach the leader
    it.perform(leader.me)
    it.settle()
    it.heal()
    it.settle()
    ask(it, leader.me, other, tree.Create("/c", b""))
    assert [each.error for each in asked] == [0, 0, 0, 0]


def test_a_leader_without_a_quorum_steps_down() -> None:
    it = world()
    leader = it.leader
    assert leader is not None
    for sid in it.members:
        if sid != leader.me:
            it.block(sid, leader.me)
            it.block(leader.me, sid)
    it.calm(lambda: leader.state == ServerState.LOOKING and it.leader is not None)
    assert it.leader is not leader
    it.heal()
    it.calm(it.all_serve)
    assert all_equal(it)


def test_a_session_never_gets_the_id_of_an_open_session() -> None:
    """Not even after the clock has started again from the same time."""
    before = Sessions(1, 1000, 500)
    ids = [before.new_id() for _ in range(3)]
    after = Sessions(1, 1000, 500)
    for each in ids[:2]:
        after.add(each, 4000, 1000)
    assert after.new_id() == ids[2]


def test_committed_keeps_the_last_entries() -> None:
    kept = Committed(2)
    assert kept.bounds(7) == (7, 7)
    for zxid in (1, 2, 3):
        kept.append(zxid, b"")
    assert kept.bounds(7) == (2, 3)
