"""Who is told of what: watches by path and by connection, so that a trigger costs what it delivers.

There are two managers, one for what happens to a node and one for its set of children. In each, a connection
watches a path in one or more modes; a standard watch is gone once it has fired. Recursive watches are looked
up along the ancestors of a path, and only while there are any.

ZooKeeper: WatchManager, WatchStats, DataTree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from zabserver.service.node import Acl
from zabserver.wire.protocol import Event, WatchMode

STANDARD, PERSISTENT, RECURSIVE = (int(mode) for mode in WatchMode)

Modes = int
"""A sum of `WatchMode`s; plain numbers, since these are looked at for every event."""


class Watcher(Protocol):
    """A connection, as watches see it."""

    def on_event(self, event: int, path: bytes, acl: Acl, zxid: int) -> None:
        """Something happened at a path to a node with this access control list."""


class Manager:
    """The watches of one kind: path -> watcher -> modes, and back."""

    __slots__ = ("by_path", "by_watcher", "recursive")

    def __init__(self) -> None:
        self.by_path: dict[bytes, dict[Watcher, Modes]] = {}
        self.by_watcher: dict[Watcher, set[bytes]] = {}
        self.recursive = 0  # how many entries have RECURSIVE

    def add(self, path: bytes, watcher: Watcher, mode: Modes) -> None:
        """Adds a mode to what a watcher has at a path."""
        watchers = self.by_path.get(path)
        if watchers is None:
            watchers = self.by_path[path] = {}
        had = watchers.get(watcher, 0)
        if had == had | mode:
            return
        if not had:
            self.by_watcher.setdefault(watcher, set()).add(path)
        self.recursive += mode == RECURSIVE
        watchers[watcher] = had | mode

    def modes(self, path: bytes, watcher: Watcher) -> Modes:
        """What a watcher has at a path, 0 for nothing."""
        watchers = self.by_path.get(path)
        return 0 if watchers is None else watchers.get(watcher, 0)

    def remove(self, path: bytes, watcher: Watcher, modes: Modes) -> bool:
        """Removes modes from what a watcher has at a path; whether there was any of them."""
        had = self.modes(path, watcher)
        if not had & modes:
            return False
        self.recursive -= bool(had & modes & RECURSIVE)
        left = had & ~modes
        if left:
            self.by_path[path][watcher] = left
            return True
        watchers = self.by_path[path]
        del watchers[watcher]
        if not watchers:
            del self.by_path[path]
        paths = self.by_watcher[watcher]
        paths.discard(path)
        if not paths:
            del self.by_watcher[watcher]
        return True

    def forget(self, watcher: Watcher) -> None:
        """Removes all that a watcher has."""
        for path in self.by_watcher.pop(watcher, ()):
            watchers = self.by_path[path]
            self.recursive -= bool(watchers.pop(watcher) & RECURSIVE)
            if not watchers:
                del self.by_path[path]

    def fire(self, path: bytes) -> list[Watcher]:
        """Those to be told of something at a path, each once; standard watches are used up by it."""
        told: list[Watcher] = []
        watchers = self.by_path.get(path)
        if watchers is not None:
            told = list(watchers)
            for watcher in told:
                if watchers[watcher] & STANDARD:
                    self.remove(path, watcher, STANDARD)
        if self.recursive:
            known = set(told)
            told += [watcher for watcher in self._above(path) if watcher not in known]
        return told

    def _above(self, path: bytes) -> Iterator[Watcher]:
        """Those with a recursive watch at a proper ancestor, each once."""
        seen: dict[Watcher, None] = {}
        while path != b"/":
            path = path[: path.rindex(b"/")] or b"/"
            for watcher, modes in self.by_path.get(path, {}).items():
                if modes & RECURSIVE:
                    seen[watcher] = None
        return iter(seen)

    @property
    def count(self) -> int:
        """How many (path, watcher) there are."""
        return sum(map(len, self.by_path.values()))


class Watches:
    """All watches of a server, and how an applied transaction triggers them, in ZooKeeper's order."""

    __slots__ = ("children", "data")

    def __init__(self) -> None:
        self.data = Manager()
        self.children = Manager()

    def on_created(self, path: bytes, acl: Acl, parent: bytes, parent_acl: Acl, zxid: int) -> None:
        """A node was created."""
        if self.data.by_path:
            for watcher in self.data.fire(path):
                watcher.on_event(Event.CREATED, path, acl, zxid)
        if self.children.by_path:
            self._children_changed(parent, parent_acl, zxid)

    def on_changed(self, path: bytes, acl: Acl, zxid: int) -> None:
        """A node got data."""
        if self.data.by_path:
            for watcher in self.data.fire(path):
                watcher.on_event(Event.DATA_CHANGED, path, acl, zxid)

    def on_deleted(self, path: bytes, acl: Acl, parent: bytes, parent_acl: Acl, zxid: int) -> None:
        """A node was deleted; who watches it both ways is told once."""
        told: list[Watcher] = self.data.fire(path) if self.data.by_path else []
        for watcher in told:
            watcher.on_event(Event.DELETED, path, acl, zxid)
        if self.children.by_path:
            for watcher in self.children.fire(path):
                if watcher not in told:
                    watcher.on_event(Event.DELETED, path, acl, zxid)
            self._children_changed(parent, parent_acl, zxid)

    def _children_changed(self, parent: bytes, acl: Acl, zxid: int) -> None:
        for watcher in self.children.fire(parent):
            watcher.on_event(Event.CHILDREN_CHANGED, parent, acl, zxid)

    def forget(self, watcher: Watcher) -> None:
        """A connection is gone, and its watches with it."""
        self.data.forget(watcher)
        self.children.forget(watcher)
