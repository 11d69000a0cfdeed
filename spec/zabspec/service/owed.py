"""Which events the committed log owes to a watch: read off the log, not off what any server did.

A watch is a kind, a path, and a place in the log from which on it is served. The log from there on owes it
events, by the watch matrix in docs/watches.md. So the guarantees can be judged by the log and by what a
client has received.

ZooKeeper: DataTree.createNode, deleteNode, setData; WatchManager.triggerWatch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from zabspec.service.history import readable_at, triggers_at
from zabspec.service.state import Log
from zabspec.watches import Event, EventType, Kind, Manager, Trigger


class Place(NamedTuple):
    """A place in the one order of all events: by transaction, then by trigger."""

    zxid: int
    trigger: int


BEGINNING = Place(0, 0)

LASTING = (Kind.PERSISTENT, Kind.RECURSIVE)
"""The kinds of watches that an event does not use up."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch, as the client that has registered it sees it.

    Attributes:
        kind: the kind of watch.
        path: the path that it is for.
        since: it is owed the events at this place in the order and after it.
        again: True if it was registered again, on a new connection.
    """

    kind: Kind
    path: str
    since: Place
    again: bool = False


class Owed(NamedTuple):
    """An event that a watch is owed."""

    place: Place
    type: EventType
    path: str


def next_owed(log: Log, watch: Watch) -> Owed | None:
    """Returns the next event that a watch is owed; None if there is none in the log.

    No event is owed for a node that the client may not read. Such a change uses up a standard watch all the
    same, without the client knowing.
    """
    return _next_owed(log, watch.kind, watch.path, watch.since)


@cache
def _next_owed(log: Log, kind: Kind, path: str, since: Place) -> Owed | None:
    for zxid in range(max(since.zxid, 1), len(log) + 1):
        for index, trigger in enumerate(triggers_at(log, zxid)):
            if Place(zxid, index) < since or not is_owed(kind, path, trigger):
                continue
            if readable_at(log, zxid)[index]:
                return Owed(Place(zxid, index), trigger.type, trigger.path)
            if kind not in LASTING:
                return None
    return None


def is_owed(kind: Kind, path: str, trigger: Trigger) -> bool:
    """True if a watch of some kind at a path is owed the event of a trigger: the watch matrix.

    A deleted node has two triggers, of which a persistent watch there is owed one.
    """
    is_at_node = trigger.manager == Manager.DATA
    match kind:
        case Kind.DATA:
            return is_at_node and trigger.path == path and trigger.type != EventType.CREATED
        case Kind.EXIST:
            return is_at_node and trigger.path == path and trigger.type == EventType.CREATED
        case Kind.CHILD:
            return not is_at_node and trigger.path == path
        case Kind.PERSISTENT:
            return trigger.path == path and (is_at_node or trigger.type == EventType.CHILDREN_CHANGED)
        case Kind.RECURSIVE:
            return is_at_node and f"{trigger.path}/".startswith(f"{path.rstrip('/')}/")


def is_event_for(kind: Kind, path: str, event: Event) -> bool:
    """True if an event has a type and a path that a watch may be told of."""
    managers = Manager if event.type == EventType.DELETED else (manager_of(event.type),)
    return any(is_owed(kind, path, Trigger(event.type, event.path, each)) for each in managers)


def manager_of(kind: EventType) -> Manager:
    """Returns the manager whose watches are told of an event first."""
    return Manager.CHILD if kind == EventType.CHILDREN_CHANGED else Manager.DATA


def place_of(log: Log, event: Event, after: Place) -> Place | None:
    """Returns the first place after another where the log has an event, None if there is none.

    Only the transaction with the event's zxid is looked at.
    """
    if not 1 <= event.zxid <= len(log):
        return None
    for index, trigger in enumerate(triggers_at(log, event.zxid)):
        is_it = (trigger.type, trigger.path) == (event.type, event.path)
        if is_it and Place(event.zxid, index) > after:
            return Place(event.zxid, index)
    return None
