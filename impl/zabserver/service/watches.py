"""Watches, indexed by path and by connection so that a trigger costs as much as it delivers.

There are two managers, one for changes of a node and one for changes of its set of children. In each, a
connection watches a path in one or more modes; a standard watch is removed when it fires. Recursive watches
are looked up along the ancestors of a path, only while there are any.

ZooKeeper: WatchManager, WatchStats, DataTree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from zabserver.service.node import Acl
from zabserver.wire.protocol import Event, WatchMode

STANDARD, PERSISTENT, RECURSIVE = (int(mode) for mode in WatchMode)

Modes = int
"""A set of `WatchMode` bits; plain integers, because each event looks at them."""


class Watcher(Protocol):
    """The part of a connection that watches need."""

    def on_event(self, event: int, path: bytes, acl: Acl, zxid: int) -> None:
        """Handles an event at a path, of a node with this access control list."""


class Manager:
    """The watches of one kind, by path and by watcher.

    Attributes:
        by_path: the modes of each watcher, by path.
        by_watcher: the paths that each watcher watches.
        recursive: the number of recursive watches.
    """

    __slots__ = ("by_path", "by_watcher", "recursive")

    def __init__(self) -> None:
        self.by_path: dict[bytes, dict[Watcher, Modes]] = {}
        self.by_watcher: dict[Watcher, set[bytes]] = {}
        self.recursive = 0

    def add(self, path: bytes, watcher: Watcher, mode: Modes) -> None:
        """Adds a mode to a watcher's modes at a path."""
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
        """Returns a watcher's modes at a path; 0 for none."""
        watchers = self.by_path.get(path)
        return 0 if watchers is None else watchers.get(watcher, 0)

    def remove(self, path: bytes, watcher: Watcher, modes: Modes) -> bool:
        """Removes modes of a watcher at a path; returns True if it had any of them."""
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
        """Removes all watches of a watcher."""
        for path in self.by_watcher.pop(watcher, ()):
            watchers = self.by_path[path]
            self.recursive -= bool(watchers.pop(watcher) & RECURSIVE)
            if not watchers:
                del self.by_path[path]

    def fire(self, path: bytes) -> list[Watcher]:
        """Returns the watchers of a path, each once, and removes the standard watches among those."""
        fired: list[Watcher] = []
        watchers = self.by_path.get(path)
        if watchers is not None:
            fired = list(watchers)
            for watcher in fired:
                if watchers[watcher] & STANDARD:
                    self.remove(path, watcher, STANDARD)
        if self.recursive:
            known = set(fired)
            fired += [watcher for watcher in self._above(path) if watcher not in known]
        return fired

    def _above(self, path: bytes) -> Iterator[Watcher]:
        """Yields the watchers with a recursive watch at a proper ancestor, each once."""
        seen: dict[Watcher, None] = {}
        while path != b"/":
            path = path[: path.rindex(b"/")] or b"/"
            for watcher, modes in self.by_path.get(path, {}).items():
                if modes & RECURSIVE:
                    seen[watcher] = None
        return iter(seen)

    @property
    def count(self) -> int:
        """The number of pairs of path and watcher."""
        return sum(map(len, self.by_path.values()))


class Watches:
    """All watches of a server, and how an applied transaction triggers them, in ZooKeeper's order.

    Attributes:
        data: watches of nodes, set by exists and getData, or by addWatch.
        children: watches of sets of children, set by getChildren or addWatch.
    """

    __slots__ = ("children", "data")

    def __init__(self) -> None:
        self.data = Manager()
        self.children = Manager()

    def on_created(self, path: bytes, acl: Acl, parent: bytes, parent_acl: Acl, zxid: int) -> None:
        """Triggers the watches for a node that was created."""
        if self.data.by_path:
            for watcher in self.data.fire(path):
                watcher.on_event(Event.CREATED, path, acl, zxid)
        if self.children.by_path:
            self._children_changed(parent, parent_acl, zxid)

    def on_changed(self, path: bytes, acl: Acl, zxid: int) -> None:
        """Triggers the watches for a node whose data was set."""
        if self.data.by_path:
            for watcher in self.data.fire(path):
                watcher.on_event(Event.DATA_CHANGED, path, acl, zxid)

    def on_deleted(self, path: bytes, acl: Acl, parent: bytes, parent_acl: Acl, zxid: int) -> None:
        """Triggers the watches for a node that was deleted; a watcher in both managers gets one event."""
        notified: list[Watcher] = self.data.fire(path) if self.data.by_path else []
        for watcher in notified:
            watcher.on_event(Event.DELETED, path, acl, zxid)
        if self.children.by_path:
            for watcher in self.children.fire(path):
                if watcher not in notified:
                    watcher.on_event(Event.DELETED, path, acl, zxid)
            self._children_changed(parent, parent_acl, zxid)

    def _children_changed(self, parent: bytes, acl: Acl, zxid: int) -> None:
        for watcher in self.children.fire(parent):
            watcher.on_event(Event.CHILDREN_CHANGED, parent, acl, zxid)

    def forget(self, watcher: Watcher) -> None:
        """Removes all watches of a connection that is gone."""
        self.data.forget(watcher)
        self.children.forget(watcher)
