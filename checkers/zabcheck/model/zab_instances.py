"""Instances of ZAB 1.0 with three servers, two transactions and faults, that were explored to their end.

`make bench ARGS=faults` prints them as a table, `make deep` explores them as tests; both hold the counts
against these here. Where synchronization is one step (`zabspec.zab.coarse`), no fault comes in the midst of
it; that is for what takes too long otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from zabcheck.model.bounds import Bounds
from zabcheck.model.instances import Instance, build, property_names
from zabcheck.model.model import Model
from zabcheck.model.zab import steps
from zabspec.zab import NEXT_SYNCHRONIZED
from zabspec.zab.properties import SOMETIMES

Count = tuple[int, int, int]
"""Distinct and generated states, and the depth."""


@dataclass(frozen=True, slots=True)
class Explored:
    """An instance and what it comes to.

    Attributes:
        bounds: how far.
        counts: how many states there are.
        in_one_step: synchronization is one step.
    """

    bounds: Bounds
    counts: Count
    in_one_step: bool = False

    @property
    def model(self) -> Model:
        """The model, with every property that must always hold."""
        asked = build(Instance("zab", self.bounds, properties=HELD))
        if not self.in_one_step:
            return asked
        return replace(asked, steps=tuple(steps(self.bounds, NEXT_SYNCHRONIZED)))


HELD = tuple(
    name for name in property_names("zab") if name not in [predicate.__name__ for predicate in SOMETIMES]
)
"""What must hold of every state and step, the refinement included."""

EXPLORED = (
    Explored(Bounds(3, 2, 0, 0, epochs=2, partitions=1), (1_831_902, 6_887_878, 68)),
    Explored(Bounds(3, 2, 0, 0, epochs=3, partitions=1), (1_932_086, 7_171_138, 72)),
    Explored(Bounds(3, 2, 0, 2, epochs=3), (4_278_223, 14_906_290, 79)),
    Explored(Bounds(3, 2, 0, 1, epochs=2, partitions=1), (17_555_253, 77_542_888, 87)),
    Explored(Bounds(3, 2, 0, 1, epochs=2, partitions=1), (7_124_001, 31_399_700, 64), in_one_step=True),
    Explored(Bounds(3, 2, 0, 0, epochs=2, partitions=2), (9_518_740, 41_077_532, 68), in_one_step=True),
)
