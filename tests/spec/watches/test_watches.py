"""Watches: which fire, which remain, what a client is told on a new connection; every property can fail."""

from __future__ import annotations

from typing import Any

import pytest

from zabcheck.models.mutant import FunctionMutant
from zabcheck.models.watches.model import Rules, Scope, broken, first_break
from zabcheck.models.watches.mutants import MUTANTS
from zabspec.watches import (
    NONE,
    NOTHING,
    RELEASE_3_8,
    AddWatch,
    Answer,
    CheckWatches,
    Event,
    EventType,
    Kind,
    Manager,
    Mode,
    RemoveWatches,
    SetWatches,
    Trigger,
    WatcherType,
    Watches,
    added,
    called,
    checked,
    fired,
    forgotten,
    registered_again,
    remembered,
    removed,
    told_of_connection,
    with_watch,
)
from zabspec.watches.properties import EVERY_REMOVAL, EVERY_RESUMPTION, EVERY_TRANSACTION

OF_3_8 = Watches(release=RELEASE_3_8)
DELETED_P = (
    Trigger(EventType.DELETED, "/p", Manager.DATA),
    Trigger(EventType.DELETED, "/p", Manager.CHILD),
    Trigger(EventType.CHILDREN_CHANGED, "/", Manager.CHILD),
)
SET_P = (Trigger(EventType.DATA_CHANGED, "/p", Manager.DATA),)


def watching(*kinds_and_paths: tuple[Kind, str], watches: Watches = NONE) -> Watches:
    for kind, path in kinds_and_paths:
        watches = with_watch(watches, kind, path)
    return watches


# Everything that can happen, in a small name space.

SCOPES = [
    (Scope(), 24_962),
    (Scope(("/a", "/a/b"), watches=3, operations=1, log=5), 9_548),
]


@pytest.mark.spec
@pytest.mark.parametrize(("scope", "count"), SCOPES, ids=["wide", "deep"])
def test_all_that_is_in_a_small_scope_is_right(scope: Scope, count: int) -> None:
    assert broken(Rules(), scope) == (count, {})


@pytest.mark.spec
@pytest.mark.deep
def test_every_set_of_watches_is_right() -> None:
    """All 4,096 sets of four kinds of watches on three paths."""
    assert broken(Rules(), Scope(("/a", "/a/b"), watches=12, log=4)) == (215_228, {})


@pytest.mark.spec
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mistake_is_caught(mutant: FunctionMutant[Any]) -> None:
    assert first_break(mutant.functions, Scope(), mutant.caught_by) is not None


def test_a_property_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense is no property"):
        first_break(Rules(), Scope(), "nonsense")


def test_every_property_has_a_mutant() -> None:
    asked = {each.__name__ for each in (*EVERY_TRANSACTION, *EVERY_REMOVAL, *EVERY_RESUMPTION)}
    assert {mutant.caught_by for mutant in MUTANTS} == asked
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names)


# Observed of real servers.


def test_a_deletion_sends_one_event_to_a_watcher_of_data_and_children() -> None:
    done = fired(watching((Kind.DATA, "/p"), (Kind.CHILD, "/p"), (Kind.CHILD, "/")), DELETED_P, 7)
    assert done.events == (Event(EventType.DELETED, "/p", 7), Event(EventType.CHILDREN_CHANGED, "/", 7))
    assert done.watches == NONE


def test_recursive_on_the_root_and_data_below_is_one_event() -> None:
    before = watching((Kind.RECURSIVE, "/"), (Kind.DATA, "/p"))
    done = fired(before, SET_P, 7)
    assert done.events == (Event(EventType.DATA_CHANGED, "/p", 7),)
    assert done.watches == watching((Kind.RECURSIVE, "/"))


@pytest.mark.parametrize(
    ("kind", "children", "deletions"), [(Kind.CHILD, 1, 0), (Kind.PERSISTENT, 4, 0), (Kind.RECURSIVE, 0, 4)]
)
def test_four_ephemerals_go_with_their_session(kind: Kind, children: int, deletions: int) -> None:
    triggers = [
        each
        for path in ("/d/a", "/d/z", "/d/b", "/d/c")
        for each in (
            Trigger(EventType.DELETED, path, Manager.DATA),
            Trigger(EventType.DELETED, path, Manager.CHILD),
            Trigger(EventType.CHILDREN_CHANGED, "/d", Manager.CHILD),
        )
    ]
    types = [each.type for each in fired(watching((kind, "/d")), triggers, 7).events]
    assert types == [EventType.CHILDREN_CHANGED] * children + [EventType.DELETED] * deletions


# Registering and removing.


def test_registering_twice_changes_nothing() -> None:
    once = watching(*((kind, "/p") for kind in Kind))
    assert watching(*((kind, "/p") for kind in Kind), watches=once) == once
    assert watching((Kind.EXIST, "/p")) == watching((Kind.DATA, "/p"))
    assert added(NONE, AddWatch("/p")) == watching((Kind.PERSISTENT, "/p"))
    assert added(NONE, AddWatch("/p", recursive=True)) == watching((Kind.RECURSIVE, "/p"))


KINDS_OF = {
    WatcherType.CHILDREN: [Kind.CHILD],
    WatcherType.DATA: [Kind.DATA],
    WatcherType.ANY: [Kind.DATA, Kind.CHILD, Kind.PERSISTENT, Kind.RECURSIVE],
    WatcherType.PERSISTENT: [Kind.PERSISTENT],
    WatcherType.RECURSIVE: [Kind.RECURSIVE],
}


@pytest.mark.parametrize("kind", [Kind.DATA, Kind.CHILD, Kind.PERSISTENT, Kind.RECURSIVE])
@pytest.mark.parametrize("type_", WatcherType)
def test_a_removal_finds_its_kinds_at_its_path(type_: WatcherType, kind: Kind) -> None:
    watches = watching((kind, "/p"))
    expected = Answer.OK if kind in KINDS_OF[type_] else Answer.NO_WATCHER
    assert checked(watches, CheckWatches("/p", type_)) == expected
    assert removed(watches, RemoveWatches("/p", type_)) == (
        NONE if expected == Answer.OK else watches,
        expected,
    )
    assert removed(watches, RemoveWatches("/p/q", type_)) == (watches, Answer.NO_WATCHER)


@pytest.mark.parametrize(("release", "bad"), [(NONE, [0, 6, -1]), (OF_3_8, [0, 4, 5, 6])])
def test_an_unknown_type_is_refused(release: Watches, bad: list[int]) -> None:
    watches = watching(*((kind, "/p") for kind in Kind), watches=release)
    for number in bad:
        assert checked(watches, CheckWatches("/p", number)) == Answer.MARSHALLING_ERROR
        assert removed(watches, RemoveWatches("/p", number)) == (watches, Answer.MARSHALLING_ERROR)


# Before 3.9.0.


def test_before_3_9_the_last_mode_wins() -> None:
    """As seen of a server 3.8.0: a read turns a persistent watch into one that fires once
    (ZOOKEEPER-4466).
    """
    before = watching((Kind.PERSISTENT, "/p"), (Kind.DATA, "/p"), watches=OF_3_8)
    done = fired(before, (*SET_P, *SET_P), 7)
    assert done.events == (Event(EventType.DATA_CHANGED, "/p", -1),)
    assert [each.manager for each in done.watches.entries] == [Manager.CHILD]
    both = fired(watching((Kind.PERSISTENT, "/p"), (Kind.DATA, "/p")), (*SET_P, *SET_P), 7)
    assert len(both.events) == 2


def test_before_3_9_a_recursive_watch_is_in_both_managers_and_hears_of_no_children() -> None:
    before = watching((Kind.RECURSIVE, "/"), watches=OF_3_8)
    assert [(each.manager, each.mode) for each in before.entries] == [
        (Manager.DATA, Mode.RECURSIVE),
        (Manager.CHILD, Mode.RECURSIVE),
    ]
    assert [each.type for each in fired(before, DELETED_P, 7).events] == [EventType.DELETED]


def test_before_3_9_a_removal_of_data_watches_takes_whatever_is_there() -> None:
    before = watching((Kind.PERSISTENT, "/p"), watches=OF_3_8)
    left, answer = removed(before, RemoveWatches("/p", WatcherType.DATA))
    assert answer == Answer.OK
    assert [each.manager for each in left.entries] == [Manager.CHILD]


# The client.


def test_a_watcher_is_called_once_for_an_event() -> None:
    client = remembered(remembered(NOTHING, Kind.DATA, "/p", 1), Kind.EXIST, "/p", 1)
    client = remembered(remembered(client, Kind.PERSISTENT, "/p", 1), Kind.RECURSIVE, "/", 2)
    client = remembered(client, Kind.CHILD, "/p", 3)
    client, watchers = called(client, Event(EventType.DATA_CHANGED, "/p", 7))
    assert watchers == (1, 2)
    assert [each.kind for each in client.registrations] == [Kind.CHILD, Kind.PERSISTENT, Kind.RECURSIVE]
    client, watchers = called(client, Event(EventType.CHILDREN_CHANGED, "/p", 8))
    assert watchers == (1, 3)
    assert told_of_connection(client) == (1, 2)


DISPATCH = {
    EventType.CREATED: ({Kind.DATA, Kind.EXIST}, {Kind.PERSISTENT, Kind.RECURSIVE}),
    EventType.DATA_CHANGED: ({Kind.DATA, Kind.EXIST}, {Kind.PERSISTENT, Kind.RECURSIVE}),
    EventType.CHILDREN_CHANGED: ({Kind.CHILD}, {Kind.PERSISTENT}),
    EventType.DELETED: ({Kind.DATA, Kind.EXIST, Kind.CHILD}, {Kind.PERSISTENT, Kind.RECURSIVE}),
}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("type_", EventType)
def test_an_event_calls_the_watchers_of_its_kinds(type_: EventType, kind: Kind) -> None:
    ended, kept = DISPATCH[type_]
    before = remembered(NOTHING, kind, "/p", 5)
    after, watchers = called(before, Event(type_, "/p", 7))
    assert watchers == ((5,) if kind in ended | kept else ())
    assert after == (NOTHING if kind in ended else before)
    assert called(before, Event(type_, "/q", 7)) == (before, ())


def test_a_client_asks_for_all_that_it_watches() -> None:
    client = NOTHING
    assert registered_again(client, 7) is None
    for kind in Kind:
        client = remembered(remembered(client, kind, f"/{kind.name}", 1), kind, f"/{kind.name}", 2)
    assert registered_again(client, 7) == SetWatches(
        7, ("/DATA",), ("/EXIST",), ("/CHILD",), ("/PERSISTENT",), ("/RECURSIVE",)
    )
    assert registered_again(forgotten(client, "/DATA", WatcherType.ANY), 7) == SetWatches(
        7, (), ("/EXIST",), ("/CHILD",), ("/PERSISTENT",), ("/RECURSIVE",)
    )
