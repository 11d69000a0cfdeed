"""Mistakes that servers, leaders and clients might make, each an action in the place of the spec's.

Each does what the spec's action does, but for one thing. `zabcheck.models.service.mutants` tells what comes
of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zabspec import service, tree
from zabspec.parts import Queue, Sid, replace
from zabspec.service.connection import connected
from zabspec.service.history import caller_of, closing_zxid, session_of, tree_at, triggers_at
from zabspec.service.leader import known_at, logged, next_for_leader
from zabspec.service.network import sent, with_client, with_connection
from zabspec.service.requests import Body, Message, Reply, Sync, is_read, is_write, watches_wanted
from zabspec.service.server import (
    answered,
    is_its_turn,
    waiting_for,
    with_applied,
    with_events_sent,
    with_request_answered,
    with_watches,
)
from zabspec.service.state import Cid, Connection, Life, Logged, State
from zabspec.tree import Error
from zabspec.tree.replies import Done, Failed
from zabspec.tree.txns import CloseSessionTxn, MultiTxn
from zabspec.watches import (
    NOTHING,
    Event,
    EventType,
    Manager,
    Mode,
    RemoveWatches,
    SetWatches,
    Trigger,
    fired,
    with_watch,
)
from zabspec.watches.firing import is_within

Teller = Callable[[State, Sid, Cid, int], State]
"""Sends a client the watch events of a transaction."""


def server_applies(tell: Teller) -> Callable[[State, Sid], State | None]:
    """Returns an action in which a server applies the log and sends watch events in another way."""

    def action(state: State, server: Sid) -> State | None:
        zxid = state.servers[server].applied + 1
        if zxid > known_at(state, server) or not is_its_turn(state, server, zxid):
            return None
        state = with_applied(state, server, zxid)
        for client in range(len(state.clients)):
            state = tell(state, server, Cid(client), zxid)
        return with_request_answered(state, server, zxid)

    return action


# How clients are told.


def told_newest_first(state: State, server: Sid, client: Cid, zxid: int) -> State:
    """New events are queued ahead of the events that wait."""
    before = len(state.clients[client].inbox)
    state = with_events_sent(state, server, client, zxid)
    inbox = state.clients[client].inbox
    at = before
    while at and isinstance(inbox[at - 1], Event):
        at -= 1
    return _with_inbox(state, client, (*inbox[:at], *inbox[before:], *inbox[at:before]))


def told_of_the_one_before(state: State, server: Sid, client: Cid, zxid: int) -> State:
    """The events of a transaction are sent when the next transaction is applied."""
    return with_events_sent(state, server, client, zxid - 1)


def told_of_errors(state: State, server: Sid, client: Cid, zxid: int) -> State:
    """A setData that was refused sends the events of one that succeeded."""
    asking = waiting_for(state, server, zxid)
    request = None if asking is None else state.connections[server][asking].requests.head
    if request is None or not isinstance(request.body, tree.SetData):
        return with_events_sent(state, server, client, zxid)
    trigger = Trigger(EventType.DATA_CHANGED, request.body.path, Manager.DATA)
    return _told_by(state, server, client, (trigger,), zxid)


def told_again_and_again(state: State, server: Sid, client: Cid, zxid: int) -> State:
    """A watch stays after it has fired, whatever its mode."""
    watches = state.connections[server][client].watches
    return with_watches(with_events_sent(state, server, client, zxid), server, client, watches)


def told_once_for_several(state: State, server: Sid, client: Cid, zxid: int) -> State:
    """An event equal to the last one in flight is left out."""
    before = len(state.clients[client].inbox)
    state = with_events_sent(state, server, client, zxid)
    inbox = state.clients[client].inbox
    kept: list[Message] = list(inbox[:before])
    for event in inbox[before:]:
        last = kept[-1] if kept else None
        if not (isinstance(last, Event) and replace(last, zxid=event.zxid) == event):
            kept.append(event)
    return _with_inbox(state, client, kept)


def told_of_all_but_the_last_child(state: State, server: Sid, client: Cid, zxid: int) -> State:
    """The deletion of the last child fires no child watch of the parent."""
    after = tree_at(state.log, zxid)
    triggers = tuple(
        each
        for each in triggers_at(state.log, zxid)
        if each.type != EventType.CHILDREN_CHANGED
        or any(path != each.path and is_within(path, each.path) for path in after.paths)
    )
    return _told_by(state, server, client, triggers, zxid)


def told_of_children(state: State, server: Sid, client: Cid, zxid: int) -> State:
    """A recursive watch also gets NodeChildrenChanged events."""
    state = with_events_sent(state, server, client, zxid)
    tops = [
        each.path
        for each in state.connections[server][client].watches.entries
        if each.mode == Mode.RECURSIVE and each.manager == Manager.DATA
    ]
    for each in triggers_at(state.log, zxid):
        if each.type == EventType.CHILDREN_CHANGED and any(is_within(each.path, top) for top in tops):
            state = sent(state, server, client, Event(each.type, each.path, zxid))
    return state


def told_of_what_is_secret(state: State, server: Sid, client: Cid, zxid: int) -> State:
    """An event is sent though the client may not read the node."""
    watches = state.connections[server][client].watches
    done = fired(watches, triggers_at(state.log, zxid), zxid)
    state = with_watches(state, server, client, done.watches)
    return sent(state, server, client, *done.events)


def told_backwards(state: State, server: Sid, client: Cid, zxid: int) -> State:
    """The triggers of a transaction fire last one first."""
    return _told_by(state, server, client, triggers_at(state.log, zxid)[::-1], zxid)


def _told_by(state: State, server: Sid, client: Cid, triggers: Sequence[Trigger], zxid: int) -> State:
    done = fired(state.connections[server][client].watches, triggers, zxid)
    state = with_watches(state, server, client, done.watches)
    return sent(state, server, client, *done.events)


# How a write is answered.


def server_answers_before_events(state: State, server: Sid) -> State | None:
    """A server sends the reply to a write ahead of its events."""
    return _reply_moved(state, server, lambda events: 0)


def server_answers_between_events(state: State, server: Sid) -> State | None:
    """A server sends the reply to a multi after the first of its events."""
    return _reply_moved(state, server, lambda events: min(events, 1))


def _reply_moved(state: State, server: Sid, place: Callable[[int], int]) -> State | None:
    """Returns an action in which the reply to a write comes after some of its events, by how many there
    are.
    """
    zxid = state.servers[server].applied + 1
    asking = waiting_for(state, server, zxid) if zxid <= len(state.log) else None
    done = service.server_applies(state, server)
    if done is None or asking is None or done.clients[asking].server != server:
        return done
    before, inbox = len(state.clients[asking].inbox), done.clients[asking].inbox
    events, reply = inbox[before:-1], inbox[-1]
    at = place(len(events))
    return _with_inbox(done, asking, (*inbox[:before], *events[:at], reply, *events[at:]))


def server_says_refused(state: State, server: Sid) -> State | None:
    """A server replies that a write was refused, though it was applied."""
    zxid = state.servers[server].applied + 1
    asking = waiting_for(state, server, zxid) if zxid <= len(state.log) else None
    done = service.server_applies(state, server)
    if done is None or asking is None or done.clients[asking].server != server:
        return done
    inbox = done.clients[asking].inbox
    return _with_inbox(done, asking, (*inbox[:-1], replace(inbox[-1], outcome=Failed(Error.BAD_VERSION))))


def server_acknowledges_early(state: State, server: Sid, client: Cid) -> State | None:
    """A server replies to a write when the request arrives, and drops the write."""
    connection = state.connections[server][client]
    request = connection.requests.head
    if request is None or not is_write(request.body) or connection.promised:
        return None
    return answered(state, server, client, Reply(request.number, len(state.log) + 1, Done()))


def server_goes_on_after_close(state: State, server: Sid) -> State | None:
    """A server leaves open the connection of a session that it has closed."""
    done = service.server_applies(state, server)
    if done is None:
        return None
    for client in range(len(state.clients)):
        was = state.connections[server][client]
        if was.is_open and not done.connections[server][client].is_open:
            done = with_connection(done, server, Cid(client), Connection(is_open=True, watches=was.watches))
    return done


def client_stays_after_close(state: State, client: Cid) -> State | None:
    """A client goes on receiving after the reply to closeSession."""
    done = service.client_receives(state, client)
    if done is None or done.clients[client].life != Life.CLOSED:
        return done
    return with_client(done, client, replace(done.clients[client], server=state.clients[client].server))


# How a read is answered.


def server_answers_out_of_turn(state: State, server: Sid, client: Cid) -> State | None:
    """A server answers a read before an earlier write of the session."""
    connection = state.connections[server][client]
    at = next((at for at, each in enumerate(connection.requests) if is_read(each.body)), None)
    if not at:
        return service.server_answers(state, server, client)
    ahead = Queue((connection.requests[at], *connection.requests[:at], *connection.requests[at + 1 :]))
    return service.server_answers(
        with_connection(state, server, client, replace(connection, requests=ahead)), server, client
    )


def server_answers_from_the_past(state: State, server: Sid, client: Cid) -> State | None:
    """A server answers a read from the tree before the last transaction, with that transaction's zxid."""
    request = state.connections[server][client].requests.head
    done = service.server_answers(state, server, client)
    if done is None or request is None or not is_read(request.body):
        return done
    before = tree_at(state.log, state.servers[server].applied - 1)
    return _with_outcome(state, done, client, tree.answer(before, request.body, caller_of(client)))


def server_reads_half_of_multi(state: State, server: Sid, client: Cid) -> State | None:
    """A server answers a read between two parts of a multi."""
    request = state.connections[server][client].requests.head
    applied = state.servers[server].applied
    done = service.server_answers(state, server, client)
    if done is None or request is None or not is_read(request.body) or applied >= known_at(state, server):
        return done
    txn = state.log[applied].txn
    if not isinstance(txn, MultiTxn):
        return done
    half = tree.apply(tree_at(state.log, applied), applied + 1, 0, MultiTxn(txn.parts[:1])).tree
    return _with_outcome(state, done, client, tree.answer(half, request.body, caller_of(client)))


def server_answers_with_leaders_zxid(state: State, server: Sid, client: Cid) -> State | None:
    """A server puts the last committed zxid into reply headers, not the last one that it applied."""
    done = service.server_answers(state, server, client)
    if done is None or len(done.clients[client].inbox) == len(state.clients[client].inbox):
        return done
    inbox = done.clients[client].inbox
    return _with_inbox(done, client, (*inbox[:-1], replace(inbox[-1], zxid=len(state.log))))


def server_answers_sync_itself(state: State, server: Sid, client: Cid) -> State | None:
    """A server answers a sync without asking the leader."""
    request = state.connections[server][client].requests.head
    if request is None or not isinstance(request.body, Sync):
        return None
    return answered(state, server, client, Reply(request.number, state.servers[server].applied, None))


def _with_outcome(state: State, done: State, client: Cid, outcome: tree.Reply) -> State:
    """Returns the state with another outcome in the reply that was sent last, if it was sent."""
    inbox = done.clients[client].inbox
    if len(inbox) == len(state.clients[client].inbox):
        return done
    return _with_inbox(done, client, (*inbox[:-1], replace(inbox[-1], outcome=outcome)))


# How watches are registered and removed.


def client_is_watching_at_once(state: State, client: Cid, body: Body) -> State | None:
    """A server registers a watch when the read arrives, before the read is answered."""
    done = service.client_sends(state, client, body)
    server = state.clients[client].server
    if done is None or server is None:
        return done
    watches = done.connections[server][client].watches
    for name in watches_wanted(body):
        watches = with_watch(watches, *name)
    return with_watches(done, server, client, watches)


def server_answers_without_watch(state: State, server: Sid, client: Cid) -> State | None:
    """A server answers a read and does not register its watch yet."""
    done = service.server_answers(state, server, client)
    if done is None:
        return None
    return with_watches(done, server, client, state.connections[server][client].watches)


def server_notes_watch_late(state: State, server: Sid, client: Cid) -> State | None:
    """A server registers the watch of a read after the answer, before it goes on with later requests."""
    connection, watching = state.connections[server][client], state.clients[client]
    if watching.server != server or watching.inbox.head is not None or connection.requests.head is not None:
        return None
    watches = connection.watches
    for kind, path, _ in watching.watches.registrations:
        watches = with_watch(watches, kind, path)
    if watches == connection.watches or not connection.is_open:
        return None
    return with_watches(state, server, client, watches)


def server_forgets_to_remove(state: State, server: Sid, client: Cid) -> State | None:
    """A server replies that watches were removed, and keeps them."""
    connection = state.connections[server][client]
    done = service.server_answers(state, server, client)
    head = connection.requests.head
    if done is None or head is None or not isinstance(head.body, RemoveWatches):
        return done
    return with_watches(done, server, client, connection.watches)


def server_registers_again(change: Callable[[SetWatches], SetWatches]) -> Callable[..., State | None]:
    """Returns an action in which a server reads a reconnecting client's SetWatches as something else."""

    def action(state: State, server: Sid, client: Cid) -> State | None:
        connection = state.connections[server][client]
        head = connection.requests.head
        if head is None or not isinstance(head.body, SetWatches):
            return None
        changed = replace(head, body=change(head.body))
        queue = Queue((changed, *connection.requests[1:]))
        state = with_connection(state, server, client, replace(connection, requests=queue))
        return service.server_registers_again(state, server, client)

    return action


def including_the_last_seen(body: SetWatches) -> SetWatches:
    """The server compares `mzxid >= relativeZxid` where it must be `>`."""
    return replace(body, relative_zxid=body.relative_zxid - 1)


def without_lasting(body: SetWatches) -> SetWatches:
    """The client leaves out persistent and recursive watches: it sends SetWatches where SetWatches2 is
    needed.
    """
    return replace(body, persistent=(), recursive=())


def client_forgets_to_register(state: State, client: Cid, server: Sid) -> State | None:
    """A client that reconnects does not register its watches again."""
    watching = state.clients[client]
    done = service.client_connects(
        with_client(state, client, replace(watching, watches=NOTHING)), client, server
    )
    if done is None:
        return None
    return with_client(done, client, replace(done.clients[client], watches=watching.watches))


# Sessions and the leader.


def client_connects_anywhere(state: State, client: Cid, server: Sid) -> State | None:
    """A server accepts a client that has seen a later zxid than the server has applied."""
    looking = state.clients[client]
    if looking.server is not None or looking.life != Life.ALIVE:
        return None
    if closing_zxid(state.log, client) is not None:
        return None
    return connected(state, client, server)


def leader_takes_write_from_anywhere(state: State, client: Cid, server: Sid) -> State | None:
    """The leader does not check whether the session has moved to another server."""
    return service.leader_logs_write(replace(state, owners=state.owners.put(client, server)), client, server)


def leader_takes_write_of_closed_session(state: State, client: Cid, server: Sid) -> State | None:
    """The leader does not check whether the session still exists."""
    request = next_for_leader(state, client, server)
    if request is None or not is_write(request.body) or closing_zxid(state.log, client) is None:
        return service.leader_logs_write(state, client, server)
    txn = tree.prepare(tree_at(state.log, len(state.log)), request.body, caller_of(client))
    return logged(state, client, server, Logged(txn, client, request.number))


def leader_closes_with_others_nodes(state: State, client: Cid) -> State | None:
    """The leader deletes the ephemeral nodes of every session with one session."""
    done = service.leader_expires_session(state, client)
    if done is None:
        return None
    now = tree_at(state.log, len(state.log))
    paths = tuple(path for path, node in zip(now.paths, now.nodes, strict=True) if node.owner)
    return replace(done, log=(*state.log, Logged(CloseSessionTxn(session_of(client), paths), client, 0)))


def leader_fires_at_once(state: State, client: Cid, server: Sid) -> State | None:
    """Watches fire when the leader accepts a write, before the server has applied it."""
    done = service.leader_logs_write(state, client, server)
    if done is None:
        return None
    for each in range(len(state.clients)):
        done = with_events_sent(done, server, Cid(each), len(done.log))
    return done


def _with_inbox(state: State, client: Cid, messages: Sequence[Message]) -> State:
    return with_client(state, client, replace(state.clients[client], inbox=Queue(messages)))
