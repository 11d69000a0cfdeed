"""What a step of a run brings to a client, which the guarantees are about.

`before` and `after` are the runs before and after a step.
"""

from __future__ import annotations

from zabspec import tree
from zabspec.service.owed import Owed, next_owed
from zabspec.service.requests import Message, Reply, Request, is_read
from zabspec.service.seen import Run
from zabspec.service.state import Cid
from zabspec.watches import NO_ZXID, Event


def received(before: Run, after: Run, client: Cid) -> Message | None:
    """Returns the message that a client receives in a step; None if it receives none."""
    was, now = before.service.clients[client], after.service.clients[client]
    if was.server is None or not was.inbox or len(now.inbox) >= len(was.inbox):
        return None
    return was.inbox.head if now.server == was.server or now.life != was.life else None


def live_event(before: Run, after: Run, client: Cid) -> Event | None:
    """Returns the event that a client receives in a step, if it has the zxid of a transaction."""
    message = received(before, after, client)
    return message if isinstance(message, Event) and message.zxid != NO_ZXID else None


def received_reply(before: Run, after: Run, client: Cid) -> Reply | None:
    """Returns the reply that a client receives in a step."""
    message = received(before, after, client)
    return message if isinstance(message, Reply) else None


def reply_to(before: Run, client: Cid, reply: Reply | None) -> Request | None:
    """Returns the request that a client takes a reply to be for: its oldest outstanding one."""
    waiting = before.service.clients[client].outstanding
    return waiting[0] if reply is not None and waiting else None


def read_reply(before: Run, after: Run, client: Cid) -> tuple[tree.Read, tree.Reply] | None:
    """Returns the read that is answered to a client in a step, and the answer."""
    reply = received_reply(before, after, client)
    return read_answered(reply_to(before, client, reply), reply)


def read_to_come(run: Run, client: Cid) -> tuple[tree.Read, tree.Reply] | None:
    """Returns the read whose answer a client receives next, and the answer."""
    message = run.service.clients[client].inbox.head
    reply = message if isinstance(message, Reply) else None
    return read_answered(reply_to(run, client, reply), reply)


def read_answered(request: Request | None, reply: Reply | None) -> tuple[tree.Read, tree.Reply] | None:
    """Returns a read and the tree's answer to it; None if the arguments are anything else."""
    if request is None or reply is None or not is_read(request.body):
        return None
    return (request.body, reply.outcome) if isinstance(reply.outcome, tree.Reply) else None


def owed_next(run: Run, client: Cid) -> tuple[Owed, ...]:
    """Returns the next event that each live watch of a client is owed, in the order of the log."""
    log = run.service.log
    found = (next_owed(log, watch) for watch in run.seen[client].watches)
    return tuple(sorted(owed for owed in found if owed is not None))
