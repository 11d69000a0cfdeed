"""What ZooKeeper promises of reads and writes, each judged when a client receives a reply.

ZooKeeper: "Consistency Guarantees" in its Programmer's Guide.
"""

from __future__ import annotations

from zabspec.service.history import is_shown
from zabspec.service.judging import read_reply, received_reply, reply_to
from zabspec.service.requests import is_write
from zabspec.service.seen import Run
from zabspec.service.state import Cid


def linearizable_writes(before: Run, after: Run, client: Cid) -> bool:
    """All writes take place in one order, that of their zxids, and no write comes before one that was
    answered when it was sent; a write is answered with its own place in the order.

    Source: ZooKeeper's paper (ATC'10), section 2.3, "A-linearizability".
    """
    reply = received_reply(before, after, client)
    request = reply_to(before, client, reply)
    if reply is None or request is None or not is_write(request.body):
        return True
    log = before.service.log
    if not before.seen[client].floors[0] < reply.zxid <= len(log):
        return False
    logged = log[reply.zxid - 1]
    return (logged.client, logged.number) == (client, request.number)


def written_once(run: Run) -> bool:
    """No request is in the log twice, and the requests of one session are in the log in the order it sent
    them.

    Source: ZooKeeper's paper (ATC'10), section 2.3, FIFO client order.
    """
    last: dict[Cid, int] = {}
    for logged in run.service.log:
        if logged.client is not None and logged.number:
            if logged.number <= last.get(logged.client, 0):
                return False
            last[logged.client] = logged.number
    return True


def fifo_client_order(before: Run, after: Run, client: Cid) -> bool:
    """A client's requests are answered in the order in which it sent them.

    Source: ZooKeeper's paper (ATC'10), section 2.3, FIFO client order. That the zxids of the replies do not
    decrease is part of `ordered_sequential_consistency`.
    """
    reply = received_reply(before, after, client)
    if reply is None:
        return True
    waiting = before.service.clients[client].outstanding
    return bool(waiting) and waiting[0].number == reply.number


def ordered_sequential_consistency(before: Run, after: Run, client: Cid) -> bool:
    """There is one order of all operations that respects each session's own order, and the real time of
    writes.

    A read has its place after the transaction whose zxid is in its reply: it answers as that prefix of the
    log does, and no earlier operation of its session has a later place. A write's place is after that of
    every operation that was answered when it was sent.

    Source: Lev-Ari et al., "Composing ordered sequential consistency" (2017), OSC(U).
    """
    reply = received_reply(before, after, client)
    request = reply_to(before, client, reply)
    if reply is None or request is None:
        return True
    if reply.zxid < before.service.clients[client].last_zxid:
        return False
    if is_write(request.body):
        return reply.zxid > before.seen[client].floors[0]
    read = read_reply(before, after, client)
    return read is None or is_shown(before.service.log, client, *read, range(reply.zxid, reply.zxid + 1))


def single_system_image(before: Run, after: Run, client: Cid) -> bool:
    """A client never sees an older state than it has seen before, whichever server it is connected to.

    Source: ZooKeeper Programmer's Guide, Consistency Guarantees, Single System Image.
    """
    read = read_reply(before, after, client)
    log, seen = before.service.log, before.service.clients[client].last_zxid
    return read is None or is_shown(log, client, *read, range(seen, len(log) + 1))


def linearizable_after_sync(before: Run, after: Run, client: Cid) -> bool:
    """As long as no leader is deposed, a read after a sync shows every write that was answered when the sync
    was sent.

    Source: ZooKeeper Programmer's Guide, sync. What happens with a deposed leader is shown by
    `witnesses.stale_read_after_sync`.
    """
    read = read_reply(before, after, client)
    if read is None or not before.one_leader:
        return True
    log, floor = before.service.log, before.seen[client].synced
    return is_shown(log, client, *read, range(floor, len(log) + 1))


ALWAYS = (written_once,)

EVERY_STEP = (
    linearizable_writes,
    fifo_client_order,
    ordered_sequential_consistency,
    single_system_image,
    linearizable_after_sync,
)
