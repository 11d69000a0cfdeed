"""`zabspec.service` within bounds: what clients request, how often, and the faults allowed.

The spec has no bounds. A `Scenario` gives each client a menu of requests, and limits how many it sends and
what goes wrong. What clients have seen (`zabspec.service.seen`) stands beside the state: the properties are
about both. Clients have menus of their own and servers differ by which clients are connected to them, so the
model is explored without symmetry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from itertools import product
from typing import Any, get_type_hints

from zabcheck.explorer.model import Model, Property, Step
from zabcheck.models.bounds import by_name
from zabspec import service, tree
from zabspec.parts import Sid, replace
from zabspec.service import properties, seen
from zabspec.service.requests import Body
from zabspec.service.state import Cid

Action = Callable[..., "service.State | None"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is explored.

    Attributes:
        name: the name used on the command line.
        story: what the scenario is for.
        servers: how many servers there are.
        setup: the writes that were done before.
        at: by client, the server that it is connected to at the beginning.
        menus: by client, the requests that it may send, each at any time and again.
        sends: by client, how many requests it may send.
        waiting: how many requests of a client may be without a reply at a time.
        disconnects: how many connections may be lost, other than by crashes.
        crashes: how many servers may crash.
        expiries: how many sessions may expire.
        deposals: how often a server may be left with a leader that is deposed.
        sometimes: the names of the `service.properties.SOMETIMES` that must come up.
    """

    name: str
    story: str
    servers: int
    setup: tuple[tree.Write, ...]
    at: tuple[int, ...]
    menus: tuple[tuple[Body, ...], ...]
    sends: tuple[int, ...]
    waiting: int = 1
    disconnects: int = 0
    crashes: int = 0
    expiries: int = 0
    deposals: int = 0
    sometimes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """What has been used of the bounds."""

    disconnects: int = 0
    crashes: int = 0
    expiries: int = 0
    deposals: int = 0


@dataclass(frozen=True, slots=True)
class World:
    """A run so far, with what has been used of the bounds."""

    protocol: seen.Run
    budget: Budget


def model(scenario: Scenario, actions: Sequence[Action] = service.NEXT) -> Model:
    """Returns the spec within bounds, without properties; a mutant comes with actions of its own."""
    state = service.initial(scenario.servers, scenario.at, scenario.setup)
    world = World(seen.begun(state), Budget())
    size = max(scenario.servers, len(scenario.menus))
    return Model("service", world, tuple(steps(scenario, actions)), size, who="client")


def steps(scenario: Scenario, actions: Sequence[Action] = service.NEXT) -> Iterator[Step]:
    """Yields every action with every choice of arguments, in NEXT's order."""
    for action in actions:
        wrapped = partial(_WRAPPED.get(action.__name__, _unbounded), action, scenario)
        hints = [hint for name, hint in get_type_hints(action).items() if name not in ("state", "return")]
        sizes = {Sid: scenario.servers, Cid: len(scenario.menus)}
        if action.__name__ == service.client_sends.__name__:
            for client, menu in enumerate(scenario.menus):
                for number in range(len(menu)):
                    yield Step(action.__name__, (client, number), wrapped)
            continue
        for arguments in product(*(range(sizes[hint]) for hint in hints)):
            yield Step(action.__name__, arguments, wrapped)


def as_property(predicate: Callable[..., bool], *, elsewhere: bool = True) -> Property:
    """Returns a predicate as a property that is asked of each client.

    Args:
        predicate: takes a run, or two, and as many different clients as it has parameters of type `Cid`.
        elsewhere: its value for ids that no client has, where there are more servers than clients.
    """
    arity = sum(hint is Cid for hint in get_type_hints(predicate).values())

    @wraps(predicate)
    def guarded(run: Any, *others: Any) -> bool:
        if any(client >= len(run.service.clients) for client in others[len(others) - arity :]):
            return elsewhere
        return predicate(run, *others)

    sentence = (predicate.__doc__ or "").strip()
    return Property(predicate.__name__, guarded if arity else predicate, arity, sentence)


ALWAYS = tuple(as_property(each) for each in properties.ALWAYS)
EVERY_STEP = tuple(as_property(each) for each in properties.EVERY_STEP)
SOMETIMES = tuple(as_property(each, elsewhere=False) for each in properties.SOMETIMES)


def _unbounded(action: Action, _: Scenario, world: Any, *arguments: int) -> Any:
    """Takes an action as the spec has it."""
    after = action(world.protocol.service, *arguments)
    return None if after is None else _with(world, after)


def _connect(action: Action, _: Scenario, world: Any, client: Cid, server: Sid) -> Any:
    """Connects a client, which sends with the connection its request to register watches again, if any."""
    after = action(world.protocol.service, client, server)
    if after is None:
        return None
    world = _with(world, after)
    if not after.clients[client].outstanding:
        return world
    return replace(world, protocol=seen.with_sent(world.protocol, client))


def _send(action: Action, scenario: Scenario, world: Any, client: Cid, choice: int) -> Any:
    """Sends a request from the menu, while the client may send more."""
    sending = world.protocol.service.clients[client]
    if sending.sent >= scenario.sends[client] or len(sending.outstanding) >= scenario.waiting:
        return None
    after = action(world.protocol.service, client, scenario.menus[client][choice])
    if after is None:
        return None
    world = _with(world, after)
    return replace(world, protocol=seen.with_sent(world.protocol, client))


def _receive(action: Action, _: Scenario, world: Any, client: Cid) -> Any:
    """Receives a message, and keeps what the client has seen by it."""
    receiving = world.protocol.service.clients[client]
    message, waiting = receiving.inbox.head, receiving.outstanding
    after = action(world.protocol.service, client)
    if after is None or message is None:
        return None
    run = seen.with_received(world.protocol, client, message, waiting[0] if waiting else None)
    return replace(world, protocol=replace(run, service=after))


def _disconnect(action: Action, scenario: Scenario, world: Any, client: Cid) -> Any:
    """Loses a connection; this uses up budget unless the server has closed the connection."""
    state = world.protocol.service
    server = state.clients[client].server
    if server is None:
        return None
    after = action(state, client)
    if after is None:
        return None
    if state.connections[server][client].is_open:
        world = _spent(world, scenario, "disconnects")
        if world is None:
            return None
    world = _with(world, after)
    return replace(world, protocol=seen.with_disconnected(world.protocol, client))


def _spending(name: str) -> Callable[..., Any]:
    """Returns a wrapper that allows an action while there is budget for it."""

    def spend(action: Action, scenario: Scenario, world: Any, *arguments: int) -> Any:
        spent = _spent(world, scenario, name)
        return None if spent is None else _unbounded(action, scenario, spent, *arguments)

    return spend


def _depose(action: Action, scenario: Scenario, world: Any, server: Sid) -> Any:
    """Deposes a leader while there is budget for it; from then on there may be two leaders."""
    after = _spending("deposals")(action, scenario, world, server)
    return None if after is None else replace(after, protocol=replace(after.protocol, one_leader=False))


def _spent(world: Any, scenario: Scenario, name: str) -> Any:
    """Returns the world with one more of a budget used; None if none is left."""
    used = getattr(world.budget, name)
    if used >= getattr(scenario, name):
        return None
    return replace(world, budget=replace(world.budget, **{name: used + 1}))


def _with(world: Any, service: Any) -> Any:
    return replace(world, protocol=replace(world.protocol, service=service))


_WRAPPED: dict[str, Callable[..., Any]] = by_name(
    {
        service.client_connects: _connect,
        service.client_sends: _send,
        service.client_receives: _receive,
        service.client_disconnects: _disconnect,
        service.server_crashes: _spending("crashes"),
        service.leader_expires_session: _spending("expiries"),
        service.leader_is_deposed: _depose,
    }
)
