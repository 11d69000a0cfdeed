"""What clients ask for and what they are sent.

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
    """Asks the server to answer once it has applied all that the leader has committed.

    ZooKeeper: SyncRequest.
    """

    path: str


Body = tree.Read | tree.Write | AddWatch | RemoveWatches | SetWatches | Sync
"""The requests that a client may make."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a client.

    Attributes:
        number: in its session, from 1; 0 if the client registers its watches again. ZooKeeper: xid.
        body: the request itself.
    """

    number: int
    body: Body


Outcome = tree.Reply | watches.Answer | None
"""The outcome of a request: what the tree answers; whether there are such watches; or None."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a request.

    Attributes:
        number: of the request.
        zxid: in the header: for a write its own, otherwise the last zxid that the server had applied.
        outcome: of the request.
    """

    number: int
    zxid: int
    outcome: Outcome


Message = Reply | Event
"""A message from a server to a client."""

Name = tuple[Kind, str]
"""The kind and the path by which a client distinguishes its watches."""


def is_read(body: Body) -> TypeGuard[tree.Read]:
    """True if a server answers a request from its own tree."""
    return isinstance(body, tree.Read)


def is_write(body: Body) -> TypeGuard[tree.Write]:
    """True if a request goes into the log."""
    return isinstance(body, tree.Write)


def is_answered_locally(body: Body) -> bool:
    """True if a server answers a request at once, from its own tree and watches."""
    return is_read(body) or isinstance(body, AddWatch | RemoveWatches)


def goes_to_leader(body: Body) -> bool:
    """True if a server passes a request on to the leader."""
    return is_write(body) or isinstance(body, Sync)


def is_refusal(outcome: Outcome) -> bool:
    """True if a request was refused; a multi is if each of its parts is."""
    if isinstance(outcome, Parts):
        return bool(outcome.parts) and all(map(is_refusal, outcome.parts))
    return isinstance(outcome, Failed)


def watch_left(body: Body, outcome: Outcome) -> Name | None:
    """Returns the watch that a request leaves when it has this outcome.

    ZooKeeper: ZooKeeper.WatchRegistration.
    """
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
    """Returns the watches that a request may leave, whatever its outcome."""
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
    """Returns what a setWatches registers, in the order in which it is registered."""
    return (
        (Kind.DATA, body.data),
        (Kind.EXIST, body.exist),
        (Kind.CHILD, body.child),
        (Kind.PERSISTENT, body.persistent),
        (Kind.RECURSIVE, body.recursive),
    )


def watches_removed(body: Body, outcome: Outcome) -> tuple[str, WatcherType] | None:
    """Returns the path and the type of the watches that a request has removed when it is answered."""
    if isinstance(body, RemoveWatches) and outcome == watches.Answer.OK:
        return body.path, WatcherType(body.type)
    return None
