"""The branches of a tree: a map from a node and an id to a child, with look-ups for whole arrays.

Low ids are frequent: the children of a node for these stand in an array, indexed by id. High ids are many,
and each node has few of them: their children are in one hash table. The root of a tree has children for
every id, all in its array.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zabcheck.explorer.fast.columns import Ids

UNKNOWN = -1
"""Stands for a child that is not known."""

TOGETHER = 512
"""Ids below this are indexed in all nodes; the value was found by measuring."""

_SPREAD = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1


class Branches:
    """A map from (node, id) to a child, a number from -2 down or 0 up."""

    def __init__(self) -> None:
        self._base = np.zeros(64, np.int64)
        self._room = np.zeros(64, np.int32)
        self._pool: Ids = np.full(1024, UNKNOWN, np.int32)
        self._nodes = 0
        self._used = 0
        self._later = _Later()

    def __len__(self) -> int:
        return self._nodes

    def add_node(self) -> int:
        """Returns a new node without children."""
        if self._nodes == len(self._base):
            self._base = np.concatenate([self._base, np.zeros_like(self._base)])
            self._room = np.concatenate([self._room, np.zeros_like(self._room)])
        self._nodes += 1
        return self._nodes - 1

    def put(self, node: int, at: int, child: int) -> None:
        """Sets the child of `node` for the id `at`."""
        if node and at >= TOGETHER:
            self._later.put(node, at, child)
            return
        room = int(self._room[node])
        if at >= room:
            self._move(node, room, max(4, 1 << int(at).bit_length()))
        self._pool[self._base[node] + at] = child

    def get(self, node: int, at: int) -> int:
        """Returns the child of a node for an id, or UNKNOWN."""
        if node and at >= TOGETHER:
            return self._later.get(node, at)
        return int(self._pool[self._base[node] + at]) if at < self._room[node] else UNKNOWN

    def look_up(self, nodes: Ids, ats: Ids) -> Ids:
        """Returns the children of some nodes for some ids, UNKNOWN where there is none."""
        known = ats < self._room[nodes]
        found: Ids = self._pool[np.where(known, self._base[nodes] + ats, 0)]
        if known.all():
            return found
        found[~known] = UNKNOWN
        if len(self._later):
            later = ((ats >= TOGETHER) & ~known).nonzero()[0]
            found[later] = self._later.look_up(nodes[later], ats[later])
        return found

    def look_up_root(self, ats: Ids) -> Ids:
        """Returns the children of the first node for some ids, UNKNOWN where there is none."""
        room = int(self._room[0])
        if room == 0:
            return np.full(len(ats), UNKNOWN, np.int32)
        base = int(self._base[0])
        found = self._pool[base : base + room].take(ats, mode="clip")
        if int(ats.max(initial=0)) >= room:
            found[ats >= room] = UNKNOWN
        return found

    def _move(self, node: int, old: int, new: int) -> None:
        while self._used + new > len(self._pool):
            self._pool = np.concatenate([self._pool, np.full(len(self._pool), UNKNOWN, np.int32)])
        base = int(self._base[node])
        self._pool[self._used : self._used + old] = self._pool[base : base + old]
        self._base[node], self._room[node] = self._used, new
        self._used += new


class _Later:
    """The children for high ids, in a hash table with open addressing."""

    def __init__(self) -> None:
        self._keys = np.zeros(256, np.uint64)
        self._children = np.zeros(256, np.int32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, node: int, at: int, child: int) -> None:
        """Adds a child, or replaces it."""
        if 2 * self._count >= len(self._keys):
            self._grow()
        key = node << 32 | at
        slot = self._slot(key)
        self._count += int(self._keys[slot] == 0)
        self._keys[slot], self._children[slot] = key, child

    def get(self, node: int, at: int) -> int:
        """Returns one child, or UNKNOWN."""
        slot = self._slot(node << 32 | at)
        return int(self._children[slot]) if self._keys[slot] else UNKNOWN

    def look_up(self, nodes: Ids, ats: Ids) -> Ids:
        """Returns some children, UNKNOWN where there is none."""
        keys: npt.NDArray[np.uint64] = (nodes.astype(np.uint64) << np.uint64(32)) | ats.astype(np.uint64)
        slots = ((keys * np.uint64(_SPREAD)) >> np.uint64(64 - self._bits())).astype(np.int64)
        found: Ids = np.full(len(keys), UNKNOWN, np.int32)
        pending = np.arange(len(keys))
        while len(pending):
            at = slots[pending]
            here = self._keys[at]
            same = here == keys[pending]
            found[pending[same]] = self._children[at[same]]
            pending = pending[~same & (here != 0)]
            slots[pending] = (slots[pending] + 1) & (len(self._keys) - 1)
        return found

    def _bits(self) -> int:
        return len(self._keys).bit_length() - 1

    def _slot(self, key: int) -> int:
        """Returns the slot of a key, or the free slot where it belongs."""
        slot = ((key * _SPREAD) & _WORD) >> (64 - self._bits())
        while self._keys[slot] not in (0, key):
            slot = (slot + 1) & (len(self._keys) - 1)
        return slot

    def _grow(self) -> None:
        taken = self._keys.nonzero()[0]
        old = list(zip(self._keys[taken].tolist(), self._children[taken].tolist(), strict=True))
        room = 2 * len(self._keys)
        self._keys, self._children = np.zeros(room, np.uint64), np.zeros(room, np.int32)
        for key, child in old:
            slot = self._slot(key)
            self._keys[slot], self._children[slot] = key, child
