"""The set of worlds seen so far, by fingerprint: open addressing in numpy arrays, for whole batches at a
time.

A fingerprint has 96 bits. Two worlds that share one would be taken for one; `chance_of_confusion` says how
unlikely that is. (TLC's have 64.)
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
    """Fingerprints of some worlds: 64 bits to find them by, and 32 more to tell them apart."""

    keys: Words
    checks: npt.NDArray[np.uint32]

    def only(self, chosen: npt.NDArray[np.bool_]) -> Prints:
        """Some of them."""
        return Prints(self.keys[chosen], self.checks[chosen])


def prints_of(sums: Words) -> Prints:
    """The fingerprints of worlds up to renaming.

    Args:
        sums: a line for each world, with its sum under each renaming. The fingerprint depends on which sums
            those are, not on their order: the key is the least of them, the check comes from their squares.
    """
    keys = sums[:, 0].copy()
    for renaming in range(1, sums.shape[1]):
        np.minimum(keys, sums[:, renaming], out=keys)
    squares = np.einsum("ij,ij->i", sums, sums)
    return Prints(np.maximum(keys, np.uint64(1)), (squares >> np.uint64(32)).astype(np.uint32))


def chance_of_confusion(worlds: int, renamings: int) -> float:
    """An upper bound of the chance that among so many worlds any two share a fingerprint.

    By the birthday bound; the least of `renamings` random numbers is that much less random. (Worlds that no
    renaming changes have one sum only, and 64 bits; they are the few in which all servers are alike.)
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
        """Add a batch.

        Returns:
            Which of them were not in the set, each fingerprint once: where it stands first in the batch.
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
            # The first to claim a slot gets it; who comes later, or claims another slot of the same
            # number in the smaller table of claims, tries again in the next round.
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
