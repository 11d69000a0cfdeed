"""The tables of the fast explorer, compared with plain sets and dictionaries."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zabcheck.explorer.fast.branches import UNKNOWN, Branches
from zabcheck.explorer.fast.learned import Tree
from zabcheck.explorer.fast.visited import Prints, Visited

Pair = tuple[int, int]

# Few different keys, so that batches repeat themselves; some far apart, and some with the same slot.
keys = st.integers(1, 40) | st.integers(1, 2**64 - 1) | st.integers(1, 6).map(lambda high: high << 60)
prints = st.tuples(keys, st.integers(0, 2) | st.integers(0, 2**32 - 1))


def as_prints(batch: list[Pair]) -> Prints:
    return Prints(
        np.array([key for key, _ in batch], np.uint64), np.array([check for _, check in batch], np.uint32)
    )


@settings(deadline=None)
@given(st.lists(st.lists(prints, max_size=60), max_size=12), st.sampled_from([2, 4, 64]))
def test_visited_is_a_set(batches: list[list[Pair]], room: int) -> None:
    visited, known = Visited(room), set[Pair]()
    for batch in batches:
        expected = []
        for each in batch:
            expected.append(each not in known)
            known.add(each)
        assert visited.add(as_prints(batch)).tolist() == expected
        assert len(visited) == len(known)


def test_visited_is_a_set_of_many() -> None:
    """Grows the set a dozen times, and past the table of claims; half of each batch is old."""
    numbers = np.random.default_rng(7).integers(1, 400_000, (6, 200_000)).astype(np.uint64)
    visited, known = Visited(64), np.zeros(0, np.uint64)
    for batch in numbers:
        news = np.setdiff1d(batch, known)
        new = visited.add(Prints(batch, (batch & np.uint64(3)).astype(np.uint32)))
        assert np.array_equal(np.sort(batch[new]), news)
        first = {int(key): place for place, key in reversed(list(enumerate(batch[:1000].tolist())))}
        places = [place for place in range(1000) if new[place]]
        assert all(first[int(batch[place])] == place for place in places)
        known = np.union1d(known, batch)
        assert len(visited) == len(known)


@settings(deadline=None)
@given(
    st.integers(1, 80),
    st.lists(
        st.tuples(st.integers(0, 79), st.integers(0, 9) | st.integers(0, 9000), st.integers(-9, 99)),
        max_size=80,
    ),
    st.lists(
        st.tuples(st.integers(0, 79), st.integers(0, 12) | st.integers(0, 12000)), min_size=1, max_size=40
    ),
)
def test_branches_are_a_dictionary(
    nodes: int, puts: list[tuple[int, int, int]], asked: list[tuple[int, int]]
) -> None:
    branches, known = Branches(), dict[Pair, int]()
    assert [branches.add_node() for _ in range(nodes)] == list(range(nodes))
    for node, at, child in puts:
        branches.put(node % nodes, at, child)
        known[node % nodes, at] = child
    asked = [(node % nodes, at) for node, at in asked] + list(known)
    expected = [known.get(each, UNKNOWN) for each in asked]
    assert [branches.get(*each) for each in asked] == expected
    ats = np.array([at for _, at in asked], np.int32)
    assert branches.look_up(np.array([node for node, _ in asked], np.int32), ats).tolist() == expected
    of_root = [known.get((0, at), UNKNOWN) for at in ats.tolist()]
    assert branches.look_up_root(ats).tolist() == of_root
    assert len(branches) == nodes


def path_of(row: list[int]) -> tuple[list[tuple[int, int]], int]:
    """Reads some of five columns, in an order that depends on the values found."""
    path = [(0, row[0])]
    if row[0] == 0:
        return path, 0
    second = 1 + row[0] % 3
    path.append((second, row[second]))
    if row[second] > 3:
        path.append((4, row[4]))
        return path, 10 + row[4]
    return path, row[second] % 2


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 7), min_size=5, max_size=5), min_size=1, max_size=120),
    st.sampled_from([None, 0, 1]),
)
def test_a_tree_is_the_function_it_learned(rows: list[list[int]], drop: int | None) -> None:
    matrix, tree, learned = np.array(rows, np.int32).T, Tree(), list[int]()

    def learn(at: int) -> None:
        learned.append(at)
        tree.learn(*path_of(rows[at]))

    expected = [
        (at, outcome) for at, (_, outcome) in enumerate(map(path_of, rows)) if drop is None or outcome != drop
    ]
    for _ in range(2):
        left, outcomes = tree.walk(np.arange(len(rows)), lambda test, at: matrix[test][at], learn, drop)
        assert list(zip(left.tolist(), outcomes.tolist(), strict=True)) == expected
    paths = {tuple(path_of(row)[0]) for row in rows}
    assert len(learned) == len(paths)  # once for each path, and never again
    assert tree.tested == {test for path in paths for test, _ in path}
    assert [tree.outcome(lambda test, row=row: row[test]) for row in rows] == [
        path_of(row)[1] for row in rows
    ]


def test_a_tree_may_read_nothing() -> None:
    tree = Tree()
    assert tree.outcome(lambda _: 0) is None
    left, outcomes = tree.walk(
        np.arange(3), lambda _, at: at.astype(np.int32), lambda _: tree.learn([], 5), None
    )
    assert (left.tolist(), outcomes.tolist()) == ([0, 1, 2], [5, 5, 5])
    assert tree.walk(np.arange(3), lambda _, at: at.astype(np.int32), lambda _: None, 5)[0].tolist() == []
