"""Functions of a world, learned as decision trees over columns.

What an action does in a world depends only on what it reads there. So each function (an action with its
arguments, a property, a derived column) becomes a tree: a node names the leaf that is read next, its branches
are the ids found there, and at the end of a path is the outcome. Spec code runs once for each path; from then
on, a whole matrix of worlds walks down the tree in a few numpy operations for each level.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from zabcheck.explorer.fast.branches import UNKNOWN, Branches
from zabcheck.explorer.fast.columns import Ids

Indexes = npt.NDArray[np.intp]
Fetch = Callable[[int, Indexes], Ids]
"""Returns what a test finds in some rows."""


class NotAFunctionError(Exception):
    """Two paths that read the same go on differently: what is learned is not a function of what it reads."""


class Tree:
    """A function of a world, as far as it has been learned.

    Inner nodes are numbered from 0; a child below -1 is an outcome, `-2 - outcome`. Outcomes are small
    integers chosen by the caller. The module `rows` says what the number of a test means.

    Attributes:
        tested: the tests that any path makes.
    """

    def __init__(self) -> None:
        self.tested: set[int] = set()
        self._branches = Branches()
        self._tests = np.zeros(64, np.int32)
        self._root: int = UNKNOWN

    def learn(self, path: list[tuple[int, int]], outcome: int) -> None:
        """Adds a path.

        Args:
            path: the tests in the order in which they are made, each with the id found.
            outcome: the outcome at the end of the path.

        Raises:
            NotAFunctionError: a path that begins in the same way goes on with another test.
        """
        code = -2 - outcome
        if not path:
            if self._root != UNKNOWN:
                raise NotAFunctionError
            self._root = code
            return
        if self._root < UNKNOWN:
            raise NotAFunctionError
        if self._root == UNKNOWN:
            self._root = self._node(path[0][0])
        node = self._root
        for place, (_, at) in enumerate(path):
            if place == len(path) - 1:
                if self._branches.get(node, at) not in (UNKNOWN, code):
                    raise NotAFunctionError
                self._branches.put(node, at, code)
                return
            child = self._branches.get(node, at)
            if child == UNKNOWN:
                child = self._node(path[place + 1][0])
                self._branches.put(node, at, child)
            if child < UNKNOWN or self._tests[child] != path[place + 1][0]:
                raise NotAFunctionError
            node = child

    def outcome(self, find: Callable[[int], int]) -> int | None:
        """Returns the outcome for one world, in which `find` makes the tests; None if its path is not
        known.
        """
        at = self._root
        while at > UNKNOWN:
            at = self._branches.get(at, find(int(self._tests[at])))
        return None if at == UNKNOWN else -2 - at

    def walk(
        self, rows: Indexes, fetch: Fetch, learn: Callable[[int], object], drop: int | None
    ) -> tuple[Indexes, Ids]:
        """Returns the outcome for each of some rows.

        Args:
            rows: the rows of the matrix.
            fetch: makes a test in some rows.
            learn: called with a row whose path is not known; learns the path.
            drop: rows with this outcome are left out.

        Returns:
            The remaining rows, in ascending order, and their outcomes.
        """
        while self._root == UNKNOWN:
            if not len(rows):
                return rows, np.zeros(0, np.int32)
            learn(int(rows[0]))
        if self._root < UNKNOWN:
            outcome = -2 - self._root
            kept = rows[:0] if outcome == drop else rows
            return kept, np.full(len(kept), outcome, np.int32)
        ended: list[tuple[Indexes, Ids]] = []
        self._descend(rows, None, int(self._tests[self._root]), fetch, learn, drop, ended)
        if not ended:
            return rows[:0], np.zeros(0, np.int32)
        if len(ended) == 1:
            return ended[0]
        found = np.concatenate([part for part, _ in ended])
        outcomes = np.concatenate([part for _, part in ended])
        order = found.argsort(kind="stable")
        return found[order], outcomes[order]

    def _descend(
        self,
        rows: Indexes,
        nodes: Ids | None,
        test: int,
        fetch: Fetch,
        learn: Callable[[int], object],
        drop: int | None,
        ended: list[tuple[Indexes, Ids]],
    ) -> None:
        waiting = [(rows, nodes, test)]
        while waiting:
            rows, nodes, test = waiting.pop()
            children = self._children(rows, nodes, fetch(test, rows), learn)
            if drop is not None:
                kept = (children != -2 - drop).nonzero()[0]
                if len(kept) == 0:
                    continue
                rows, children = rows[kept], children[kept]
            at_end = children < UNKNOWN
            if at_end.all():
                ended.append((rows, -2 - children))
                continue
            if at_end.any():
                ended.append((rows[at_end], -2 - children[at_end]))
                inner = ~at_end
                rows, children = rows[inner], children[inner]
            tests = self._tests[children]
            low, high = int(tests.min()), int(tests.max())
            if low == high:
                waiting.append((rows, children, low))
                continue
            for each in np.unique(tests):
                chosen = (tests == each).nonzero()[0]
                waiting.append((rows[chosen], children[chosen], int(each)))

    def _children(self, rows: Indexes, nodes: Ids | None, ats: Ids, learn: Callable[[int], object]) -> Ids:
        def look_up(some: slice | Indexes) -> Ids:
            if nodes is None:
                return self._branches.look_up_root(ats[some])
            return self._branches.look_up(nodes[some], ats[some])

        children = look_up(slice(None))
        while True:
            missing = (children == UNKNOWN).nonzero()[0]
            if not len(missing):
                return children
            if nodes is None:
                _, first = np.unique(ats[missing], return_index=True)
            else:
                keys = (nodes[missing].astype(np.int64) << 32) | ats[missing]
                _, first = np.unique(keys, return_index=True)
            for index in np.sort(first):
                learn(int(rows[missing[index]]))
            children[missing] = look_up(missing)

    def _node(self, test: int) -> int:
        node = self._branches.add_node()
        if node == len(self._tests):
            self._tests = np.concatenate([self._tests, np.zeros_like(self._tests)])
        self._tests[node] = test
        self.tested.add(test)
        return node
