"""Which runs of the paper's ZAB are fair; the sentences are in `zabspec.paper.liveness`."""

from __future__ import annotations

from zabcheck.explorer.promises import Assumptions, majorities
from zabcheck.models.mutant import names_of
from zabspec.paper import liveness

ASSUMPTIONS = Assumptions(
    weak=names_of(liveness.WEAKLY_FAIR),
    strong=names_of(liveness.STRONGLY_FAIR),
    faults=names_of(liveness.FAULTS),
    may_be_taken=liveness.may_be_taken,
    may_stay_up=majorities,
)
