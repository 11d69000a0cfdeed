"""Members of ours and of Apache's in one ensemble: each kind leads, follows, observes, and uses the other's
files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zabcheck.servers.clients import Watcher, Writer, differences, prepare
from zabcheck.servers.members import Kind, Members, why_no_apache

pytestmark = pytest.mark.apache

OURS, APACHE = Kind.OURS, Kind.APACHE
WRITTEN = 60
"""Number of writes that each writer has acknowledged between two faults."""


@pytest.fixture(autouse=True)
def _needs_apache() -> None:
    missing = why_no_apache()
    if missing and os.environ.get("ZABKIT_APACHE") == "required":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


@contextmanager
def load(members: Members) -> Iterator[tuple[list[Writer], Callable[[], None]]]:
    """Runs writers and a watcher; yields a function that waits until all writers have written more."""
    ports = list(members.client_ports.values())
    prepare(members.client_ports[members.leader or 1])
    writers = [Writer(f"w{number}", ports, seed=number) for number in range(3)]
    watcher = Watcher("watcher", ports, seed=9)
    for each in (*writers, watcher):
        each.start()

    def go_on() -> None:
        marks = [len(writer.told.acknowledged) + WRITTEN for writer in writers]
        members.wait_until(
            lambda: all(
                len(writer.told.acknowledged) >= mark or writer.failure is not None
                for writer, mark in zip(writers, marks, strict=True)
            )
        )

    try:
        yield writers, go_on
    finally:
        for each in (*writers, watcher):
            each.stop()
    assert watcher.wrong == []
    assert watcher.seen > 0


@pytest.mark.parametrize(
    "kinds",
    [{1: APACHE, 2: APACHE, 3: OURS}, {1: OURS, 2: OURS, 3: APACHE}],
    ids=["one of ours", "two of ours"],
)
def test_each_kind_leads_and_follows_the_other(kinds: dict[int, Kind], tmp_path: Path) -> None:
    """Server 3 leads first, because it has the largest id; then another leads, and server 3 follows it."""
    with Members(tmp_path, kinds) as members:
        members.wait_until_serving()
        first = members.leader
        if first is not None and first != 3:  # it was there before 3 was
            members.kill(first)
            members.wait_until_serving()
            members.start(first)
            members.wait_until_serving()
        assert members.leader == 3
        with load(members) as (writers, go_on):
            go_on()
            members.kill(3)
            members.wait_until_serving([1, 2])
            go_on()
            members.start(3)
            members.wait_until_serving()
            go_on()
            assert members.mode(3) == "follower"
        assert differences(list(members.client_ports.values()), writers) == []


@pytest.mark.parametrize("kind", [OURS, APACHE])
def test_each_kind_observes_the_other(kind: Kind, tmp_path: Path) -> None:
    other = APACHE if kind == OURS else OURS
    with Members(tmp_path, {1: kind, 2: other, 3: other, 4: other}, observers=[1]) as members:
        members.wait_until_serving()
        assert members.mode(1) == "observer"
        with load(members) as (writers, go_on):
            go_on()
            members.kill(1)
            go_on()
            members.start(1)
            members.wait_until_serving()
            go_on()
        assert differences(list(members.client_ports.values()), writers) == []


def test_members_become_ours_one_by_one_and_apaches_again(tmp_path: Path) -> None:
    """A rolling restart under a steady load; each member continues with the other kind's files."""
    with Members(tmp_path, dict.fromkeys((1, 2, 3), APACHE)) as members:
        members.wait_until_serving()
        with load(members) as (writers, go_on):
            for kind in (OURS, APACHE):
                for sid in (1, 2, 3):
                    members.stop(sid)
                    members.wait_until_serving()
                    go_on()
                    members.start(sid, kind)
                    members.wait_until_serving()
                    go_on()
        assert differences(list(members.client_ports.values()), writers) == []
