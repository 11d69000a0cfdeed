"""Watches with one mistake put in, and the property that catches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from zabcheck.models.mutant import FunctionMutant
from zabcheck.models.watches.model import Node, Readable, Rules, Triggers, triggers_of
from zabspec import watches
from zabspec.watches import (
    Answer,
    Entry,
    Event,
    EventType,
    Fired,
    Kind,
    Manager,
    Mode,
    RemoveWatches,
    SetWatches,
    Watches,
)
from zabspec.watches.firing import is_within
from zabspec.watches.properties import Change
from zabspec.watches.registration import entries_of
from zabspec.watches.state import without_entries

# Triggers.


def deletion_of_last_child_unnoticed(change: Change, after: frozenset[str]) -> Triggers:
    """The deletion of the last child fires no child watch of the parent."""
    calls = triggers_of(change, after)
    above = calls[-1].path
    is_last = change.type == EventType.DELETED and not any(
        each != above and is_within(each, above) for each in after
    )
    return calls[:-1] if is_last else calls


def creation_unnoticed_by_parent(change: Change, after: frozenset[str]) -> Triggers:
    """The creation of a child fires no child watch of the parent."""
    calls = triggers_of(change, after)
    return calls[:1] if change.type == EventType.CREATED else calls


def parent_first(change: Change, after: frozenset[str]) -> Triggers:
    """The parent's watches fire before the node's."""
    return (
        triggers_of(change, after)[::-1] if change.type == EventType.CREATED else triggers_of(change, after)
    )


# Firing.


def standard_kept(before: Watches, triggers: Triggers, zxid: int, readable: Readable) -> Fired:
    """Standard watches fire again and again."""
    return replace(watches.fired(before, triggers, zxid, readable), watches=before)


def denied_kept(before: Watches, triggers: Triggers, zxid: int, readable: Readable) -> Fired:
    """A standard watch stays if its event is withheld for lack of permission."""
    done = watches.fired(before, triggers, zxid, readable)
    held = {
        (each.manager, each.path)
        for each, is_readable in zip(triggers, readable, strict=True)
        if not is_readable
    }
    kept = {each for each in before.entries if (each.manager, each.path) in held}
    left = tuple(sorted({*done.watches.entries, *kept}))
    return replace(done, watches=replace(before, entries=left))


def persistent_gone(before: Watches, triggers: Triggers, zxid: int, readable: Readable) -> Fired:
    """A persistent watch is removed when it fires."""
    done = watches.fired(before, triggers, zxid, readable)
    left = done.watches
    for each in triggers:
        left = without_entries(left, each.manager, each.path, Mode.PERSISTENT)
    return replace(done, watches=left)


def told_twice(before: Watches, triggers: Triggers, zxid: int, readable: Readable) -> Fired:
    """The second trigger of a deletion sends an event to clients that the first one has told."""
    done = Fired(before, ())
    for number, each in enumerate(triggers):  # one by one, so that none knows of the one before
        one = watches.fired(done.watches, (each,), zxid, readable[number : number + 1])
        done = Fired(one.watches, (*done.events, *one.events))
    return done


def event_for_each_mode(before: Watches, triggers: Triggers, zxid: int, readable: Readable) -> Fired:
    """A path sends one event for each mode in which it is watched."""
    separately = [
        watches.fired(replace(before, entries=(each,)), triggers, zxid, readable) for each in before.entries
    ]
    left = tuple(entry for each in separately for entry in each.watches.entries)
    events = tuple(event for each in separately for event in each.events)
    return Fired(replace(before, entries=left), events)


def reversed_events(before: Watches, triggers: Triggers, zxid: int, readable: Readable) -> Fired:
    """The events of a transaction are sent in reverse order."""
    done = watches.fired(before, triggers, zxid, readable)
    return replace(done, events=done.events[::-1])


def last_event_lost(before: Watches, triggers: Triggers, zxid: int, readable: Readable) -> Fired:
    """The last of several events in one transaction is dropped."""
    done = watches.fired(before, triggers, zxid, readable)
    return replace(done, events=done.events[:1])


def everyone_reads(before: Watches, triggers: Triggers, zxid: int, _readable: Readable) -> Fired:
    """Events are sent without checking that the client may read the node (before ZOOKEEPER-4799)."""
    return watches.fired(before, triggers, zxid)


def zxid_of_the_server(before: Watches, triggers: Triggers, zxid: int, readable: Readable) -> Fired:
    """Events carry the last zxid applied before the transaction."""
    done = watches.fired(before, triggers, zxid, readable)
    return replace(done, events=tuple(replace(each, zxid=zxid - 1) for each in done.events))


def recursive_told_of_children(before: Watches, triggers: Triggers, zxid: int, readable: Readable) -> Fired:
    """A recursive watch is also registered for children, and gets NodeChildrenChanged."""
    done = watches.fired(before, triggers, zxid, readable)
    tops = [each.path for each in before.entries if each.mode == Mode.RECURSIVE]
    more = [
        Event(each.type, each.path, zxid)
        for each in triggers
        if each.type == EventType.CHILDREN_CHANGED and any(is_within(each.path, top) for top in tops)
    ]
    return replace(done, events=(*done.events, *(each for each in more if each not in done.events)))


def prefix_without_slash(before: Watches, triggers: Triggers, zxid: int, readable: Readable) -> Fired:
    """A recursive watch of /a also fires for /ab."""
    more = [
        Entry(Manager.DATA, trigger.path, Mode.RECURSIVE)
        for trigger in triggers
        for entry in before.entries
        if entry.mode == Mode.RECURSIVE and trigger.path.startswith(entry.path)
    ]
    done = watches.fired(
        replace(before, entries=tuple(sorted({*before.entries, *more}))), triggers, zxid, readable
    )
    kept = tuple(each for each in done.watches.entries if each in before.entries)
    return replace(done, watches=replace(before, entries=kept))


# Removal.


def removes_nothing(before: Watches, request: RemoveWatches) -> tuple[Watches, Answer]:
    """A removal is acknowledged and not done."""
    return before, watches.removed(before, request)[1]


def removes_everything(before: Watches, request: RemoveWatches) -> tuple[Watches, Answer]:
    """A removal ends all watches of the path (before ZOOKEEPER-4472)."""
    answer = watches.removed(before, request)[1]
    if answer != Answer.OK:
        return before, answer
    return watches.removed(before, RemoveWatches(request.path, watches.WatcherType.ANY))


def removes_half(before: Watches, request: RemoveWatches) -> tuple[Watches, Answer]:
    """A removal of a persistent watch ends it in one watch manager (before ZOOKEEPER-4471)."""
    left, answer = watches.removed(before, request)
    half = [
        each
        for each in before.entries
        if (each.manager, each.mode) == (Manager.CHILD, Mode.PERSISTENT) and each.path == request.path
    ]
    return replace(left, entries=tuple(sorted({*left.entries, *half}))), answer


# Registering again.

Stamps = Callable[[str], Node | None]


def compares_with_not_less(before: Watches, request: SetWatches, stamps: Stamps) -> Fired:
    """On reconnection the last change that the client has seen fires again: >= instead of >."""
    return watches.caught_up(before, replace(request, relative_zxid=request.relative_zxid - 1), stamps)


def compares_mzxid_for_children(before: Watches, request: SetWatches, stamps: Stamps) -> Fired:
    """On reconnection a child watch is compared with the node's mzxid instead of its pzxid."""

    def mistaken(path: str) -> Node | None:
        node = stamps(path)
        return None if node is None or path not in request.child else Node(node.mzxid, node.mzxid)

    return watches.caught_up(before, request, mistaken if request.child else stamps)


def only_registers(before: Watches, request: SetWatches, _stamps: Stamps) -> Fired:
    """On reconnection all watches are registered again, and missed changes fire none."""
    for kind, paths in (
        (Kind.DATA, request.data),
        (Kind.EXIST, request.exist),
        (Kind.CHILD, request.child),
        (Kind.PERSISTENT, request.persistent),
        (Kind.RECURSIVE, request.recursive),
    ):
        for path in paths:
            before = watches.with_watch(before, kind, path)
    return Fired(before, ())


def exist_not_told(before: Watches, request: SetWatches, stamps: Stamps) -> Fired:
    """On reconnection an exist watch is only registered again, though the node was created."""
    done = watches.caught_up(before, replace(request, exist=()), stamps)
    left = done.watches
    for path in request.exist:
        left = watches.with_watch(left, Kind.EXIST, path)
    return replace(done, watches=left)


def told_and_registered(before: Watches, request: SetWatches, stamps: Stamps) -> Fired:
    """On reconnection a watch that fires is registered as well, and fires again with the next change."""
    done = watches.caught_up(before, request, stamps)
    return replace(done, watches=only_registers(before, request, stamps).watches)


def persistent_forgotten(before: Watches, request: SetWatches, stamps: Stamps) -> Fired:
    """On reconnection persistent and recursive watches are left out."""
    return watches.caught_up(before, replace(request, persistent=(), recursive=()), stamps)


def lost_trigger(kind: EventType) -> Callable[[Change, frozenset[str]], Triggers]:
    """Returns triggers without those of one type."""

    def mistaken(change: Change, after: frozenset[str]) -> Triggers:
        return tuple(each for each in triggers_of(change, after) if each.type != kind)

    return mistaken


def half_registered(before: Watches, request: SetWatches, stamps: Stamps) -> Fired:
    """On reconnection a persistent watch is registered in the data manager only."""
    done = watches.caught_up(before, request, stamps)
    lost = [
        entry
        for path in request.persistent
        for entry in entries_of(Kind.PERSISTENT, path, before.release)[1:]
    ]
    kept = tuple(each for each in done.watches.entries if each not in lost)
    return replace(done, watches=replace(done.watches, entries=kept))


MUTANTS = (
    FunctionMutant(
        "last-child-unnoticed",
        "No child watch fires when the last child of its node is deleted.",
        "owed_events_are_sent",
        Rules(triggers_of=deletion_of_last_child_unnoticed),
    ),
    FunctionMutant(
        "creation-unnoticed",
        "No child watch fires when a child is created.",
        "owed_events_are_sent",
        Rules(triggers_of=creation_unnoticed_by_parent),
    ),
    FunctionMutant(
        "set-unnoticed",
        "No watch fires when data are set.",
        "owed_events_are_sent",
        Rules(triggers_of=lost_trigger(EventType.DATA_CHANGED)),
    ),
    FunctionMutant(
        "event-lost",
        "Of the events of a transaction only the first one is sent.",
        "owed_events_are_sent",
        Rules(fired=last_event_lost),
    ),
    FunctionMutant(
        "parent-first",
        "The watches of the parent fire before those of the node.",
        "events_are_in_order",
        Rules(triggers_of=parent_first),
    ),
    FunctionMutant(
        "events-reversed",
        "The events of a multi are sent in the wrong order.",
        "events_are_in_order",
        Rules(fired=reversed_events),
    ),
    FunctionMutant(
        "standard-kept",
        "A standard watch stays when it has fired.",
        "standard_watch_is_gone_after_its_event",
        Rules(fired=standard_kept),
    ),
    FunctionMutant(
        "denied-kept",
        "A standard watch stays if its event was withheld because the client may not read the node.",
        "standard_watch_is_gone_after_its_event",
        Rules(fired=denied_kept),
    ),
    FunctionMutant(
        "persistent-gone",
        "A persistent watch is removed when it fires.",
        "other_watches_stay",
        Rules(fired=persistent_gone),
    ),
    FunctionMutant(
        "told-twice",
        "A client that watches the data and the children of a node gets NodeDeleted twice.",
        "one_event_for_each_change",
        Rules(fired=told_twice),
    ),
    FunctionMutant(
        "event-for-each-mode",
        "A connection that watches a path in two modes gets each event twice.",
        "one_event_for_each_change",
        Rules(fired=event_for_each_mode),
    ),
    FunctionMutant(
        "everyone-reads",
        "A client gets events of nodes that it may not read.",
        "nothing_is_told_of_what_may_not_be_read",
        Rules(fired=everyone_reads),
    ),
    FunctionMutant(
        "zxid-before",
        "Events carry the last zxid that the server had applied before their transaction.",
        "events_have_the_zxid_of_their_transaction",
        Rules(fired=zxid_of_the_server),
    ),
    FunctionMutant(
        "recursive-told-of-children",
        "A recursive watch fires ChildrenChanged.",
        "recursive_watch_hears_of_no_children",
        Rules(fired=recursive_told_of_children),
    ),
    FunctionMutant(
        "prefix-without-slash",
        "A recursive watch of /a fires for /ab.",
        "events_are_caused",
        Rules(fired=prefix_without_slash),
    ),
    FunctionMutant(
        "removes-nothing",
        "A removal is acknowledged and not done.",
        "nothing_after_removal",
        Rules(removed=removes_nothing),
    ),
    FunctionMutant(
        "removes-half",
        "A persistent watch that is removed stays in the child watch manager.",
        "nothing_after_removal",
        Rules(removed=removes_half),
    ),
    FunctionMutant(
        "removes-everything",
        "A removal of one kind of watch ends all watches of the path.",
        "removal_spares_the_others",
        Rules(removed=removes_everything),
    ),
    FunctionMutant(
        "compares-with-not-less",
        "On a new connection, mzxid and pzxid are compared with >= instead of >.",
        "seen_changes_are_not_told_again",
        Rules(caught_up=compares_with_not_less),
    ),
    FunctionMutant(
        "compares-mzxid-for-children",
        "On a new connection, a child watch is compared with the mzxid of its node.",
        "missed_changes_are_told",
        Rules(caught_up=compares_mzxid_for_children),
    ),
    FunctionMutant(
        "only-registers",
        "On a new connection, watches are registered again and missed changes fire none.",
        "missed_changes_are_told",
        Rules(caught_up=only_registers),
    ),
    FunctionMutant(
        "exist-not-told",
        "On a new connection, an exist watch does not fire though the node was created meanwhile.",
        "exist_watch_is_told_of_a_node",
        Rules(caught_up=exist_not_told),
    ),
    FunctionMutant(
        "told-and-registered",
        "On a new connection, a watch that fires is registered again as well.",
        "told_or_registered",
        Rules(caught_up=told_and_registered),
    ),
    FunctionMutant(
        "persistent-forgotten",
        "On a new connection, persistent and recursive watches are not registered again.",
        "lasting_watches_are_registered_again",
        Rules(caught_up=persistent_forgotten),
    ),
    FunctionMutant(
        "half-registered",
        "On a new connection, a persistent watch is registered in one watch manager only.",
        "lasting_watches_are_registered_again",
        Rules(caught_up=half_registered),
    ),
)
