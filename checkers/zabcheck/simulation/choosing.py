"""Random choices of the next event of a run: mostly progress, now and then a fault.

Any message in flight may be delivered next, each with the same probability, so elections and synchronizations
are interrupted at all points. Elections end because a calm is chosen often enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from zabcheck.simulation.events import CLIENTS, REQUESTS, Event, members
from zabcheck.simulation.run import Run
from zabcheck.simulation.setting import Setting

Choice = Callable[[Run, Random], Event | None]
"""Returns an event of some kind; None if none is possible."""
Scenario = Callable[[Run, Random], Iterator[Event]]
"""Yields the events of a scenario, each after the one before has happened."""

PATHS = 4
"""How many paths clients write to."""


def drift(run: Run, random: Random) -> Event | None:
    """Delivers something in flight, whole or in part, or syncs a log."""
    world = run.world
    ways: list[Event] = [("note", *pair) for pair in world.deliverable_notes()]
    for cable, side in world.deliverable():
        way = cable.ends[1 - side], cable.ends[side]
        chunk = None if cable.is_dialing else cable.queues[side][0]
        ways.append(("chunk", *way))
        if chunk is not None and len(chunk) > 1 and random.random() < 0.2:
            ways[-1] = ("chunk", *way, random.randrange(1, len(chunk)))
    ways += [("sync", sid) for sid in world.unsynced()]
    return random.choice(ways) if ways else None


def ask(run: Run, random: Random) -> Event | None:
    """Lets a connected client send a request."""
    connected = [number for number, client in enumerate(run.clients) if client.is_confirmed]
    if not connected:
        return None
    word = random.choice([*REQUESTS, "create", "set", "set", "get"])
    if word == "close" and random.random() < 0.8:
        word = "set"
    return "ask", random.choice(connected), word, random.randrange(PATHS)


def connect(run: Run, random: Random) -> Event | None:
    """Lets a client connect, or move to another server."""
    serving = [sid for sid, each in run.world.members.items() if each.peer and each.peer.service]
    lost = [number for number, client in enumerate(run.clients) if client.connection is None]
    if not serving or (not lost and random.random() < 0.7):
        return None
    return "connect", random.choice(lost or range(CLIENTS)), random.choice(serving)


def crash(run: Run, random: Random) -> Event | None:
    """Crashes a running server."""
    running = [sid for sid, each in run.world.members.items() if each.peer is not None]
    return ("crash", random.choice(running), random.choice((0, 0, 1, 2))) if running else None


def start(run: Run, random: Random) -> Event | None:
    """Starts a server that is down."""
    gone = [sid for sid, each in run.world.members.items() if each.peer is None]
    return ("start", random.choice(gone)) if gone else None


def fuse(run: Run, random: Random) -> Event | None:
    """Lets a server crash during one of its next writes."""
    return "fuse", random.choice([*run.world.members]), random.randrange(4)


def block(run: Run, random: Random) -> Event | None:
    """Stops delivery from one server to another."""
    return "block", *random.sample([*run.world.members], 2)


def isolate(run: Run, random: Random) -> Event | None:
    """Cuts a server off from all others, most often the leader."""
    leader = run.world.leader
    if leader is not None and random.random() < 0.6:
        return "isolate", leader.me
    return "isolate", random.choice([*run.world.members])


def heal(run: Run, random: Random) -> Event | None:
    """Repairs the network."""
    return ("heal",) if run.world.blocked else None


def reset(run: Run, random: Random) -> Event | None:
    """Breaks a connection."""
    cables = run.world.cables
    return ("reset", *random.choice(cables).ends) if cables else None


def forget(run: Run, random: Random) -> Event | None:
    """Loses a notification of the election."""
    notes = sorted(run.world.notes)
    return ("forget", *random.choice(notes)) if notes else None


def snapshot(run: Run, random: Random) -> Event | None:
    """Lets a server write a snapshot."""
    return "snapshot", random.choice([*run.world.members]), random.choice((1, 1, 3))


def tick(run: Run, random: Random) -> Event | None:
    """Lets time pass, a little or much."""
    return "tick", random.choice((20, 100, 200, 200, 500, 1000, 3000, 6000))


def calm(run: Run, random: Random) -> Event | None:
    """Lets time pass without new faults."""
    return "calm", random.choice((500, 2000, 20_000, 20_000))


def settle(run: Run, random: Random) -> Event | None:
    """Delivers everything in flight."""
    return ("settle",)


def live(run: Run, random: Random) -> Event | None:
    """Repairs everything, while clients keep their sessions."""
    return "live", random.choice((3000, 16_000))


def disconnect(run: Run, random: Random) -> Event | None:
    """Lets a client close its connection."""
    return "disconnect", random.randrange(CLIENTS)


def reconfigure(run: Run, random: Random) -> Event | None:
    """Lets a client ask for an ensemble of some of the servers."""
    connected = [number for number, client in enumerate(run.clients) if client.is_confirmed]
    if not connected:
        return None
    sids = list(run.world.members)
    voters = sorted(
        random.sample(sids, random.choice([size for size in (2, 3, 3, 4, 5) if size <= len(sids)]))
    )
    observers = [sid for sid in sids if sid not in voters and random.random() < 0.5]
    return "reconfigure", random.choice(connected), members(voters), members(observers)


def left_alone(run: Run, random: Random) -> Iterator[Event]:
    """A leader is cut off and proposes what no other server receives; the others elect another leader."""
    leader = run.world.leader
    if leader is None:
        return
    client = random.randrange(CLIENTS)
    yield "connect", client, leader.me
    yield ("settle",)
    yield "isolate", leader.me
    for _ in range(random.randrange(1, 4)):
        yield "ask", client, "set", random.randrange(PATHS)
        if random.random() < 0.7:
            yield "sync", leader.me
    if random.random() < 0.3:
        yield "crash", leader.me, random.randrange(3)
    yield "calm", random.choice((2000, 12_000))
    if random.random() < 0.8:
        yield ("heal",)
        yield "start", leader.me


def overtaken(run: Run, random: Random) -> Iterator[Event]:
    """A client moves to another server while its request is in flight, and sends the next one there."""
    serving = [sid for sid, each in run.world.members.items() if each.peer and each.peer.service]
    leader = run.world.leader
    if leader is None or len(serving) < 2:
        return
    client, (before, later) = random.randrange(CLIENTS), random.sample(serving, 2)
    yield "connect", client, before
    yield ("settle",)
    yield "block", before, leader.me
    yield "ask", client, "set", random.randrange(PATHS)
    yield "connect", client, later
    yield ("settle",)
    yield "ask", client, random.choice(("set", "create", "ephemeral")), random.randrange(PATHS)
    yield ("settle",)
    yield ("heal",)


def joined_by_late(run: Run, random: Random) -> Iterator[Event]:
    """A server restarts, and is synchronized while clients go on writing."""
    sid = random.choice([*run.world.members])
    yield "crash", sid, random.randrange(3)
    for _ in range(random.randrange(4)):
        yield ask(run, random) or ("settle",)
        yield ("settle",)
    yield "start", sid
    for _ in range(random.randrange(60)):
        yield drift(run, random) or ("tick", 100)
        if random.random() < 0.15:
            yield ask(run, random) or ("settle",)
    if random.random() < 0.3:
        yield "fuse", sid, random.randrange(4)


def misled(run: Run, random: Random) -> Iterator[Event]:
    """The leader crashes, and elections end with any voter, not the same one at all servers."""
    leader = run.world.leader
    if leader is not None:
        yield "crash", leader.me, random.randrange(3)
        yield ("settle",)
        if random.random() < 0.7:
            yield "start", leader.me
    voters = [sid for sid in run.world.members if sid in run.world.ensemble.voters]
    chosen = random.choice(voters)
    for sid in random.sample([*run.world.members], len(run.world.members)):
        yield "elect", sid, chosen if random.random() < 0.9 else random.choice(voters)
    for _ in range(random.randrange(40)):
        yield drift(run, random) or ("tick", 100)


def in_vain(run: Run, random: Random) -> Iterator[Event]:
    """A leader accepts one new epoch after another in vain; the others then begin an earlier epoch."""
    voters = [sid for sid in run.world.members if sid in run.world.ensemble.voters]
    leader, *others = random.sample(voters, len(voters) // 2 + 1)
    for _ in range(random.randrange(1, 4)):
        for sid in (leader, *others):
            yield "crash", sid, random.randrange(3)
            yield "start", sid
            yield "elect", sid, leader
        for sid in others:
            yield "chunk", sid, leader
            yield "chunk", sid, leader
            yield "crash", sid
            yield "start", sid
        yield "tick", 11_000
    yield "isolate", leader
    yield "calm", 20_000
    yield ("heal",)


def moved_apart(run: Run, random: Random) -> Iterator[Event]:
    """A client of the leader reconfigures the ensemble and writes on, while some servers receive nothing."""
    leader = run.world.leader
    if leader is None:
        return
    client, others = random.randrange(CLIENTS), [sid for sid in run.world.members if sid != leader.me]
    yield "connect", client, leader.me
    yield ("settle",)
    for sid in random.sample(others, random.randrange(1, 3)):
        yield "block", leader.me, sid
    yield "reconfigure", client, *_some_members(run, random)
    for _ in range(random.randrange(3)):
        yield "ask", client, "set", random.randrange(PATHS)
    for _ in range(random.randrange(20)):
        yield drift(run, random) or ("tick", 100)
    for sid in random.sample(others, random.randrange(3)):
        yield "crash", sid, random.randrange(3)
        yield "start", sid
    if random.random() < 0.5:
        yield "isolate", leader.me
    yield "calm", random.choice((2000, 20_000))
    if random.random() < 0.8:
        yield ("heal",)


SCENARIOS: tuple[Scenario, ...] = (left_alone, overtaken, joined_by_late, misled, in_vain)
RECONFIGURED_SCENARIOS: tuple[Scenario, ...] = (*SCENARIOS, moved_apart)
"""`WEIGHTS` for runs whose members may change."""


WEIGHTS: dict[Choice, float] = {
    drift: 60,
    ask: 20,
    connect: 12,
    tick: 8,
    start: 6,
    calm: 5,
    heal: 3,
    settle: 2,
    crash: 2,
    fuse: 1,
    isolate: 1,
    block: 1,
    reset: 1,
    snapshot: 1,
    disconnect: 0.5,
    forget: 0.5,
    live: 0.5,
}
"""How often each kind of event is tried, relative to the others."""
RECONFIGURED: dict[Choice, float] = {**WEIGHTS, reconfigure: 8}
"""`SCENARIOS` for runs whose members may change."""
SCENARIO_RATE = 0.02
"""The probability that a scenario comes before an event."""


def choose(run: Run, random: Random) -> Event:
    """Returns the next event of a run."""
    weights = RECONFIGURED if run.setting.joiners else WEIGHTS
    while True:
        (choice,) = random.choices([*weights], [*weights.values()])
        event = choice(run, random)
        if event is not None:
            return event


def setting(random: Random) -> Setting:
    """Returns a setting of three or five voters, perhaps an observer, and a short or a long history."""
    sizes = random.choice((3, 3, 5)), random.choice((0, 0, 1))
    return Setting(*sizes, random.choice((2, 4, 500)), random.choice((0.33, 100.0, -1.0)))


def reconfigured_setting(random: Random) -> Setting:
    """Returns a setting of three voters, perhaps an observer, and two servers that may join."""
    history, size_factor = random.choice((2, 4, 500)), random.choice((0.33, 100.0, -1.0))
    return Setting(3, random.choice((0, 0, 1)), history, size_factor, joiners=2)


def walk(run: Run, random: Random, length: int) -> None:
    """Lets random events happen until a run has this many, and then lets the ensemble recover.

    Raises:
        Violation: a property does not hold.
    """
    scenarios = RECONFIGURED_SCENARIOS if run.setting.joiners else SCENARIOS
    while len(run.events) < length:
        if random.random() < SCENARIO_RATE:
            for event in random.choice(scenarios)(run, random):
                run.do(event)
        run.do(choose(run, random))
    run.finish()


def _some_members(run: Run, random: Random) -> tuple[str, str]:
    """Voters and observers of another ensemble."""
    sids = list(run.world.members)
    voters = random.sample(sids, min(random.choice((2, 3, 3, 4, 5)), len(sids)))
    observers = [sid for sid in sids if sid not in voters and random.random() < 0.5]
    return members(voters), members(observers)
