"""Situations in which a client gets less than it may expect, and others that a model must reach.

Each is reached by a run of the spec as it is: ZooKeeper behaves so.
"""

from __future__ import annotations

from collections.abc import Iterator

from zabspec.service.history import is_shown, triggers_at
from zabspec.service.judging import read_to_come, reply_to
from zabspec.service.missed import expected
from zabspec.service.owed import LASTING, is_owed
from zabspec.service.requests import Reply
from zabspec.service.seen import Run
from zabspec.service.state import Cid, Life
from zabspec.watches import Event, EventType, Kind, SetWatches


def client_is_refused(run: Run, client: Cid) -> bool:
    """A client has seen more than a server has applied, so it has to look for another one."""
    looking = run.service.clients[client]
    if looking.server is not None or looking.life != Life.ALIVE:
        return False
    return any(each.applied < looking.last_zxid for each in run.service.servers)


def stale_read(run: Run, client: Cid) -> bool:
    """A read shows less than some client had been answered when it was sent: its server is behind.

    So reads are not linearizable.
    """
    return _is_older_than(run, client, max(run.seen[client].floors[:1], default=0))


def stale_read_after_sync(run: Run, client: Cid) -> bool:
    """A read after a sync shows less than had been answered when the sync was sent: a deposed leader answered
    the sync.

    Source: ZOOKEEPER-1675.
    """
    return _is_older_than(run, client, run.seen[client].synced)


def event_then_older_data(run: Run, client: Cid) -> bool:
    """A client has had the event of a transaction, and then reads from another server what precedes it.

    The zxid of an event does not count when a client says what it has seen.
    """
    return _is_older_than(run, client, run.seen[client].heard)


def event_comes_again(run: Run, client: Cid) -> bool:
    """An event comes a second time, on the next connection, from a server that is behind the last one."""
    message = run.service.clients[client].inbox.head
    return isinstance(message, Event) and 0 < message.zxid <= run.seen[client].heard


def events_go_back(run: Run, client: Cid) -> bool:
    """An event arrives whose transaction is earlier than that of an event on the connection before.

    So W1 promises an order within a connection, and none across the connections of a session.
    """
    message = run.service.clients[client].inbox.head
    return isinstance(message, Event) and 0 < message.zxid < run.seen[client].heard


def creation_and_deletion_are_missed(run: Run, client: Cid) -> bool:
    """A node is created and deleted while the client that waits for it is away, which is told of neither."""
    return any(
        kind == Kind.EXIST and told is None and EventType.CREATED in types
        for kind, told, types in _while_away(run, client)
    )


def deletion_looks_like_a_change(run: Run, client: Cid) -> bool:
    """A node is deleted and created again while a client is away, which is told that its data has changed."""
    return any(
        kind == Kind.DATA and told == EventType.DATA_CHANGED and EventType.DELETED in types
        for kind, told, types in _while_away(run, client)
    )


def changes_come_as_one(run: Run, client: Cid) -> bool:
    """A node's data is set twice while a client is away, which is told once."""
    return any(
        kind == Kind.DATA and told == EventType.DATA_CHANGED and types.count(EventType.DATA_CHANGED) > 1
        for kind, told, types in _while_away(run, client)
    )


def lasting_watch_misses_change(run: Run, client: Cid) -> bool:
    """A client is never told of a change while it was away that its persistent or recursive watch is for."""
    return any(kind in LASTING and types for kind, _, types in _while_away(run, client))


def write_outlives_connection(run: Run, client: Cid) -> bool:
    """A write is in the log, and the client does not know, because it has lost the connection."""
    waiting = run.service.clients[client]
    return waiting.server is None and any(
        each.client == client and each.number == waiting.sent for each in run.service.log
    )


def session_is_found_expired(run: Run, client: Cid) -> bool:
    """A client is told that its session has expired."""
    return run.service.clients[client].life == Life.EXPIRED


def _is_older_than(run: Run, client: Cid, zxid: int) -> bool:
    """True if the next answer to a client's read shows no tree as new as that of a zxid."""
    read, log = read_to_come(run, client), run.service.log
    return read is not None and not is_shown(log, client, *read, range(zxid, len(log) + 1))


def _while_away(run: Run, client: Cid) -> Iterator[tuple[Kind, EventType | None, list[EventType]]]:
    """Yields, for a client that is about to learn that its watches are registered again, what each watch was
    told.

    For each watch: its kind, the event that it got, and the events that it would have got on an unbroken
    connection.
    """
    reply = run.service.clients[client].inbox.head
    request = reply_to(run, client, reply) if isinstance(reply, Reply) else None
    if request is None or reply is None or not isinstance(request.body, SetWatches):
        return
    log = run.service.log
    for (kind, path), event in expected(log, request.body, reply.zxid):
        away = range(request.body.relative_zxid + 1, reply.zxid + 1)
        triggers = [trigger for zxid in away for trigger in triggers_at(log, zxid)]
        told = None if event is None else event.type
        yield kind, told, [each.type for each in triggers if is_owed(kind, path, each)]


SOMETIMES = (
    client_is_refused,
    stale_read,
    stale_read_after_sync,
    event_then_older_data,
    event_comes_again,
    events_go_back,
    creation_and_deletion_are_missed,
    deletion_looks_like_a_change,
    changes_come_as_one,
    lasting_watch_misses_change,
    write_outlives_connection,
    session_is_found_expired,
)
