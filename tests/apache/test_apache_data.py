"""Data directories go both ways: ours starts on one of Apache's, Apache on one of ours, with equal trees."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from apache_server import START_TIMEOUT, free_port, start, wait_until_serving, why_not
from zabcheck.client.encoding import Auth, Request
from zabcheck.client.session import Session
from zabserver.testing import ZooKeeper
from zabspec import tree
from zabspec.tree import Ace, Flag, Id, Op, Perm
from zabspec.tree.acl import digest_id
from zabspec.tree.replies import AclFound, Children, Created, Data

pytestmark = pytest.mark.apache

OWNER = digest_id("u", "p")


@pytest.fixture(scope="module", autouse=True)
def installed(apache: Any) -> None:
    """Skips, or fails, where there is no Apache ZooKeeper."""
    assert not why_not()


@contextmanager
def apache_on(folder: Path) -> Iterator[int]:
    """An Apache ZooKeeper on the data directory `folder`/data; where its clients connect."""
    port = free_port()
    server = start(folder, port)
    try:
        wait_until_serving(server, port, folder)
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(START_TIMEOUT)


@contextmanager
def ours_on(folder: Path) -> Iterator[int]:
    """Our server on the data directory `folder`/data."""
    with ZooKeeper(data=folder / "data", tick=2000, durable=True) as server:
        yield server.port


def fill(port: int) -> Session:
    """Nodes of all kinds, written, changed and deleted; the session that owns the ephemeral ones."""
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
    ):
        session.call(request)
    return session


def walked(port: int) -> dict[str, tuple[Any, ...]]:
    """Everything that a client can see of every node."""
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
    """The reply to a request."""
    return session.call(request).reply


def check_goes_on(port: int, session: Session, zxid: int) -> None:
    """The session is still there with its node, the next write has the next zxid."""
    back = Session("127.0.0.1", port, 40_000, session.last_zxid, (session.id, session.password))
    assert back.id == session.id
    assert ask(back, tree.GetEphemerals("/")).paths == ("/a/ephemeral",)
    made = back.call(tree.Create("/a/s", flag=Flag.SEQUENTIAL))
    assert made.reply == Created("/a/s0000000004", None)
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


def test_apaches_snapshots_are_read_and_ours_by_it(tmp_path: Path) -> None:
    """Started twice, each writes a snapshot at its start; the logs before it are taken away."""
    with apache_on(tmp_path) as port:
        fill(port).call(tree.CloseSession())
    with apache_on(tmp_path) as port:
        written = walked(port)
    newest = max((tmp_path / "data/version-2").glob("snapshot.*"), key=lambda path: int(path.suffix[1:], 16))
    zxid = int(newest.suffix[1:], 16)
    with ours_on(tmp_path) as port:
        assert walked(port) == written
    assert zxid > 0


def test_apache_finds_no_fault_with_our_digests(tmp_path: Path) -> None:
    with ours_on(tmp_path) as port:
        fill(port)
    with apache_on(tmp_path):
        pass
    said = (tmp_path / "out").read_text()
    assert "digest" not in said.lower(), said
