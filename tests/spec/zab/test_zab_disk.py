"""A disk of log records and a snapshot: what it consists of, and what a leader reads from it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Outcome
from zabcheck.models.registry import MISTAKES, Instance, build, check
from zabcheck.models.zab import model as bounded
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.file_mutants import LOG_READ_ACROSS_SNAPSHOT
from zabcheck.models.zab.model import World
from zabspec.histories import Txn, Zxid
from zabspec.parts import Sid, replace
from zabspec.zab.disk import durable, loaded, truncated, with_snapshot
from zabspec.zab.properties import delivered, prefix_consistency
from zabspec.zab.state import Diff, Disk, Server, Snapshot, Trunc, initial
from zabspec.zab.synchronization import how_to_sync_from_files

ONE, TWO, THREE, FOUR = (Txn(Zxid(1, counter), 0) for counter in (1, 2, 3, 4))
NEXT_EPOCH = Txn(Zxid(2, 1), 0)


def server(*log: Txn, snapshot: Snapshot | None = None) -> Server:
    """Returns a server that has loaded these records, and a snapshot."""
    fresh = initial(1, disk=Disk.FILES).servers[0]
    return loaded(fresh if snapshot is None else replace(fresh, snapshot=snapshot), log)


def test_a_restart_finds_the_snapshot_and_the_records_after_it() -> None:
    found = server(ONE, TWO, NEXT_EPOCH, snapshot=Snapshot((ONE,), Zxid(2, 0)))
    assert durable(found) == found.tree == (ONE, NEXT_EPOCH)
    assert (found.processed, found.committed_log) == (NEXT_EPOCH.zxid, (NEXT_EPOCH,))


def test_a_restart_that_finds_no_record_after_the_snapshot_has_its_label() -> None:
    found = server(ONE, TWO, snapshot=Snapshot((ONE,), Zxid(2, 0)))
    assert (found.tree, found.processed, found.committed_log) == ((ONE,), Zxid(2, 0), ())


def test_a_snapshot_leaves_the_log_as_it_is() -> None:
    written = with_snapshot(server(ONE, TWO))
    assert (written.log, written.snapshot) == ((ONE, TWO), Snapshot((ONE, TWO), TWO.zxid))


@pytest.mark.parametrize(
    ("before", "zxid", "after"),
    [
        (server(ONE, TWO, THREE), TWO.zxid, (ONE, TWO)),
        (server(ONE, TWO), THREE.zxid, None),
        (server(snapshot=Snapshot((ONE, TWO), TWO.zxid)), ONE.zxid, None),
        (server(ONE, TWO, snapshot=Snapshot((ONE, TWO), TWO.zxid)), ONE.zxid, None),
        (server(TWO, THREE, snapshot=Snapshot((ONE,), ONE.zxid)), TWO.zxid, (ONE, TWO)),
    ],
    ids=["in the log", "beyond the log", "in a snapshot alone", "a newer snapshot", "after the snapshot"],
)
def test_a_log_is_truncated_or_the_server_stops(
    before: Server, zxid: Zxid, after: tuple[Txn, ...] | None
) -> None:
    cut = truncated(before, zxid)
    assert (None if cut is None else cut.tree) == after


@pytest.mark.parametrize(
    ("leading", "has", "first", "missing"),
    [
        (server(ONE, TWO, THREE), ONE.zxid, Diff(), (TWO, THREE)),
        (server(ONE, TWO, THREE), THREE.zxid, Diff(), ()),
        (server(ONE, TWO, THREE), FOUR.zxid, Trunc(THREE.zxid), ()),
        (server(ONE, TWO, THREE), Zxid(0, 0), None, ()),
        (server(ONE, NEXT_EPOCH), TWO.zxid, None, ()),
        (server(ONE, FOUR, snapshot=Snapshot((ONE, TWO, THREE), THREE.zxid)), ONE.zxid, None, ()),
        (replace(server(ONE), committed_log=(ONE, TWO, THREE), processed=THREE.zxid), ONE.zxid, None, ()),
        (server(TWO, THREE, FOUR, snapshot=Snapshot((ONE,), ONE.zxid)), TWO.zxid, Diff(), (THREE, FOUR)),
    ],
    ids=[
        "from the log",
        "nothing",
        "too much",
        "the log begins too late",
        "across an epoch",
        "older than the snapshot",
        "a gap between log and memory",
        "after the snapshot",
    ],
)
def test_a_leader_reads_its_log_for_a_learner_that_is_behind(
    leading: Server, has: Zxid, first: Diff | Trunc | None, missing: tuple[Txn, ...]
) -> None:
    assert how_to_sync_from_files(leading, has) == (first, missing)


EXPLORED = {
    Bounds(2, 2, 1, 1, epochs=2, disk="files"): (7_321, 18_669, 49),
    Bounds(3, 1, 1, 0, epochs=2, disk="files"): (54_509, 147_049, 50),
}


@pytest.mark.parametrize("bounds", EXPLORED, ids=str)
def test_nothing_is_violated_with_disks_of_files(bounds: Bounds) -> None:
    verdict = search(build(Instance("zab", bounds)), Options())
    assert verdict.outcome == Outcome.PASSED
    found = verdict.counts
    assert (found.distinct, found.generated, found.depth) == EXPLORED[bounds]


def taken(world: World, instance: Instance, action: str, *arguments: int) -> World:
    """Returns the world after a step that must be enabled."""
    for step in build(instance).steps:
        if (step.action, step.arguments) == (action, arguments):
            after: World | None = step.apply(world, *arguments)
            assert after is not None, step.label
            return after
    raise AssertionError(action)


def settled(world: World, instance: Instance, *servers: int) -> World:
    """Returns the world after all that goes on by itself among some servers."""
    steps = [
        step
        for step in build(instance).steps
        if step.action in bounded.WORKING and set(step.arguments) <= set(servers)
    ]
    while True:
        found = [after for step in steps if (after := step.apply(world, *step.arguments)) is not None]
        if not found:
            return world
        world = found[0]


def after_a_snapshot_across_old_records(instance: Instance) -> World:
    """Returns a world in which a leader's log has records older than its snapshot that were never committed.

    Server 2 leads, was sent a tree in the epoch before, and has kept in its log what was never committed;
    observer 3 was away all the time and has just been synchronized.
    """
    world: World = build(instance).initial
    world = taken(world, instance, "follower_processes_proposal", 2, 0)
    world = taken(world, instance, "server_syncs_log", 2)
    world = taken(world, instance, "server_restarts", 0, 0)
    for follower in (1, 2, 3):
        world = taken(world, instance, "follower_notices", follower, 0)
    world = taken(world, instance, "server_is_elected", 1)
    world = taken(world, instance, "server_follows_leader", 0, 1)
    world = settled(world, instance, 0, 1)
    world = settled(taken(world, instance, "leader_proposes", 1), instance, 0, 1)
    world = settled(taken(world, instance, "server_follows_leader", 2, 1), instance, 0, 1, 2)
    world = taken(world, instance, "server_restarts", 1, 0)
    for follower in (0, 2):
        world = taken(world, instance, "follower_notices", follower, 1)
    world = taken(world, instance, "server_is_elected", 2)
    world = settled(taken(world, instance, "server_follows_leader", 0, 2), instance, 0, 2)
    world = settled(taken(world, instance, "leader_proposes", 2), instance, 0, 2)
    assert durable(world.protocol.servers[0]) == (ONE, NEXT_EPOCH, Txn(Zxid(3, 1), 0))
    assert world.protocol.servers[2].log == (ONE, TWO, Txn(Zxid(3, 1), 0))
    return settled(taken(world, instance, "server_follows_leader", 3, 2), instance, 0, 2, 3)


def test_a_log_read_across_a_snapshot_gives_what_was_never_committed(proved: Callable[[str], None]) -> None:
    mistake = LOG_READ_ACROSS_SNAPSHOT
    assert MISTAKES[mistake.name] is mistake
    wrong = Instance("zab", mistake.bounds, mutant=mistake.name)
    state = after_a_snapshot_across_old_records(wrong).protocol
    assert delivered(state, Sid(3)) == (ONE, TWO, Txn(Zxid(3, 1), 0))
    assert delivered(state, Sid(2)) == (ONE, NEXT_EPOCH, Txn(Zxid(3, 1), 0))
    assert mistake.caught_by == prefix_consistency.__name__
    assert not prefix_consistency(state, Sid(2), Sid(3))
    proved("a log read across a snapshot hands on what was never committed, and leaves out what was")


@pytest.mark.parametrize("bounds", [Bounds(disk="tape"), Bounds(election="votes", disk="files")], ids=str)
def test_a_disk_that_there_is_not_is_refused(bounds: Bounds) -> None:
    with pytest.raises(ValueError, match="disk"):
        check(Instance("zab", bounds))
