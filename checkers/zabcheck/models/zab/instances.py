"""Instances of ZAB 1.0 with three servers, two transactions and faults that were explored completely.

`make bench ARGS=faults` prints them as a table, `make deep` explores them as tests, and both compare their
counts with these. Where synchronization is one step (`zabspec.zab.coarse`), no fault comes within it; that
grain is for instances that take too long otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

from zabcheck.models.registry import Instance
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.entry import PROPERTIES

Count = tuple[int, int, int]
"""Distinct and generated states, and the depth."""

HELD = tuple(each.name for each in (*PROPERTIES.always, *PROPERTIES.every_step))
"""The names of the properties that must hold of every state and step, the refinement included."""

EXPLORED: Mapping[Bounds, Count] = {
    Bounds(3, 2, 0, 0, epochs=2, partitions=1): (1_831_902, 6_887_878, 68),
    Bounds(3, 2, 0, 0, epochs=3, partitions=1): (1_932_086, 7_171_138, 72),
    Bounds(3, 2, 0, 2, epochs=3): (4_278_223, 14_906_290, 79),
    Bounds(3, 2, 0, 1, epochs=2, partitions=1): (17_555_253, 77_542_888, 87),
    Bounds(3, 2, 0, 1, epochs=2, partitions=1, synchronization="one-step"): (7_124_001, 31_399_700, 64),
    Bounds(3, 2, 0, 0, epochs=2, partitions=2, synchronization="one-step"): (9_518_740, 41_077_532, 68),
}
"""The counts, by the bounds."""


def instance(bounds: Bounds) -> Instance:
    """Returns the instance of some bounds, with every property that must always hold."""
    return Instance("zab", bounds, properties=HELD)
