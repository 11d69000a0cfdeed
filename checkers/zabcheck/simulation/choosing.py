"""What may happen next in a run, chosen at random: mostly what gets things done, now and then what does harm.

Of the messages on their way any may be next; which weighs nothing against which, so elections and
synchronizations are cut short at all points. Elections end because a calm comes often enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from zabcheck.simulation.events import CLIENTS, REQUESTS, Event, members
from zabcheck.simulation.run import Run
from zabcheck.simulation.setting import Setting

Choice = Callable[[Run, Random], Event | None]
"""Makes an event, if there is one of its kind."""
Story = Callable[[Run, Random], Iterator[Event]]
"""Makes several that lead somewhere, each when the one before has happened."""

PATHS = 4


def drift(run: Run, random: Random) -> Event | None:
    """Something arrives, whole or in part, or is synced."""
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
    """A client that is connected asks for something."""
    connected = [number for number, client in enumerate(run.clients) if client.is_confirmed]
    if not connected:
        return None
    word = random.choice([*REQUESTS, "create", "set", "set", "get"])
    if word == "close" and random.random() < 0.8:
        word = "set"
    return "ask", random.choice(connected), word, random.randrange(PATHS)


def connect(run: Run, random: Random) -> Event | None:
    """A client connects, or moves."""
    serving = [sid for sid, each in run.world.members.items() if each.peer and each.peer.service]
    lost = [number for number, client in enumerate(run.clients) if client.connection is None]
    if not serving or (not lost and random.random() < 0.7):
        return None
    return "connect", random.choice(lost or range(CLIENTS)), random.choice(serving)


def crash(run: Run, random: Random) -> Event | None:
    """A member that runs is gone."""
    running = [sid for sid, each in run.world.members.items() if each.peer is not None]
    return ("crash", random.choice(running), random.choice((0, 0, 1, 2))) if running else None


def start(run: Run, random: Random) -> Event | None:
    """A member that is gone starts."""
    gone = [sid for sid, each in run.world.members.items() if each.peer is None]
    return ("start", random.choice(gone)) if gone else None


def fuse(run: Run, random: Random) -> Event | None:
    """A member will be gone in the middle of something."""
    return "fuse", random.choice([*run.world.members]), random.randrange(4)


def block(run: Run, random: Random) -> Event | None:
    """What one member sends another does not arrive any more."""
    return "block", *random.sample([*run.world.members], 2)


def isolate(run: Run, random: Random) -> Event | None:
    """A member is cut off, most often the one that leads."""
    leader = run.world.leader
    if leader is not None and random.random() < 0.6:
        return "isolate", leader.me
    return "isolate", random.choice([*run.world.members])


def heal(run: Run, random: Random) -> Event | None:
    """Everything arrives again."""
    return ("heal",) if run.world.blocked else None


def reset(run: Run, random: Random) -> Event | None:
    """A connection breaks."""
    cables = run.world.cables
    return ("reset", *random.choice(cables).ends) if cables else None


def forget(run: Run, random: Random) -> Event | None:
    """A notification is lost."""
    notes = sorted(run.world.notes)
    return ("forget", *random.choice(notes)) if notes else None


def snapshot(run: Run, random: Random) -> Event | None:
    """A member writes a snapshot."""
    return "snapshot", random.choice([*run.world.members]), random.choice((1, 1, 3))


def tick(run: Run, random: Random) -> Event | None:
    """A little time passes, or much."""
    return "tick", random.choice((20, 100, 200, 200, 500, 1000, 3000, 6000))


def calm(run: Run, random: Random) -> Event | None:
    """Nothing bad happens for a while, but what has happened."""
    return "calm", random.choice((500, 2000, 20_000, 20_000))


def settle(run: Run, random: Random) -> Event | None:
    """All that is on its way arrives."""
    return ("settle",)


def live(run: Run, random: Random) -> Event | None:
    """All is repaired, and clients hold on."""
    return "live", random.choice((3000, 16_000))


def disconnect(run: Run, random: Random) -> Event | None:
    """A client closes its connection."""
    return "disconnect", random.randrange(CLIENTS)


def reconfigure(run: Run, random: Random) -> Event | None:
    """A client asks for an ensemble of some of the servers."""
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
    """A leader proposes what nobody hears of; the others elect another one."""
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
    """A client asks, moves to another member while that is on its way, and asks there."""
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
    """A member comes back, and is synchronized while clients go on writing."""
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
    """Those that look for a leader take anyone for it, not always the same."""
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
    """A leader promises itself one epoch after another, and the others begin an earlier one without it."""
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
    """A client of the leader moves the ensemble and writes on, while some servers hear nothing of it."""
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


STORIES: tuple[Story, ...] = (left_alone, overtaken, joined_by_late, misled, in_vain)
RECONFIGURED_STORIES: tuple[Story, ...] = (*STORIES, moved_apart)
"""The same for runs whose members may change."""


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
"""How often each is tried, beside the others."""
RECONFIGURED: dict[Choice, float] = {**WEIGHTS, reconfigure: 8}
"""The same for runs whose members may change."""
STORIES_TOLD = 0.02
"""How often a story is told before an event."""


def choose(run: Run, random: Random) -> Event:
    """The next event of a run."""
    weights = RECONFIGURED if run.setting.joiners else WEIGHTS
    while True:
        (choice,) = random.choices([*weights], [*weights.values()])
        event = choice(run, random)
        if event is not None:
            return event


def setting(random: Random) -> Setting:
    """Three or five members, perhaps an observer, that have little or much at hand for a learner."""
    sizes = random.choice((3, 3, 5)), random.choice((0, 0, 1))
    return Setting(*sizes, random.choice((2, 4, 500)), random.choice((0.33, 100.0, -1.0)))


def reconfigured_setting(random: Random) -> Setting:
    """Three members, perhaps an observer, and two servers that may join."""
    history, size_factor = random.choice((2, 4, 500)), random.choice((0.33, 100.0, -1.0))
    return Setting(3, random.choice((0, 0, 1)), history, size_factor, joiners=2)


def walk(run: Run, random: Random, length: int) -> None:
    """Takes a run so many events further, and to its end.

    Raises:
        Violation: something is not as it must be.
    """
    stories = RECONFIGURED_STORIES if run.setting.joiners else STORIES
    while len(run.events) < length:
        if random.random() < STORIES_TOLD:
            for event in random.choice(stories)(run, random):
                run.do(event)
        run.do(choose(run, random))
    run.finish()


def _some_members(run: Run, random: Random) -> tuple[str, str]:
    """Voters and observers of another ensemble."""
    sids = list(run.world.members)
    voters = random.sample(sids, min(random.choice((2, 3, 3, 4, 5)), len(sids)))
    observers = [sid for sid in sids if sid not in voters and random.random() < 0.5]
    return members(voters), members(observers)
