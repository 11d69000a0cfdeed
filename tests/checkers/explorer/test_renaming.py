from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.model import World
from zabcheck.explorer.plain import canonical, successors
from zabcheck.explorer.renaming import digest, encoded, id_checker, inverse, is_renamed, renamer
from zabcheck.models.bounds import Budget
from zabcheck.models.paper import zab_tla
from zabcheck.models.paper.bounds import Bounds
from zabspec.histories import Txn, Zxid
from zabspec.paper import State
from zabspec.paper.state import Ack, Commit, Message, Server, Stage
from zabspec.parts import Queue, Row, Sid

MODEL = zab_tla.model(Bounds(3, 1, 1, 1))


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    """Worlds from random walks through the model whose state has the most types."""
    random, found = Random(1), [MODEL.initial]
    for _ in range(8):
        world = MODEL.initial
        for _ in range(40):
            world = random.choice([after for _, after in successors(MODEL, world)] or [world])
            found.append(world)
    return found


names = st.permutations([0, 1, 2]).map(tuple)

values = st.recursive(
    st.none() | st.integers(-20, 20) | st.text(max_size=3) | st.sampled_from(Stage),
    lambda parts: (
        st.lists(parts, max_size=3).map(tuple)
        | st.lists(parts, max_size=3).map(Row)
        | st.frozensets(parts, max_size=3)
    ),
    max_leaves=6,
)


@given(index=st.integers(0, 320), one=names, other=names)
def test_renaming_is_a_group_action(worlds, index, one, other):
    world, rename = worlds[index], renamer(type(worlds[0]))
    assert rename(world, (0, 1, 2)) == world
    assert rename(rename(world, one), inverse(one)) == world
    assert rename(rename(world, one), other) == rename(world, tuple(other[new] for new in one))


@given(index=st.integers(0, 320), other=names)
def test_a_renamed_world_behaves_as_the_world_does(worlds, index, other):
    world, rename = worlds[index], renamer(type(worlds[0]))
    taken = {(MODEL.steps[step].action, after) for step, after in successors(MODEL, rename(world, other))}
    expected = {(MODEL.steps[step].action, rename(after, other)) for step, after in successors(MODEL, world)}
    assert taken == expected


@given(index=st.integers(0, 320), other=names)
def test_canonical_is_the_same_for_all_of_an_orbit_and_no_other(worlds, index, other):
    world, rename = worlds[index], renamer(type(worlds[0]))
    assert canonical(rename(world, other), 3) == canonical(world, 3)
    orbit = {rename(world, each) for each in permutations(range(3))}
    for different in worlds[::40]:
        assert (canonical(different, 3) == canonical(world, 3)) == (different in orbit)


def test_what_a_renaming_does_to_each_kind_of_part():
    turn = (1, 2, 0)
    assert renamer(Sid)(Sid(0), turn) == 1
    assert renamer(int)(0, turn) == 0
    assert renamer(Sid | None)(None, turn) is None
    assert renamer(Sid | None)(Sid(2), turn) == 0
    assert renamer(frozenset[Sid])(frozenset({0, 1}), turn) == {1, 2}
    assert renamer(tuple[Sid, ...])((Sid(0), Sid(0)), turn) == (1, 1)
    assert renamer(tuple[int, Sid])((0, Sid(0)), turn) == (0, 1)
    row = renamer(Row[Sid | None])(Row([Sid(1), None, Sid(2)]), turn)
    assert (row, type(row)) == ((0, 2, None), Row)
    queue = renamer(Queue[Row[int]])(Queue([Row([7, 8, 9])]), turn)
    assert (queue, type(queue), type(queue[0])) == (((9, 7, 8),), Queue, Row)
    assert not is_renamed(Message)
    assert not is_renamed(Budget)
    assert is_renamed(Server)
    assert is_renamed(State)


def test_a_hint_that_says_too_little_is_refused():
    with pytest.raises(SpecError, match="do not know how to rename"):
        renamer(list[Sid])
    with pytest.raises(SpecError, match="two members"):
        renamer(tuple[Sid, ...] | tuple[int, ...])
    with pytest.raises(SpecError, match="do not know how to encode"):
        encoded([1])


@given(one=values, other=values)
def test_encodings_are_equal_where_values_are(one, other):
    assert (encoded(one) == encoded(other)) == (one == other)


def test_digests_tell_worlds_apart(worlds):
    different = set(worlds)
    assert len({digest(world) for world in different}) == len(different) > 50


def test_digests_tell_messages_apart():
    zxid = Zxid(1, 1)
    assert digest(Ack(zxid)) != digest(Commit(zxid))
    assert digest(Txn(zxid, 0)) != digest(Txn(zxid, 1))
    assert digest(((1, 2), 3)) != digest((1, (2, 3)))


def test_digests_are_pinned():
    """Encodings identify worlds across processes, so changing them is a change of format."""

    class Colour(IntEnum):
        RED = 1

    @dataclass(frozen=True)
    class Box:
        colour: Colour
        inside: frozenset[str]

    Box.__qualname__ = "Box"
    assert encoded(Box(Colour.RED, frozenset({"b", "a"}))) == b"Box[1,{'1:a'1:b}]"
    assert encoded((None, -1, True)) == b"(~-1,1,)"
    assert digest(()) == 0x9791547BF874064F  # printf '()' | b2sum -l 64


@dataclass(frozen=True)
class Tree:
    """A record that contains records of its own class."""

    owner: Sid
    parts: tuple[Tree, ...] = ()


@dataclass(frozen=True)
class Nest:
    """A record that contains records of its own class, without process ids."""

    parts: tuple[Nest | int, ...] = ()


def test_a_record_may_contain_records_of_its_own_class():
    tree = Tree(Sid(0), (Tree(Sid(1)), Tree(Sid(2), (Tree(Sid(0)),))))
    renamed = Tree(Sid(1), (Tree(Sid(2)), Tree(Sid(0), (Tree(Sid(1)),))))
    assert renamer(Tree)(tree, (1, 2, 0)) == renamed
    assert is_renamed(tuple[Tree, ...])
    assert not is_renamed(Nest)


def test_ids_are_checked_in_rows_of_any_length():
    check = id_checker(Row[Sid])
    assert check is not None
    assert check(Row([Sid(1)]), 2) == ""
    assert check(Row([Sid(2)]), 2) == "2 is not a process id (0 to 1)"
    assert id_checker(int) is None
    assert id_checker(dict[str, Sid]) is None
