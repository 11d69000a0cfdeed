"""Files that are damaged at the end, compressed, or crafted to take long: what is reported, and what is
kept.
"""

from __future__ import annotations

import gzip
import logging
import os
import random
import tracemalloc
from pathlib import Path
from zlib import adler32

import pytest

from data_directories import creates, names, snapshot_of, two_snapshots, written
from snappy import snapped, snappy_block
from zabserver.net.commands.entry import main
from zabserver.net.disk import disk as disks
from zabserver.net.disk.disk import Disk
from zabserver.service.tree import Tree
from zabserver.storage import compressed, logs
from zabserver.storage.logs import Corrupt
from zabserver.testing import ZooKeeper


def entries_of(log: Path) -> list[logs.Entry]:
    """Returns the complete entries of a log file."""
    return list(logs.entries(log.read_bytes(), str(log)))


def damage(path: Path, at: int, length: int = 1) -> None:
    """Changes some bytes of a file."""
    whole = bytearray(path.read_bytes())
    for place in range(at, at + length):
        whole[place] ^= 0x55
    path.write_bytes(whole)


# The end of a log.


def test_a_last_entry_with_another_checksum_is_left_out_and_said_where(tmp_path: Path) -> None:
    [log] = written(tmp_path, creates(3))
    last = entries_of(log)[-1]
    damage(log, last.offset + 40)
    found = Disk(tmp_path).load()
    assert names(found) == {b"/n1", b"/n2"}
    [tail] = found.tails
    assert (tail.offset, tail.size, tail.is_rotten) == (last.offset, last.end - last.offset, True)
    size = last.end - last.offset
    assert (
        str(tail)
        == f"{log}: at byte {last.offset}: the last entry has a wrong checksum: ignoring {size} bytes"
    )


def test_an_end_that_is_cut_off_is_said_where(tmp_path: Path) -> None:
    [log] = written(tmp_path, creates(3))
    last = entries_of(log)[-1]
    log.write_bytes(log.read_bytes()[: last.end - 9] + bytes(500))
    [tail] = Disk(tmp_path).load().tails
    assert (tail.offset, tail.is_rotten) == (last.offset, False)
    assert str(tail).startswith(f"{log}: at byte {last.offset}: the last entry is cut short: ")


def test_zeros_are_no_end_that_is_cut_off(tmp_path: Path) -> None:
    written(tmp_path, creates(3))
    assert Disk(tmp_path).load().tails == []


def test_a_server_logs_what_it_leaves_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    [log] = written(tmp_path, creates(3))
    last = entries_of(log)[-1]
    damage(log, last.offset + 40)
    with caplog.at_level(logging.WARNING), ZooKeeper(data=tmp_path):
        pass
    [said] = [each.getMessage() for each in caplog.records if "log" in each.getMessage()]
    assert str(log) in said
    assert f"at byte {last.offset}" in said


def test_zab_log_tells_a_rotten_end_from_one_that_is_cut_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [log] = written(tmp_path, creates(3))
    last, whole = entries_of(log)[-1], log.read_bytes()
    damage(log, last.offset + 40)
    assert main(["log", str(log)]) == 1
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2
    assert said.err.startswith(f"zab log: {log}: at byte {last.offset}: the last entry has a wrong checksum")
    log.write_bytes(whole[: last.end - 9])
    assert main(["log", str(log)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith(
        f"# {log}: at byte {last.offset}: the last entry is cut short"
    )
    assert said.err == ""


def test_looking_for_entries_behind_damage_costs_a_bounded_number_of_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every 12 bytes, an entry appears to begin that extends to the end of the file."""
    count = 5000
    seeming = b"".join(
        logs.ENTRY.pack(place, (count - place) * logs.ENTRY.size) for place in range(1, count + 1)
    )
    crafted = logs.START + b"\1" + seeming + logs.END
    summed: list[int] = []

    def sum_of(payload: bytes) -> int:
        summed.append(len(payload))
        return adler32(payload)

    monkeypatch.setattr(logs, "adler32", sum_of)
    path = tmp_path / "log.1"
    path.write_bytes(crafted)
    with pytest.raises(Corrupt, match=r"at byte 16: a damaged entry; searching for complete"):
        list(logs.entries(crafted, str(path)))
    assert sum(summed) <= logs.PATIENCE * len(crafted) + logs.BLOCK


def test_a_whole_entry_behind_damage_is_found_among_zeros() -> None:
    entry = logs.encode_entry(creates(1)[0])
    for zeros in range(40):
        whole = logs.START + b"\1" + bytes(zeros) + entry
        with pytest.raises(Corrupt, match=f"complete entries follow from byte {17 + zeros}"):
            list(logs.entries(whole, "log"))


# Compressed snapshots.


PACK = {".gz": gzip.compress, ".snappy": snapped}
ENDINGS = [pytest.param(each, id=each[1:]) for each in PACK]


def pack_newest(folder: Path, ending: str) -> Path:
    """Writes two snapshots, compresses the newer one, and returns its path."""
    _, newest = two_snapshots(folder)
    packed = newest.with_name(newest.name + ending)
    packed.write_bytes(PACK[ending](newest.read_bytes()))
    newest.unlink()
    return packed


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_compressed_snapshot_is_read(ending: str, tmp_path: Path) -> None:
    pack_newest(tmp_path, ending)
    found = Disk(tmp_path).load()
    assert (found.snapshot, found.replayed, found.sessions, found.skipped) == (4, 2, {7: 4000}, [])
    assert len(names(found)) == 6


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_damaged_compressed_snapshot_is_passed_over_and_said(ending: str, tmp_path: Path) -> None:
    packed = pack_newest(tmp_path, ending)
    whole = packed.read_bytes()
    for kept in (0, 1, 5, 17, 30, len(whole) // 2, len(whole) - 1):
        packed.write_bytes(whole[:kept])
        found = Disk(tmp_path).load()
        assert (found.snapshot, found.replayed) == (2, 4)
        assert (
            found.skipped[0].startswith(f"{packed}: at byte ") or "(unpacked): at byte " in found.skipped[0]
        )


@pytest.mark.parametrize("ending", ["", *PACK])
def test_an_older_state_is_refused(ending: str, tmp_path: Path) -> None:
    """The newest snapshot cannot be read, and the logs end before it."""
    newest = pack_newest(tmp_path, ending) if ending else two_snapshots(tmp_path)[1]
    for path in Disk(tmp_path).log_files()[1:]:
        path.unlink()
    newest.write_bytes(newest.read_bytes()[:-6])
    with pytest.raises(Corrupt, match=f"the other files end at zxid 0x2, before this snapshot: {newest}"):
        Disk(tmp_path).load()


@pytest.mark.parametrize("seed", range(20))
def test_snappy_is_decoded(seed: int) -> None:
    chance = random.Random(seed)
    whole = b"".join(bytes([chance.randrange(4)]) * chance.randint(1, 20) for _ in range(300))
    packed = snappy_block(whole, chance)
    assert compressed.decode_block(packed, len(whole)) == whole
    assert compressed.decode_block(packed, len(whole) - 1) is None
    assert compressed.decode_block(packed[:-1], len(whole)) is None


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_unpacks_to_too_much_is_refused_in_time(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"snapshot.1{ending}"
    path.write_bytes(PACK[ending](bytes(3_000_000)))
    pieces: list[bytes] = []
    with path.open("rb") as file, pytest.raises(Corrupt, match="more than 100000 bytes"):
        pieces.extend(compressed.UNPACK[ending](file, str(path), 100_000))
    assert sum(map(len, pieces)) <= 100_000


def test_a_block_that_says_it_is_long_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.1.snappy"
    path.write_bytes(snapped(b"")[:16] + compressed.CHUNK.pack(0x7FFFFFFF) + b"x")
    tracemalloc.start()
    with path.open("rb") as file, pytest.raises(Corrupt, match="at byte 16: a damaged snappy block"):
        list(compressed.unsnapped(file, str(path)))
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert memory < 1 << 20


@pytest.mark.parametrize("ending", ENDINGS)
def test_purging_counts_compressed_snapshots(ending: str, tmp_path: Path) -> None:
    packed = pack_newest(tmp_path, ending)
    assert sorted(path.name for path in Disk(tmp_path).purge(kept=1)) == ["log.1", "snapshot.2"]
    assert packed.exists()
    assert len(names(Disk(tmp_path).load())) == 6


@pytest.mark.parametrize("ending", ["", *PACK])
def test_purging_does_not_count_a_damaged_snapshot(ending: str, tmp_path: Path) -> None:
    """A snapshot damaged in the middle looks complete at its end; the snapshots before it are still
    needed.
    """
    newest = pack_newest(tmp_path, ending) if ending else two_snapshots(tmp_path)[1]
    damage(newest, len(newest.read_bytes()) // 2)
    assert Disk(tmp_path).purge(kept=1) == []
    assert len(names(Disk(tmp_path).load())) == 6


# What is printed of a damaged snapshot.


@pytest.mark.parametrize("ending", ["", *PACK])
def test_a_damaged_snapshot_is_printed_up_to_the_damage(
    ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = Tree()
    disk = Disk(tmp_path)
    path = snapshot_of(tree, disk, {5: 4000})
    whole = path.read_bytes()
    cut = whole.index(b"/zookeeper/quota") + 4
    path.unlink()
    path = path.with_name(path.name + ending)
    path.write_bytes(PACK.get(ending, bytes)(whole[:cut]))
    assert main(["snapshot", str(path)]) == 1
    said = capsys.readouterr()
    assert [line.split()[0] for line in said.out.splitlines()] == [
        "session",
        "/",
        "/zookeeper",
        "/zookeeper/config",
    ]
    assert said.err.startswith(f"zab snapshot: {path}")
    assert said.err.count("\n") == 1


def test_a_snapshot_with_another_checksum_is_printed_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = snapshot_of(Tree(), Disk(tmp_path), {5: 4000})
    damage(path, len(path.read_bytes()) - 40)
    assert main(["snapshot", str(path)]) == 1
    said = capsys.readouterr()
    assert "/zookeeper/quota" in said.out
    assert "the checksum is wrong" in said.err


# What is on disk, and when.


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Records which paths are synced, renamed and deleted, in order; by the last part of the path."""
    done: list[tuple[str, str]] = []
    fsync, fdatasync, rename, unlink = os.fsync, os.fdatasync, Path.rename, Path.unlink

    def path_of(handle: int) -> str:
        return Path(os.readlink(f"/proc/self/fd/{handle}")).name

    def traced_fsync(handle: int) -> None:
        done.append(("sync", path_of(handle)))
        fsync(handle)

    def traced_fdatasync(handle: int) -> None:
        done.append(("sync", path_of(handle)))
        fdatasync(handle)

    def traced_rename(path: Path, target: Path) -> Path:
        done.append(("name", target.name))
        return rename(path, target)

    def traced_unlink(path: Path, missing_ok: bool = False) -> None:
        done.append(("delete", path.name))
        unlink(path, missing_ok)

    monkeypatch.setattr(disks.os, "fsync", traced_fsync)
    monkeypatch.setattr(disks.os, "fdatasync", traced_fdatasync)
    monkeypatch.setattr(Path, "rename", traced_rename)
    monkeypatch.setattr(Path, "unlink", traced_unlink)
    return done


def test_a_snapshot_is_on_disk_with_its_name(tmp_path: Path, calls: list[tuple[str, str]]) -> None:
    disk = Disk(tmp_path)
    calls.clear()
    snapshot_of(Tree(), disk, {})
    assert calls == [("sync", ".snapshot.0.tmp"), ("name", "snapshot.0"), ("sync", "version-2")]


def test_a_new_log_is_on_disk_with_its_name_and_those_of_its_folders(
    tmp_path: Path, calls: list[tuple[str, str]]
) -> None:
    disk = Disk(tmp_path / "data")
    assert calls == [("sync", tmp_path.name), ("sync", "data")]
    calls.clear()
    disk.append(creates(1))
    disk.sync()
    assert calls == [("sync", "version-2"), ("sync", "log.1")]


def test_what_stays_is_on_disk_before_anything_is_purged(
    tmp_path: Path, calls: list[tuple[str, str]]
) -> None:
    """Apache ZooKeeper syncs neither its snapshots nor their directory."""
    two_snapshots(tmp_path)
    calls.clear()
    Disk(tmp_path).purge(kept=1)
    first = [kind for kind, _ in calls].index("delete")
    assert {name for _, name in calls[:first]} == {"snapshot.4", "log.3", "log.5", "version-2"}
    assert {kind for kind, _ in calls[first:]} == {"delete"}
