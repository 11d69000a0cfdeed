"""The watch matrix, and the events of a new connection, worked out from the spec.

Each cell comes from doing it: nodes are created, a watch of one kind is registered, the operation is done,
and the events are written down. A watch is on `p`; `c` is a child of `p`, `d` a child of `c`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zabspec import tree, watches
from zabspec.tree.state import OPEN, node_at
from zabspec.tree.txns import ErrorTxn
from zabspec.watches import EventType, Kind, Watches

P, C, D = "/p", "/p/c", "/p/c/d"
STATS = "/zookeeper/quota/q/zookeeper_stats"
QUOTA = ("/q", "/zookeeper/quota/q", "/zookeeper/quota/q/zookeeper_limits", STATS)
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
    """An operation on a node."""

    name: str
    path: str
    data: bytes = b"new"


def create(path: str) -> Operation:
    """Creates a node without data."""
    return Operation("create", path, b"")


def set_data(path: str, data: bytes = b"new") -> Operation:
    """Sets the data of a node."""
    return Operation("setData", path, data)


def delete(path: str) -> Operation:
    """Deletes a node."""
    return Operation("delete", path)


def set_acl(path: str) -> Operation:
    """Sets the ACL of a node."""
    return Operation("setACL", path)


COLUMNS: dict[str, tuple[Operation, ...]] = {
    "create p": (create(P),),
    "setData p": (set_data(P),),
    "delete p": (delete(P),),
    "create/delete c": (create(C), delete(C)),
    "setData c": (set_data(C),),
    "create/setData/delete d": (create(D), set_data(D), delete(D)),
    "setACL p": (set_acl(P),),
}
"""The operations of each column; outcomes that differ only in the type of event are put together."""

HISTORIES: dict[str, tuple[Operation, ...]] = {
    "setData p, any number of times": (set_data(P), set_data(P)),
    "setData p to what it was": (set_data(P, b""),),
    "delete p": (delete(P),),
    "delete p, create p": (delete(P), create(P)),
    "create p": (create(P),),
    "create p, delete p": (create(P), delete(P)),
    "create p, delete p, create p": (create(P), delete(P), create(P)),
    "create c": (create(C),),
    "create c, delete c": (create(C), delete(C)),
    "setACL p": (set_acl(P),),
}
"""What may happen while a client is disconnected."""

AWAY_COLUMNS: dict[str, tuple[Kind, ...]] = {
    "data": (Kind.DATA,),
    "exist": (Kind.EXIST,),
    "child": (Kind.CHILD,),
    "persistent, recursive": (Kind.PERSISTENT, Kind.RECURSIVE),
}


class Ground:
    """A tree on which operations are done one after the other, each in a transaction of its own.

    Args:
        paths: the paths of nodes that exist from the beginning, parents first.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.tree = tree.initial()
        self.zxid = 0
        for path in paths:
            assert self.takes(create(path))
            self.does(create(path))

    def stamps(self, path: str) -> tree.Node | None:
        """Returns the zxids of a node; None if the node does not exist."""
        return node_at(self.tree, path)

    def takes(self, operation: Operation) -> bool:
        """True if an operation can be done."""
        return not isinstance(tree.prepare(self.tree, _request(operation), tree.Caller()), ErrorTxn)

    def does(self, operation: Operation) -> tuple[watches.Trigger, ...]:
        """Does an operation, and returns its triggers."""
        self.zxid += 1
        txn = tree.prepare(self.tree, _request(operation), tree.Caller())
        done = tree.apply(self.tree, self.zxid, 0, txn)
        self.tree = done.tree
        return done.triggers


def _request(operation: Operation) -> tree.Write:
    """Returns an operation as a client's request."""
    match operation.name:
        case "create":
            return tree.Create(operation.path, operation.data)
        case "delete":
            return tree.Delete(operation.path)
        case "setACL":
            return tree.SetAcl(operation.path, OPEN)
        case _:
            return tree.SetData(operation.path, operation.data)


Table = list[tuple[str, ...]]


def matrix() -> Table:
    """Returns the watch matrix: the event that each kind of watch on `p` fires for each operation, and
    whether the watch is then removed.
    """
    rows = [tuple(_cell(kind, operations) for operations in COLUMNS.values()) for kind in Kind]
    names = [kind.name.lower() for kind in Kind]
    return [("watch on p", *COLUMNS), *((name, *row) for name, row in zip(names, rows, strict=True))]


def away() -> Table:
    """Returns the events that each kind of watch on `p` fires on a new connection for what happened
    meanwhile.
    """
    table: Table = [("while away", *AWAY_COLUMNS)]
    for name, history in HISTORIES.items():
        told = {kind: told_of(kind, P, _ground_for(history[0]), history) for kind in Kind}
        table.append((name, *_columns(told)))
    noted = {kind: told_of(kind, STATS, Ground(QUOTA), (create("/q/n"),)) for kind in Kind}
    table.append(("usage of a quota noted in p", *_columns(noted)))
    return table


def told_of(kind: Kind, path: str, ground: Ground, history: Sequence[Operation]) -> str:
    """Returns what a watch fires when its client reconnects: events, nothing, or fewer than there were.

    Args:
        kind: the kind of watch.
        path: the path that is watched.
        ground: the tree when the client lost its connection.
        history: what has happened since.
    """
    if not _can_be_watched(kind, path, ground):
        return IMPOSSIBLE
    seen = ground.zxid
    live = watches.with_watch(watches.NONE, kind, path)
    events_seen_live = 0
    for operation in history:
        fired = watches.fired(live, ground.does(operation), ground.zxid)
        live, events_seen_live = fired.watches, events_seen_live + len(fired.events)
    client = watches.remembered(watches.NOTHING, kind, path)
    request = watches.registered_again(client, seen)
    assert request is not None
    told = watches.caught_up(watches.NONE, request, ground.stamps).events
    if not told:
        return LOST if events_seen_live else NOTHING
    return " and ".join(NAMES[each.type] for each in told)


def _columns(told: dict[Kind, str]) -> Iterator[str]:
    """Returns the headings of kinds, those together that share a column."""
    for kinds in AWAY_COLUMNS.values():
        yield " / ".join(dict.fromkeys(told[kind] for kind in kinds))


def _cell(kind: Kind, operations: Sequence[Operation]) -> str:
    """Returns the outcomes of several operations, each done by itself, as one cell."""
    outcomes = list(dict.fromkeys(_outcome(kind, operation) for operation in operations))
    if len(outcomes) == 1:
        return outcomes[0]
    types, _, rest = zip(*(each.partition(" ") for each in outcomes), strict=True)
    assert len(set(rest)) == 1, f"what comes of {operations} does not fit into one cell"
    return f"{'/'.join(types)} {rest[0]}"


def _outcome(kind: Kind, operation: Operation) -> str:
    """Returns the outcome of one operation: the event, and the removal of the watch."""
    ground = _ground_for(operation)
    if not _can_be_watched(kind, P, ground):
        return IMPOSSIBLE
    before: Watches = watches.with_watch(watches.NONE, kind, P)
    fired = watches.fired(before, ground.does(operation), ground.zxid)
    told = " and ".join(f"{NAMES[each.type]} {each.path[-1]}" for each in fired.events) or NOTHING
    return told if fired.watches == before else f"{told}, gone"


def _ground_for(operation: Operation) -> Ground:
    """Returns the smallest tree on which an operation can be done."""
    above = [path for path in (P, C, D) if operation.path.startswith(path)]
    ground = Ground(above[:-1] if operation.name == "create" else above)
    assert ground.takes(operation)
    return ground


def _can_be_watched(kind: Kind, path: str, ground: Ground) -> bool:
    """True if a path can be watched so: a data or child watch needs a node, an exist watch none."""
    if kind in (Kind.DATA, Kind.CHILD):
        return ground.stamps(path) is not None
    return kind != Kind.EXIST or ground.stamps(path) is None
