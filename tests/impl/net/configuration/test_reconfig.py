"""Reconfiguration of real members by clients, and the files that members write for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import (
    BadArgumentsError,
    BadVersionError,
    NewConfigNoQuorumError,
    NoAuthError,
)

from zabcheck.servers.members import Kind, free_ports
from zabcheck.servers.reconfigured import SETTINGS, SUPER, ReconfiguredMembers
from zabserver.net.configuration.config_files import ConfigFiles, read_dynamic, read_next
from zabserver.net.configuration.options import read_options
from zabserver.zab.ensemble import ensemble_from_text

FIRST = ReconfiguredMembers.first


@pytest.fixture
def members(tmp_path: Path) -> Iterator[ReconfiguredMembers]:
    with ReconfiguredMembers(tmp_path, dict.fromkeys((1, 2, 3, 4), Kind.OURS), settings=SETTINGS) as made:
        made.wait_until_serving()
        yield made


@contextmanager
def connected(of: ReconfiguredMembers, sid: int, is_super: bool = True) -> Iterator[KazooClient]:
    client = KazooClient(f"127.0.0.1:{of.client_ports[sid]}", auth_data=SUPER if is_super else None)
    client.start(20)
    try:
        yield client
    finally:
        client.stop()
        client.close()


def config_of(client: KazooClient) -> tuple[str, int]:
    data, stat = client.get("/zookeeper/config")
    return data.decode(), stat.version


def test_members_join_lead_and_leave(members: ReconfiguredMembers) -> None:
    seen: list[bytes] = []
    with connected(members, 1) as client:
        client.get("/zookeeper/config", watch=lambda event: seen.append(event.path))
        client.create("/before", b"x")
        members.start(4)
        members.wait_until(lambda: members.mode(4) == "follower")
        data, stat = client.reconfig(joining=members.line(4), leaving=None, new_members=None)
        assert members.line(4).encode() in data.split(b"\n")
        assert data.endswith(b"version=%x" % stat.mzxid)
        assert stat.version == -1
        members.wait_until(lambda: seen == ["/zookeeper/config"])
        assert config_of(client) == (data.decode(), -1)
    leader = members.leader
    assert leader is not None
    rest = [sid for sid in (1, 2, 3, 4) if sid != leader]
    with connected(members, rest[0]) as client:
        client.reconfig(joining=None, leaving=str(leader), new_members=None)
    members.wait_until_serving(rest)
    members.stop(leader)
    members.wait_until_serving(rest)
    assert members.leader in rest
    with connected(members, 4) as client:
        assert client.get("/before")[0] == b"x"
        client.create("/after", b"y")
        assert f"server.{leader}=" not in config_of(client)[0]
    for sid in rest:
        members.kill(sid)
    for sid in rest:
        config = members.folder / f"{sid}.cfg"
        options = read_options(config)
        assert options.ensemble is not None
        assert sorted(options.ensemble.members) == rest
        assert options.last_seen is None
        assert "server." not in config.read_text()
        assert "server.1=" in config.with_name(f"{sid}.cfg.bak").read_text()
        members.start(sid)
    members.wait_until_serving(rest)
    with connected(members, 4) as client:
        assert client.get("/after")[0] == b"y"


def test_parts_and_client_ports_change_in_place(members: ReconfiguredMembers) -> None:
    leader = members.leader
    sid = next(sid for sid in FIRST if sid != leader)
    with connected(members, leader or 1) as client:
        client.reconfig(joining=members.line(sid, "observer"), leaving=None, new_members=None)
        members.wait_until(lambda: members.mode(sid) == "observer")
        client.reconfig(joining=members.line(sid), leaving=None, new_members=None)
        members.wait_until(lambda: members.mode(sid) == "follower")
        (members.client_ports[sid],) = free_ports(1)
        client.reconfig(joining=members.line(sid), leaving=None, new_members=None)
        members.wait_until(lambda: members.mode(sid) == "follower")
        members.addresses[sid] = (free_ports(2)[0], free_ports(2)[1])
        client.reconfig(joining=members.line(sid), leaving=None, new_members=None)
    members.kill(next(each for each in FIRST if each not in (sid, leader)))
    with connected(members, sid) as client:  # whom the leader needs now
        client.create("/a")


def test_what_is_refused(members: ReconfiguredMembers) -> None:
    """Repeats kazoo's own tests of refused reconfigurations, and adds more."""
    with connected(members, 1, is_super=False) as client:
        with pytest.raises(NoAuthError):
            client.reconfig(joining=members.line(4, "observer"), leaving=None, new_members=None)
        with pytest.raises(BadArgumentsError):
            client.reconfig(joining="some thing", leaving=None, new_members=None)
    with connected(members, 2) as client:
        joining = members.line(4, "observer")
        data, _ = client.reconfig(joining=joining, leaving=None, new_members=None)
        assert joining.encode() in data
        data, _ = client.reconfig(joining=None, leaving="4", new_members=None)
        assert joining.encode() not in data
        version = int(data.decode().split("\n")[-1].split("=")[1], base=16)
        with pytest.raises(BadVersionError):
            client.reconfig(joining=joining, leaving=None, new_members=None, from_config=version + 1)
        lone = f"{members.line(4)},{members.line(1)}"
        with pytest.raises(NewConfigNoQuorumError):
            client.reconfig(joining=None, leaving=None, new_members=lone)


# The files.

TEXT = "server.1=h:1:2:participant;0.0.0.0:5\nserver.2=h:3:4:observer\nversion={:x}"
CONFIG = "dataDir=data\npeerType=observer\nclientPort=5\nserver.1=h:1:2\ntickTime=7\n"


@pytest.fixture
def files(tmp_path: Path) -> ConfigFiles:
    (tmp_path / "zoo.cfg").write_text(CONFIG)
    return ConfigFiles(tmp_path / "zoo.cfg", 1)


def names(files: ConfigFiles) -> list[str]:
    return sorted(each.name for each in files.path.parent.iterdir())


def test_what_is_committed_is_pointed_to(files: ConfigFiles) -> None:
    ensemble = ensemble_from_text(TEXT.format(0x100000002))
    files.save(ensemble, ensemble)
    dynamic = files.path.with_name("zoo.cfg.dynamic.100000002")
    assert names(files) == ["zoo.cfg", "zoo.cfg.bak", dynamic.name]
    assert files.path.read_text() == f"dataDir=data\ntickTime=7\ndynamicConfigFile={dynamic}\n"
    assert files.path.with_name("zoo.cfg.bak").read_text() == CONFIG
    assert dynamic.read_text() == "server.1=h:1:2:participant;0.0.0.0:5\nserver.2=h:3:4:observer\n"
    assert read_dynamic(dynamic) == ensemble
    assert read_next(files.path) is None


def test_what_is_proposed_is_kept_until_it_is_committed(files: ConfigFiles) -> None:
    before, after = (ensemble_from_text(TEXT.format(version)) for version in (0, 7))
    files.save(before, after)
    assert names(files) == ["zoo.cfg", "zoo.cfg.dynamic.next"]
    assert read_next(files.path) == after
    assert files.path.read_text() == CONFIG
    files.save(after, after)
    assert names(files) == ["zoo.cfg", "zoo.cfg.bak", "zoo.cfg.dynamic.7"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_text("server.1=h\n"), "host:port:port"),
        (lambda path: path.write_text("server.1=h:1:2\nversion=7\n"), "must be in the file's name"),
        (lambda path: path.unlink(), "No such file"),
    ],
)
def test_a_list_of_members_that_makes_no_sense_is_named(
    files: ConfigFiles, spoil: Callable[[Path], object], said: str
) -> None:
    ensemble = ensemble_from_text(TEXT.format(7))
    files.save(ensemble, ensemble)
    spoil(files.path.with_name("zoo.cfg.dynamic.7"))
    with pytest.raises((OSError, ValueError), match=said):
        read_options(files.path)
