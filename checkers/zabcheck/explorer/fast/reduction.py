"""Partial-order reduction: where one step stands for all, the others are not taken.

A follower that has something to process from its leader will process it, and nobody else cares when: the step
reads and writes what no other step touches, as long as no connection is lost. Then it is enough to take that
step first (an *ample set* of one; Clarke, Grumberg, Peled, "Model Checking", chapter 10). The conditions, and
who sees to them:

    nothing else interferes   the model: it names the steps, and the places that are theirs alone once
                              it is calm, that is, once no fault can happen any more
    the step keeps to them    here, from what the step writes in that world
    no property sees it       here, from the columns that properties have read; if one later reads more, the
                              exploration starts again knowing that (`SeenAfterAllError`)
    it cannot go on for ever  each such step takes a message off a channel and puts none on another of the
    kind
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zabcheck.explorer.fast.columns import Ids
from zabcheck.explorer.fast.compiled import KEEP, Compiled
from zabcheck.explorer.fast.learned import Indexes, Tree
from zabcheck.explorer.fast.recording import stand_in
from zabcheck.explorer.fast.rows import BlockRows, Recorder
from zabcheck.explorer.model import Local

Enabled = list[tuple[Indexes, Ids]]


class SeenAfterAllError(Exception):
    """A property reads a column that it was taken not to read."""


@dataclass
class Reduction:
    """Chooses the steps to take.

    Args:
        compiled: the model; its `local` says which steps may stand for all.
        seen: columns that properties are known to read, as bits; from an exploration that had to start again.
    """

    compiled: Compiled
    seen: int = 0
    _taken_unseen: int = 0
    _calm: Tree = field(default_factory=Tree)

    def chosen(self, worlds: BlockRows, enabled: Enabled) -> Enabled:
        """The steps to take: all that are enabled, or the first of those that may stand for all.

        Raises:
            SeenAfterAllError: a choice made before was wrong; `seen` says what to know from the start.
        """
        local = self.compiled.model.local
        assert local is not None
        self._look_again()
        calm = np.zeros(worlds.size, np.bool_)
        calm[self._calm_rows(worlds, local)] = True
        first = np.full(worlds.size, -1, np.int32)
        for number, learned in enumerate(self.compiled.steps):
            rows, outcomes = enabled[number]
            places = local.places(learned.step)
            if places is None or not len(rows):
                continue
            alone = self._alone(number, places)[outcomes]
            free = rows[alone & calm[rows]]
            first[free[first[free] < 0]] = number
        return [
            (rows[kept], outcomes[kept])
            for number, (rows, outcomes) in enumerate(enabled)
            for kept in [(first[rows] < 0) | (first[rows] == number)]
        ]

    def _calm_rows(self, worlds: BlockRows, local: Local) -> Indexes:
        compiled = self.compiled

        def learn(at: int) -> None:
            recorder = Recorder(compiled, worlds.row(at))
            world = stand_in(compiled.layout.shape, recorder.before)
            self._calm.learn(recorder.path, int(local.calm(world)))

        return self._calm.walk(np.arange(worlds.size), worlds.fetch, learn, 0)[0]

    def _alone(self, number: int, places: tuple[tuple[str | int, ...], ...]) -> npt.NDArray[np.bool_]:
        """For each outcome of a step, whether it keeps to the places and no property sees what it writes."""
        learned = self.compiled.steps[number]
        alone = np.ones(learned.weights.count, np.bool_)
        for column, table in learned.written.items():
            path = self.compiled.leaves[column].path
            if self.seen >> column & 1 or not any(path[: len(place)] == place for place in places):
                alone &= table.data[: table.count] == KEEP
        for column, table in learned.written.items():
            if (alone & (table.data[: table.count] != KEEP)).any():
                self._taken_unseen |= 1 << column
        return alone

    def _look_again(self) -> None:
        """Note what properties have come to read."""
        compiled = self.compiled
        for learned in (*compiled.always, *compiled.every_step, *compiled.sometimes):
            self.seen |= compiled.reads(learned.tree)
        if self.seen & self._taken_unseen:
            raise SeenAfterAllError

    def check_at_end(self) -> None:
        """The last choices were right too.

        Raises:
            SeenAfterAllError: they were not.
        """
        self._look_again()
