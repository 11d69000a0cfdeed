"""All short sequences of operations on a small tree.

Every request of a small set is made of a new tree, and of each tree that a request has changed, up to some
length: breadth first, each tree once. A refused request changes nothing, which is checked, so it is not
followed; the next request gets its zxid, since only the order of zxids counts. The order in which a closed
session's nodes are deleted, which ZooKeeper leaves open, is a request of its own here.

The properties of the tree judge each transaction, and each history by the fuzzy snapshots that can be taken
while it is applied. This is a plain search of its own: a tree is no state of servers, and a mutant is another
`prepare` or `apply`, not another action.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement

from zabspec import tree
from zabspec.tree import (
    Ace,
    Applied,
    Caller,
    Check,
    CloseSession,
    Create,
    Delete,
    DeleteContainer,
    Flag,
    Id,
    Multi,
    Op,
    Perm,
    Rules,
    SetAcl,
    SetData,
    Tree,
    Txn,
    Write,
)
from zabspec.tree.properties import EVERY_WRITE, SOMETIMES, Restored, Written, restored_tree_is_the_same
from zabspec.tree.state import OPEN, ephemerals_of, node_at, parent_of

Prepare = Callable[[Tree, Write, Caller, Rules], Txn]
Apply = Callable[[Tree, int, int, Txn], Applied]

OWNER = Caller(session=7)
OTHER = Caller(session=8)
SEALED = (Ace(Perm.READ | Perm.WRITE | Perm.ADMIN, Id("world", "anyone")),)

REQUESTS: tuple[tuple[Caller, Write], ...] = (
    *((OWNER, Create(path, data=None)) for path in ("/a", "/a/b", "/c", "/", "/a/", "a")),
    *((OWNER, Create(path, flag=Flag.EPHEMERAL, op=Op.CREATE2)) for path in ("/a", "/a/b", "/c")),
    (OTHER, Create("/c", flag=Flag.EPHEMERAL)),
    (OWNER, Create("/a/", flag=Flag.SEQUENTIAL)),
    (OWNER, Create("/c", flag=Flag.CONTAINER, op=Op.CREATE_CONTAINER)),
    (OWNER, Create("/c", flag=Flag.TTL, op=Op.CREATE_TTL, ttl=9)),
    *((OWNER, Delete(path)) for path in ("/a", "/a/b", "/c", "/zookeeper/quota")),
    (OWNER, Delete("/a", version=1)),
    *((OWNER, DeleteContainer(path)) for path in ("/a", "/c")),
    *((OWNER, SetData(path, b"x")) for path in ("/a", "/a/b")),
    (OWNER, SetData("/a", b"y", version=1)),
    *((OWNER, SetAcl("/a", acl)) for acl in (OPEN, SEALED, ())),
    (OWNER, Multi(())),
    (OWNER, Multi((Create("/a"), Create("/a/b"), SetData("/a/b", b"m")))),
    (OWNER, Multi((Delete("/a/b"), Create("/a/b", b"again")))),
    (OWNER, Multi((Create("/a/b", flag=Flag.EPHEMERAL), Delete("/a/b")))),
    (OWNER, Multi((SetData("/a", b"z"), Check("/c", version=0), Delete("/c")))),
    (OWNER, CloseSession()),
    (OTHER, CloseSession()),
)
"""The requests and their callers; closing a session in any other order is added to them."""


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions of the spec, or those with a mistake. `replayed` applies a transaction again."""

    prepare: Prepare = tree.prepare
    apply: Apply = tree.apply
    replayed: Apply | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What to explore.

    Attributes:
        length: the longest sequence of requests that change the tree.
        requests: the requests, each with its caller.
        snapshots: True to look at fuzzy snapshots.
    """

    length: int = 3
    requests: tuple[tuple[Caller, Write], ...] = field(default=REQUESTS, repr=False)
    snapshots: bool = False


@dataclass(frozen=True, slots=True)
class Explored:
    """What was found.

    Attributes:
        trees: how many different trees.
        written: how many requests were made.
        restored: how many starts from a fuzzy snapshot.
        broken: by the name of each broken property, a shortest sequence of requests that breaks it.
        never: the names of situations that never came up.
    """

    trees: int
    written: int
    restored: int
    broken: dict[str, tuple[Write, ...]]
    never: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _History:
    """A tree and its history: each transaction with the tree before it."""

    tree: Tree
    requests: tuple[Write, ...] = ()
    steps: tuple[tuple[Tree, Txn], ...] = ()


def explored(functions: Functions, scope: Scope) -> Explored:
    """Explores a scope."""
    level, found = [_History(tree.initial())], {tree.initial()}
    written = restored = 0
    broken: dict[str, tuple[Write, ...]] = {}
    left = {each.__name__ for each in SOMETIMES}
    for _ in range(scope.length):
        following = []
        for history in level:
            for step, after in _writes(functions, scope, history):
                written += 1
                for name in _broken_by(step):
                    broken.setdefault(name, after.requests)
                left -= {each.__name__ for each in SOMETIMES if each(step)}
                if after.tree in found:
                    continue
                found.add(after.tree)
                following.append(after)
                for start in restorations(functions, after) if scope.snapshots else ():
                    restored += 1
                    if not restored_tree_is_the_same(start):
                        broken.setdefault(restored_tree_is_the_same.__name__, after.requests)
        level = following
    return Explored(len(found), written, restored, broken, tuple(sorted(left)))


def _writes(functions: Functions, scope: Scope, history: _History) -> Iterator[tuple[Written, _History]]:
    """Yields every request that can be made of a tree, and the tree that it leads to."""
    zxid = len(history.steps) + 1
    for caller, request in scope.requests:
        for each in _orders(history.tree, caller, request):
            txn = functions.prepare(history.tree, each, caller, tree.LATEST)
            done = functions.apply(history.tree, zxid, 10 * zxid, txn)
            yield (
                Written(
                    before=history.tree,
                    session=caller.session,
                    request=each,
                    zxid=zxid,
                    time=10 * zxid,
                    after=done.tree,
                    reply=done.reply,
                    triggers=done.triggers,
                ),
                _History(done.tree, (*history.requests, each), (*history.steps, (history.tree, txn))),
            )


def _orders(before: Tree, caller: Caller, request: Write) -> tuple[Write, ...]:
    """Yields a request, and if it closes a session, also the one that deletes the nodes in the opposite
    order.
    """
    paths = ephemerals_of(before, caller.session)
    if isinstance(request, CloseSession) and len(paths) > 1:
        return request, replace(request, order=paths[::-1])
    return (request,)


def _broken_by(step: Written) -> list[str]:
    return [each.__name__ for each in EVERY_WRITE if not each(step)]


def restorations(functions: Functions, history: _History) -> Iterator[Restored]:
    """Yields every start from a snapshot that was taken during the last transactions of a history.

    A snapshot is written node by node, from the root down, each as it is at that moment, while transactions
    go on. It is named after the last transaction before it was begun, and all later ones are applied to it.
    """
    moments = (*(before for before, _ in history.steps), history.tree)
    replayed = functions.replayed or functions.apply
    for begun in range(len(moments) - 1):
        for snapshot in snapshots(moments[begun:]):
            restored = snapshot
            for number in range(begun, len(history.steps)):
                restored = replayed(restored, number + 1, 10 * (number + 1), history.steps[number][1]).tree
            yield Restored(restored, history.tree)


def snapshots(moments: tuple[Tree, ...]) -> Iterator[Tree]:
    """Yields the snapshots that can be written while a tree goes through these moments.

    A snapshot has a node if the node was among the children of its parent when that was written, and still
    existed when its own turn came. ZooKeeper: DataTree.serializeNode.
    """
    paths = sorted({path for each in moments for path in each.paths if path not in tree.initial().paths[1:]})
    reserved = tree.initial().paths[1:]
    seen: set[Tree] = set()
    for turns in combinations_with_replacement(range(len(moments)), len(paths)):
        turn = dict(zip(paths, turns, strict=True))
        snapshot = Tree((), ())
        for path in paths:
            node = node_at(moments[turn[path]], path)
            is_listed = path == "/" or node_at(moments[turn[parent_of(path)]], path) is not None
            is_written = path == "/" or parent_of(path) in snapshot.paths
            if node is not None and is_listed and is_written:
                snapshot = tree.state.with_node(snapshot, path, node)
        for path in reserved:
            node = node_at(moments[0], path)
            assert node is not None
            snapshot = tree.state.with_node(snapshot, path, node)
        if snapshot not in seen:
            seen.add(snapshot)
            yield snapshot
