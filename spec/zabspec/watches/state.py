"""The watches that a connection has registered: its part of a server's two watch managers.

A server keeps two managers, one for changes of a node and one for changes of its children. An entry in one of
them is a path, a connection and a mode. Firing, removing and closing handle each connection by itself, so the
watches of one connection are a record of their own, `Watches`; a server's managers are these records side by
side. They exist in the memory of the server that the client is connected to, and nowhere else.

ZooKeeper: WatchManager, WatchStats, WatcherMode, WatchedEvent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from zabspec.parts import replace


class EventType(IntEnum):
    """What an event says has happened at its path. ZooKeeper: Watcher.Event.EventType."""

    CREATED = 1
    DELETED = 2
    DATA_CHANGED = 3
    CHILDREN_CHANGED = 4


class Manager(IntEnum):
    """The two managers of a server. ZooKeeper: DataTree.dataWatches, DataTree.childWatches."""

    DATA = 0
    CHILD = 1


class Mode(IntEnum):
    """How an entry fires: once, each time, or each time for everything below the path too.

    ZooKeeper: WatcherMode.
    """

    STANDARD = 0
    PERSISTENT = 1
    RECURSIVE = 2


class Kind(IntEnum):
    """The kinds of watches that a client distinguishes, in the order in which it registers them again."""

    DATA = 0
    EXIST = 1  # for a server the same as DATA: only the client knows that there was no node
    CHILD = 2
    PERSISTENT = 3
    RECURSIVE = 4


@dataclass(frozen=True, slots=True)
class Release:
    """How releases of ZooKeeper differ.

    Attributes:
        separate_modes: True if a path may be watched in several modes at once. Before 3.9.0 the last one
            wins, and a recursive watch is in both managers (ZOOKEEPER-4466, -4471, -4472).
        zxid_in_events: True if an event has the zxid of its transaction; before 3.9.0 it has `NO_ZXID`
            (ZOOKEEPER-4655).
        filters_events: True if no event is sent of nodes that the client may not read: since 3.9.2
            (ZOOKEEPER-4799).
    """

    separate_modes: bool = True
    zxid_in_events: bool = True
    filters_events: bool = True


LATEST = Release()
RELEASE_3_8 = Release(separate_modes=False, zxid_in_events=False, filters_events=False)

NO_ZXID = -1
"""The zxid in the header of an event that has no known transaction. ZooKeeper: WatchedEvent.NO_ZXID."""


class Entry(NamedTuple):
    """One entry of a connection in a manager."""

    manager: Manager
    path: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class Trigger:
    """A call of a manager by the tree.

    Attributes:
        type: of the events.
        path: of the node.
        manager: the one that is called.
    """

    type: EventType
    path: str
    manager: Manager


@dataclass(frozen=True, slots=True)
class Event:
    """Tells a client of a change that it watches for, without the node's new state.

    Attributes:
        type: what has happened.
        path: where.
        zxid: in the header: that of the transaction, or `NO_ZXID`.
    """

    type: EventType
    path: str
    zxid: int


@dataclass(frozen=True, slots=True)
class Watches:
    """The watches of one connection.

    Attributes:
        entries: in order, each once.
        release: of the server; it never changes.
    """

    entries: tuple[Entry, ...] = ()
    release: Release = LATEST


NONE = Watches()
"""The watches of a new connection with a server of the latest release."""


@dataclass(frozen=True, slots=True)
class Fired:
    """The outcome of a transaction, or of registering again.

    Attributes:
        watches: those that are still registered.
        events: for the connection, in the order in which they are sent.
    """

    watches: Watches
    events: tuple[Event, ...]


def has_entry(watches: Watches, manager: Manager, path: str, mode: Mode | None = None) -> bool:
    """True if a path is watched, in a mode or in any. ZooKeeper: WatchManager.containsWatcher."""
    return any(
        each.manager == manager and each.path == path and mode in (None, each.mode)
        for each in watches.entries
    )


def with_entry(watches: Watches, entry: Entry) -> Watches:
    """Returns the watches with an entry added, which may be there already.

    ZooKeeper: WatchManager.addWatch.
    """
    kept = set(watches.entries)
    if not watches.release.separate_modes:
        kept = {each for each in kept if (each.manager, each.path) != (entry.manager, entry.path)}
    return replace(watches, entries=tuple(sorted(kept | {entry})))


def without_entries(watches: Watches, manager: Manager, path: str, mode: Mode | None = None) -> Watches:
    """Returns the watches without a path, in one mode or in all of them.

    ZooKeeper: WatchManager.removeWatcher.
    """
    kept = (
        each
        for each in watches.entries
        if each.manager != manager or each.path != path or mode not in (None, each.mode)
    )
    return replace(watches, entries=tuple(kept))
