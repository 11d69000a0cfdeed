"""Members with slow disks, or with disks restored from an older copy: a quorum of disks has what is
acknowledged.

No member can tell from its own files that they were restored from an older copy. A leader can tell it of
members that it has heard from before. Nothing is lost as long as every quorum has a member with all of the
history.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from zabcheck.servers.session import Session
from zabcheck.simulation.client import Client
from zabcheck.simulation.disk import MemoryDisk
from zabcheck.simulation.world import World
from zabserver.net.disk.disk import Disk
from zabserver.net.shell.shell import FAST_SYNC
from zabserver.testing import Ensemble
from zabserver.zab.ensemble import Ensemble as Members
from zabserver.zab.ensemble import Member
from zabserver.zab.role import Rules
from zabspec import tree
from zabspec.tree.replies import Created

# Slow disks.


class Stuck:
    """A disk that syncs nothing until it is released, on its own thread.

    Attributes:
        is_waited_for: set once a sync was requested.
    """

    def __init__(self, disk: Disk) -> None:
        self.is_waited_for, self._may_go_on = threading.Event(), threading.Event()
        self._sync: Callable[[], None] = disk.sync

    def sync(self) -> None:
        self.is_waited_for.set()
        assert self._may_go_on.wait(60)
        self._sync()

    def release(self) -> None:
        self._may_go_on.set()


@pytest.fixture
def ensemble() -> Iterator[Ensemble]:
    with Ensemble(tick=1000) as it:
        yield it


def stick(it: Ensemble, server: int, monkeypatch: pytest.MonkeyPatch) -> Stuck:
    member = it._running[server]
    stuck = Stuck(member.disk)
    monkeypatch.setattr(member, "_sync_time", 1000 * FAST_SYNC)  # it is not waited for in the loop
    monkeypatch.setattr(member.disk, "sync", stuck.sync)
    return stuck


def test_a_follower_acknowledges_nothing_that_is_not_on_its_disk(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = ensemble.leader
    slow, other = (sid for sid in ensemble.servers if sid != leader)
    session = Session("127.0.0.1", ensemble.port(leader))
    stuck = stick(ensemble, slow, monkeypatch)
    assert session.call(tree.Create("/without-it")).reply == Created("/without-it", None)
    ensemble.kill(other)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(session.call, tree.Create("/a"))
        assert stuck.is_waited_for.wait(60)
        with pytest.raises(TimeoutError):
            answer.result(0.3)
        stuck.release()
        assert answer.result(20).reply == Created("/a", None)


def test_a_leader_does_not_wait_for_its_own_disk(ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quorum has the write without the leader, whose disk catches up when it is released."""
    leader = ensemble.leader
    session = Session("127.0.0.1", ensemble.port(leader))
    stuck = stick(ensemble, leader, monkeypatch)
    for number in range(50):
        assert session.call(tree.Create(f"/{number}")).reply == Created(f"/{number}", None)
    assert stuck.is_waited_for.is_set()
    stuck.release()
    ensemble.kill(leader)
    ensemble.restart(leader)
    ensemble.wait()
    found = Session("127.0.0.1", ensemble.port(leader)).call(tree.GetAllChildrenNumber("/")).reply
    assert getattr(found, "number", None) == 50 + 3


# Disks that are what they were.

RULES = Rules(tick=1000, init=10, sync=5)
THREE = Members({sid: Member(sid, "127.0.0.1", 2888, 3888) for sid in (1, 2, 3)})


def world() -> World:
    """Returns a world in which server 3 leads."""
    it = World(THREE, RULES)
    for sid in it.members:
        it.start(sid)
    it.calm(lambda: it.leader is not None and it.all_serve())
    return it


def write(it: World, sid: int, *paths: str) -> None:
    by = Client()
    assert it.connect(by, sid)
    it.calm(lambda: by.session != 0)
    made = [by.ask(tree.Create(path)) for path in paths]
    it.perform(sid)
    it.calm(lambda: all(each.error == 0 for each in made))


def set_back(it: World, sid: int, disk: MemoryDisk) -> None:
    it.crash(sid)
    it.members[sid].disk = copy.deepcopy(disk)


def has(it: World, sid: int, path: bytes) -> bool:
    peer = it.members[sid].peer
    assert peer is not None
    return path in peer.tree.nodes


def test_one_that_is_set_back_is_brought_up_and_its_leader_says_so() -> None:
    it = world()
    write(it, 3, "/a")
    before = copy.deepcopy(it.members[1].disk)
    write(it, 3, "/b", "/c")
    set_back(it, 1, before)
    it.start(1)
    it.calm(it.all_serve)
    assert has(it, 1, b"/c")
    assert any("server 1 acknowledged 0x" in line and "set back" in line for line in it.members[3].news)


def test_one_that_forgets_its_promise_is_brought_up_and_its_leader_says_so() -> None:
    it = world()
    set_back(it, 1, MemoryDisk())
    it.start(1)
    it.calm(it.all_serve)
    assert any("server 1 has forgotten that it promised" in line for line in it.members[3].news)
    assert it.members[1].disk.accepted == it.members[3].disk.accepted


def test_one_that_comes_back_with_what_it_had_is_not_suspected() -> None:
    it = world()
    write(it, 3, "/a")
    it.crash(1)
    write(it, 3, "/b")
    it.start(1)
    it.calm(it.all_serve)
    assert not any("set back" in line for line in it.members[3].news)


def test_one_that_is_set_back_while_nobody_leads_loses_nothing_as_long_as_the_others_are_there() -> None:
    it = world()
    before = copy.deepcopy(it.members[1].disk)
    write(it, 3, "/a", "/b")
    for sid in it.members:
        it.crash(sid)
    set_back(it, 1, before)
    for sid in it.members:
        it.start(sid)
    it.calm(lambda: it.leader is not None and it.all_serve())
    assert all(has(it, sid, b"/b") for sid in it.members)


def test_a_quorum_that_is_set_back_loses_what_was_acknowledged() -> None:
    """As in ZooKeeper: what is on no disk of a quorum is lost, even if a third member has it."""
    it = world()
    before = {sid: copy.deepcopy(it.members[sid].disk) for sid in (1, 2)}
    write(it, 3, "/a")
    for sid in it.members:
        it.crash(sid)
    for sid, disk in before.items():
        set_back(it, sid, disk)
        it.start(sid)
    it.calm(lambda: it.leader is not None and it.all_serve())
    write(it, 2, "/b")
    it.start(3)
    it.calm(it.all_serve)
    assert [(has(it, sid, b"/a"), has(it, sid, b"/b")) for sid in it.members] == [(False, True)] * 3
