"""What clients rely on of watches, each property with the sentence that it comes from.

They are about one connection, and about what has happened to nodes, not about how managers are called: which
events an entry is owed for a change is written down once more here, as the matrix in docs/watches.md has it
(`owed`). W1 to W16 are the guarantees stated there. Those about replies are checked of `zabspec.service`.
"Guide" is the Programmer's Guide, section "ZooKeeper Watches".

ZooKeeper: tests WatchManagerTest, PersistentWatcherTest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from zabspec.watches.catching_up import SetWatches
from zabspec.watches.firing import is_within
from zabspec.watches.registration import entries_of
from zabspec.watches.removal import RemoveWatches, WatcherType
from zabspec.watches.state import Entry, Event, EventType, Kind, Manager, Mode, Watches


@dataclass(frozen=True, slots=True)
class Change:
    """What one operation of a transaction has done to a node and, if it created or deleted the node, to its
    parent.

    Attributes:
        type: CREATED, DELETED or DATA_CHANGED.
        path: of the node.
    """

    type: EventType
    path: str


@dataclass(frozen=True, slots=True)
class Applied:
    """A transaction has been applied while a connection had watches.

    Attributes:
        before: what the connection had registered.
        changes: of the transaction, in order.
        zxid: of the transaction.
        unreadable: paths of the nodes that the connection may not read.
        after: what is still registered.
        events: that were sent.
    """

    before: Watches
    changes: tuple[Change, ...]
    zxid: int
    unreadable: tuple[str, ...]
    after: Watches
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """A client has removed watches, and a transaction was applied after that.

    Attributes:
        before: what was registered.
        request: what was to be removed.
        then: the transaction, with what the removal has left.
    """

    before: Watches
    request: RemoveWatches
    then: Applied


@dataclass(frozen=True, slots=True)
class Resumed:
    """A client has registered its watches again, having seen everything up to some zxid and watched from then
    on.

    Attributes:
        log: all changes that there were, each with its zxid.
        request: what was registered, on a new connection.
        after: what is registered now.
        events: that were sent.
    """

    log: tuple[tuple[int, Change], ...]
    request: SetWatches
    after: Watches
    events: tuple[Event, ...]


# The events that an entry is owed.


def parent_of(path: str) -> str:
    """Returns the path of a node's parent."""
    return path.rpartition("/")[0] or "/"


def owed(entry: Entry, change: Change) -> tuple[EventType, str] | None:
    """Returns the type and path of the event that an entry is owed for a change; None if it is owed none."""
    if entry.mode == Mode.RECURSIVE:
        return (change.type, change.path) if is_within(change.path, entry.path) else None
    if entry.path == change.path and (entry.manager == Manager.DATA or change.type == EventType.DELETED):
        return change.type, change.path
    if entry.manager == Manager.CHILD and _is_of_child(entry.path, change):
        return EventType.CHILDREN_CHANGED, entry.path
    return None


def _is_of_child(path: str, change: Change) -> bool:
    return change.type != EventType.DATA_CHANGED and change.path != "/" and parent_of(change.path) == path


def _owed_in_order(step: Applied) -> Iterator[tuple[EventType, str]]:
    """Yields what is owed to all entries together: each event once for a change, the node's before its
    parent's.
    """
    gone: set[Entry] = set()
    for change in step.changes:
        hit = [each for each in step.before.entries if each not in gone and owed(each, change)]
        events = {event for each in hit if (event := owed(each, change)) is not None}
        gone |= {each for each in hit if each.mode == Mode.STANDARD}
        yield from sorted(
            (each for each in events if each[1] not in step.unreadable),
            key=lambda each: each[0] == EventType.CHILDREN_CHANGED,
        )


def _sent(step: Applied) -> list[tuple[EventType, str]]:
    return [(each.type, each.path) for each in step.events]


# Properties of a transaction.


def standard_watch_is_gone_after_its_event(step: Applied) -> bool:
    """Guide: "Standard watches are one time triggers; if you get a watch event and you want to get notified
    of future changes, you must set another watch." (W5) The watch is gone as well if the event was not sent
    because the client may not read the node.
    """
    return not any(
        owed(entry, change)
        for entry in step.after.entries
        if entry.mode == Mode.STANDARD
        for change in step.changes
    )


def other_watches_stay(step: Applied) -> bool:
    """A watch that has not fired is still registered, and so is a persistent or recursive one that has.

    Guide: "you can set a watch that does not get removed when triggered." (W7)
    """
    unhit = (
        entry
        for entry in step.before.entries
        if entry.mode != Mode.STANDARD or not any(owed(entry, change) for change in step.changes)
    )
    return set(unhit) <= set(step.after.entries) <= set(step.before.entries)


def owed_events_are_sent(step: Applied) -> bool:
    """A client gets the event of every change that it watches for and may read. (W2, W7)"""
    return set(_owed_in_order(step)) <= set(_sent(step))


def events_are_caused(step: Applied) -> bool:
    """Each event is owed to an entry that was registered, for a change that has happened. (W4, W6)"""
    return set(_sent(step)) <= set(_owed_in_order(step))


def one_event_for_each_change(step: Applied) -> bool:
    """Guide: "A watch object, or function/context pair, will only be triggered once for a given
    notification." A connection gets one event, however many of its entries are owed it. (W5)
    """
    return len(step.events) <= len(list(_owed_in_order(step)))


def events_are_in_order(step: Applied) -> bool:
    """Guide: "The order of watch events from ZooKeeper corresponds to the order of the updates as seen by the
    ZooKeeper service." In a transaction that is the order of its operations; for each operation, the event of
    the node comes before that of its parent. (W1, W9)
    """
    expected = iter(_owed_in_order(step))
    return all(event in expected for event in _sent(step))


def events_have_the_zxid_of_their_transaction(step: Applied) -> bool:
    """Where events carry a zxid, it is that of the transaction, for all events of a multi the same. (W9)"""
    return not step.before.release.zxid_in_events or all(each.zxid == step.zxid for each in step.events)


def recursive_watch_hears_of_no_children(step: Applied) -> bool:
    """Guide: "NodeChildrenChanged events are not triggered for persistent recursive watches as it would be
    redundant." (W12, ZOOKEEPER-4475)
    """
    if any(entry.mode != Mode.RECURSIVE for entry in step.before.entries):
        return True
    return all(each.type != EventType.CHILDREN_CHANGED for each in step.events)


def nothing_is_told_of_what_may_not_be_read(step: Applied) -> bool:
    """A client gets no event of a node on which it has no READ. (W12, ZOOKEEPER-4799)"""
    return not step.before.release.filters_events or all(
        each.path not in step.unreadable for each in step.events
    )


EVERY_TRANSACTION: tuple[Callable[[Applied], bool], ...] = (
    standard_watch_is_gone_after_its_event,
    other_watches_stay,
    owed_events_are_sent,
    events_are_caused,
    one_event_for_each_change,
    events_are_in_order,
    events_have_the_zxid_of_their_transaction,
    recursive_watch_hears_of_no_children,
    nothing_is_told_of_what_may_not_be_read,
)


# Properties of a removal.

REMOVES: dict[WatcherType, tuple[Kind, ...]] = {
    WatcherType.CHILDREN: (Kind.CHILD,),
    WatcherType.DATA: (Kind.DATA,),
    WatcherType.ANY: tuple(Kind),
    WatcherType.PERSISTENT: (Kind.PERSISTENT,),
    WatcherType.RECURSIVE: (Kind.RECURSIVE,),
}
"""For each type, the kinds of watches that a removal is meant for."""


def _meant(step: Removed) -> set[Entry]:
    kinds = REMOVES[WatcherType(step.request.type)]
    return {each for kind in kinds for each in entries_of(kind, step.request.path, step.before.release)}


def nothing_after_removal(step: Removed) -> bool:
    """No event is sent for a watch that has been removed. (W13)"""
    left = set(step.before.entries) - _meant(step)
    owed_to_others = {owed(entry, change) for entry in left for change in step.then.changes}
    return set(_sent(step.then)) <= owed_to_others


def removal_spares_the_others(step: Removed) -> bool:
    """A removal ends the watches that it names and no others (ZOOKEEPER-4471, ZOOKEEPER-4472)."""
    return set(step.before.entries) - _meant(step) <= set(step.then.before.entries)


EVERY_REMOVAL: tuple[Callable[[Removed], bool], ...] = (nothing_after_removal, removal_spares_the_others)


# Properties of a new connection.


def _missed(step: Resumed) -> list[Change]:
    return [change for zxid, change in step.log if zxid > step.request.relative_zxid]


def _watching(step: Resumed) -> Iterator[Entry]:
    """Yields the entries of data and child watches, as they were on the last connection."""
    for kind, paths in ((Kind.DATA, step.request.data), (Kind.CHILD, step.request.child)):
        for path in paths:
            yield from entries_of(kind, path, step.after.release)


def _told(step: Resumed, path: str) -> bool:
    return any(each.path == path for each in step.events)


def seen_changes_are_not_told_again(step: Resumed) -> bool:
    """A data or child watch that has missed nothing is registered again, without an event. (W10)"""
    return all(
        any(owed(entry, change) for change in _missed(step)) or not _told(step, entry.path)
        for entry in _watching(step)
    )


def missed_changes_are_told(step: Resumed) -> bool:
    """A data or child watch that has missed a change gets an event. (W10)"""
    return all(
        _told(step, entry.path) or not any(owed(entry, change) for change in _missed(step))
        for entry in _watching(step)
    )


def exist_watch_is_told_of_a_node(step: Resumed) -> bool:
    """An exist watch gets an event if there is a node now, and none if a node has come and gone. (W10)"""
    return all(_told(step, path) == _is_there(step, path) for path in step.request.exist)


def _is_there(step: Resumed, path: str) -> bool:
    own = [change for _, change in step.log if change.path == path]
    return bool(own) and own[-1].type != EventType.DELETED


def told_or_registered(step: Resumed) -> bool:
    """Each standard watch gets an event or is registered, never both and never neither. (W10)"""
    for kind, paths in (
        (Kind.DATA, step.request.data),
        (Kind.EXIST, step.request.exist),
        (Kind.CHILD, step.request.child),
    ):
        for path in paths:
            is_registered = set(entries_of(kind, path, step.after.release)) <= set(step.after.entries)
            if is_registered == _told(step, path):
                return False
    return True


def lasting_watches_are_registered_again(step: Resumed) -> bool:
    """A persistent or recursive watch is registered again, without an event for what it has missed. (W11)"""
    lasting = [(Kind.PERSISTENT, path) for path in step.request.persistent]
    lasting += [(Kind.RECURSIVE, path) for path in step.request.recursive]
    standard = {*step.request.data, *step.request.exist, *step.request.child}
    return all(
        set(entries_of(kind, path, step.after.release)) <= set(step.after.entries) for kind, path in lasting
    ) and all(each.path in standard for each in step.events)


EVERY_RESUMPTION: tuple[Callable[[Resumed], bool], ...] = (
    seen_changes_are_not_told_again,
    missed_changes_are_told,
    exist_watch_is_told_of_a_node,
    told_or_registered,
    lasting_watches_are_registered_again,
)
