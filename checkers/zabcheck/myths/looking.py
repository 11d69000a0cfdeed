"""What is asked of a run: what a client is told next, what is watched, what is in the log and in the tree."""

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
    """What a client asked, and is answered next; None if it is not answered next."""
    asking = run.service.clients[client]
    message = asking.inbox.head
    if not isinstance(message, Reply) or not asking.outstanding:
        return None
    return asking.outstanding[0].body, message.outcome


def is_refused(run: Run, client: Cid, kind: type[Any], error: Error) -> bool:
    """Whether a client is answered next that what it asked for is refused."""
    answer = told(run, client)
    return answer is not None and isinstance(answer[0], kind) and answer[1] == Failed(error)


def event(run: Run, client: Cid) -> Event | None:
    """The event that a client gets next."""
    message = run.service.clients[client].inbox.head
    return message if isinstance(message, Event) else None


def is_quiet(run: Run, client: Cid) -> bool:
    """Whether a client is connected, its server has applied all there is, and nothing is on its way."""
    waiting = run.service.clients[client]
    if waiting.server is None or waiting.inbox or waiting.outstanding:
        return False
    return run.service.servers[waiting.server].applied == len(run.service.log)


def written(run: Run, client: Cid, kind: type[Any]) -> list[Txn]:
    """What a client has written of some kind, in order."""
    return [each.txn for each in run.service.log if each.client == client and isinstance(each.txn, kind)]


def node(run: Run, path: str) -> Node | None:
    """A node, by all that is committed."""
    return node_at(tree_at(run.service.log, len(run.service.log)), path)
