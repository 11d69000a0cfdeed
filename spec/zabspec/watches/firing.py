"""Watches fire: what a connection is told of a transaction that its server has applied.

The tree says which managers a transaction triggers, for which paths, in which order (`Trigger`); here is what
comes of it for one connection. It gets at most one event for each trigger, in their order. What fires in mode
STANDARD is gone, also where the event is not sent because its node may not be read.

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
    """The events of one transaction, for one connection.

    Args:
        watches: what the connection has registered.
        triggers: all of the transaction, in order; of a multi, those of one operation after the other.
        zxid: of the transaction.
        readable: for each trigger, whether the ids of the connection have READ on its node, by the ACL that
            it has, or had when it was deleted; empty if they have it on all of them.
    """
    header = zxid if watches.release.zxid_in_events else NO_ZXID
    events: list[Event] = []
    was_hit = False  # by the trigger before
    for trigger, is_readable in zip(triggers, readable or [True] * len(triggers), strict=True):
        is_told = was_hit and is_second_call(trigger)
        was_hit = is_hit(watches, trigger)
        is_denied = watches.release.filters_events and not is_readable
        if was_hit and not is_told and not is_denied:
            events.append(Event(trigger.type, trigger.path, header))
        watches = without_entries(watches, trigger.manager, trigger.path, Mode.STANDARD)
    return Fired(watches, tuple(events))


def is_second_call(trigger: Trigger) -> bool:
    """Whether a trigger tells the child watches of a node what its data watches have just been told.

    Who has been found by the first call is left out of the second. ZooKeeper: DataTree.deleteNode.
    """
    return trigger.type == EventType.DELETED and trigger.manager == Manager.CHILD


def is_hit(watches: Watches, trigger: Trigger) -> bool:
    """Whether a trigger finds the connection."""
    return any(hits(trigger, entry) for entry in watches.entries)


def hits(trigger: Trigger, entry: Entry) -> bool:
    """Whether a trigger finds an entry: one at its path, or a recursive one there or above.

    A recursive one is told of every child, so it is not told that there are other children.
    """
    if trigger.manager != entry.manager:
        return False
    if entry.mode == Mode.RECURSIVE:
        return trigger.type != EventType.CHILDREN_CHANGED and is_within(trigger.path, entry.path)
    return trigger.path == entry.path


def is_within(path: str, top: str) -> bool:
    """Whether a path is `top` or below it."""
    return path == top or path.startswith(top if top == "/" else f"{top}/")
