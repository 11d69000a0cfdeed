"""A small spec that accesses its state in every way that a spec may, for tests of the explorer.

It means nothing. Servers write letters, copy each other, move whole rows of queues about; and every action
knows a way to its state that no other takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from itertools import permutations
from typing import Any, NamedTuple, get_type_hints

from zabcheck.explorer.derived import derived
from zabcheck.explorer.model import Model, Property, Step
from zabspec.parts import Queue, Row, Sid, replace


class Mood(IntEnum):
    CALM = 0
    CROSS = 1


class Stamp(NamedTuple):
    series: int
    number: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A message with a server and a set of servers in it."""

    about: Sid
    readers: frozenset[Sid]


@dataclass(frozen=True, slots=True)
class Card:
    """A record inside a record inside a row: a value as a whole."""

    friend: Sid | None = None
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    mood: Mood
    card: Card
    marks: Row[int]
    drawer: Queue[Letter]


@dataclass(frozen=True, slots=True)
class Office:
    """A record inside a record, with a row and a queue of its own."""

    open: bool
    doors: Row[bool]
    tray: Queue[Letter | Stamp]


@dataclass(frozen=True, slots=True)
class Post:
    office: Office
    favourite: Sid | None


@dataclass(frozen=True, slots=True)
class Toy:
    servers: Row[Person]
    mail: Row[Row[Queue[Letter]]]
    post: Post


@dataclass(frozen=True, slots=True)
class World:
    protocol: Toy
    steps: int


def initial(size: int) -> Toy:
    nothing: Queue[Letter] = Queue()
    return Toy(
        servers=Row([Person(0, Mood.CALM, Card(), Row([0] * size), nothing)] * size),
        mail=Row([Row([nothing] * size)] * size),
        post=Post(Office(False, Row([False] * size), Queue()), None),
    )


def writes(state: Any, one: Sid, other: Sid) -> Any:
    """An append, which reads nothing of the queue."""
    letter = Letter(one, frozenset({one}))
    row = state.mail[one].put(other, state.mail[one][other].with_last(letter))
    return replace(state, mail=state.mail.put(one, row))


def opens(state: Any, reader: Sid, writer: Sid) -> Any:
    """The head, and no more of the queue."""
    letter = state.mail[writer][reader].head
    if letter is None or reader in letter.readers:
        return None
    card = replace(state.servers[reader].card, friend=letter.about)
    person = replace(state.servers[reader], card=card, number=(state.servers[reader].number + 1) % 3)
    row = state.mail[writer].put(reader, state.mail[writer][reader].without_first())
    return replace(state, servers=state.servers.put(reader, person), mail=state.mail.put(writer, row))


def opens_two(state: Any, reader: Sid, writer: Sid) -> Any:
    """The head after the head was taken; an append to what is left; the head of what was empty."""
    rest = state.mail[writer][reader].without_first()
    letter = rest.head
    if letter is None:
        return None
    left = rest.without_first().with_last(Letter(reader, letter.readers | {reader}))
    assert left.head is not None
    return replace(state, mail=state.mail.put(writer, state.mail[writer].put(reader, left)))


def counts_letters(state: Any, reader: Sid, writer: Sid) -> Any:
    """The whole queue: its length, its items, whether it equals another."""
    queue = state.mail[writer][reader]
    if not len(queue) or queue == state.mail[reader][writer]:
        return None
    total = sum(len(letter.readers) for letter in queue) + (queue[0] in queue[1:])
    marks = state.servers[reader].marks.put(writer, total)
    return replace(state, servers=state.servers.put(reader, replace(state.servers[reader], marks=marks)))


def becomes(state: Any, one: Sid, other: Sid) -> Any:
    """A record copied from one place of a row to another, as it is."""
    if state.servers[other].number == 0:
        return None
    return replace(state, servers=state.servers.put(one, state.servers[other]))


def trades(state: Any, one: Sid, other: Sid) -> Any:
    """Records that change places, changed on the way; and a copy of all the row made by hand."""
    first, second = state.servers[one], state.servers[other]
    if first.number == second.number:
        return None
    cross = replace(first, mood=Mood.CROSS, number=second.number)
    people = [
        cross if sid == other else second if sid == one else person
        for sid, person in enumerate(state.servers)
    ]
    return replace(state, servers=Row(people))


def hands_over(state: Any, one: Sid, other: Sid) -> Any:
    """A queue that goes to another place, and one that is emptied."""
    if state.mail[one][other].head is None:
        return None
    person = replace(state.servers[other], drawer=state.mail[one][other])
    nothing: Queue[Letter] = Queue()
    row = state.mail[one].put(other, nothing)
    return replace(state, servers=state.servers.put(other, person), mail=state.mail.put(one, row))


def resends(state: Any, one: Sid, other: Sid) -> Any:
    """A whole row of queues that goes to another place, with something appended there."""
    if state.servers[one].mood == Mood.CALM:
        return None
    row = state.mail[one].put(one, state.mail[one][one].with_last(Letter(one, frozenset())))
    return replace(state, mail=state.mail.put(other, row))


def posts(state: Any, one: Sid) -> Any:
    """Records inside records, rebuilt from their parts, and a queue of messages of two classes."""
    office = state.post.office
    if office.doors[one]:
        return None
    tray = office.tray.with_last(Stamp(1, len(state.servers))).with_last(Letter(one, frozenset()))
    doors = office.doors.put(one, True)
    return replace(state, post=Post(Office(not office.open, doors, tray), one))


def collects(state: Any, one: Sid) -> Any:
    """The head of a queue whose messages are of two classes; what is read depends on which."""
    match state.post.office.tray.head:
        case Stamp() as stamp:
            card = replace(state.servers[one].card, stamp=stamp)
            state = replace(state, servers=state.servers.put(one, replace(state.servers[one], card=card)))
        case Letter(about=about) if about != one:
            drawer = state.servers[one].drawer.with_last(state.post.office.tray.head)
            state = replace(state, servers=state.servers.put(one, replace(state.servers[one], drawer=drawer)))
        case _:
            return None
    office = replace(state.post.office, tray=state.post.office.tray.without_first())
    return replace(state, post=replace(state.post, office=office))


def does_nothing(state: Any, one: Sid) -> Any:
    """A step that leads back to its own world, with writes that change nothing."""
    return replace(state, servers=state.servers.put(one, replace(state.servers[one], number=0)))


ACTIONS: tuple[Callable[..., Any], ...] = (
    writes,
    opens,
    opens_two,
    counts_letters,
    becomes,
    trades,
    hands_over,
    resends,
    posts,
    collects,
    does_nothing,
)


@derived
def letters(state: Toy) -> int:
    """A derived column that reads much of the state and has few values."""
    return sum(letters_of(state, Sid(sid)) for sid in range(len(state.servers)))


@derived
def letters_of(state: Toy, sid: Sid) -> int:
    """A derived column that another derived column reads."""
    return sum(len(queue) for queue in state.mail[sid]) + len(state.servers[sid].drawer)


def model(size: int, steps: int, actions: tuple[Callable[..., Any], ...] = ACTIONS, **groups: Any) -> Model:
    """Returns a model of so many servers and at most so many steps; `groups` are its properties by kind."""

    def apply(action: Callable[..., Any], world: Any, *servers: Sid) -> Any:
        if world.steps >= steps:
            return None
        after = action(world.protocol, *servers)
        return None if after is None else replace(world, protocol=after, steps=world.steps + 1)

    every = [
        Step(action.__name__, servers, partial(apply, action))
        for action in actions
        for servers in permutations(range(size), sum(hint is Sid for hint in get_type_hints(action).values()))
    ]
    return Model("toy", World(initial(size), 0), tuple(every), size, symmetry=True, **groups)


def few_letters(state: Toy) -> bool:
    return letters(state) < 4


def letters_are_kept(before: Toy, after: Toy) -> bool:
    return letters(after) >= letters(before)


def nobody_is_cross(state: Toy, sid: Sid) -> bool:
    return state.servers[sid].mood == Mood.CALM


def friends(state: Toy, one: Sid, other: Sid) -> bool:
    return state.servers[one].card.friend == other and state.servers[other].card.friend == one


def stays_a_friend(before: Toy, after: Toy, one: Sid, other: Sid) -> bool:
    return before.servers[one].card.friend != other or after.servers[one].card.friend == other


def never(state: Toy, sid: Sid) -> bool:
    return state.servers[sid].number > 2


def of(predicate: Callable[..., bool]) -> Property:
    arity = sum(hint is Sid for hint in get_type_hints(predicate).values())
    return Property(predicate.__name__, predicate, arity)
