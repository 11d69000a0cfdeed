"""Members of ours and of Apache's reconfigure their ensemble together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionLoss

from zabcheck.servers.members import Kind, why_no_apache
from zabcheck.servers.reconfigured import SETTINGS, SUPER, ReconfiguredMembers

pytestmark = pytest.mark.apache

OURS, APACHE = Kind.OURS, Kind.APACHE


@pytest.fixture(autouse=True)
def _needs_apache() -> None:
    missing = why_no_apache()
    if missing and os.environ.get("ZABKIT_APACHE") == "required":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


@contextmanager
def connected(members: ReconfiguredMembers, sid: int) -> Iterator[KazooClient]:
    client = KazooClient(f"127.0.0.1:{members.client_ports[sid]}", auth_data=SUPER)
    client.start(20)
    try:
        yield client
    finally:
        client.stop()
        client.close()


def change(
    members: ReconfiguredMembers, sid: int, joining: str | None = None, leaving: str | None = None
) -> None:
    """Requests a reconfiguration; if it changes the leader, Apache's members close the connection before they
    reply.
    """
    with connected(members, sid) as client, suppress(ConnectionLoss):
        client.reconfig(joining=joining, leaving=leaving, new_members=None)


def serving(members: ReconfiguredMembers, sids: list[int]) -> Callable[[], bool]:
    return lambda: all(map(members.mode, sids)) and any(members.mode(sid) == "leader" for sid in sids)


@pytest.mark.parametrize(
    "kinds",
    [(OURS, APACHE, OURS, APACHE), (APACHE, OURS, APACHE, OURS), (APACHE, APACHE, OURS, OURS)],
    ids=["Apache joins", "ours joins", "both are voters"],
)
def test_both_kinds_are_reconfigured(kinds: tuple[Kind, ...], tmp_path: Path) -> None:
    """The fourth joins, the leader leaves, another becomes an observer; all start from the files that they
    wrote.
    """
    with ReconfiguredMembers(tmp_path, dict(enumerate(kinds, 1)), settings=SETTINGS) as members:
        members.wait_until_serving()
        with connected(members, 1) as client:
            client.create("/before", b"x")
        members.start(4)
        members.wait_until(lambda: members.mode(4) == "follower")
        change(members, 1, joining=members.line(4))
        leader = members.leader
        assert leader is not None
        rest = [sid for sid in (1, 2, 3, 4) if sid != leader]
        change(members, rest[0], leaving=str(leader))
        members.wait_until(serving(members, rest))
        members.stop(leader)
        members.wait_until(serving(members, rest))
        change(members, rest[1], joining=members.line(rest[0], "observer"))
        members.wait_until(lambda: members.mode(rest[0]) == "observer")
        for sid in rest:
            members.stop(sid)
        for sid in rest:
            members.start(sid)
        members.wait_until(serving(members, rest))
        assert members.mode(rest[0]) == "observer"
        texts = set()
        for sid in rest:
            with connected(members, sid) as client:
                client.create(f"/{sid}")
                client.sync("/")
                assert client.get("/before")[0] == b"x"
                texts.add(client.get("/zookeeper/config")[0])
        (text,) = texts
        assert [line.split(b"=")[0] for line in text.splitlines()[:-1]] == [
            b"server.%d" % sid for sid in rest
        ]
