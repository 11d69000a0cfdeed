"""Our server starts on Apache's data directories, and Apache's on ours, with equal trees."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from apache_server import START_TIMEOUT, free_port, start, wait_until_serving, why_not
from zabcheck.servers.encoding import Auth, Request
from zabcheck.servers.session import Session
from zabserver.net.disk.disk import Disk
from zabserver.net.disk.recovery import zxid_of_file
from zabserver.service.tree import Tree
from zabserver.storage.snapshots import decode_snapshot, encode_snapshot
from zabserver.testing import ZooKeeper
from zabspec import tree
from zabspec.tree import Ace, Flag, Id, Op, Perm
from zabspec.tree.acl import digest_id
from zabspec.tree.quotas import LIMITS, STATS
from zabspec.tree.replies import AclFound, Children, Created, Data

pytestmark = pytest.mark.apache

OWNER = digest_id("u", "p")
TRUSTING = {"snapshot.trust.empty": "true"}
"""Without this setting, Apache does not start on logs alone."""


@pytest.fixture(scope="module", autouse=True)
def installed(apache: Any) -> None:
    """Skips the test, or fails, if Apache ZooKeeper is not installed."""
    assert not why_not()


@contextmanager
def apache_on(folder: Path, **more: str) -> Iterator[int]:
    """Runs an Apache ZooKeeper on the data directory `folder`/data, and yields its port for clients."""
    port = free_port()
    server = start(folder, port, TRUSTING | more)
    try:
        wait_until_serving(server, port, folder)
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(START_TIMEOUT)


@contextmanager
def ours_on(folder: Path) -> Iterator[int]:
    """Runs our server on the data directory `folder`/data, and yields its port for clients."""
    with ZooKeeper(data=folder / "data", tick=2000, durable=True) as server:
        yield server.port


def fill(port: int) -> Session:
    """Writes, changes and deletes nodes of all kinds; returns the session that owns the ephemeral ones."""
    session = Session("127.0.0.1", port, 40_000)
    own = (Ace(Perm.READ | Perm.ADMIN, OWNER), Ace(Perm.READ, Id("ip", "127.0.0.0/8")))
    for request in (
        Auth("digest", b"u:p"),
        tree.Create("/a", b"one"),
        tree.Create("/a/b", None),
        tree.Create("/a/ephemeral", b"e", flag=Flag.EPHEMERAL),
        tree.Create("/a/s", flag=Flag.SEQUENTIAL),
        tree.Create("/a/s", flag=Flag.SEQUENTIAL),
        tree.Create("/container", flag=Flag.CONTAINER, op=Op.CREATE_CONTAINER),
        tree.Create("/container/x"),
        tree.Create("/brief", flag=Flag.TTL, op=Op.CREATE_TTL, ttl=10**9),
        tree.Create("/secret", b"s", own),
        tree.SetData("/a", b"two"),
        tree.SetData("/a", b"three"),
        tree.SetAcl("/a/b", own),
        tree.Create("/gone"),
        tree.Delete("/gone"),
        tree.Multi(
            (tree.Create("/m"), tree.Create("/m/n", b"x"), tree.SetData("/m", b"y"), tree.Check("/m", 1))
        ),
        tree.Multi((tree.Create("/never"), tree.Delete("/nope"))),
        tree.Delete("/nope"),
        tree.Create("/gr\u00fc\u00df"),
        tree.Create("/zookeeper/quota/a"),
        tree.Create(f"/zookeeper/quota/a{LIMITS}", b"count=50,bytes=1000"),
        tree.Create(f"/zookeeper/quota/a{STATS}", b"count=0,bytes=0"),
        tree.Create("/a/counted", b"12345"),
        tree.SetData("/a/b", b"123"),
    ):
        session.call(request)
    return session


def walked(port: int) -> dict[str, tuple[Any, ...]]:
    """Returns everything that a client can see of every node."""
    session = Session("127.0.0.1", port)
    session.call(Auth("digest", b"u:p"))
    found: dict[str, tuple[Any, ...]] = {}
    todo = ["/"]
    while todo:
        path = todo.pop()
        data, acl, children = (
            ask(session, each) for each in (tree.GetData(path), tree.GetAcl(path), tree.GetChildren(path))
        )
        assert isinstance(data, Data)
        assert isinstance(acl, AclFound)
        assert isinstance(children, Children)
        if not path.startswith("/zookeeper/config"):
            found[path] = (data.data, data.stat, acl.acl, children.names)
        todo += [f"{path.rstrip('/')}/{name}" for name in children.names]
    session.call(tree.CloseSession())
    return found


def ask(session: Session, request: Request) -> Any:
    """Returns the reply to a request."""
    return session.call(request).reply


def check_goes_on(port: int, session: Session, zxid: int) -> None:
    """Checks that the session has its node, and that the next write has the next zxid."""
    back = Session("127.0.0.1", port, 40_000, session.last_zxid, (session.id, session.password))
    assert back.id == session.id
    assert ask(back, tree.GetEphemerals("/")).paths == ("/a/ephemeral",)
    made = back.call(tree.Create("/a/s", flag=Flag.SEQUENTIAL))
    assert made.reply == Created("/a/s0000000005", None)
    assert made.zxid > zxid
    back.call(tree.CloseSession())
    assert "/a/ephemeral" not in walked(port)


@pytest.mark.parametrize(
    ("first", "second"), [(apache_on, ours_on), (ours_on, apache_on)], ids=["to us", "from us"]
)
def test_a_data_directory_moves(first: Any, second: Any, tmp_path: Path) -> None:
    with first(tmp_path) as port:
        session = fill(port)
        written = walked(port)
    with second(tmp_path) as port:
        assert walked(port) == written
        check_goes_on(port, session, session.last_zxid)
        after = walked(port)
    with first(tmp_path) as port:
        assert walked(port) == after


def write_snapshot(folder: Path) -> None:
    """Writes a snapshot of the state of a directory with our code."""
    disk = Disk(folder / "data")
    found = disk.load()
    file = disk.begin_snapshot(found.tree.zxid)
    for piece in encode_snapshot(found.tree, found.sessions):
        file.write(piece)
    file.finish()


def keep_alone(folder: Path, kind: str) -> None:
    """Deletes everything but the newest snapshot, or everything but the logs."""
    disk = Disk(folder / "data")
    gone = disk.snapshot_files() if kind == "logs" else [*disk.snapshot_files()[1:], *disk.log_files()]
    kept = disk.log_files() if kind == "logs" else disk.snapshot_files()[:1]
    for path in gone:
        path.unlink()
    assert kept
    assert sorted((folder / "data/version-2").iterdir()) == sorted(kept)


def check_digests(folder: Path) -> None:
    """Checks that the digest of the last transaction in a directory is that of the tree."""
    found = Disk(folder / "data").load()
    assert found.replayed > 0
    assert found.tree.digest is not None
    assert found.tree.digest == found.tree.measured_digest()


@pytest.mark.parametrize("kind", ["snapshot", "logs"])
@pytest.mark.parametrize(
    ("first", "second"), [(apache_on, ours_on), (ours_on, apache_on)], ids=["to us", "from us"]
)
def test_one_kind_of_files_is_enough(first: Any, second: Any, kind: str, tmp_path: Path) -> None:
    """Each server reads the other's snapshot without logs, and the other's logs without a snapshot."""
    with first(tmp_path) as port:
        session = fill(port)
        written = walked(port)
    if first is ours_on:
        write_snapshot(tmp_path)
    else:
        with apache_on(tmp_path):  # it writes a snapshot when it starts
            pass
    assert f"/zookeeper/quota/a{STATS}" in written
    check_snapshot_digest(tmp_path)
    keep_alone(tmp_path, kind)
    with second(tmp_path) as port:
        assert walked(port) == written
        check_goes_on(port, session, session.last_zxid)
        after = walked(port)
    check_digests(tmp_path)
    with apache_on(tmp_path) as port:
        assert walked(port) == after
    said = (tmp_path / "out").read_text()
    assert "digest" not in said.lower(), said


def check_snapshot_digest(folder: Path) -> None:
    """Checks that the digest in the newest snapshot is that of the tree in it."""
    newest = Disk(folder / "data").snapshot_files()[0]
    snapshot = decode_snapshot(newest.read_bytes(), str(newest))
    loaded = Tree()
    loaded.restore(snapshot.nodes)
    assert snapshot.digest == (zxid_of_file(newest), loaded.measured_digest())


@pytest.mark.parametrize("method", ["gz", "snappy"])
def test_apaches_compressed_snapshots_are_read(method: str, tmp_path: Path) -> None:
    compressing = {"snapshot.compression.method": method}
    with apache_on(tmp_path, **compressing) as port:
        session = fill(port)
        written = walked(port)
    with apache_on(tmp_path, **compressing):
        pass
    keep_alone(tmp_path, "snapshot")
    [kept] = (tmp_path / "data/version-2").iterdir()
    assert kept.suffix == f".{method}"
    with ours_on(tmp_path) as port:
        assert walked(port) == written
        check_goes_on(port, session, session.last_zxid)


def test_apache_finds_no_fault_with_our_digests(tmp_path: Path) -> None:
    with ours_on(tmp_path) as port:
        fill(port)
    with apache_on(tmp_path):
        pass
    said = (tmp_path / "out").read_text()
    assert "digest" not in said.lower(), said
