"""The watch matrix, and what is told on a new connection, worked out from the spec.

Each cell is found by doing it: nodes are made, a watch of one kind is registered, the operation is done, and
what comes of it is written down. A watch is on `p`; `c` is a child of it, `d` a child of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from zabcheck.model.watching import Node, changed, node_at, triggers_of
from zabspec import watches
from zabspec.watches import EventType, Kind, SetWatches, Watches
from zabspec.watches.properties import Change, parent_of

P, C, D = "/p", "/p/c", "/p/c/d"
NOTHING = "-"
IMPOSSIBLE = "n/a"
LOST = "lost"

NAMES = {
    EventType.CREATED: "Created",
    EventType.DELETED: "Deleted",
    EventType.DATA_CHANGED: "DataChanged",
    EventType.CHILDREN_CHANGED: "ChildrenChanged",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that is done to a node."""

    name: str
    path: str


def create(path: str) -> Operation:
    """A node comes."""
    return Operation("create", path)


def set_data(path: str) -> Operation:
    """Its data are set."""
    return Operation("setData", path)


def delete(path: str) -> Operation:
    """A node goes."""
    return Operation("delete", path)


def set_acl(path: str) -> Operation:
    """Its ACL is set."""
    return Operation("setACL", path)


CHANGES = {
    "create": EventType.CREATED,
    "setData": EventType.DATA_CHANGED,
    "delete": EventType.DELETED,
}

COLUMNS: dict[str, tuple[Operation, ...]] = {
    "create p": (create(P),),
    "setData p": (set_data(P),),
    "delete p": (delete(P),),
    "create/delete c": (create(C), delete(C)),
    "setData c": (set_data(C),),
    "create/setData/delete d": (create(D), set_data(D), delete(D)),
    "setACL p": (set_acl(P),),
}
"""The operations of each column; what comes of them is put together where it is the same but for the type."""

HISTORIES: dict[str, tuple[Operation, ...]] = {
    "setData p, any number of times": (set_data(P), set_data(P)),
    "delete p": (delete(P),),
    "delete p, create p": (delete(P), create(P)),
    "create p": (create(P),),
    "create p, delete p": (create(P), delete(P)),
    "create p, delete p, create p": (create(P), delete(P), create(P)),
    "create c": (create(C),),
    "create c, delete c": (create(C), delete(C)),
    "setACL p": (set_acl(P),),
}
"""What may happen while a client is away."""

AWAY_COLUMNS: dict[str, tuple[Kind, ...]] = {
    "data": (Kind.DATA,),
    "exist": (Kind.EXIST,),
    "child": (Kind.CHILD,),
    "persistent, recursive": (Kind.PERSISTENT, Kind.RECURSIVE),
}


class Ground:
    """A tree in which operations are done one after the other, each in a transaction of its own."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.log: list[tuple[int, Change]] = []
        self.zxid = 0
        for path in paths:
            assert self.takes(create(path))
            self.does(create(path))

    def stamps(self, path: str) -> Node | None:
        """Of a node; None where there is none."""
        return node_at(tuple(self.log), path)

    def takes(self, operation: Operation) -> bool:
        """Whether an operation can be done."""
        is_there = self.stamps(operation.path) is not None
        if operation.name == "create":
            return not is_there and self.stamps(parent_of(operation.path)) is not None
        return is_there

    def does(self, operation: Operation) -> tuple[watches.Trigger, ...]:
        """Does it, and returns the calls that it makes."""
        self.zxid += 1
        if operation.name == "setACL":
            return ()
        change = Change(CHANGES[operation.name], operation.path)
        self.log.append((self.zxid, change))
        return triggers_of(change, changed(frozenset(), change))


Table = list[tuple[str, ...]]


def matrix() -> Table:
    """Which event each kind of watch on `p` fires for each operation, and whether it is gone then."""
    rows = [tuple(_cell(kind, operations) for operations in COLUMNS.values()) for kind in Kind]
    names = [kind.name.lower() for kind in Kind]
    return [("watch on p", *COLUMNS), *((name, *row) for name, row in zip(names, rows, strict=True))]


def away() -> Table:
    """What each kind of watch on `p` is told on a new connection of what has happened meanwhile."""
    table: Table = [("while away", *AWAY_COLUMNS)]
    for name, history in HISTORIES.items():
        cells = (
            " / ".join(dict.fromkeys(told_of(kind, history) for kind in kinds))
            for kinds in AWAY_COLUMNS.values()
        )
        table.append((name, *cells))
    return table


def told_of(kind: Kind, history: Sequence[Operation]) -> str:
    """What a watch is told of, when its client comes back: events, nothing, or less than there was."""
    ground = _ground_for(history[0])
    if not _can_be_watched(kind, ground):
        return IMPOSSIBLE
    seen = ground.zxid
    live = watches.with_watch(watches.NONE, kind, P)
    events_seen_live = 0
    for operation in history:
        fired = watches.fired(live, ground.does(operation), ground.zxid)
        live, events_seen_live = fired.watches, events_seen_live + len(fired.events)
    request = {
        Kind.DATA: partial(SetWatches, data=(P,)),
        Kind.EXIST: partial(SetWatches, exist=(P,)),
        Kind.CHILD: partial(SetWatches, child=(P,)),
        Kind.PERSISTENT: partial(SetWatches, persistent=(P,)),
        Kind.RECURSIVE: partial(SetWatches, recursive=(P,)),
    }[kind](seen)
    told = watches.caught_up(watches.NONE, request, ground.stamps).events
    if not told:
        return LOST if events_seen_live else NOTHING
    return " and ".join(NAMES[each.type] for each in told)


def _cell(kind: Kind, operations: Sequence[Operation]) -> str:
    """What comes of several operations, each done by itself, in one cell."""
    outcomes = list(dict.fromkeys(_outcome(kind, operation) for operation in operations))
    if len(outcomes) == 1:
        return outcomes[0]
    types, _, rest = zip(*(each.partition(" ") for each in outcomes), strict=True)
    assert len(set(rest)) == 1, f"what comes of {operations} does not fit into one cell"
    return f"{'/'.join(types)} {rest[0]}"


def _outcome(kind: Kind, operation: Operation) -> str:
    """What comes of one operation: the event, and that the watch is gone if it is."""
    ground = _ground_for(operation)
    if not _can_be_watched(kind, ground):
        return IMPOSSIBLE
    before: Watches = watches.with_watch(watches.NONE, kind, P)
    fired = watches.fired(before, ground.does(operation), ground.zxid)
    told = " and ".join(f"{NAMES[each.type]} {each.path[-1]}" for each in fired.events) or NOTHING
    return told if fired.watches == before else f"{told}, gone"


def _ground_for(operation: Operation) -> Ground:
    """The smallest tree in which an operation can be done."""
    above = [path for path in (P, C, D) if operation.path.startswith(path)]
    ground = Ground(above[:-1] if operation.name == "create" else above)
    assert ground.takes(operation)
    return ground


def _can_be_watched(kind: Kind, ground: Ground) -> bool:
    """Whether `p` can be watched so: a data or child watch needs a node, an exist watch none."""
    if kind in (Kind.DATA, Kind.CHILD):
        return ground.stamps(P) is not None
    return kind != Kind.EXIST or ground.stamps(P) is None
