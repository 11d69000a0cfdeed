"""Models made up at random, explored by both breadth-first searches.

An action is a list of guards and a list of effects over the state of `toys`: rows of records, queues between
servers. Both lists are drawn, so reads and writes meet in orders that nobody thought of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from toys import Letter, Mood, model
from twins import both
from zabcheck.explorer.model import Property
from zabcheck.explorer.options import Options
from zabspec.parts import Queue, Row, Sid, replace

Guard = Callable[[Any, Sid, Sid], bool]
Effect = Callable[[Any, Sid, Sid], Any]


def with_person(state: Any, sid: Sid, **changes: Any) -> Any:
    return replace(state, servers=state.servers.put(sid, replace(state.servers[sid], **changes)))


def with_queue(state: Any, one: Sid, other: Sid, queue: Any) -> Any:
    return replace(state, mail=state.mail.put(one, state.mail[one].put(other, queue)))


def about(letter: Letter | None) -> Sid | None:
    return None if letter is None else letter.about


GUARDS: dict[str, Guard] = {
    "always": lambda state, one, other: True,
    "is zero": lambda state, one, other: state.servers[one].number == 0,
    "is less": lambda state, one, other: state.servers[one].number < state.servers[other].number,
    "is marked": lambda state, one, other: state.servers[one].marks[other] > 0,
    "is a friend": lambda state, one, other: state.servers[one].card.friend == other,
    "all are calm": lambda state, one, other: all(each.mood == Mood.CALM for each in state.servers),
    "has mail": lambda state, one, other: state.mail[other][one].head is not None,
    "has mail about itself": lambda state, one, other: about(state.mail[other][one].head) == one,
    "has mail about the other": lambda state, one, other: about(state.mail[other][one].head) == other,
    "has two letters": lambda state, one, other: len(state.mail[other][one]) > 1,
    "has in its drawer what it wrote": lambda state, one, other: (
        tuple(state.servers[one].drawer) == tuple(state.mail[one][other])
    ),
}


def takes(state: Any, one: Sid, other: Sid) -> Any:
    queue = state.mail[other][one]
    return state if queue.head is None else with_queue(state, other, one, queue.without_first())


EFFECTS: dict[str, Effect] = {
    "counts up": lambda state, one, other: with_person(
        state, one, number=(state.servers[one].number + 1) % 3
    ),
    "counts as the other": lambda state, one, other: with_person(
        state, one, number=state.servers[other].number
    ),
    "makes a friend": lambda state, one, other: with_person(
        state, one, card=replace(state.servers[one].card, friend=other)
    ),
    "marks": lambda state, one, other: with_person(state, one, marks=state.servers[one].marks.put(other, 1)),
    "gets cross": lambda state, one, other: with_person(state, one, mood=Mood.CROSS),
    "writes of itself": lambda state, one, other: with_queue(
        state, one, other, state.mail[one][other].with_last(Letter(one, frozenset({other})))
    ),
    "writes of the other": lambda state, one, other: with_queue(
        state, one, other, state.mail[one][other].with_last(Letter(other, frozenset()))
    ),
    "takes": takes,
    "burns": lambda state, one, other: with_queue(state, other, one, Queue()),
    "files": lambda state, one, other: with_person(state, one, drawer=state.mail[other][one]),
    "answers with its drawer": lambda state, one, other: with_queue(
        state, one, other, state.servers[one].drawer
    ),
    "becomes the other": lambda state, one, other: replace(
        state, servers=state.servers.put(one, state.servers[other])
    ),
    "lets all move on": lambda state, one, other: replace(
        state, servers=Row([*list(state.servers)[1:], state.servers[Sid(0)]])
    ),
    "writes as the other": lambda state, one, other: replace(
        state, mail=state.mail.put(one, state.mail[other])
    ),
}
ASYMMETRIC = {"lets all move on"}
"""Effects that treat server ids as more than names."""


def action_of(guards: Sequence[str], effects: Sequence[str]) -> Callable[..., Any]:
    def action(state: Any, one: Sid, other: Sid) -> Any:
        if not all(GUARDS[name](state, one, other) for name in guards):
            return None
        for name in effects:
            state = EFFECTS[name](state, one, other)
        return state

    action.__name__ = " ".join((*guards, *effects))
    return action


def property_of(guards: Sequence[str], expected: bool) -> Property:
    def predicate(state: Any, one: Sid, other: Sid) -> bool:
        return all(GUARDS[name](state, one, other) for name in guards) == expected

    return Property(" ".join(guards), predicate, 2)


def on_steps(name: str) -> Property:
    """Returns the property that what was true stays true; it holds of a step that changes nothing."""
    return Property(
        f"{name} for ever",
        lambda before, after, one, other: (
            not GUARDS[name](before, one, other) or GUARDS[name](after, one, other)
        ),
        2,
    )


guards = st.lists(st.sampled_from(sorted(GUARDS)), min_size=1, max_size=2)
effects = st.lists(st.sampled_from(sorted(EFFECTS)), min_size=1, max_size=3)
commands = st.lists(st.tuples(guards, effects), min_size=2, max_size=4)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    commands=commands,
    size=st.sampled_from([2, 2, 3]),
    symmetry=st.booleans(),
    always=st.none() | guards,
    kept=st.none() | st.sampled_from(sorted(GUARDS)),
    reached=st.none() | guards,
)
def test_both_searches_agree_on_models_made_up_at_random(
    commands: list[tuple[list[str], list[str]]],
    size: int,
    symmetry: bool,
    always: list[str] | None,
    kept: str | None,
    reached: list[str] | None,
) -> None:
    made_up = model(
        size,
        5 if size == 2 else 3,
        tuple(action_of(*command) for command in commands),
        always=() if always is None else (property_of(always, False),),
        every_step=() if kept is None else (on_steps(kept),),
        sometimes=() if reached is None else (property_of(reached, True),),
    )
    used = {name for _, names in commands for name in names}
    both(made_up, Options(symmetry=symmetry and not used & ASYMMETRIC))
