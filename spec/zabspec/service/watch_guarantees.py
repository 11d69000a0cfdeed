"""W1 to W16: what a client may rely on of its watches, each judged when the client receives a message.

docs/watches.md states the guarantees in full, and what "live", "standard", "match" and "owed" mean. They are
decided by the client's own record of what it sent and received, and by the committed log. (before, after) is
a step of a run; where the client receives nothing in it, there is nothing to judge.
"""

from __future__ import annotations

from collections.abc import Iterable

from zabspec.service.history import closing_zxid, ephemerals_at, is_shown, readable_at, triggers_at
from zabspec.service.judging import live_event, owed_next, read_reply, received, received_reply, reply_to
from zabspec.service.missed import expected
from zabspec.service.owed import BEGINNING, LASTING, is_event_for, next_owed, place_of
from zabspec.service.requests import Name, is_write, watches_wanted
from zabspec.service.seen import Run
from zabspec.service.state import Cid, Life
from zabspec.watches import Event, EventType, Kind, Manager, SetWatches


def w1_ordered(before: Run, after: Run, client: Cid) -> bool:
    """Live events come in the order of their transactions, and the event of a transaction comes before any
    reply with its zxid or a higher one.

    This holds of each connection. On the next one, to a server that is behind the last, an event may come
    again, or one of an earlier transaction.

    Source: W1, docs/watches.md. Departure: D33.
    """
    event = live_event(before, after, client)
    if event is None:
        return True
    return (
        event.zxid >= before.seen[client].last.zxid and event.zxid > before.service.clients[client].last_zxid
    )


def w2_notified_before_reading(before: Run, after: Run, client: Cid) -> bool:
    """A read that shows the effect of a transaction comes after the event that a live watch is owed for it.

    Source: W2, docs/watches.md.
    """
    read = read_reply(before, after, client)
    due = owed_next(before, client)
    if read is None or not due:
        return True
    return is_shown(before.service.log, client, *read, range(due[0].place.zxid))


def w3_replied_before_notified(before: Run, after: Run, client: Cid) -> bool:
    """No event of a watch comes before the reply that registers the watch.

    Source: W3, docs/watches.md. Broken in ClickHouse Keeper (ClickHouse#18217).
    """
    event = live_event(before, after, client)
    if event is None or is_for_any(event, names_of(before, client)):
        return True
    wanted = [
        name for each in before.service.clients[client].outstanding for name in watches_wanted(each.body)
    ]
    return not is_for_any(event, wanted)


def w4_caused(before: Run, after: Run, client: Cid) -> bool:
    """Each live event is that of a transaction in the log, with its type and path, and is for a live watch.

    Source: W4, docs/watches.md. Broken in ClickHouse Keeper (ClickHouse#28190).
    """
    event = live_event(before, after, client)
    if event is None:
        return True
    has_cause = place_of(before.service.log, event, BEGINNING) is not None
    return has_cause and is_for_any(event, names_of(before, client))


def w5_once(before: Run, after: Run, client: Cid) -> bool:
    """A standard watch fires at most once.

    Source: W5, docs/watches.md.
    """
    event = live_event(before, after, client)
    if event is None or is_for_any(event, names_of(before, client)):
        return True
    return not is_for_any(event, before.seen[client].used)


def w6_first(before: Run, after: Run, client: Cid) -> bool:
    """The event of a standard watch is that of the first transaction that matches after the watch was
    registered.

    Source: W6, docs/watches.md.
    """
    return _is_next(before, after, client, lasting=False)


def w7_reliable(before: Run, after: Run, client: Cid) -> bool:
    """On an unbroken connection a persistent or recursive watch gets every event that it is owed.

    Source: W7, docs/watches.md. Broken in etcd (etcd#17529).
    """
    return _is_next(before, after, client, lasting=True)


def w7_nothing_is_lost(run: Run, client: Cid) -> bool:
    """Once a client has received all that a server has sent on a connection, it is owed nothing for what the
    server has applied.

    Source: W7, docs/watches.md.
    """
    return _is_served(run, client, again=False)


def w8_bookmark(before: Run, after: Run, client: Cid) -> bool:
    """A reply with zxid h in its header means that all events owed up to h have come.

    Source: W8, docs/watches.md. Broken in etcd (etcd#15220).
    """
    reply = received_reply(before, after, client)
    due = owed_next(before, client)
    return reply is None or not due or due[0].place.zxid > reply.zxid


def w9_atomic(before: Run, after: Run, client: Cid) -> bool:
    """The events of one transaction come with nothing in between, and no reply shows a part of it.

    Source: W9, docs/watches.md.
    """
    last, due = before.seen[client].last, owed_next(before, client)
    event, reply = live_event(before, after, client), received_reply(before, after, client)
    is_within = last != BEGINNING and bool(due) and due[0].place.zxid == last.zxid
    if is_within and (reply is not None or (event is not None and event.zxid != last.zxid)):
        return False
    read, log = read_reply(before, after, client), before.service.log
    return read is None or is_shown(log, client, *read, range(len(log) + 1))


def w10_resumable(before: Run, after: Run, client: Cid) -> bool:
    """After a client has registered its watches again, each watch gets exactly what the second table says.

    Source: W10, docs/watches.md.
    """
    reply = received_reply(before, after, client)
    request = reply_to(before, client, reply)
    if reply is None or request is None or not isinstance(request.body, SetWatches):
        return True
    owed = expected(before.service.log, request.body, reply.zxid)
    return before.seen[client].caught_up == tuple(event for _, event in owed if event is not None)


def w10_registered_again(run: Run, client: Cid) -> bool:
    """Every watch that a client believes to be registered is registered on its connection, or will be by the
    next replies.

    Source: W10, docs/watches.md. Broken in kazoo, which forgets its watches (kazoo#29, #151, #305, #391).
    """
    believing = run.service.clients[client]
    if believing.server is None or any(isinstance(each.body, SetWatches) for each in believing.outstanding):
        return True
    registered = names_of(run, client)
    return all((each.kind, each.path) in registered for each in believing.watches.registrations)


def w11_known_gap(run: Run, client: Cid) -> bool:
    """A persistent or recursive watch misses events only between two connections.

    From the moment in which it is registered again, it misses no event that it is owed.

    Source: W11, docs/watches.md. ZooKeeper: pull request 1950.
    """
    return _is_served(run, client, again=True)


def w12_scope(before: Run, after: Run, client: Cid) -> bool:
    """ChildrenChanged comes only for a child watch or a persistent watch of that node, never for a recursive
    watch.

    Source: W12, docs/watches.md. Broken in ZooKeeper (ZOOKEEPER-4475).
    """
    event = live_event(before, after, client)
    if event is None or event.type != EventType.CHILDREN_CHANGED:
        return True
    names = names_of(before, client)
    return any((kind, event.path) in names for kind in (Kind.CHILD, Kind.PERSISTENT))


def w12_nothing_secret(before: Run, after: Run, client: Cid) -> bool:
    """No event is sent for a node that the client may not read.

    Source: W12, docs/watches.md. Broken in ZooKeeper (ZOOKEEPER-4799).
    """
    event, log = live_event(before, after, client), before.service.log
    place = None if event is None else place_of(log, event, BEGINNING)
    return place is None or readable_at(log, place.zxid)[place.trigger]


def w13_removal(before: Run, after: Run, client: Cid) -> bool:
    """No event comes for a watch after the reply to its removal.

    Source: W13, docs/watches.md.
    """
    event = live_event(before, after, client)
    if event is None or is_for_any(event, names_of(before, client)):
        return True
    return not is_for_any(event, before.seen[client].removed)


def w14_nothing_after_the_end(before: Run, after: Run, client: Cid) -> bool:
    """A client that has been told that its session is over receives nothing more.

    Source: W14, docs/watches.md.
    """
    return received(before, after, client) is None or before.service.clients[client].life == Life.ALIVE


def w14_ephemerals_go_at_once(run: Run, client: Cid) -> bool:
    """A session's ephemeral nodes are deleted with the zxid of the transaction that closes it, each once.

    Source: W14, docs/watches.md.
    """
    log = run.service.log
    zxid = closing_zxid(log, client)
    if zxid is None:
        return True
    deleted = [
        each.path
        for each in triggers_at(log, zxid)
        if each.type == EventType.DELETED and each.manager == Manager.DATA
    ]
    return sorted(deleted) == sorted(ephemerals_at(log, zxid - 1, client))


def w15_own_write(before: Run, after: Run, client: Cid) -> bool:
    """The event of a client's own write comes before the reply to the write.

    Source: W15, docs/watches.md.
    """
    reply = received_reply(before, after, client)
    request = reply_to(before, client, reply)
    if reply is None or request is None or not is_write(request.body):
        return True
    return not any(owed.place.zxid == reply.zxid for owed in owed_next(before, client))


def w16_agreement(before: Run, after: Run, client: Cid) -> bool:
    """There is one order of all events, and each client receives on a connection a part of it, in that order.

    It is the order of the log and, within a transaction, that of its triggers.

    Source: W16, docs/watches.md.
    """
    event = live_event(before, after, client)
    return event is None or place_of(before.service.log, event, before.seen[client].last) is not None


def names_of(run: Run, client: Cid) -> tuple[Name, ...]:
    """Returns the live watches of a client."""
    return tuple((each.kind, each.path) for each in run.seen[client].watches)


def is_for_any(event: Event, names: Iterable[Name]) -> bool:
    """True if an event is one for any of some watches."""
    return any(is_event_for(kind, path, event) for kind, path in names)


def _is_next(before: Run, after: Run, client: Cid, *, lasting: bool) -> bool:
    """True if no watch that an event is for, standard or lasting, has been owed an earlier event."""
    event = live_event(before, after, client)
    if event is None:
        return True
    log = before.service.log
    for watch in before.seen[client].watches:
        if (watch.kind in LASTING) == lasting and is_event_for(watch.kind, watch.path, event):
            owed = next_owed(log, watch)
            if owed is None or (owed.place.zxid, owed.type, owed.path) != (
                event.zxid,
                event.type,
                event.path,
            ):
                return False
    return True


def _is_served(run: Run, client: Cid, *, again: bool) -> bool:
    """True if a client with nothing to receive is owed nothing for what its server has applied."""
    state = run.service
    server, inbox = state.clients[client].server, state.clients[client].inbox
    if server is None or inbox.head is not None or not state.connections[server][client].is_open:
        return True
    applied = state.servers[server].applied
    for watch in run.seen[client].watches:
        if again and not (watch.again and watch.kind in LASTING):
            continue
        owed = next_owed(state.log, watch)
        if owed is not None and owed.place.zxid <= applied:
            return False
    return True


ALWAYS = (w7_nothing_is_lost, w10_registered_again, w11_known_gap, w14_ephemerals_go_at_once)

EVERY_STEP = (
    w1_ordered,
    w2_notified_before_reading,
    w3_replied_before_notified,
    w4_caused,
    w5_once,
    w6_first,
    w7_reliable,
    w8_bookmark,
    w9_atomic,
    w10_resumable,
    w12_scope,
    w12_nothing_secret,
    w13_removal,
    w14_nothing_after_the_end,
    w15_own_write,
    w16_agreement,
)
