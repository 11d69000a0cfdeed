"""Questions about a run: what a client receives next, what it has written, what the tree contains."""

from __future__ import annotations

from typing import Any

from zabspec.service.history import tree_at
from zabspec.service.requests import Body, Reply
from zabspec.service.seen import Run
from zabspec.service.state import Cid
from zabspec.tree.errors import Error
from zabspec.tree.replies import Failed
from zabspec.tree.state import Node, node_at
from zabspec.tree.txns import Txn
from zabspec.watches import Event


def told(run: Run, client: Cid) -> tuple[Body, Any] | None:
    """Returns the request whose reply a client receives next, and its outcome; None if no reply is next."""
    asking = run.service.clients[client]
    message = asking.inbox.head
    if not isinstance(message, Reply) or not asking.outstanding:
        return None
    return asking.outstanding[0].body, message.outcome


def is_refused(run: Run, client: Cid, kind: type[Any], error: Error) -> bool:
    """Returns True if a client next receives the refusal of a request of some kind, with some error."""
    answer = told(run, client)
    return answer is not None and isinstance(answer[0], kind) and answer[1] == Failed(error)


def event(run: Run, client: Cid) -> Event | None:
    """Returns the event that a client receives next; None if no event is next."""
    message = run.service.clients[client].inbox.head
    return message if isinstance(message, Event) else None


def is_quiet(run: Run, client: Cid) -> bool:
    """Returns True if a client's server has applied everything, and nothing is in flight between the two."""
    waiting = run.service.clients[client]
    if waiting.server is None or waiting.inbox or waiting.outstanding:
        return False
    return run.service.servers[waiting.server].applied == len(run.service.log)


def written(run: Run, client: Cid, kind: type[Any]) -> list[Txn]:
    """Returns the transactions of some kind that a client has written, in order."""
    return [each.txn for each in run.service.log if each.client == client and isinstance(each.txn, kind)]


def node(run: Run, path: str) -> Node | None:
    """Returns a node of the tree after all committed transactions; None if there is no such node."""
    return node_at(tree_at(run.service.log, len(run.service.log)), path)
