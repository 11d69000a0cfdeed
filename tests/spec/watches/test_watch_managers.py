"""The spec's watches against two tables that are changed in place, for all connections at once.

The tables are what a server has: a set of connections for each path, and modes for each of them. They show
that the watches of one connection may be a record of their own, for the latest release and for 3.8.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zabspec import tree
from zabspec.tree import Caller, CloseSession, Create, Delete, Flag, Multi, SetData
from zabspec.watches import (
    LATEST,
    NO_ZXID,
    RELEASE_3_8,
    Event,
    EventType,
    Kind,
    Manager,
    Mode,
    Release,
    RemoveWatches,
    Trigger,
    WatcherType,
    Watches,
    fired,
    removed,
    with_watch,
)

CONNECTIONS = (0, 1)
PATHS = ("/", "/a", "/a/b", "/ab")


@dataclass
class Table:
    """One manager of a server."""

    modes: dict[str, dict[int, set[Mode]]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, path: str, connection: int, mode: Mode, release: Release) -> None:
        modes = self.modes[path].setdefault(connection, set())
        if not release.separate_modes:
            modes.clear()
        modes.add(mode)

    def trigger(self, trigger: Trigger, release: Release) -> set[int]:
        found = set()
        place = trigger.path
        while True:
            for connection, modes in list(self.modes[place].items()):
                deaf = not release.separate_modes and trigger.type == EventType.CHILDREN_CHANGED
                if Mode.RECURSIVE in modes and not deaf:
                    found.add(connection)
                if place == trigger.path and modes - {Mode.RECURSIVE}:
                    found.add(connection)
                    modes.discard(Mode.STANDARD)
                if not modes:
                    del self.modes[place][connection]
            if place == "/":
                return found
            place = place[: place.rindex("/")] or "/"

    def remove(self, path: str, connection: int, mode: Mode | None) -> bool:
        modes = self.modes[path].get(connection, set())
        gone = set(modes) if mode is None else modes & {mode}
        modes -= gone
        if not modes:
            self.modes[path].pop(connection, None)
        return bool(gone)


@dataclass
class Server:
    """Both managers, and the events sent to each connection."""

    release: Release
    data: Table = field(default_factory=Table)
    child: Table = field(default_factory=Table)
    sent: dict[int, list[Event]] = field(default_factory=lambda: defaultdict(list))

    def watch(self, connection: int, kind: Kind, path: str) -> None:
        match kind:
            case Kind.DATA | Kind.EXIST:
                self.data.add(path, connection, Mode.STANDARD, self.release)
            case Kind.CHILD:
                self.child.add(path, connection, Mode.STANDARD, self.release)
            case Kind.PERSISTENT:
                self.data.add(path, connection, Mode.PERSISTENT, self.release)
                self.child.add(path, connection, Mode.PERSISTENT, self.release)
            case Kind.RECURSIVE:
                self.data.add(path, connection, Mode.RECURSIVE, self.release)
                if not self.release.separate_modes:
                    self.child.add(path, connection, Mode.RECURSIVE, self.release)

    def apply(self, triggers: tuple[Trigger, ...], zxid: int, denied: dict[int, tuple[bool, ...]]) -> None:
        told: set[int] = set()
        for number, trigger in enumerate(triggers):
            table = self.data if trigger.manager == Manager.DATA else self.child
            found = table.trigger(trigger, self.release)
            is_second = trigger.manager == Manager.CHILD and trigger.type == EventType.DELETED
            for connection in found - (told if is_second else set()):
                if not (self.release.filters_events and denied[connection][number]):
                    header = zxid if self.release.zxid_in_events else NO_ZXID
                    self.sent[connection].append(Event(trigger.type, trigger.path, header))
            told = found

    def remove(self, connection: int, path: str, type_: WatcherType) -> bool:
        wanted: dict[WatcherType, list[tuple[Table, Mode | None]]] = {
            WatcherType.CHILDREN: [(self.child, Mode.STANDARD)],
            WatcherType.DATA: [(self.data, Mode.STANDARD)],
            WatcherType.ANY: [(self.child, None), (self.data, None)],
            WatcherType.PERSISTENT: [(self.child, Mode.PERSISTENT), (self.data, Mode.PERSISTENT)],
            WatcherType.RECURSIVE: [(self.data, Mode.RECURSIVE)],
        }
        selected = wanted[type_]
        if not self.release.separate_modes:
            selected = [(table, None) for table, _ in selected] if type_ <= WatcherType.ANY else []
        return sum(table.remove(path, connection, mode) for table, mode in selected) > 0


paths = st.sampled_from(PATHS)
below = st.sampled_from(PATHS[1:])
connections = st.sampled_from(CONNECTIONS)
parts = st.builds(Create, below) | st.builds(Delete, below) | st.builds(SetData, paths, st.just(b""))
writes = (
    parts
    | st.builds(Create, below, flag=st.just(int(Flag.EPHEMERAL)))
    | st.just(CloseSession())
    | st.builds(Multi, st.lists(parts, min_size=1, max_size=3).map(tuple))
)
steps = st.lists(
    st.tuples(st.just("watch"), connections, st.sampled_from(Kind), paths)
    | st.tuples(st.just("remove"), connections, st.sampled_from(WatcherType), paths)
    | st.tuples(st.just("write"), writes, st.lists(st.booleans(), min_size=2, max_size=2)),
    min_size=15,
    max_size=30,
)


@pytest.mark.parametrize("release", [LATEST, RELEASE_3_8], ids=["latest", "3.8"])
@settings(max_examples=250, derandomize=True, database=None, deadline=None)
@given(run=steps)
def test_connections_fire_as_the_tables_of_a_server_do(release: Release, run: list[tuple]) -> None:  # type: ignore[type-arg]
    server = Server(release)
    watching = {connection: Watches(release=release) for connection in CONNECTIONS}
    got: dict[int, list[Event]] = defaultdict(list)
    state, zxid = tree.initial(), 0
    for step in run:
        match step:
            case "watch", connection, kind, path:
                server.watch(connection, kind, path)
                watching[connection] = with_watch(watching[connection], kind, path)
            case "remove", connection, type_, path:
                was_there = server.remove(connection, path, type_)
                watching[connection], answer = removed(watching[connection], RemoveWatches(path, type_))
                assert was_there == (answer == 0)
            case "write", write, denied_to:
                zxid += 1
                done = tree.apply(state, zxid, 0, tree.prepare(state, write, Caller(session=9)))
                state = done.tree
                denied = {each: tuple(denied_to[each] for _ in done.triggers) for each in CONNECTIONS}
                server.apply(done.triggers, zxid, denied)
                for connection in CONNECTIONS:
                    readable = tuple(not each for each in denied[connection])
                    told = fired(watching[connection], done.triggers, zxid, readable)
                    watching[connection] = told.watches
                    got[connection] += told.events
    assert {each: got[each] for each in CONNECTIONS} == {each: server.sent[each] for each in CONNECTIONS}
    for connection in CONNECTIONS:
        for manager, table in ((Manager.DATA, server.data), (Manager.CHILD, server.child)):
            left = {(path, mode) for path in PATHS for mode in table.modes[path].get(connection, ())}
            entries = watching[connection].entries
            assert {(each.path, each.mode) for each in entries if each.manager == manager} == left
