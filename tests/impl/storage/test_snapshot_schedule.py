"""When a snapshot is due."""

from __future__ import annotations

from random import Random

import pytest

from zabserver.storage.schedule import Schedule


def moments(schedule: Schedule, count: int, size: int = 1) -> list[int]:
    """Returns after how many transactions of a size snapshots are due, if each is begun at once."""
    found, since = [], 0
    for _ in range(count):
        since += 1
        schedule.add(1, size)
        if schedule.is_due:
            found.append(since)
            since = 0
            schedule.begin()
    return found


@pytest.mark.parametrize("draw", [lambda _: 0, lambda most: most - 1], ids=["least", "most"])
def test_the_least_and_the_most(draw: object) -> None:
    """As in ZooKeeper: after more than snapCount / 2 + a random number from 0 to snapCount / 2 - 1."""
    assert callable(draw)
    assert moments(Schedule(100, 0, draw), 1000)[:3] == ([51] * 3 if draw(2) == 0 else [100] * 3)


def test_two_servers_do_not_snapshot_at_the_same_moments_though_they_log_the_same() -> None:
    one, other = (moments(Schedule(1000, 0, Random(seed).randrange), 50_000) for seed in (1, 2))
    assert one != other
    for found in (one, other):
        assert all(501 <= each <= 1000 for each in found)
        assert len(set(found)) > 10


def test_the_same_chances_are_the_same_moments() -> None:
    assert moments(Schedule(100, 0, Random(5).randrange), 5000) == moments(
        Schedule(100, 0, Random(5).randrange), 5000
    )


def test_bytes_count_too() -> None:
    found = moments(Schedule(1_000_000, 10_000, Random(3).randrange), 3000, size=100)
    assert all(51 <= each <= 100 for each in found)
    assert len(set(found)) > 10


def test_without_a_limit_bytes_do_not_count() -> None:
    assert moments(Schedule(1_000_000, 0, Random(3).randrange), 3000, size=1 << 40) == []


def test_the_least_count_there_is() -> None:
    assert moments(Schedule(2, 0, Random(1).randrange), 10) == [2] * 5
