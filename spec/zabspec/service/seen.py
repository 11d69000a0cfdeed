"""What clients have seen: as much of it as the guarantees are about.

No client or server knows all of this. It stands beside the state while the spec is checked, and records what
has been sent and received so far; no action depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from zabspec.parts import Row, replace
from zabspec.service.missed import expected
from zabspec.service.owed import BEGINNING, LASTING, Place, Watch, next_owed, place_of
from zabspec.service.requests import Message, Name, Reply, Request, Sync, watch_left, watches_removed
from zabspec.service.state import Cid, Log, State
from zabspec.watches import NO_ZXID, Event, SetWatches
from zabspec.watches.client import REMOVED


@dataclass(frozen=True, slots=True)
class Seen:
    """What one client has seen.

    Attributes:
        watches: those registered on its connection, until their event comes.
        used: those whose event has come on this connection, and that were not registered since.
        removed: those that it has removed on this connection, and not registered since.
        last: the place of the last event on this connection.
        heard: the highest zxid of an event on earlier connections.
        caught_up: the events for missed changes that have come on this connection.
        floors: for each outstanding request, the highest zxid in any reply to any client when it was sent.
        synced: the highest of the floors of the syncs that were answered.
    """

    watches: tuple[Watch, ...] = ()
    used: tuple[Name, ...] = ()
    removed: tuple[Name, ...] = ()
    last: Place = BEGINNING
    heard: int = 0
    caught_up: tuple[Event, ...] = ()
    floors: tuple[int, ...] = ()
    synced: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A state, and what clients have seen on the way to it.

    Attributes:
        service: the state.
        seen: by client.
        answered: the highest zxid in any reply that any client has received.
        one_leader: True if no leader has been deposed.
    """

    service: State
    seen: Row[Seen]
    answered: int = 0
    one_leader: bool = True


def begun(service: State) -> Run:
    """Returns a run in which no client has seen anything yet."""
    return Run(service, Row(Seen() for _ in service.clients))


def with_sent(run: Run, client: Cid) -> Run:
    """Returns the run after a client sent one more request."""
    seen = run.seen[client]
    return _with(run, client, replace(seen, floors=(*seen.floors, run.answered)))


def with_disconnected(run: Run, client: Cid) -> Run:
    """Returns the run after a client lost its connection, and all that was registered on it."""
    seen = run.seen[client]
    return _with(run, client, Seen(heard=max(seen.heard, seen.last.zxid), synced=seen.synced))


def with_received(run: Run, client: Cid, message: Message, request: Request | None) -> Run:
    """Returns the run after a client received a message.

    Args:
        run: so far.
        client: the receiver.
        message: the message.
        request: the oldest outstanding request of the client.
    """
    seen = run.seen[client]
    if isinstance(message, Reply):
        run = replace(run, answered=max(run.answered, message.zxid))
        return _with(run, client, _after_reply(run.service.log, seen, message, request))
    if message.zxid == NO_ZXID:
        return _with(run, client, replace(seen, caught_up=(*seen.caught_up, message)))
    return _with(run, client, _after_event(run.service.log, seen, message))


def _with(run: Run, client: Cid, seen: Seen) -> Run:
    return replace(run, seen=run.seen.put(client, seen))


def _after_event(log: Log, seen: Seen, event: Event) -> Seen:
    """Returns what a client has seen after an event.

    Watches that were owed the event have got it, and standard ones among them are used up.
    """
    kept, used = [], set(seen.used)
    for watch in seen.watches:
        owed = next_owed(log, watch)
        if owed is None or Event(owed.type, owed.path, owed.place.zxid) != event:
            kept.append(watch)
        elif watch.kind in LASTING:
            kept.append(replace(watch, since=Place(owed.place.zxid, owed.place.trigger + 1)))
        else:
            used.add((watch.kind, watch.path))
    place = place_of(log, event, seen.last) or seen.last
    return replace(seen, watches=tuple(kept), used=tuple(sorted(used)), last=place)


def _after_reply(log: Log, seen: Seen, reply: Reply, request: Request | None) -> Seen:
    """Returns what a client has seen after a reply, which may register, remove or catch up watches."""
    floor, seen = max(seen.floors[:1], default=0), replace(seen, floors=seen.floors[1:])
    if request is None:
        return seen
    if isinstance(request.body, Sync):
        return replace(seen, synced=max(seen.synced, floor))
    if isinstance(request.body, SetWatches):
        for name, event in expected(log, request.body, reply.zxid):
            seen = seen if event is not None else _with_watch(seen, name, reply.zxid, again=True)
        return replace(seen, caught_up=())
    left = watch_left(request.body, reply.outcome)
    if left is not None:
        return _with_watch(seen, left, reply.zxid, again=False)
    gone = watches_removed(request.body, reply.outcome)
    return seen if gone is None else _without(seen, [(kind, gone[0]) for kind in REMOVED[gone[1]]])


def _with_watch(seen: Seen, name: Name, zxid: int, *, again: bool) -> Seen:
    """Returns what a client has seen after a watch was registered.

    A watch that is there already stays as it is.
    """
    kind, path = name
    if any((each.kind, each.path) == name for each in seen.watches):
        return seen
    added = {*seen.watches, Watch(kind, path, Place(zxid + 1, 0), again)}
    return replace(
        seen,
        watches=tuple(sorted(added, key=lambda each: (each.kind, each.path))),
        used=tuple(each for each in seen.used if each != name),
        removed=tuple(each for each in seen.removed if each != name),
    )


def _without(seen: Seen, names: list[Name]) -> Seen:
    """Returns what a client has seen after watches were removed."""
    gone = {(each.kind, each.path) for each in seen.watches} & set(names)
    return replace(
        seen,
        watches=tuple(each for each in seen.watches if (each.kind, each.path) not in gone),
        removed=tuple(sorted({*seen.removed, *gone})),
    )
