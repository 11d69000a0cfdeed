"""What a connection has registered: the two watch managers of a server.

A server keeps two managers, one for what happens to a node and one for what happens among its children. An
entry in one of them is a path, a connection and a mode. Firing, removing and closing take each connection by
itself, so what one connection has registered is a record of its own, `Watches`; a server's managers are these
records side by side. They live in the memory of the server that the client is connected to, and nowhere else.

ZooKeeper: WatchManager, WatchStats, WatcherMode, WatchedEvent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from zabspec.parts import replace


class EventType(IntEnum):
    """What an event says has happened to its path. ZooKeeper: Watcher.Event.EventType."""

    CREATED = 1
    DELETED = 2
    DATA_CHANGED = 3
    CHILDREN_CHANGED = 4


class Manager(IntEnum):
    """Which of the two. ZooKeeper: DataTree.dataWatches, DataTree.childWatches."""

    DATA = 0
    CHILD = 1


class Mode(IntEnum):
    """How an entry fires: once, each time, or each time for all that is below as well.

    ZooKeeper: WatcherMode.
    """

    STANDARD = 0
    PERSISTENT = 1
    RECURSIVE = 2


class Kind(IntEnum):
    """The watches that a client tells apart, in the order in which it registers them again."""

    DATA = 0
    EXIST = 1  # to a server the same as DATA: only clients know that there was no node
    CHILD = 2
    PERSISTENT = 3
    RECURSIVE = 4


@dataclass(frozen=True, slots=True)
class Release:
    """In what releases of ZooKeeper differ.

    Attributes:
        separate_modes: a path may be watched in several modes at once. Before 3.9.0 the last one wins, and a
            recursive watch is in both managers (ZOOKEEPER-4466, -4471, -4472).
        zxid_in_events: an event has the zxid of its transaction; before 3.9.0 it has `NO_ZXID`
            (ZOOKEEPER-4655).
        filters_events: nothing is sent of nodes that the client may not read: since 3.9.2 (ZOOKEEPER-4799).
    """

    separate_modes: bool = True
    zxid_in_events: bool = True
    filters_events: bool = True


LATEST = Release()
RELEASE_3_8 = Release(separate_modes=False, zxid_in_events=False, filters_events=False)

NO_ZXID = -1
"""In the header of an event that no transaction is known of. ZooKeeper: WatchedEvent.NO_ZXID."""


class Entry(NamedTuple):
    """One entry of a connection."""

    manager: Manager
    path: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class Trigger:
    """A call of a manager by the tree.

    Attributes:
        type: of the events.
        path: of the node.
        manager: that is called.
    """

    type: EventType
    path: str
    manager: Manager


@dataclass(frozen=True, slots=True)
class Event:
    """Tells a client of a change that it has watched for. It does not tell what is there now.

    Attributes:
        type: what has happened.
        path: where.
        zxid: in the header, of the transaction, or `NO_ZXID`.
    """

    type: EventType
    path: str
    zxid: int


@dataclass(frozen=True, slots=True)
class Watches:
    """What one connection has registered.

    Attributes:
        entries: in order, each once.
        release: of the server; it never changes.
    """

    entries: tuple[Entry, ...] = ()
    release: Release = LATEST


NONE = Watches()
"""What a new connection has registered, with a server of the latest release."""


@dataclass(frozen=True, slots=True)
class Fired:
    """What comes of a transaction, or of registering again.

    Attributes:
        watches: what is still registered.
        events: for the connection, in the order in which they are sent.
    """

    watches: Watches
    events: tuple[Event, ...]


def has_entry(watches: Watches, manager: Manager, path: str, mode: Mode | None = None) -> bool:
    """Whether a path is watched, in a mode or in any. ZooKeeper: WatchManager.containsWatcher."""
    return any(
        each.manager == manager and each.path == path and mode in (None, each.mode)
        for each in watches.entries
    )


def with_entry(watches: Watches, entry: Entry) -> Watches:
    """Registers an entry. Registering again changes nothing. ZooKeeper: WatchManager.addWatch."""
    kept = set(watches.entries)
    if not watches.release.separate_modes:
        kept = {each for each in kept if (each.manager, each.path) != (entry.manager, entry.path)}
    return replace(watches, entries=tuple(sorted(kept | {entry})))


def without_entries(watches: Watches, manager: Manager, path: str, mode: Mode | None = None) -> Watches:
    """Forgets a path, in a mode or in all of them. ZooKeeper: WatchManager.removeWatcher."""
    kept = (
        each
        for each in watches.entries
        if each.manager != manager or each.path != path or mode not in (None, each.mode)
    )
    return replace(watches, entries=tuple(kept))
