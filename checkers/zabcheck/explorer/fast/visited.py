"""The set of fingerprints of the worlds found so far, in numpy arrays with open addressing.

A fingerprint has 96 bits (in TLC, 64). Two worlds with the same fingerprint would be counted as one;
`chance_of_confusion` bounds the probability of that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zabcheck.explorer.fast.columns import Words

Mask = npt.NDArray[np.bool_]

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_CLAIMS = 1 << 17
_FULL = 0.65


class Prints(NamedTuple):
    """Fingerprints of some worlds: a key of 64 bits to look them up, and 32 more bits to compare."""

    keys: Words
    checks: npt.NDArray[np.uint32]

    def only(self, chosen: npt.NDArray[np.bool_]) -> Prints:
        """Returns some of the fingerprints."""
        return Prints(self.keys[chosen], self.checks[chosen])


def prints_of(sums: Words) -> Prints:
    """Returns the fingerprints of worlds up to renaming.

    Args:
        sums: a line for each world, with its sum under each renaming. The fingerprint does not depend on the
            order of the sums: the key is the least of them, and the check bits come from their squares.
    """
    keys = sums[:, 0].copy()
    for renaming in range(1, sums.shape[1]):
        np.minimum(keys, sums[:, renaming], out=keys)
    squares = np.einsum("ij,ij->i", sums, sums)
    return Prints(np.maximum(keys, np.uint64(1)), (squares >> np.uint64(32)).astype(np.uint32))


def chance_of_confusion(worlds: int, renamings: int) -> float:
    """Returns an upper bound of the probability that any two of `worlds` worlds share a fingerprint.

    This is the birthday bound, times `renamings` because the key is the least of so many random numbers. (A
    world that no renaming changes has one sum only, so 64 bits; few worlds have all processes alike.)
    """
    return worlds * worlds * renamings / 2**97


class Visited:
    """A set of fingerprints. Keys are not 0, which marks a free slot."""

    def __init__(self, room: int = 1 << 14) -> None:
        self._keys: Words = np.zeros(room, np.uint64)
        self._checks = np.zeros(room, np.uint32)
        self._count = 0
        self._claims = np.zeros(_CLAIMS, np.int32)

    def __len__(self) -> int:
        return self._count

    def add(self, prints: Prints) -> Mask:
        """Adds a batch of fingerprints.

        Returns:
            A mask of the fingerprints that were not in the set; of equal ones, only the first is marked.
        """
        while self._count + len(prints.keys) > _FULL * len(self._keys):
            self._grow()
        new = self._insert(prints)
        self._count += int(new.sum())
        return new

    def _slots(self, keys: Words) -> npt.NDArray[np.int64]:
        shift = np.uint64(64 - (len(self._keys).bit_length() - 1))
        return ((keys * _SPREAD) >> shift).astype(np.int64)

    def _insert(self, prints: Prints) -> Mask:
        slots = self._slots(prints.keys)
        new = np.zeros(len(prints.keys), np.bool_)
        pending = np.arange(len(prints.keys))
        last = len(self._keys) - 1
        while len(pending):
            at = slots[pending]
            keys = self._keys[at]
            free = keys == 0
            claimed, claims = pending[free], at[free]
            # Of several fingerprints that claim one slot, the first gets it. The others try again in the next
            # round, and so do those that share an entry of the smaller table of claims.
            places = claims & (_CLAIMS - 1)
            self._claims[places[::-1]] = claimed[::-1]
            won = self._claims[places] == claimed
            winners = claimed[won]
            self._keys[claims[won]] = prints.keys[winners]
            self._checks[claims[won]] = prints.checks[winners]
            new[winners] = True
            other = ~free & (keys != prints.keys[pending])
            same = (~free & ~other).nonzero()[0]
            other[same] = self._checks[at[same]] != prints.checks[pending[same]]
            slots[pending[other]] = (at[other] + 1) & last
            other[free.nonzero()[0][~won]] = True
            pending = pending[other]
        return new

    def _grow(self) -> None:
        keys, checks = self._keys, self._checks
        room = 2 * len(keys)
        self._keys, self._checks = np.zeros(room, np.uint64), np.zeros(room, np.uint32)
        for start in range(0, len(keys), _CLAIMS):
            part = slice(start, start + _CLAIMS)
            self._insert(Prints(keys[part], checks[part]).only(keys[part] != 0))
