"""H1 to H7: facts about servers and connections that hold at every moment, from which the guarantees follow.

The refutations in docs/myths.md refer to them by these numbers.

ZooKeeper: DataTree.processTxn, CommitProcessor, PrepRequestProcessor.
"""

from __future__ import annotations

from zabspec.service.history import closing_zxid, ephemerals_at, is_shown, tree_at, triggers_at
from zabspec.service.judging import read_to_come, received_reply, reply_to
from zabspec.service.owed import BEGINNING, place_of
from zabspec.service.requests import Reply, is_refusal, is_write
from zabspec.service.seen import Run
from zabspec.service.state import Cid
from zabspec.service.watch_guarantees import w5_once
from zabspec.watches import NO_ZXID, Event


def h1_event_after_commit(run: Run, client: Cid) -> bool:
    """A server sends an event only when its transaction is committed, and applied at that server.

    Source: myths, H1.
    """
    receiving = run.service.clients[client]
    if receiving.server is None:
        return True
    applied = run.service.servers[receiving.server].applied
    return all(message.zxid <= applied for message in receiving.inbox)


def h2_event_before_data(run: Run, client: Cid) -> bool:
    """On a connection, the event of a transaction comes before every reply that may show the change.

    The reply to the client's own write is no exception.

    Source: myths, H2. ZooKeeper: DataTree fires watches before lastProcessedZxid moves.
    """
    highest = 0
    for message in run.service.clients[client].inbox:
        if isinstance(message, Reply):
            highest = max(highest, message.zxid)
        elif message.zxid != NO_ZXID and message.zxid <= highest:
            return False
    return True


def h3_one_shot(before: Run, after: Run, client: Cid) -> bool:
    """Between two registrations of a standard watch on a connection, at most one event is sent for it.

    Source: myths, H3; the same as W5.
    """
    return w5_once(before, after, client)


def h4_order(run: Run, client: Cid) -> bool:
    """Events are sent in the order of the log and, within a transaction, in the order of its triggers.

    Source: myths, H4.
    """
    place = BEGINNING
    for message in run.service.clients[client].inbox:
        if isinstance(message, Event) and message.zxid != NO_ZXID:
            found = place_of(run.service.log, message, place)
            if found is None:
                return False
            place = found
    return True


def h5_prefix(run: Run, client: Cid) -> bool:
    """A server's tree is that of a prefix of the log, all of which the server has applied.

    Source: myths, H5.
    """
    read = read_to_come(run, client)
    server = run.service.clients[client].server
    if read is None or server is None:
        return True
    return is_shown(run.service.log, client, *read, range(run.service.servers[server].applied + 1))


def h6_ephemeral(run: Run, client: Cid) -> bool:
    """Once a session has been closed, it has no ephemeral nodes, and gets none.

    Source: myths, H6.
    """
    log = run.service.log
    zxid = closing_zxid(log, client)
    return zxid is None or not any(ephemerals_at(log, at, client) for at in range(zxid, len(log) + 1))


def h7_error_txn(before: Run, after: Run, client: Cid) -> bool:
    """A request that is refused changes nothing in the tree and triggers no watch.

    Source: myths, H7.
    """
    reply = received_reply(before, after, client)
    request = reply_to(before, client, reply)
    if reply is None or request is None or not is_write(request.body) or not is_refusal(reply.outcome):
        return True
    log, zxid = before.service.log, reply.zxid
    return tree_at(log, zxid) == tree_at(log, zxid - 1) and not triggers_at(log, zxid)


ALWAYS = (
    h1_event_after_commit,
    h2_event_before_data,
    h4_order,
    h5_prefix,
    h6_ephemeral,
)

EVERY_STEP = (h3_one_shot, h7_error_txn)
