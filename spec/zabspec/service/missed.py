"""What a client is owed when it registers its watches again: the second table in docs/watches.md.

It depends on what is there, and on the last zxid that the client has seen in a reply.

ZooKeeper: DataTree.setWatches.
"""

from __future__ import annotations

from zabspec.service.history import tree_at
from zabspec.service.requests import Name, lists
from zabspec.service.state import Log
from zabspec.tree.state import node_at
from zabspec.watches import NO_ZXID, Event, EventType, Kind, SetWatches


def expected(log: Log, body: SetWatches, zxid: int) -> tuple[tuple[Name, Event | None], ...]:
    """Returns for each watch, in order, the event that it gets; None for a watch that is registered.

    Args:
        log: the committed log.
        body: what the client registers again.
        zxid: up to which its server has applied the log.
    """
    tree = tree_at(log, zxid)
    found: list[tuple[Name, Event | None]] = []
    for kind, paths in lists(body):
        for path in paths:
            node = node_at(tree, path)
            missed = None
            if kind in (Kind.DATA, Kind.CHILD) and node is None:
                missed = EventType.DELETED
            elif kind == Kind.DATA and node is not None and node.mzxid > body.relative_zxid:
                missed = EventType.DATA_CHANGED
            elif kind == Kind.CHILD and node is not None and node.pzxid > body.relative_zxid:
                missed = EventType.CHILDREN_CHANGED
            elif kind == Kind.EXIST and node is not None:
                missed = EventType.CREATED
            found.append(((kind, path), None if missed is None else Event(missed, path, NO_ZXID)))
    return tuple(found)
