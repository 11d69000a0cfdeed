"""A run of the service made ready to be drawn: a column for each client, then one for each server.

A request is drawn as an arrow where it is answered, a reply or a watch event where it is received. `z3` is
the transaction with zxid 3. A request or reply begins with the number of the request: `2: getData /p, watch`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from zabcheck.explorer.verdicts import Trace, TraceStep
from zabcheck.models.bounds import by_name
from zabcheck.models.drawing import Line, ServerWords, named
from zabspec import service, tree
from zabspec.parts import Sid
from zabspec.service.leader import next_for_leader
from zabspec.service.requests import Body, Message, Reply, Request, Sync, lists
from zabspec.service.server import waiting_for
from zabspec.service.state import Client, Life, State
from zabspec.tree.replies import Changed, Children, Created, Data, Done, Failed, Parts
from zabspec.watches import NO_ZXID, AddWatch, Answer, Event, EventType, Mode, RemoveWatches, SetWatches

TYPES = {
    EventType.CREATED: "Created",
    EventType.DELETED: "Deleted",
    EventType.DATA_CHANGED: "DataChanged",
    EventType.CHILDREN_CHANGED: "ChildrenChanged",
}
"""ZooKeeper's names of the types of watch events."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A client or a server.

    Attributes:
        line: the kind of line of its column.
        facts: all that matters of the client or server, in a few words each.
    """

    line: Line
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A state of the service as it is drawn.

    Attributes:
        names: the headings of the columns.
        actors: the clients, then the servers.
        network: the messages in flight, by sender and receiver.
        deed: what was done in the step that led to this state.
    """

    names: tuple[str, ...]
    actors: tuple[Actor, ...]
    network: tuple[tuple[tuple[Request | Message, ...], ...], ...]
    deed: str = ""


def viewed(trace: Trace) -> Trace:
    """Returns a run of the service whose worlds are views, ready to be drawn."""
    before: State = trace.steps[0].world.protocol.service
    steps = [TraceStep("", (), _view(before))]
    for step in trace.steps[1:]:
        after: State = step.world.protocol.service
        view = replace(_view(after), deed=_deed(step, before, after))
        steps.append(TraceStep(step.action, _columns(step, before), view))
        before = after
    return Trace(trace.settings, tuple(steps), trace.property, trace.loop)


@dataclass(frozen=True, slots=True)
class ServiceWords(ServerWords):
    """The words for a run of views; for the methods, see `zabcheck.models.drawing.Words`.

    Attributes:
        notation: explains the notation.
        legend: what each kind of line means.
        receiving: the names of the actions that take a message.
        breaking: the names of the actions marked with a cross.
        is_numbered: False: clients and servers are called by their names.
    """

    notation: ClassVar[str] = "z3: the transaction with zxid 3"
    legend: ClassVar[Mapping[Line, str]] = {
        Line.HEAVY: "server",
        Line.FAINT: "server of a deposed leader",
        Line.THIN: "client",
        Line.DOTTED: "client without a connection",
    }
    receiving: ClassVar[frozenset[str]] = named(
        service.client_receives,
        service.server_answers,
        service.server_applies,
        service.server_answers_sync,
        service.server_registers_again,
    )
    breaking: ClassVar[frozenset[str]] = named(
        service.client_disconnects,
        service.server_notices,
        service.server_crashes,
        service.leader_refuses_write,
    )
    is_numbered: ClassVar[bool] = False

    def names(self, state: View) -> Sequence[str]:
        """Returns the headings of the columns."""
        return state.names

    def lines(self, state: View) -> Sequence[Line]:
        """Returns the line of each client and server."""
        return [actor.line for actor in state.actors]

    def parts(self, state: View) -> Sequence[Actor]:
        """Returns the clients and servers."""
        return state.actors

    def deed(self, step: TraceStep, *, is_seen: bool) -> list[str]:
        """Returns what was done, where no message shows that."""
        return [step.world.deed] if step.world.deed else []

    def message(self, message: Request | Message) -> str:
        """Returns `2: getData /p, watch`, `2: ok, b`, or `DataChanged /p, z3`."""
        match message:
            case Request(number, body):
                return f"{number}: {asked(body)}" if number else asked(body)
            case Reply(number, zxid, outcome):
                return f"{f'{number}: ' if number else ''}{said(outcome)}, z{zxid}"
            case Event(kind, path, zxid):
                return f"{TYPES[kind]} {path}{'' if zxid == NO_ZXID else f', z{zxid}'}"

    def changes(self, before: Actor, after: Actor) -> list[str]:
        """Returns the facts that have become true of a client or server."""
        return [fact for fact in after.facts if fact not in before.facts]

    def standing(self, actor: Actor) -> list[str]:
        """Returns all that matters of a client or server in one state."""
        return list(actor.facts)


def asked(body: Body) -> str:
    """Returns a request in words, such as `setData /p`; a multi by its parts."""
    match body:
        case tree.Multi(parts):
            return " + ".join(map(asked, parts))
        case SetWatches():
            paths = [f"{kind.name.lower()} {path}" for kind, paths in lists(body) for path in paths]
            return f"watches since z{body.relative_zxid}: {', '.join(paths)}"
        case AddWatch(path, recursive):
            return f"addWatch {path}{', recursive' if recursive else ''}"
        case RemoveWatches(path) | Sync(path):
            return f"{_name(body)} {path}"
        case tree.Exists(path) | tree.GetData(path) | tree.GetChildren(path):
            return f"{_name(body)} {path}{', watch' if body.watch else ''}"
    about: str = getattr(body, "path", "")
    return f"{_name(body)} {about}".strip()


def said(outcome: tree.Reply | Answer | None) -> str:
    """Returns an outcome in words: `ok`, what was found, or the error."""
    match outcome:
        case Failed(error):
            return error.name.lower().replace("_", " ")
        case Answer():
            return outcome.name.lower().replace("_", " ")
        case Data(data, stat):
            return f"{(data or b'').decode()!r}, version {stat.version}"
        case Changed(stat):
            return f"version {stat.version}"
        case Children(names):
            return f"children {' '.join(names)}" if names else "no children"
        case Parts(parts):
            return " + ".join(map(said, parts))
        case Created() | Done() | None | _:
            return "ok"


def _name(body: Any) -> str:
    name = type(body).__name__
    return name[0].lower() + name[1:]


def _view(state: State) -> View:
    clients, servers = range(len(state.clients)), range(len(state.servers))
    actors = [_client(each) for each in state.clients] + [_server(state, sid) for sid in servers]
    nothing: tuple[Request | Message, ...] = ()
    rows = [[nothing] * len(actors) for _ in actors]
    for client in clients:
        for server in servers:
            rows[client][len(clients) + server] = tuple(state.connections[server][client].requests)
            if state.clients[client].server == server:
                rows[len(clients) + server][client] = tuple(state.clients[client].inbox)
    names = (*(f"client {each}" for each in clients), *(f"server {each}" for each in servers))
    return View(names, tuple(actors), tuple(map(tuple, rows)))


def _client(client: Client) -> Actor:
    at = "not connected" if client.server is None else f"connected to server {client.server}"
    watches = [f"watches {each.path}: {each.kind.name.lower()}" for each in client.watches.registrations]
    life = [] if client.life == Life.ALIVE else [f"session {client.life.name.lower()}"]
    line = Line.DOTTED if client.server is None else Line.THIN
    return Actor(line, (*life, at, f"has seen z{client.last_zxid}", *watches))


def _server(state: State, sid: int) -> Actor:
    server = state.servers[sid]
    known = [] if server.cut_off is None else [f"its leader knows z{server.cut_off}"]
    watches = [
        f"watch of client {client}: {each.path}, {each.manager.name.lower()}{_mode(each.mode)}"
        for client, connection in enumerate(state.connections[sid])
        for each in connection.watches.entries
    ]
    line = Line.HEAVY if server.cut_off is None else Line.FAINT
    return Actor(line, (f"has applied z{server.applied}", *known, *watches))


def _mode(mode: Mode) -> str:
    return "" if mode == Mode.STANDARD else f", {mode.name.lower()}"


def _columns(step: TraceStep, before: State) -> tuple[int, ...]:
    """Returns the column in which a step takes place, then that of the other side, if there is one."""
    first = len(before.clients)
    match step.action, step.arguments:
        case service.client_receives.__name__, (client,):
            return client, first + (before.clients[client].server or 0)
        case action, (client, *_) if action in OF_A_CLIENT:
            return (client,)
        case action, (client, server) if action in OF_A_CLIENT_AT_A_SERVER:
            return client, first + server
        case action, (client, server) if action.startswith("leader_"):
            return first + server, client
        case service.server_applies.__name__, (server,):
            zxid = before.servers[server].applied + 1
            asking = waiting_for(before, Sid(server), zxid) if zxid <= len(before.log) else None
            return (first + server,) if asking is None else (first + server, asking)
        case _, (server, *others):
            return first + server, *others
    return (0,)


OF_A_CLIENT = named(service.client_sends, service.client_disconnects, service.leader_expires_session)
OF_A_CLIENT_AT_A_SERVER = named(service.client_connects, service.client_finds_session_expired)


def _deed(step: TraceStep, before: State, after: State) -> str:
    """Returns what was done that no message shows."""
    arguments: Sequence[int] = step.arguments
    match step.action:
        case service.client_finds_session_expired.__name__:
            return f"asks server {arguments[1]}"
        case service.leader_logs_write.__name__:
            request = next_for_leader(before, *arguments)  # type: ignore[arg-type]
            return f"leader logs z{len(after.log)}: {asked(request.body) if request else ''}"
        case service.leader_answers_sync.__name__:
            return f"leader knows z{after.connections[arguments[1]][arguments[0]].promised[-1]}"
        case service.leader_expires_session.__name__:
            return f"leader logs z{len(after.log)}: its session is closed"
    deed = DEEDS.get(step.action, "")
    return deed.format(*arguments)


DEEDS = by_name(
    {
        service.client_disconnects: "loses its connection",
        service.server_notices: "client {1} has gone",
        service.server_crashes: "crashes and restarts",
        service.leader_is_deposed: "its leader is deposed",
        service.server_finds_leader: "follows the new leader",
        service.leader_refuses_write: "session {0} has moved",
    }
)
"""What other actions do that no message shows."""
