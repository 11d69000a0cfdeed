"""A run of the service, made ready to be drawn: a column for each client, then one for each server.

A request is drawn as an arrow where it is answered, a reply or an event where it is received. `z3` is the
transaction with zxid 3. Requests and replies begin with the number of the request: `2: getData /p, watch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from zabcheck.explorer.verdicts import Trace, TraceStep
from zabspec import tree
from zabspec.parts import Sid
from zabspec.service.leader import next_for_leader
from zabspec.service.requests import Body, Message, Reply, Request, Sync, lists
from zabspec.service.server import waiting_for
from zabspec.service.state import Client, Life, State
from zabspec.tree.replies import Changed, Children, Created, Data, Done, Failed, Parts
from zabspec.watches import NO_ZXID, AddWatch, Answer, Event, EventType, Mode, RemoveWatches, SetWatches
from zabspec.zab.state import Role

TYPES = {
    EventType.CREATED: "Created",
    EventType.DELETED: "Deleted",
    EventType.DATA_CHANGED: "DataChanged",
    EventType.CHILDREN_CHANGED: "ChildrenChanged",
}
"""ZooKeeper's names of what an event tells."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A client or a server.

    Attributes:
        role: what line it has.
        facts: all that matters of it, in a few words each.
    """

    role: Role
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A state of the service as it is drawn.

    Attributes:
        names: of the columns.
        servers: what is in them.
        network: from whom, to whom, what is on its way.
        deed: what was done in the step that led here.
    """

    names: tuple[str, ...]
    servers: tuple[Actor, ...]
    network: tuple[tuple[tuple[Request | Message, ...], ...], ...]
    deed: str = ""


def viewed(trace: Trace) -> Trace:
    """A run of the service as it is drawn."""
    before: State = trace.steps[0].world.protocol.service
    steps = [TraceStep("", (), _view(before))]
    for step in trace.steps[1:]:
        after: State = step.world.protocol.service
        view = replace(_view(after), deed=_deed(step, before, after))
        steps.append(TraceStep(step.action, _columns(step, before), view))
        before = after
    return Trace(trace.settings, tuple(steps), trace.property, trace.loop)


@dataclass(frozen=True, slots=True)
class ServiceWords:
    """The words for a run."""

    notation: ClassVar[str] = "z3: the transaction with zxid 3"
    breaking: ClassVar[frozenset[str]] = frozenset(
        {"client_disconnects", "server_notices", "server_crashes", "leader_refuses_write"}
    )

    def actor(self, step: TraceStep) -> int:
        """The column that a step is a step of."""
        return step.arguments[0]

    def deed(self, step: TraceStep, *, is_seen: bool) -> list[str]:
        """What was done, where no message shows it."""
        return [step.world.deed] if step.world.deed else []

    def message(self, message: Request | Message) -> str:
        """`2: getData /p, watch`, `2: ok, b`, or `DataChanged /p, z3`."""
        match message:
            case Request(number, body):
                return f"{number}: {asked(body)}" if number else asked(body)
            case Reply(number, zxid, outcome):
                return f"{f'{number}: ' if number else ''}{said(outcome)}, z{zxid}"
            case Event(kind, path, zxid):
                return f"{TYPES[kind]} {path}{'' if zxid == NO_ZXID else f', z{zxid}'}"

    def changes(self, before: Actor, after: Actor) -> list[str]:
        """What is so of a client or server, and was not."""
        return [fact for fact in after.facts if fact not in before.facts]

    def standing(self, server: Actor) -> list[str]:
        """All that matters of a client or server."""
        return list(server.facts)


def asked(body: Body) -> str:
    """`setData /p`; a multi by its parts."""
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
    """`ok`, with what was found, or the error."""
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
    role = Role.LOOKING if client.server is None else Role.FOLLOWING
    return Actor(role, (*life, at, f"has seen z{client.last_zxid}", *watches))


def _server(state: State, sid: int) -> Actor:
    server = state.servers[sid]
    known = [] if server.cut_off is None else [f"its leader knows z{server.cut_off}"]
    watches = [
        f"watch of client {client}: {each.path}, {each.manager.name.lower()}{_mode(each.mode)}"
        for client, connection in enumerate(state.connections[sid])
        for each in connection.watches.entries
    ]
    role = Role.LEADING if server.cut_off is None else Role.STOPPED
    return Actor(role, (f"has applied z{server.applied}", *known, *watches))


def _mode(mode: Mode) -> str:
    return "" if mode == Mode.STANDARD else f", {mode.name.lower()}"


def _columns(step: TraceStep, before: State) -> tuple[int, ...]:
    """Who acts, and with whom, by their columns."""
    first = len(before.clients)
    match step.action, step.arguments:
        case "client_receives", (client,):
            return client, first + (before.clients[client].server or 0)
        case (("client_sends" | "client_disconnects" | "leader_expires_session"), (client, *_)):
            return (client,)
        case (("client_connects" | "client_finds_session_expired"), (client, server)):
            return client, first + server
        case action, (client, server) if action.startswith("leader_"):
            return first + server, client
        case "server_applies", (server,):
            zxid = before.servers[server].applied + 1
            asking = waiting_for(before, Sid(server), zxid) if zxid <= len(before.log) else None
            return (first + server,) if asking is None else (first + server, asking)
        case _, (server, *others):
            return first + server, *others
    return (0,)


def _deed(step: TraceStep, before: State, after: State) -> str:
    """What was done that no message shows."""
    arguments: Sequence[int] = step.arguments
    match step.action:
        case "client_finds_session_expired":
            return f"asks server {arguments[1]}"
        case "leader_logs_write":
            request = next_for_leader(before, *arguments)  # type: ignore[arg-type]
            return f"leader logs z{len(after.log)}: {asked(request.body) if request else ''}"
        case "leader_answers_sync":
            return f"leader knows z{after.connections[arguments[1]][arguments[0]].promised[-1]}"
        case "leader_expires_session":
            return f"leader logs z{len(after.log)}: its session is closed"
    deed = DEEDS.get(step.action, "")
    return deed.format(*arguments)


DEEDS = {
    "client_disconnects": "loses its connection",
    "server_notices": "client {1} has gone",
    "server_crashes": "crashes and comes back",
    "leader_is_deposed": "its leader is deposed",
    "server_finds_leader": "follows who leads",
    "leader_refuses_write": "session {0} has moved",
}
"""What is said of other actions that no message shows."""
