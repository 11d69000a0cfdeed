"""Watches: what fires, what is left, what is told on a new connection."""

from __future__ import annotations

from zabspec.watches import NONE, Event, EventType, Kind, Manager, Trigger, fired, with_watch


def test_a_deletion_is_told_once_to_who_watches_data_and_children() -> None:
    watches = with_watch(with_watch(with_watch(NONE, Kind.DATA, "/p"), Kind.CHILD, "/p"), Kind.CHILD, "/")
    triggers = (
        Trigger(EventType.DELETED, "/p", Manager.DATA),
        Trigger(EventType.DELETED, "/p", Manager.CHILD),
        Trigger(EventType.CHILDREN_CHANGED, "/", Manager.CHILD),
    )
    done = fired(watches, triggers, 7)
    assert done.events == (Event(EventType.DELETED, "/p", 7), Event(EventType.CHILDREN_CHANGED, "/", 7))
    assert done.watches == NONE
