"""Everything that can happen to the watches of one connection, on a small name space.

The spec's functions are tried with every possible input: each set of registered watches, each transaction of
one or two operations that a small tree can take, each removal, and each log up to some length with each
moment at which a client may have lost its connection. The tree is the smallest that fires watches; a separate
test checks that the tree of the spec fires the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, combinations
from typing import TypeVar

from zabspec import watches
from zabspec.watches import (
    EventType,
    Fired,
    Kind,
    Manager,
    RemoveWatches,
    SetWatches,
    Trigger,
    WatcherType,
    Watches,
)
from zabspec.watches.properties import (
    EVERY_REMOVAL,
    EVERY_RESUMPTION,
    EVERY_TRANSACTION,
    Applied,
    Change,
    Removed,
    Resumed,
    parent_of,
)

Nodes = dict[str, "Node"]
"""A tree: its nodes by their paths."""

Triggers = tuple[Trigger, ...]
Readable = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A node, as far as watches are concerned. ZooKeeper: StatPersisted."""

    mzxid: int
    pzxid: int


def triggers_of(change: Change, after: frozenset[str]) -> tuple[Trigger, ...]:
    """Returns the triggers of a change, in ZooKeeper's order.

    Args:
        change: one operation.
        after: the paths that exist after it; only mistakes depend on them.

    ZooKeeper: DataTree.createNode, deleteNode, setData.
    """
    del after
    own = Trigger(change.type, change.path, Manager.DATA)
    above = Trigger(EventType.CHILDREN_CHANGED, parent_of(change.path), Manager.CHILD)
    if change.type == EventType.CREATED:
        return own, above
    if change.type == EventType.DELETED:
        return own, Trigger(EventType.DELETED, change.path, Manager.CHILD), above
    return (own,)


@dataclass(frozen=True, slots=True)
class Rules:
    """The functions of the spec, or those with a mistake in them."""

    triggers_of: Callable[[Change, frozenset[str]], Triggers] = triggers_of
    fired: Callable[[Watches, Triggers, int, Readable], Fired] = watches.fired
    removed: Callable[[Watches, RemoveWatches], tuple[Watches, watches.Answer]] = watches.removed
    caught_up: Callable[[Watches, SetWatches, Callable[[str], Node | None]], Fired] = watches.caught_up


@dataclass(frozen=True, slots=True)
class Scope:
    """What to explore.

    Attributes:
        paths: the paths of the name space, parents first, without the root.
        watches: how many watches a connection has at once, at most.
        operations: how many operations a transaction has, at most.
        log: how many changes there are before and while a client is away, at most.
    """

    paths: tuple[str, ...] = ("/a", "/a/b", "/ab")
    watches: int = 2
    operations: int = 2
    log: int = 3


Step = Applied | Removed | Resumed
Looked = TypeVar("Looked", Applied, Removed, Resumed)


def broken(rules: Rules, scope: Scope) -> tuple[int, dict[str, Step]]:
    """Returns how many cases a scope has, and the first step that breaks each broken property."""
    count, first = 0, dict[str, Step]()
    for step, names in chain(
        _judged(transactions(rules, scope), EVERY_TRANSACTION),
        _judged(removals(rules, scope), EVERY_REMOVAL),
        _judged(resumptions(rules, scope), EVERY_RESUMPTION),
    ):
        count += 1
        for name in names:
            first.setdefault(name, step)
    return count, first


def first_break(rules: Rules, scope: Scope, name: str) -> Step | None:
    """Returns the first step that breaks a property; None if there is none.

    Raises:
        ValueError: there is no such property.
    """
    if name in {each.__name__ for each in EVERY_TRANSACTION}:
        return _first(_judged(transactions(rules, scope), EVERY_TRANSACTION), name)
    if name in {each.__name__ for each in EVERY_REMOVAL}:
        return _first(_judged(removals(rules, scope), EVERY_REMOVAL), name)
    if name in {each.__name__ for each in EVERY_RESUMPTION}:
        return _first(_judged(resumptions(rules, scope), EVERY_RESUMPTION), name)
    raise ValueError(f"{name} is no property of watches")


def _judged(
    steps: Iterable[Looked], properties: Sequence[Callable[[Looked], bool]]
) -> Iterator[tuple[Step, list[str]]]:
    """Yields each step with the names of the properties that it breaks."""
    return ((step, [each.__name__ for each in properties if not each(step)]) for step in steps)


def _first(judged: Iterator[tuple[Step, list[str]]], name: str) -> Step | None:
    return next((step for step, names in judged if name in names), None)


# Trees and their changes.


def changes_of(paths: frozenset[str], scope: Scope) -> Iterator[Change]:
    """Yields the changes that a tree can take."""
    for path in scope.paths:
        if path not in paths:
            if parent_of(path) in {"/", *paths}:
                yield Change(EventType.CREATED, path)
            continue
        yield Change(EventType.DATA_CHANGED, path)
        if not any(parent_of(each) == path for each in paths):
            yield Change(EventType.DELETED, path)


def changed(paths: frozenset[str], change: Change) -> frozenset[str]:
    """Returns the paths that exist after a change."""
    if change.type == EventType.CREATED:
        return paths | {change.path}
    return paths - {change.path} if change.type == EventType.DELETED else paths


def runs(paths: frozenset[str], scope: Scope, length: int) -> Iterator[tuple[Change, ...]]:
    """Yields all sequences of changes, up to a length, the empty one included."""
    yield ()
    if length:
        for change in changes_of(paths, scope):
            yield from ((change, *rest) for rest in runs(changed(paths, change), scope, length - 1))


def node_at(log: tuple[tuple[int, Change], ...], path: str) -> Node | None:
    """Returns the node at a path after a log."""
    node: Node | None = Node(0, 0) if path == "/" else None
    for zxid, change in log:
        if change.path == path:
            if change.type == EventType.DELETED:
                node = None
            elif change.type == EventType.CREATED or node is None:
                node = Node(zxid, zxid)
            else:
                node = Node(zxid, node.pzxid)
        elif node is not None and parent_of(change.path) == path and change.type != EventType.DATA_CHANGED:
            node = Node(node.mzxid, zxid)
    return node


# What there is to look at.


def all_watches(scope: Scope) -> Iterator[Watches]:
    """Yields every set of so many watches."""
    singles = [
        watches.with_watch(watches.NONE, kind, path).entries
        for kind in (Kind.DATA, Kind.CHILD, Kind.PERSISTENT, Kind.RECURSIVE)
        for path in ("/", *scope.paths)
    ]
    for chosen in chain.from_iterable(combinations(singles, size) for size in range(scope.watches + 1)):
        yield Watches(tuple(sorted(chain.from_iterable(chosen))))


def transactions(rules: Rules, scope: Scope) -> Iterator[Applied]:
    """Yields every transaction with every set of watches, some of them of nodes that may not be read."""
    trees = {frozenset(scope.paths[:size]) for size in range(len(scope.paths) + 1)}
    chosen = [
        (tree, changes)
        for tree in sorted(trees, key=len)
        for changes in runs(tree, scope, scope.operations)
        if changes
    ]
    for before in all_watches(scope):
        for tree, changes in chosen:
            for unreadable in ((), scope.paths[-1:]):
                yield applied(rules, before, tree, changes, unreadable)


def applied(
    rules: Rules,
    before: Watches,
    paths: frozenset[str],
    changes: tuple[Change, ...],
    unreadable: tuple[str, ...] = (),
) -> Applied:
    """Returns the step of a transaction that is applied."""
    triggers: list[Trigger] = []
    for change in changes:
        paths = changed(paths, change)
        triggers += rules.triggers_of(change, paths)
    readable = tuple(each.path not in unreadable for each in triggers)
    done = rules.fired(before, tuple(triggers), 7, readable)
    return Applied(before, changes, 7, unreadable, done.watches, done.events)


def removals(rules: Rules, scope: Scope) -> Iterator[Removed]:
    """Yields every removal of watches of one path, before every change of a full tree and of an empty one."""
    for path in ("/", *scope.paths):
        own = [each for each in all_watches(Scope((), watches=4)) if each.entries]
        for entries in ([entry._replace(path=path) for entry in each.entries] for each in own):
            before = Watches(tuple(sorted(entries)))
            for kind in WatcherType:
                request = RemoveWatches(path, kind)
                left, _ = rules.removed(before, request)
                for tree in (frozenset[str](), frozenset(scope.paths)):
                    for change in changes_of(tree, scope):
                        yield Removed(before, request, applied(rules, left, tree, (change,)))


def resumptions(rules: Rules, scope: Scope) -> Iterator[Resumed]:
    """Yields every log, with every moment of the client's last message and every watch that it had then."""
    for changes in runs(frozenset(), scope, scope.log):
        log = tuple(enumerate(changes, 1))
        for seen in range(len(log) + 1):
            there = {path for path in ("/", *scope.paths) if node_at(log[:seen], path)}
            missing = tuple(path for path in scope.paths if path not in there)
            known = tuple(sorted(there))
            request = SetWatches(seen, known, missing, known, known + missing, known)
            for each in _one_by_one(request):
                done = rules.caught_up(watches.NONE, each, partial(node_at, log))
                yield Resumed(log, each, done.watches, done.events)


def _one_by_one(request: SetWatches) -> Iterator[SetWatches]:
    """Yields a request for each watch in a request."""
    zxid = request.relative_zxid
    yield from (SetWatches(zxid, data=(path,)) for path in request.data)
    yield from (SetWatches(zxid, exist=(path,)) for path in request.exist)
    yield from (SetWatches(zxid, child=(path,)) for path in request.child)
    yield from (SetWatches(zxid, persistent=(path,)) for path in request.persistent)
    yield from (SetWatches(zxid, recursive=(path,)) for path in request.recursive)
