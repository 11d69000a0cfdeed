"""Everything that can happen within a short time to a session that a leader tracks.

Time passes by the millisecond, and the tracker empties a slot whenever its time has come. The activity of
the session is kept beside the tracker, in the words of the properties, and each step is judged by both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from zabspec import sessions
from zabspec.parts import replace
from zabspec.sessions import Standing, Tracker
from zabspec.sessions.properties import EVERY_STEP, Happening, Past, Step

SESSION = 0x100003276DF0000
TICK = 2
TIMEOUTS = (2, 3)
OWNERS = (0, 1)


@dataclass(frozen=True, slots=True)
class Rules:
    """The functions of the spec, or those with a mistake in them."""

    started: Callable[[int, int, tuple[tuple[int, int], ...]], Tracker] = sessions.started
    tracked: Callable[[Tracker, int, int, int], Tracker] = sessions.tracked
    touched: Callable[[Tracker, int, int, int], Tracker | None] = sessions.touched
    expired: Callable[[Tracker, int], tuple[Tracker, tuple[int, ...]]] = sessions.expired
    closing: Callable[[Tracker, int], Tracker] = sessions.closing
    judged: Callable[[Tracker, int, int], tuple[Tracker, Standing]] = sessions.judged
    moved: Callable[[Tracker, int, int, int, int], Tracker | None] = sessions.moved


@dataclass(frozen=True, slots=True)
class World:
    """A tracker, and what has happened to its session."""

    now: int
    tracker: Tracker
    past: Past


Outcome = tuple[Step, World]


def broken(rules: Rules, until: int = 9) -> tuple[int, dict[str, Step]]:
    """Explores every run.

    Args:
        rules: the functions of the tracker.
        until: when the run ends, in milliseconds.

    Returns:
        How many steps there are, and the first step that breaks each broken property.
    """
    found: dict[str, Step] = {}
    count = 0
    for world in reached(rules, until):
        for step, _ in outcomes(rules, world):
            count += 1
            for holds in EVERY_STEP:
                if not holds(step):
                    found.setdefault(holds.__name__, step)
    return count, found


def reached(rules: Rules, until: int = 9) -> Iterator[World]:
    """Yields every world up to some time, breadth first."""
    level = list(_beginnings(rules))
    seen = set(level)
    while level:
        yield from level
        following = []
        for _, then in chain.from_iterable(outcomes(rules, world) for world in level):
            if then.now <= until and then not in seen:
                seen.add(then)
                following.append(then)
        level = following


def _beginnings(rules: Rules) -> Iterator[World]:
    """Yields the first worlds: a session created at any time of a tick, and one without a session."""
    for now in range(TICK):
        tracker = rules.started(TICK, 0, ())
        for timeout in TIMEOUTS:
            past = Past(now, timeout, None, is_over=False)
            yield World(now, rules.tracked(tracker, SESSION, timeout, now), past)
        yield World(now, tracker, Past(now, 0, None, is_over=True))


def outcomes(rules: Rules, world: World) -> Iterator[Outcome]:
    """Yields everything that may happen next."""
    yield _time_passes(rules, world)
    yield _session_is_closed(rules, world)
    yield _leader_starts(rules, world)
    for timeout in TIMEOUTS:
        yield _session_is_heard_of(rules, world, timeout)
    for owner in OWNERS:
        yield _client_asks(rules, world, owner)
        yield _client_comes_back(rules, world, owner)


def _time_passes(rules: Rules, world: World) -> Outcome:
    now = world.now + 1
    tracker, ended = rules.expired(world.tracker, now)
    expired = SESSION in ended and not world.past.is_over
    step = Step(now, TICK, world.past, Happening.TIME_PASSES, has_expired=expired)
    is_over = world.past.is_over or expired
    return step, World(now, tracker, replace(world.past, is_over=is_over))


def _session_is_closed(rules: Rules, world: World) -> Outcome:
    tracker = rules.closing(world.tracker, SESSION)
    step = Step(world.now, TICK, world.past, Happening.IS_CLOSED)
    return step, replace(world, tracker=tracker, past=replace(world.past, is_over=True))


def _leader_starts(rules: Rules, world: World) -> Outcome:
    """Starts another leader: it knows the sessions in its tree; one that was closing without a transaction
    lives on.
    """
    known = sessions.session_of(world.tracker, SESSION)
    step = Step(world.now, TICK, world.past, Happening.LEADER_STARTS)
    stored = () if known is None else ((SESSION, known.timeout),)
    tracker = rules.started(TICK, world.now, stored)
    timeout = 0 if known is None else known.timeout
    return step, World(world.now, tracker, Past(world.now, timeout, None, is_over=known is None))


def _session_is_heard_of(rules: Rules, world: World, timeout: int) -> Outcome:
    tracker = rules.touched(world.tracker, SESSION, timeout, world.now)
    standing = Standing.EXPIRED if tracker is None else Standing.GOOD
    step = Step(world.now, TICK, world.past, Happening.IS_HEARD_OF, standing=standing)
    if tracker is None:
        return step, world
    return step, replace(world, tracker=tracker, past=replace(world.past, heard=world.now, timeout=timeout))


def _client_asks(rules: Rules, world: World, owner: int) -> Outcome:
    tracker, standing = rules.judged(world.tracker, SESSION, owner)
    step = Step(world.now, TICK, world.past, Happening.CLIENT_ASKS, owner, standing)
    past = world.past
    if standing == Standing.GOOD and past.owner is None:
        past = replace(past, owner=owner)
    return step, replace(world, tracker=tracker, past=past)


def _client_comes_back(rules: Rules, world: World, owner: int) -> Outcome:
    timeout = TIMEOUTS[0]
    tracker = rules.moved(world.tracker, SESSION, timeout, owner, world.now)
    standing = Standing.EXPIRED if tracker is None else Standing.GOOD
    step = Step(world.now, TICK, world.past, Happening.CLIENT_COMES_BACK, owner, standing)
    if tracker is None:
        return step, world
    past = replace(world.past, heard=world.now, timeout=timeout, owner=owner)
    return step, replace(world, tracker=tracker, past=past)
