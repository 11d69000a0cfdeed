"""Which runs of Fast Leader Election are fair; the sentences are in `zabspec.fast_election.liveness`.

The other assumptions are those of the paper's ZAB.
"""

from __future__ import annotations

from dataclasses import replace

from zabcheck.models.mutant import names_of
from zabcheck.models.paper import fairness as of_paper
from zabspec.fast_election import liveness

ASSUMPTIONS = replace(of_paper.ASSUMPTIONS, weak=names_of(liveness.WEAKLY_FAIR), strong=frozenset())
