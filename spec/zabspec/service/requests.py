"""What clients ask for and what they are told.

ZooKeeper: the records of zookeeper.jute; ReplyHeader, WatcherEvent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from zabspec import tree, watches
from zabspec.tree.replies import Failed, Parts
from zabspec.watches import AddWatch, Event, Kind, RemoveWatches, SetWatches, WatcherType


@dataclass(frozen=True, slots=True)
class Sync:
    """Asks for an answer when all that the leader has committed is there. ZooKeeper: SyncRequest."""

    path: str


Body = tree.Read | tree.Write | AddWatch | RemoveWatches | SetWatches | Sync
"""What a client may ask for."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for.

    Attributes:
        number: in its session, from 1; 0 of what it asks for by itself, to register again. ZooKeeper: xid.
        body: what it is.
    """

    number: int
    body: Body


Outcome = tree.Reply | watches.Answer | None
"""What comes of a request: what the tree says; of one for watches, whether there are any, or nothing."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request.

    Attributes:
        number: of the request.
        zxid: in the header: of a write its own, else what the server had applied.
        outcome: what has come of it.
    """

    number: int
    zxid: int
    outcome: Outcome


Message = Reply | Event
"""What a server sends to a client."""

Name = tuple[Kind, str]
"""A kind and a path: what a client tells its watches apart by."""


def is_read(body: Body) -> TypeGuard[tree.Read]:
    """Whether a request is answered by a server's own tree."""
    return isinstance(body, tree.Read)


def is_write(body: Body) -> TypeGuard[tree.Write]:
    """Whether a request goes into the log."""
    return isinstance(body, tree.Write)


def is_answered_locally(body: Body) -> bool:
    """True if a server answers a request at once, from its own tree and watches."""
    return is_read(body) or isinstance(body, AddWatch | RemoveWatches)


def goes_to_leader(body: Body) -> bool:
    """Whether a server cannot answer a request by itself."""
    return is_write(body) or isinstance(body, Sync)


def is_refusal(outcome: Outcome) -> bool:
    """Whether an outcome is that nothing was done; of a multi that is refused, each part is."""
    if isinstance(outcome, Parts):
        return bool(outcome.parts) and all(map(is_refusal, outcome.parts))
    return isinstance(outcome, Failed)


def watch_left(body: Body, outcome: Outcome) -> Name | None:
    """The watch that a request has left when it is answered so. ZooKeeper: ZooKeeper.WatchRegistration."""
    match body:
        case AddWatch(path, recursive):
            return Kind.RECURSIVE if recursive else Kind.PERSISTENT, path
        case tree.Exists() | tree.GetData() | tree.GetChildren():
            if outcome is None or isinstance(outcome, watches.Answer) or not tree.leaves_watch(body, outcome):
                return None
            if isinstance(body, tree.GetChildren):
                return Kind.CHILD, body.path
            return Kind.EXIST if isinstance(outcome, Failed) else Kind.DATA, body.path
    return None


def watches_wanted(body: Body) -> tuple[Name, ...]:
    """The watches that a request may leave, whatever the answer is."""
    match body:
        case AddWatch(path, recursive):
            return ((Kind.RECURSIVE if recursive else Kind.PERSISTENT, path),)
        case tree.Exists(path, True):
            return (Kind.DATA, path), (Kind.EXIST, path)
        case tree.GetData(path, True):
            return ((Kind.DATA, path),)
        case tree.GetChildren(path, True):
            return ((Kind.CHILD, path),)
        case SetWatches():
            return tuple((kind, path) for kind, paths in lists(body) for path in paths)
    return ()


def lists(body: SetWatches) -> tuple[tuple[Kind, tuple[str, ...]], ...]:
    """What is to be registered again, in the order in which it is."""
    return (
        (Kind.DATA, body.data),
        (Kind.EXIST, body.exist),
        (Kind.CHILD, body.child),
        (Kind.PERSISTENT, body.persistent),
        (Kind.RECURSIVE, body.recursive),
    )


def watches_removed(body: Body, outcome: Outcome) -> tuple[str, WatcherType] | None:
    """The path and the type of the watches that a request has removed when it is answered."""
    if isinstance(body, RemoveWatches) and outcome == watches.Answer.OK:
        return body.path, WatcherType(body.type)
    return None
