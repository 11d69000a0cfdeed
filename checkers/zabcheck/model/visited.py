"""The set of fingerprints seen so far: open addressing in one numpy array, for whole batches at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zabcheck.model.columns import Words

Mask = npt.NDArray[np.bool_]

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_CLAIMS = 1 << 17


class Visited:
    """A set of 64-bit fingerprints, 0 excepted (it is taken for 1)."""

    def __init__(self, room: int = 1 << 14) -> None:
        self._keys: Words = np.zeros(room, np.uint64)
        self._count = 0
        self._claims = np.zeros(_CLAIMS, np.int32)

    def __len__(self) -> int:
        return self._count

    @property
    def bytes(self) -> int:
        """Memory taken."""
        return self._keys.nbytes + self._claims.nbytes

    def add(self, prints: Words) -> Mask:
        """Add a batch.

        Returns:
            Which of them were not in the set, each fingerprint once: where it stands first in the batch.
        """
        while 2 * (self._count + len(prints)) > len(self._keys):
            self._grow()
        new = self._insert(np.maximum(prints, np.uint64(1)))
        self._count += int(new.sum())
        return new

    def _slots(self, prints: Words) -> npt.NDArray[np.int64]:
        shift = np.uint64(64 - (len(self._keys).bit_length() - 1))
        return ((prints * _SPREAD) >> shift).astype(np.int64)

    def _insert(self, prints: Words) -> Mask:
        slots = self._slots(prints)
        new = np.zeros(len(prints), np.bool_)
        pending = np.arange(len(prints))
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
            self._keys[claims[won]] = prints[winners]
            new[winners] = True
            taken = ~free & (keys != prints[pending])
            moved = pending[taken]
            slots[moved] = (at[taken] + 1) & last
            again = taken
            again[free.nonzero()[0][~won]] = True
            pending = pending[again]
        return new

    def _grow(self) -> None:
        old = self._keys[self._keys != 0]
        self._keys = np.zeros(2 * len(self._keys), np.uint64)
        for start in range(0, len(old), _CLAIMS):
            self._insert(old[start : start + _CLAIMS])
