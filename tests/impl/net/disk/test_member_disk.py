"""A member's disk truncates, replaces and rereads its history, and keeps its two epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crash_points import check_each_is_synced, recording
from zabserver.net.disk import epochs
from zabserver.net.disk.member_disk import MemberDisk
from zabserver.service.node import OPEN
from zabserver.service.tree import Tree
from zabserver.service.txns import CreateTxn, Record, decode_record, zxid_of
from zabserver.storage.logs import Corrupt
from zabserver.wire.protocol import Op
from zabserver.zab.storage import Storage

E1, E2, E3 = 1 << 32, 2 << 32, 3 << 32


def creates(*zxids: int) -> list[bytes]:
    """Returns transactions that each create a node named after its zxid."""
    return [
        Record(7, 1, zxid, 1000, CreateTxn(Op.CREATE, b"/n%x" % zxid, b"x" * 20, OPEN, False, at)).encode()
        for at, zxid in enumerate(zxids, 1)
    ]


def tree_of(payloads: list[bytes]) -> Tree:
    """Returns the tree that transactions make."""
    tree = Tree()
    for each in payloads:
        tree.apply(decode_record(each))
    return tree


def disk_with(folder: Path, *groups: list[bytes], snapshots: bool = False) -> MemberDisk:
    """Returns a disk with a log file for each group, and a snapshot before each group or only before the
    first.
    """
    disk = MemberDisk(folder, preallocated=1 << 16)
    so_far: list[bytes] = []
    for group in groups:
        if snapshots or not so_far:
            disk.save(tree_of(so_far), {7: 4000})
        disk.write(group)
        disk.roll()
        so_far += group
    return disk


def history(folder: Path) -> list[int]:
    """Returns the zxids of the recovered transactions, in order of their creation."""
    tree = MemberDisk(folder).load().tree
    return sorted(node.czxid for node in tree.nodes.values() if node.czxid)


HISTORY = [E1 + 1, E1 + 2, E1 + 3, E2 + 1, E2 + 2, E3 + 1]


def test_a_new_member_starts_again(tmp_path: Path) -> None:
    """A new member's first log begins with an epoch, not with transaction 1."""
    disk = MemberDisk(tmp_path)
    assert disk.load().tree.zxid == 0
    disk.write(creates(E1 + 1))
    assert history(tmp_path) == [E1 + 1]


def test_epochs_without_a_history_are_refused(tmp_path: Path) -> None:
    disk = MemberDisk(tmp_path)
    disk.load()
    disk.load_epochs(0)
    assert MemberDisk(tmp_path).load().tree.zxid == 0
    disk.set_accepted_epoch(1)
    assert MemberDisk(tmp_path).load().tree.zxid == 0
    for path in disk.snapshot_files():
        path.unlink()
    with pytest.raises(Corrupt, match="there are epochs but no history"):
        MemberDisk(tmp_path).load()


def test_a_member_disk_is_a_storage(tmp_path: Path) -> None:
    storage: Storage = MemberDisk(tmp_path)
    storage.save(Tree(), {})
    storage.write(creates(E1 + 1))
    assert storage.load().tree.zxid == E1 + 1


@pytest.mark.parametrize("with_snapshots", [False, True])
@pytest.mark.parametrize("kept", range(1, 7))
def test_a_history_is_cut_exactly(kept: int, with_snapshots: bool, tmp_path: Path) -> None:
    """Finds newer snapshots that are kept (hazard h2), and the first record after the zxid that is kept
    (h1).
    """
    groups = creates(*HISTORY)
    disk = disk_with(tmp_path, groups[:2], groups[2:4], groups[4:], snapshots=with_snapshots)
    disk.truncate(HISTORY[kept - 1])
    assert history(tmp_path) == HISTORY[:kept]
    disk.write(creates(E3 + 1 if kept < 6 else E3 + 2))
    assert len(history(tmp_path)) == kept + 1


@pytest.mark.parametrize("zxid", [E1 + 4, E2 + 7, E3 + 2, (4 << 32) + 1])
def test_what_is_not_there_is_not_truncate_after(zxid: int, tmp_path: Path) -> None:
    disk = disk_with(tmp_path, creates(*HISTORY))
    with pytest.raises(Corrupt, match="it is not in the history"):
        disk.truncate(zxid)
    assert history(tmp_path) == HISTORY


def test_entries_after_begin_with_what_they_follow(tmp_path: Path) -> None:
    groups = creates(*HISTORY)
    disk = disk_with(tmp_path, groups[:2], groups[2:4], groups[4:])
    found = {zxid: [at for at, _ in disk.entries_after(zxid)] for zxid in (*HISTORY, E1 + 9, E2, E1, 5 << 32)}
    assert found == {
        **{zxid: HISTORY[at:] for at, zxid in enumerate(HISTORY)},
        E1 + 9: HISTORY[2:],
        E2: HISTORY[2:],
        E1: [],
        5 << 32: HISTORY[-1:],
    }
    assert [zxid_of(each) for _, each in disk.entries_after(E2 + 1)] == HISTORY[3:]
    assert [[at for at, _ in disk.recent(count)] for count in range(8)] == [
        HISTORY[6 - n :] for n in range(7)
    ] + [HISTORY]


def test_a_history_with_a_gap_is_read_up_to_it(tmp_path: Path) -> None:
    """Apache leaves a gap where a leader's snapshot was saved between two logs; the first may be of any
    history.
    """
    disk = disk_with(tmp_path, creates(E1 + 1, E1 + 2), creates(E2 + 3, E2 + 4))
    assert [zxid for zxid, _ in disk.recent(10)] == [E2 + 3, E2 + 4]
    assert [[zxid for zxid, _ in disk.entries_after(E1 + at)] for at in (0, 1, 2)] == [
        [],
        [E1 + 1, E1 + 2],
        [],
    ]
    assert [zxid for zxid, _ in disk.entries_after(E2 + 3)] == [E2 + 3, E2 + 4]
    with pytest.raises(Corrupt, match="transactions are missing"):
        MemberDisk(tmp_path).load()


# Crashes. What is done is done in a folder of its own for each crash point.


def crashes(
    folder: Path, prepare: Callable[[Path], MemberDisk], do: Callable[[MemberDisk], None]
) -> Iterator[tuple[Path, bool]]:
    """Yields the folder left by a crash before each change to a file, and the complete one."""
    for until in range(100):
        here = folder / str(until)
        disk = prepare(here)
        with recording(until) as recorder:
            do(disk)
        is_whole = len(recorder.calls) < until
        if is_whole:
            check_each_is_synced(recorder.calls)
        yield here, is_whole
        if is_whole:
            assert until > 1
            return
    raise AssertionError("more than 100 changes")


def cut_is_safe(folder: Path, kept: int) -> None:
    """While a history is truncated, a prefix of it is left that is long enough; at the end, exactly that."""

    def prepare(here: Path) -> MemberDisk:
        groups = creates(*HISTORY)
        return disk_with(here, groups[:2], groups[2:4], groups[4:], snapshots=True)

    for here, is_whole in crashes(folder, prepare, lambda disk: disk.truncate(HISTORY[kept - 1])):
        found = history(here)
        assert found == HISTORY[: len(found)]
        assert len(found) >= kept
        if is_whole:
            assert len(found) == kept
        MemberDisk(here).truncate(HISTORY[kept - 1])
        assert history(here) == HISTORY[:kept]


@pytest.mark.parametrize("kept", range(1, 6))
def test_a_crash_while_a_history_is_cut_leaves_a_beginning_of_it(kept: int, tmp_path: Path) -> None:
    cut_is_safe(tmp_path, kept)


IMAGE = [E1 + 1, E1 + 2, E2 + 1]


def image_is_safe(folder: Path, with_snapshots: bool = False) -> None:
    """While a leader's tree replaces a history, either a prefix of that history or the tree can be loaded.

    The epochs can be loaded as well, although the tree is of a later one than the current.
    """
    mine = [E1 + 1, E1 + 2, E1 + 3, E1 + 4, E3 + 1, E3 + 2]

    def prepare(here: Path) -> MemberDisk:
        groups = creates(*mine)
        disk = disk_with(here, groups[:3], groups[3:5], groups[5:], snapshots=with_snapshots)
        disk.set_accepted_epoch(4)
        disk.set_current_epoch(1)
        disk.load_epochs(E1)
        return disk

    for here, is_whole in crashes(folder, prepare, lambda disk: disk.save(tree_of(creates(*IMAGE)), {})):
        found = history(here)
        if found[-1] >> 32 != 3:  # which the files of this made-up member do not fit
            accepted, current = MemberDisk(here).load_epochs(found[-1])
            assert accepted == 4
            assert current >= found[-1] >> 32
        if not is_whole and found != IMAGE:
            assert found == mine[: len(found)]
            assert len(found) >= 4
        if is_whole:
            assert found == IMAGE
            assert MemberDisk(here).log_files() == []
            assert len(MemberDisk(here).snapshot_files()) == 1


@pytest.mark.parametrize("with_snapshots", [False, True])
def test_a_crash_while_a_tree_is_taken_over_leaves_it_or_a_beginning(
    with_snapshots: bool, tmp_path: Path
) -> None:
    image_is_safe(tmp_path, with_snapshots)


def test_a_log_that_the_tree_is_of_stays(tmp_path: Path) -> None:
    disk = disk_with(tmp_path, creates(*HISTORY))
    disk.save(tree_of(creates(*HISTORY[:4])), {})
    assert [zxid for zxid, _ in disk.recent(10)] == HISTORY[:4]


def sync_is_safe(folder: Path) -> None:
    """A crash between history and epoch, or within either, leaves a member that starts and claims no more
    than it has.

    A member with a transaction of an epoch may say that its history is of that epoch, and of no later one.
    """

    def prepare(here: Path) -> MemberDisk:
        disk = disk_with(here, creates(E1 + 1, E1 + 2))
        disk.set_accepted_epoch(5)
        disk.set_current_epoch(1)
        return disk

    def do(disk: MemberDisk) -> None:
        disk.write(creates(E1 + 3, E2 + 1, E3 + 1))
        disk.set_current_epoch(5)

    for here, is_whole in crashes(folder, prepare, do):
        last = MemberDisk(here).load().tree.zxid
        accepted, current = MemberDisk(here).load_epochs(last)
        assert accepted == 5
        assert current in ({5} if is_whole else {1, 5, last >> 32})
        if current == 5:
            assert last == E3 + 1
        assert current >= last >> 32
        assert MemberDisk(here).load_epochs(last) == (5, current)


def test_a_crash_while_a_learner_is_synchronized_leaves_a_member_that_starts(tmp_path: Path) -> None:
    sync_is_safe(tmp_path)


def oldest_first(disk: MemberDisk, zxid: int) -> None:
    """Mistake: logs are deleted oldest first."""
    for path in (*disk.snapshot_files(), *disk.log_files()):
        if int(path.suffix[1:], 16) > zxid:
            epochs.remove(path)
    for path in disk.log_files()[-1:]:
        disk._truncate_file(path, zxid)


def logs_only(disk: MemberDisk, zxid: int) -> None:
    """Mistake: newer snapshots are kept (hazard h2)."""
    for path in reversed(disk.log_files()):
        if int(path.suffix[1:], 16) > zxid:
            epochs.remove(path)
    for path in disk.log_files()[-1:]:
        disk._truncate_file(path, zxid)


def one_more(disk: MemberDisk, zxid: int) -> None:
    """Mistake: the first transaction after the zxid is kept (hazard h1)."""
    CUT(disk, zxid + 1)


def unsynced(path: Path) -> None:
    """Mistake: a file is deleted, but its folder is not synced."""
    path.unlink()


def nothing(*_: object) -> None:
    """Mistake: a step is omitted."""


def in_place(path: Path) -> Path:
    """Mistake: a file is overwritten in place."""
    return path


CUT = MemberDisk._truncate_after
MISTAKES: dict[str, tuple[object, str, object, Callable[[Path], None]]] = {
    "oldest first": (MemberDisk, "_truncate_after", oldest_first, lambda folder: cut_is_safe(folder, 2)),
    "snapshots stay": (MemberDisk, "_truncate_after", logs_only, lambda folder: cut_is_safe(folder, 2)),
    "one more": (MemberDisk, "_truncate_after", one_more, lambda folder: cut_is_safe(folder, 1)),
    "not synced": (epochs, "remove", unsynced, lambda folder: cut_is_safe(folder, 2)),
    "the image first": (MemberDisk, "_truncate_after", nothing, image_is_safe),
    "the image is not announced": (MemberDisk, "_announce", nothing, image_is_safe),
    "the history is not announced": (MemberDisk, "_announce", nothing, sync_is_safe),
    "epochs in place": (epochs, "_beside", in_place, sync_is_safe),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_with_files_are_caught(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, mistake, holds = MISTAKES[name]
    monkeypatch.setattr(owner, attribute, mistake)
    with pytest.raises((AssertionError, Corrupt)):
        holds(tmp_path)


# Epochs.


def files(folder: Path, **contents: str) -> MemberDisk:
    """Returns a disk with epoch files; `_` in a name stands for the dot."""
    disk = MemberDisk(folder)
    for name, content in contents.items():
        (disk.data / name.replace("_", ".")).write_text(content)
    return disk


@pytest.mark.parametrize(
    ("contents", "last", "expected"),
    [
        ({}, E3 + 7, (3, 3)),
        ({"acceptedEpoch": "5"}, E3 + 7, (5, 3)),
        ({"acceptedEpoch": "5", "currentEpoch": "4\n"}, E3 + 7, (5, 4)),
        ({"acceptedEpoch": "5", "currentEpoch": "2", "currentEpoch_tmp": "5"}, E3 + 7, (5, 5)),
        ({"acceptedEpoch": "5", "currentEpoch": "4", "currentEpoch_tmp": "5"}, E3 + 7, (5, 4)),
        ({"acceptedEpoch": "5", "currentEpoch": "2", "currentEpoch_next": "4"}, E3 + 7, (5, 3)),
    ],
)
def test_epochs_are_loaded(
    contents: dict[str, str], last: int, expected: tuple[int, int], tmp_path: Path
) -> None:
    assert files(tmp_path, **contents).load_epochs(last) == expected
    left = sorted(path.name for path in (tmp_path / "version-2").iterdir())
    assert left == ["acceptedEpoch", "currentEpoch"]
    assert MemberDisk(tmp_path).load_epochs(last) == expected


@pytest.mark.parametrize(
    ("contents", "why"),
    [
        (
            {"acceptedEpoch": "5", "currentEpoch": "2"},
            "the current epoch, 2, is less than that of the log, 3",
        ),
        ({"acceptedEpoch": "5", "currentEpoch": "2", "currentEpoch_tmp": "2"}, "less than that of the log"),
        ({"acceptedEpoch": "5", "currentEpoch": "2", "currentEpoch_tmp": ""}, "less than that of the log"),
        ({"acceptedEpoch": "5", "currentEpoch": "2", "currentEpoch_next": "2"}, "less than that of the log"),
        ({"acceptedEpoch": "2"}, "the accepted epoch, 2, is less than the current epoch, 3"),
        ({"acceptedEpoch": "2", "currentEpoch": "2", "currentEpoch_tmp": "3"}, "the accepted epoch, 2"),
        ({"currentEpoch": "4"}, "the accepted epoch, 3, is less than the current epoch, 4"),
        ({"currentEpoch": "four"}, "'four' is not an epoch"),
        ({"acceptedEpoch": ""}, "'' is not an epoch"),
        ({"acceptedEpoch": "-1"}, "'-1' is not an epoch"),
    ],
)
def test_epochs_that_do_not_fit_are_refused(contents: dict[str, str], why: str, tmp_path: Path) -> None:
    disk = files(tmp_path, **contents)
    before = {path.name: path.read_text() for path in disk.data.iterdir()}
    with pytest.raises(Corrupt, match=why):
        disk.load_epochs(E3 + 7)
    assert {path.name: path.read_text() for path in disk.data.iterdir()} == before
