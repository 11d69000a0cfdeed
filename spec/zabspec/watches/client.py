"""A client's own record of its watches, and which watchers it calls when an event arrives.

The server knows neither callbacks nor which data watches wait for a node to be created. The client does: it
calls its watchers, each once for an event however often it was registered, and it registers everything again
on a new connection.

ZooKeeper: ZKWatchManager, ZooKeeper.ExistsWatchRegistration, ClientCnxn.SendThread.primeConnection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from zabspec.parts import replace
from zabspec.watches.catching_up import SetWatches
from zabspec.watches.firing import is_within
from zabspec.watches.removal import WatcherType
from zabspec.watches.state import Event, EventType, Kind

Watcher = int
"""A callback, represented by a number. ZooKeeper: an object that is a Watcher."""


class Registration(NamedTuple):
    """A watcher that a client has registered."""

    kind: Kind
    path: str
    watcher: Watcher = 0


@dataclass(frozen=True, slots=True)
class ClientWatches:
    """All that a client has registered in its session, in order, each registration once."""

    registrations: tuple[Registration, ...] = ()


NOTHING = ClientWatches()
"""The registrations of a new client."""

ONCE: dict[EventType, tuple[Kind, ...]] = {
    EventType.CREATED: (Kind.DATA, Kind.EXIST),
    EventType.DELETED: (Kind.DATA, Kind.EXIST, Kind.CHILD),
    EventType.DATA_CHANGED: (Kind.DATA, Kind.EXIST),
    EventType.CHILDREN_CHANGED: (Kind.CHILD,),
}
"""For each type of event, the kinds of watches at its path that it calls, and uses up."""

REMOVED: dict[WatcherType, tuple[Kind, ...]] = {
    WatcherType.CHILDREN: (Kind.CHILD,),
    WatcherType.DATA: (Kind.DATA, Kind.EXIST),
    WatcherType.ANY: tuple(Kind),
    WatcherType.PERSISTENT: (Kind.PERSISTENT,),
    WatcherType.RECURSIVE: (Kind.RECURSIVE,),
}
"""For each type that a request may remove, the kinds of watches that end."""


def remembered(client: ClientWatches, kind: Kind, path: str, watcher: Watcher = 0) -> ClientWatches:
    """Returns the client's record after the reply that registers a watch."""
    added = {*client.registrations, Registration(kind, path, watcher)}
    return replace(client, registrations=tuple(sorted(added)))


def called(client: ClientWatches, event: Event) -> tuple[ClientWatches, tuple[Watcher, ...]]:
    """Returns the client's record after an event, and the watchers that the client calls, each once."""
    ended = [
        each for each in client.registrations if each.path == event.path and each.kind in ONCE[event.type]
    ]
    lasting = [each for each in client.registrations if _is_called_again(each, event)]
    kept = tuple(each for each in client.registrations if each not in ended)
    watchers = tuple(sorted({each.watcher for each in (*ended, *lasting)}))
    return replace(client, registrations=kept), watchers


def forgotten(client: ClientWatches, path: str, kinds: WatcherType) -> ClientWatches:
    """Returns the client's record after it has removed its watches of a path."""
    kept = (each for each in client.registrations if each.path != path or each.kind not in REMOVED[kinds])
    return replace(client, registrations=tuple(kept))


def told_of_connection(client: ClientWatches) -> tuple[Watcher, ...]:
    """Returns the watchers that are called when the connection is lost or there again: all of them.

    None is used up by it.
    """
    return tuple(sorted({each.watcher for each in client.registrations}))


def registered_again(client: ClientWatches, relative_zxid: int) -> SetWatches | None:
    """Returns what a client sends first on a new connection of its session; None if it watches nothing.

    ZooKeeper sends several such requests if the paths are longer than 128 KiB (ZOOKEEPER-706).

    Args:
        client: what it has registered.
        relative_zxid: the highest zxid in the header of any reply to it.
    """
    if not client.registrations:
        return None
    paths = {
        kind: tuple(sorted({each.path for each in client.registrations if each.kind == kind}))
        for kind in Kind
    }
    return SetWatches(
        relative_zxid,
        paths[Kind.DATA],
        paths[Kind.EXIST],
        paths[Kind.CHILD],
        paths[Kind.PERSISTENT],
        paths[Kind.RECURSIVE],
    )


def _is_called_again(registration: Registration, event: Event) -> bool:
    if registration.kind == Kind.PERSISTENT:
        return registration.path == event.path
    if registration.kind == Kind.RECURSIVE:
        return event.type != EventType.CHILDREN_CHANGED and is_within(event.path, registration.path)
    return False
