"""Partial-order reduction: of steps that commute, only one is taken first.

A process that has a message to process will process it, and the order relative to other steps does not matter
if the step reads and writes nothing that another step touches. Then it is enough to take that step alone (an
*ample set* of one; Clarke, Grumberg, Peled, "Model Checking", chapter 10). The conditions, and where each is
ensured:

    no other step interferes     by the model: `Local` names the steps, and the places that only they touch
                                 once the world is calm, that is, once no fault can happen any more
    the step writes only there   here, from what the step writes in the world at hand
    no property sees the write   here, from the columns that properties have read; if one reads more later,
                                 the exploration starts again with that knowledge (`SeenAfterAllError`)
    such steps form no cycle     by the model: each takes a message off a channel, and sends none that
                                 another such step takes
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
    """A property reads a column that was assumed not to be read."""


@dataclass
class Reduction:
    """Chooses the steps to take.

    Args:
        compiled: the model; its `local` says which steps may be taken alone.
        seen: a bit mask of the columns that properties are known to read, from an exploration that was
            started again.
    """

    compiled: Compiled
    seen: int = 0
    _taken_unseen: int = 0
    _calm: Tree = field(default_factory=Tree)

    def chosen(self, worlds: BlockRows, enabled: Enabled) -> Enabled:
        """Returns the steps to take: the first that may be taken alone, or else all that are enabled.

        Raises:
            SeenAfterAllError: an earlier choice was wrong; `seen` has what the next exploration must know.
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
        """Returns for each outcome of a step True if it writes only to its places, and no property reads
        that.
        """
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
        """Updates the columns that properties are known to read."""
        compiled = self.compiled
        for learned in (*compiled.always, *compiled.every_step, *compiled.sometimes):
            self.seen |= compiled.reads(learned.tree)
        if self.seen & self._taken_unseen:
            raise SeenAfterAllError

    def check_at_end(self) -> None:
        """Checks that the last choices were right, too.

        Raises:
            SeenAfterAllError: they were not.
        """
        self._look_again()
