"""Registering watches: by reads, and by addWatch.

A read registers its watch at the same moment in which it reads the tree, so nothing can change in between.

ZooKeeper: DataTree.getData, statNode, getChildren, addWatch; FinalRequestProcessor.
"""

from __future__ import annotations

from dataclasses import dataclass

from zabspec.watches.state import Entry, Kind, Manager, Mode, Release, Watches, with_entry


@dataclass(frozen=True, slots=True)
class AddWatch:
    """Watches a path until the watch is removed, whether or not there is a node. ZooKeeper: AddWatchRequest.

    Attributes:
        path: the path.
        recursive: True to watch everything below it too.
    """

    path: str
    recursive: bool = False


def entries_of(kind: Kind, path: str, release: Release) -> tuple[Entry, ...]:
    """Returns the entries that a watch of some kind has at a server."""
    match kind:
        case Kind.DATA | Kind.EXIST:
            return (Entry(Manager.DATA, path, Mode.STANDARD),)
        case Kind.CHILD:
            return (Entry(Manager.CHILD, path, Mode.STANDARD),)
        case Kind.PERSISTENT:
            return Entry(Manager.DATA, path, Mode.PERSISTENT), Entry(Manager.CHILD, path, Mode.PERSISTENT)
        case Kind.RECURSIVE if release.separate_modes:
            return (Entry(Manager.DATA, path, Mode.RECURSIVE),)
        case Kind.RECURSIVE:
            return Entry(Manager.DATA, path, Mode.RECURSIVE), Entry(Manager.CHILD, path, Mode.RECURSIVE)


def with_watch(watches: Watches, kind: Kind, path: str) -> Watches:
    """Returns the watches with a watch of some kind added."""
    for entry in entries_of(kind, path, watches.release):
        watches = with_entry(watches, entry)
    return watches


def added(watches: Watches, request: AddWatch) -> Watches:
    """Returns the watches after an addWatch, which cannot fail. ZooKeeper: DataTree.addWatch."""
    return with_watch(watches, Kind.RECURSIVE if request.recursive else Kind.PERSISTENT, request.path)
