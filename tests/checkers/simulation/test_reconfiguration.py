"""Reconfiguration in a simulated world: servers join and leave, and any server may crash meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from random import Random

import pytest

from failed_runs import keep_and_fail
from zabcheck.servers.encoding import Reconfigure, Request
from zabcheck.simulation import reconfiguration_mistakes
from zabcheck.simulation.choosing import reconfigured_setting, walk
from zabcheck.simulation.client import Asked, Client
from zabcheck.simulation.events import check_event
from zabcheck.simulation.judging import Violation
from zabcheck.simulation.mistakes import planted
from zabcheck.simulation.run import Run
from zabcheck.simulation.setting import Setting
from zabcheck.simulation.world import World
from zabserver.service.settings import Settings
from zabserver.service.tree import CONFIG
from zabserver.wire.election import ServerState
from zabserver.wire.protocol import Err
from zabserver.zab.ensemble import Ensemble, ensemble_from_text
from zabserver.zab.leader import Leader
from zabserver.zab.peer import Peer
from zabserver.zab.role import Rules
from zabspec import tree

RUNS = 25
RULES = Rules(tick=1000, init=10, sync=5, settings=Settings(reconfig=True, skip_acl=True))


def line(sid: int, kind: str = "participant", host: str = "h") -> str:
    return f"server.{sid}={host}{sid}:2888:3888:{kind};{2180 + sid}"


def ensemble_of(*sids: int, observers: Iterable[int] = ()) -> Ensemble:
    lines = [line(sid, "observer" if sid in observers else "participant") for sid in (*sids, *observers)]
    return ensemble_from_text("\n".join(lines))


def world(*sids: int, observers: Iterable[int] = (), rules: Rules = RULES) -> World:
    made = World(ensemble_of(*sids, observers=observers), rules)
    for sid in made.members:
        made.start(sid)
    made.calm(lambda: made.leader is not None and made.all_serve())
    return made


def add(of: World, *sids: int, kind: str = "participant") -> None:
    """Starts servers that are to join, configured with the first ensemble and themselves."""
    for sid in sids:
        text = of.ensemble.text().replace("version=0", f"{line(sid, kind)}\nversion=0")
        of.add(sid, ensemble_from_text(text))
        of.start(sid)
    of.calm(of.all_serve)


def client(of: World, sid: int) -> Client:
    made = Client()
    assert of.connect(made, sid)
    of.calm(lambda: made.session != 0)
    return made


def ask(of: World, sid: int, by: Client, request: Request) -> Asked:
    asked = by.ask(request)
    of.perform(sid)
    of.calm(lambda: asked.error is not None or by.is_lost)
    return asked


def change(of: World, request: Reconfigure) -> Asked:
    """Asks the leader for a reconfiguration, and waits for the reply."""
    leader = of.leader
    assert leader is not None
    return ask(of, leader.me, client(of, leader.me), request)


def versions(of: World) -> set[int]:
    return {peer.ensemble.version for peer in of.peers()}


def members_of(peer: Peer) -> tuple[list[int], list[int]]:
    return sorted(peer.ensemble.voters), sorted(peer.ensemble.observers)


def is_settled(of: World) -> Callable[[], bool]:
    """Returns a condition: all members of the leader's ensemble serve, and know that ensemble."""

    def settled() -> bool:
        if of.leader is None:
            return False
        ensemble = of.leader.ensemble
        here = [peer for peer in of.peers() if peer.me in ensemble.members]
        return all(peer.service is not None and peer.ensemble.version == ensemble.version for peer in here)

    return settled


def test_the_first_ensemble_gets_the_epoch_as_its_version() -> None:
    it = world(1, 2, 3)
    assert versions(it) == {1 << 32}
    for peer in it.peers():
        node = peer.tree.nodes[CONFIG]
        assert node.data == peer.ensemble.text().encode()
        assert (node.version, node.mzxid) == (-1, 1 << 32)
        assert not peer.is_reconfiguring
    for sid in it.members:
        it.crash(sid)
    for sid in it.members:
        it.start(sid)
    it.calm(is_settled(it))
    assert versions(it) == {1 << 32}


@pytest.mark.parametrize("kind", ["participant", "observer"])
def test_a_server_joins(kind: str) -> None:
    it = world(1, 2, 3)
    add(it, 4, kind=kind)
    done = change(it, Reconfigure(line(4, kind)))
    assert done.error == 0
    it.calm(is_settled(it))
    assert versions(it) == {done.zxid}
    for peer in it.peers():
        assert 4 in (peer.ensemble.observers if kind == "observer" else peer.ensemble.voters)
        assert peer.tree.nodes[CONFIG].mzxid == done.zxid
    assert it.leader is not None
    assert it.leader.me == 3  # who was not elected anew
    for sid in (1, 2) if kind == "observer" else (1, 3):
        it.crash(sid)
    it.tick(RULES.tick * 20)
    it.settle()
    if kind == "observer":
        assert it.leader is None
    else:
        it.calm(lambda: it.leader is None)


def test_a_voter_that_has_joined_counts() -> None:
    it = world(1, 2, 3)
    add(it, 4, 5)
    assert change(it, Reconfigure(f"{line(4)},{line(5)}")).error == 0
    it.calm(is_settled(it))
    for sid in (1, 2):
        it.crash(sid)
    made = change(it, Reconfigure(leaving="1,2"))
    assert made.error == 0
    assert it.leader is not None
    assert members_of(it.leader) == ([3, 4, 5], [])


def test_a_server_that_has_left_no_longer_counts() -> None:
    it = world(1, 2, 3)
    assert change(it, Reconfigure(leaving="1")).error == 0
    it.calm(is_settled(it))
    assert all(members_of(peer) == ([2, 3], []) for peer in it.peers())
    it.crash(3)
    it.tick(60_000)
    it.settle()
    assert it.leader is None
    it.start(3)
    it.calm(is_settled(it))


def test_a_leader_that_leaves_hands_over_without_an_election() -> None:
    it = world(1, 2, 3)
    before = it.time
    done = change(it, Reconfigure(leaving="3"))
    it.calm(lambda: it.leader is not None and it.leader.me != 3 and is_settled(it)())
    assert it.leader is not None
    assert members_of(it.leader) == ([1, 2], [])
    assert it.leader.ensemble.version == it.leader.tree.nodes[CONFIG].mzxid
    assert done.zxid in (None, it.leader.ensemble.version)  # its client may have been told
    assert it.time - before < 1000
    assert it.members[3].peer is not None
    assert it.members[3].peer.ensemble.version == it.leader.ensemble.version


@pytest.mark.parametrize("sid", [1, 3])
def test_a_voter_becomes_an_observer_and_a_voter_again(sid: int) -> None:
    it = world(1, 2, 3)
    change(it, Reconfigure(line(sid, "observer")))
    it.calm(lambda: is_settled(it)() and it.leader is not None and sid in it.leader.ensemble.observers)
    peer = it.members[sid].peer
    assert peer is not None
    assert it.leader is not peer
    it.calm(lambda: mode(peer) == "observer")
    change(it, Reconfigure(line(sid)))
    it.calm(lambda: is_settled(it)() and it.leader is not None and sid in it.leader.ensemble.voters)
    it.calm(lambda: mode(peer) == "voter")


def mode(peer: Peer) -> str:
    role = peer.role
    return "observer" if getattr(role, "is_observer", False) else "voter"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Reconfigure("some thing"), Err.BAD_ARGUMENTS),
        (Reconfigure("server.4=h:1:2"), Err.BAD_ARGUMENTS),
        (Reconfigure("server.4=h1:2888:9;1"), Err.BAD_ARGUMENTS),
        (Reconfigure(leaving="x"), Err.BAD_ARGUMENTS),
        (Reconfigure(leaving="1,2"), Err.BAD_ARGUMENTS),
        (Reconfigure(members=line(3)), Err.BAD_ARGUMENTS),
        (Reconfigure(members="server.1"), Err.BAD_ARGUMENTS),
        (Reconfigure(members=",".join([line(3), line(7), line(8)])), Err.NEW_CONFIG_NO_QUORUM),
        (Reconfigure(leaving="1", version=5), Err.BAD_VERSION),
        (Reconfigure(leaving="1", version=1 << 32), Err.OK),
        (Reconfigure(leaving="9"), Err.OK),
        (Reconfigure(members=",".join([line(1), line(2, "observer"), line(3)])), Err.OK),
    ],
)
def test_reply_to_a_reconfiguration(request_: Reconfigure, code: int) -> None:
    it = world(1, 2, 3)
    assert change(it, request_).error == code
    it.calm(is_settled(it))
    assert all(not peer.is_reconfiguring for peer in it.peers())


def test_a_client_that_may_not_write_the_node_may_not_reconfigure() -> None:
    it = world(1, 2, 3, rules=Rules(tick=1000, settings=Settings(reconfig=True)))
    assert change(it, Reconfigure(leaving="1")).error == Err.NO_AUTH
    it = world(1, 2, 3, rules=Rules(tick=1000, settings=Settings(skip_acl=True)))
    assert change(it, Reconfigure(leaving="1")).error == Err.RECONFIG_DISABLED
    assert versions(it) == {0}


def test_there_is_one_reconfiguration_at_a_time() -> None:
    it = world(1, 2, 3)
    leader = it.leader
    assert leader is not None
    by = client(it, leader.me)
    asked = [by.ask(Reconfigure(leaving="1")), by.ask(Reconfigure(leaving="2"))]
    it.perform(leader.me)
    it.calm(lambda: all(each.error is not None for each in asked))
    assert [each.error for each in asked] == [0, Err.RECONFIG_IN_PROGRESS]


# Random runs.


def walk_reconfigured(seeds: range, length: int) -> int:
    """Walks runs in which members change, and returns how many reconfigurations were committed in all."""
    changes = 0
    for seed in seeds:
        random = Random(seed)
        run = Run(reconfigured_setting(random))
        try:
            walk(run, random, length)
        except Violation as violation:
            keep_and_fail(run.setting, tuple(run.events), violation)
        assert run.reconfigurations is not None
        changes += len(run.reconfigurations.ensembles) - 1
    return changes


def test_nothing_is_lost_and_quorums_of_both_ensembles_agree_whatever_crashes() -> None:
    assert walk_reconfigured(range(RUNS), 200) > RUNS


@pytest.mark.deep
def test_nothing_is_lost_in_many_long_runs() -> None:
    walk_reconfigured(range(10_000, 11_000), 400)


@pytest.mark.parametrize(
    ("sid", "version", "property"),
    [(1, 0, "one_ensemble_a_version"), (2, -1, "ensemble_is_of_history"), (3, 1, "ensemble_has_quorums")],
)
def test_a_server_with_another_ensemble_than_its_history_is_noticed(
    sid: int, version: int, property: str
) -> None:
    run = Run(Setting(joiners=2))
    for event in (("calm", 20_000), ("connect", 0, 3), ("settle",), ("reconfigure", 0, "2,3,4", "1")):
        run.do(event)
    run.do(("live", 1000))
    peer = run.world.members[sid].peer
    assert peer is not None
    assert peer.ensemble.observers == {1}
    peer.ensemble = replace(ensemble_of(1, 2), version=peer.ensemble.version + version)
    with pytest.raises(Violation, match=property):
        run.do(("tick", 10))


def test_a_run_without_joiners_is_not_reconfigured() -> None:
    with pytest.raises(ValueError, match="without joiners"):
        check_event(["reconfigure", 0, "1,2", ""], Setting())
    assert check_event(["reconfigure", 0, "1,2,5", "3"], Setting(joiners=2))
    for voters, observers in (("2,1", ""), ("1,1", ""), ("1,2", "2"), ("6", ""), ("1, 2", ""), ("a", "")):
        with pytest.raises(ValueError, match="reconfigure: "):
            check_event(["reconfigure", 0, voters, observers], Setting(joiners=2))


# Mistakes in the cores, each with a test that fails with it; `traces/ensemble` has a run for each, too.


def cut(of: World, ones: Iterable[int], others: Iterable[int]) -> None:
    """Stops delivery between two groups of servers."""
    for one in ones:
        for other in others:
            of.block(one, other)
            of.block(other, one)


def pass_time(of: World, milliseconds: int = 60_000) -> None:
    for _ in range(milliseconds // 250):
        of.tick(250)
        of.settle()


def five() -> tuple[World, Client]:
    """Returns a world led by 3 with voters 1, 2, 3 and non-voting learners 4, 5, and a client of 3."""
    it = world(1, 2, 3)
    add(it, 4, 5)
    assert it.leader is not None
    assert it.leader.me == 3
    return it, client(it, 3)


def moved_to(*voters: int) -> Reconfigure:
    return Reconfigure(members=",".join(map(line, voters)))


def serving_leaders(of: World) -> list[int]:
    return [peer.me for peer in of.peers() if peer.state == ServerState.LEADING and peer.service is not None]


@pytest.mark.parametrize("unheard", [(1, 2), (4, 5)])
def test_a_reconfiguration_and_what_follows_wait_for_both_quorums(unheard: tuple[int, int]) -> None:
    it, by = five()
    for sid in unheard:
        it.block(sid, 3)
    asked = [by.ask(moved_to(3, 4, 5)), by.ask(tree.Create("/a", b""))]
    it.perform(3)
    it.settle()
    assert [each.error for each in asked] == [None, None]
    it.heal()
    it.calm(lambda: all(each.error == 0 for each in asked))


def test_an_acknowledged_ensemble_counts_in_elections() -> None:
    it, by = five()
    it.block(3, 1)
    it.block(3, 2)
    asked = by.ask(moved_to(3, 4, 5))
    it.perform(3)
    it.blocked.clear()
    for cable, side in it.deliverable():  # the proposal reaches all servers
        it.deliver(cable, side)
    for sid in it.unsynced():
        it.sync(sid)
    for sid in (1, 2):
        it.block(3, sid)  # the commit reaches only 4 and 5
    it.settle()
    assert asked.error == 0
    cut(it, (1, 2), (3, 4, 5))
    for sid in (1, 2):
        it.crash(sid)
        it.start(sid)
    pass_time(it)
    assert serving_leaders(it) == [3]


def test_a_learner_does_not_take_a_proposed_ensemble_for_committed() -> None:
    it, by = five()
    cut(it, (1, 2), (3,))
    by.ask(moved_to(3, 4, 5))
    it.perform(3)
    it.settle()
    for sid in (4, 5):
        it.crash(sid)
        it.start(sid)
        it.settle()
        it.tick(50)
        it.settle()
    cut(it, (1, 2), (3, 4, 5))
    it.crash(3)
    it.start(3)
    pass_time(it)
    assert serving_leaders(it) == [2]


def test_proposals_before_the_commit_need_a_quorum_of_the_old_ensemble() -> None:
    it, by = five()
    leader = it.leader
    assert leader is not None
    assert isinstance(leader.role, Leader)
    by.ask(moved_to(3, 4, 5))
    it.perform(3)
    by.ask(tree.Create("/a", b""))
    it.perform(3)
    succession, (entry, (last, _)) = leader.role.succession, leader.role.logged()
    succession.tell(entry, last)
    succession.install()
    new = {1: entry[0], 2: entry[0], 3: last, 4: last, 5: last}
    assert succession.reached(new) == entry[0]
    assert succession.reached(new | {1: last}) == last
    assert succession.reached(new) == last


CAUGHT: dict[str, Callable[[], None]] = {
    "counts-old-quorum-only": partial(test_a_reconfiguration_and_what_follows_wait_for_both_quorums, (4, 5)),
    "counts-new-quorum-only": partial(test_a_reconfiguration_and_what_follows_wait_for_both_quorums, (1, 2)),
    "forgets-proposed-ensemble": test_an_acknowledged_ensemble_counts_in_elections,
    "tells-proposed-ensemble": test_a_learner_does_not_take_a_proposed_ensemble_for_committed,
    "drops-old-quorum-at-commit": (test_proposals_before_the_commit_need_a_quorum_of_the_old_ensemble),
    "ignores-newer-ensembles": partial(test_a_server_joins, "participant"),
}


def test_each_mistake_in_reconfigurations_has_a_test() -> None:
    assert set(CAUGHT) == {each.name for each in reconfiguration_mistakes.ALL}


@pytest.mark.parametrize("mistake", CAUGHT)
def test_mistake_is_caught(mistake: str) -> None:
    with planted(mistake), pytest.raises(AssertionError):
        CAUGHT[mistake]()
