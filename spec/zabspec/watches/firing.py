"""Firing watches: what a connection is told of a transaction that its server has applied.

The tree says which managers a transaction triggers, for which paths, in which order (`Trigger`). Here is what
comes of that for one connection. It gets at most one event for each trigger, in their order. An entry in mode
STANDARD is gone once it has fired, also where the event is not sent because the client may not read the node.

ZooKeeper: WatchManager.triggerWatch, PathParentIterator, ServerCnxn.process.
"""

from __future__ import annotations

from collections.abc import Sequence

from zabspec.watches.state import (
    NO_ZXID,
    Entry,
    Event,
    EventType,
    Fired,
    Manager,
    Mode,
    Trigger,
    Watches,
    without_entries,
)


def fired(
    watches: Watches,
    triggers: Sequence[Trigger],
    zxid: int,
    readable: Sequence[bool] = (),
) -> Fired:
    """Returns the watches after a transaction, and its events for one connection.

    Args:
        watches: of the connection.
        triggers: all of the transaction, in order; for a multi, those of one operation after the other.
        zxid: of the transaction.
        readable: for each trigger, True if the identities of the connection have READ on its node, by the ACL
            that the node has, or had when it was deleted; empty if they have it on all of them.
    """
    header = zxid if watches.release.zxid_in_events else NO_ZXID
    events: list[Event] = []
    was_hit = False  # by the previous trigger
    for trigger, is_readable in zip(triggers, readable or [True] * len(triggers), strict=True):
        is_told = was_hit and is_second_call(trigger)
        was_hit = is_hit(watches, trigger)
        is_denied = watches.release.filters_events and not is_readable
        if was_hit and not is_told and not is_denied:
            events.append(Event(trigger.type, trigger.path, header))
        watches = without_entries(watches, trigger.manager, trigger.path, Mode.STANDARD)
    return Fired(watches, tuple(events))


def is_second_call(trigger: Trigger) -> bool:
    """True if a trigger tells the child watches of a node what its data watches have just been told.

    A connection that the first call has found is left out of the second. ZooKeeper: DataTree.deleteNode.
    """
    return trigger.type == EventType.DELETED and trigger.manager == Manager.CHILD


def is_hit(watches: Watches, trigger: Trigger) -> bool:
    """True if a trigger finds an entry of the connection."""
    return any(hits(trigger, entry) for entry in watches.entries)


def hits(trigger: Trigger, entry: Entry) -> bool:
    """True if a trigger finds an entry: one at its path, or a recursive one there or above.

    A recursive entry is told of every child, so it is not told that the children have changed.
    """
    if trigger.manager != entry.manager:
        return False
    if entry.mode == Mode.RECURSIVE:
        return trigger.type != EventType.CHILDREN_CHANGED and is_within(trigger.path, entry.path)
    return trigger.path == entry.path


def is_within(path: str, top: str) -> bool:
    """True if a path is `top` or below it."""
    return path == top or path.startswith(top if top == "/" else f"{top}/")
