"""Registering watches again on a new connection, and telling the client what it missed, as far as it can be
seen.

The server compares what is there now with the last zxid that the client has seen in a reply. It knows nothing
of what came and went in between: a node that was created and deleted again leaves no trace, a node that was
deleted and created again looks changed, and of what a persistent or recursive watch has missed, the client is
told nothing at all.

ZooKeeper: DataTree.setWatches; SetWatches, SetWatches2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from zabspec.watches.registration import with_watch
from zabspec.watches.state import NO_ZXID, Event, EventType, Fired, Kind, Watches


@dataclass(frozen=True, slots=True)
class SetWatches:
    """Registers again what a client watched on its last connection. ZooKeeper: SetWatches, SetWatches2.

    Attributes:
        relative_zxid: the highest zxid in the header of a reply to the client; those of events do not count.
        data: paths of data watches.
        exist: paths of exist watches.
        child: paths of child watches.
        persistent: paths of persistent watches.
        recursive: paths of recursive watches.
    """

    relative_zxid: int
    data: tuple[str, ...] = ()
    exist: tuple[str, ...] = ()
    child: tuple[str, ...] = ()
    persistent: tuple[str, ...] = ()
    recursive: tuple[str, ...] = ()


class Stamps(Protocol):
    """The part of a node's Stat that shows when it changed."""

    @property
    def mzxid(self) -> int:
        """The zxid of the transaction that last set its data."""

    @property
    def pzxid(self) -> int:
        """The zxid of the transaction that last created or deleted a child of it."""


def caught_up(watches: Watches, request: SetWatches, stamps: Callable[[str], Stamps | None]) -> Fired:
    """Returns the outcome of a setWatches: for each path an event at once, or a registered watch.

    The events are sent before the reply, without checking whether the client may read their nodes.

    Args:
        watches: what the connection has registered so far.
        request: what to register.
        stamps: returns the node at a path, by the tree as it is; None where there is none.
    """
    events: list[Event] = []
    for kind, paths in (
        (Kind.DATA, request.data),
        (Kind.EXIST, request.exist),
        (Kind.CHILD, request.child),
        (Kind.PERSISTENT, request.persistent),
        (Kind.RECURSIVE, request.recursive),
    ):
        for path in paths:
            missed = what_was_missed(kind, stamps(path), request.relative_zxid)
            if missed is None:
                watches = with_watch(watches, kind, path)
            else:
                events.append(Event(missed, path, NO_ZXID))
    return Fired(watches, tuple(events))


def what_was_missed(kind: Kind, node: Stamps | None, relative_zxid: int) -> EventType | None:
    """Returns the event that a watch of some kind has missed, by what is there now.

    None to register the watch.
    """
    if node is None:
        return EventType.DELETED if kind in (Kind.DATA, Kind.CHILD) else None
    match kind:
        case Kind.DATA if node.mzxid > relative_zxid:
            return EventType.DATA_CHANGED
        case Kind.EXIST:
            return EventType.CREATED
        case Kind.CHILD if node.pzxid > relative_zxid:
            return EventType.CHILDREN_CHANGED
        case _:
            return None
