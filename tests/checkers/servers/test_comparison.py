"""The comparison of a server with the spec finds mistakes; the server here is the spec with a mistake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

from zabcheck.servers.compare import ADDRESS, Comparison, Difference, Operation
from zabcheck.servers.encoding import Auth
from zabcheck.servers.operations import CLIENTS, operations
from zabcheck.servers.oracle import DEBIAN_3_8, LATEST, RELEASE_3_8, Oracle, Party, Release
from zabcheck.servers.session import Answer
from zabspec import tree, watches
from zabspec.tree import Error
from zabspec.tree.state import children_of, node_at, parent_of, with_node
from zabspec.tree.txns import CreateTxn, DeleteTxn, ErrorTxn, SetAclTxn
from zabspec.watches import EventType, Manager, SetWatches

SETTINGS = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=150,
    phases=[Phase.generate],
    suppress_health_check=[*HealthCheck],
)


class Twin:
    """A server in this process: an oracle that does what it expects."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.parties: dict[int, Party] = {}

    def connect(
        self, host: str, port: int, timeout: int, last_zxid: int = 0, resumed: Any = None
    ) -> TwinSession:
        if resumed is None:
            number = len(self.parties) + 1
            self.parties[number] = self.oracle.join(number, ADDRESS)
        else:
            number, _ = resumed
            self.oracle.reconnected(self.parties[number])
        return TwinSession(self.oracle, self.parties[number])


class TwinSession:
    """A session with that server, as far as `Comparison` uses one."""

    def __init__(self, oracle: Oracle, party: Party) -> None:
        self.oracle, self.party = oracle, party
        self.id, self.password, self.events, self.is_open = party.caller.session, b"", party.told, True

    def call(self, request: Any) -> Answer:
        told = self.oracle.expected(self.party, request)[0]
        self.oracle.accept(self.party, request, told, self.oracle.zxid)
        self.is_open = not isinstance(request, tree.CloseSession)
        return Answer(0 if isinstance(request, Auth) else self.oracle.zxid, told.reply)

    def ping(self) -> int:
        return self.oracle.zxid

    def drop(self) -> None:
        self.is_open = False


def difference(
    steps: list[Operation], mistaken: type[Oracle] = Oracle, release: Release = DEBIAN_3_8
) -> Difference | None:
    twin: Any = Twin(mistaken(release, 0, tree.initial()))
    return Comparison("", 0, DEBIAN_3_8, "/place", CLIENTS, connect=twin.connect).run(steps)


# Mistakes, each in one part of the spec.


def not_empty_before_bad_version(at: tree.Tree, request: Any, *rest: Any) -> Any:
    txn = tree.prepare(at, request, *rest)
    is_version = isinstance(request, tree.Delete) and txn == ErrorTxn(Error.BAD_VERSION)
    return ErrorTxn(Error.NOT_EMPTY) if is_version and children_of(at, request.path) else txn


def node_exists_before_no_auth(at: tree.Tree, request: Any, *rest: Any) -> Any:
    txn = tree.prepare(at, request, *rest)
    is_denied = isinstance(request, tree.Create) and txn == ErrorTxn(Error.NO_AUTH)
    return ErrorTxn(Error.NODE_EXISTS) if is_denied and node_at(at, request.path) else txn


def numbered_from_one(at: tree.Tree, request: Any, *rest: Any) -> Any:
    txn = tree.prepare(at, request, *rest)
    is_numbered = isinstance(txn, CreateTxn) and txn.path != request.path
    return replace(txn, path=f"{request.path}{txn.parent_cversion:010d}") if is_numbered else txn


def deletion_keeps_pzxid(at: tree.Tree, zxid: int, time: int, txn: Any) -> tree.Applied:
    done = tree.apply(at, zxid, time, txn)
    if not isinstance(txn, DeleteTxn):
        return done
    path = parent_of(txn.path)
    parent, before = node_at(done.tree, path), node_at(at, path)
    assert parent is not None
    assert before is not None
    return replace(done, tree=with_node(done.tree, path, replace(parent, pzxid=before.pzxid)))


def set_acl_changes_mtime(at: tree.Tree, zxid: int, time: int, txn: Any) -> tree.Applied:
    done = tree.apply(at, zxid, time, txn)
    node = node_at(done.tree, txn.path) if isinstance(txn, SetAclTxn) else None
    return replace(done, tree=with_node(done.tree, txn.path, replace(node, mtime=time))) if node else done


def parents_first(registered: Any, triggers: Any, zxid: int, readable: Any) -> Any:
    return watches.fired(registered, triggers[::-1], zxid, readable[::-1])


def deletion_is_no_news_to_parents(registered: Any, triggers: Any, zxid: int, readable: Any) -> Any:
    is_deletion = any(each.type == EventType.DELETED for each in triggers)
    kept = [
        (trigger, may)
        for trigger, may in zip(triggers, readable, strict=True)
        if not (is_deletion and trigger.manager == Manager.CHILD and trigger.type != EventType.DELETED)
    ]
    return watches.fired(registered, [each for each, _ in kept], zxid, [may for _, may in kept])


def deletion_is_told_twice(registered: Any, triggers: Any, zxid: int, readable: Any) -> Any:
    events: tuple[watches.Event, ...] = ()
    for trigger, may in zip(triggers, readable, strict=True):
        told = watches.fired(registered, (trigger,), zxid, (may,))
        registered, events = told.watches, events + told.events
    return watches.Fired(registered, events)


def absent_is_not_watched(request: Any, reply: Any) -> bool:
    is_absent = isinstance(request, tree.Exists) and node_is_absent(reply)
    return tree.leaves_watch(request, reply) and not is_absent


def node_is_absent(reply: Any) -> bool:
    return getattr(reply, "error", None) == Error.NO_NODE


def missed_at_the_same_zxid(registered: Any, request: SetWatches, stamps: Callable[[str], Any]) -> Any:
    return watches.caught_up(registered, replace(request, relative_zxid=request.relative_zxid - 1), stamps)


def with_mistake(part: str, mistake: Callable[..., Any]) -> type[Oracle]:
    return type("Mistaken", (Oracle,), {part: staticmethod(mistake)})


MISTAKES = [
    ("prepare", not_empty_before_bad_version),
    ("prepare", node_exists_before_no_auth),
    ("prepare", numbered_from_one),
    ("apply", deletion_keeps_pzxid),
    ("apply", set_acl_changes_mtime),
    ("fired", parents_first),
    ("fired", deletion_is_no_news_to_parents),
    ("fired", deletion_is_told_twice),
    ("leaves_watch", absent_is_not_watched),
    ("caught_up", missed_at_the_same_zxid),
]


@pytest.mark.parametrize(("part", "mistake"), MISTAKES, ids=[each.__name__ for _, each in MISTAKES])
def test_mistake_is_found(part: str, mistake: Callable[..., Any]) -> None:
    mistaken = with_mistake(part, mistake)
    find(operations(), lambda steps: difference(steps, mistaken) is not None, settings=SETTINGS)


@pytest.mark.parametrize("release", [LATEST, RELEASE_3_8], ids=["latest", "apache-3.8.0"])
def test_another_release_is_found(release: Release) -> None:
    find(operations(), lambda steps: difference(steps, release=release) is not None, settings=SETTINGS)


def test_nothing_is_found_without_a_mistake() -> None:
    with pytest.raises(NoSuchExample):
        find(operations(), lambda steps: difference(steps) is not None,
             settings=settings(SETTINGS, max_examples=40))  # fmt: skip
