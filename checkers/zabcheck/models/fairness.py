"""What each spec promises to happen in the end, and what is assumed for that: which steps are fair.

The sentences are in the specs: `zabspec.paper.liveness`, `zabspec.zab.liveness` and
`zabspec.fast_election.liveness`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from zabcheck.explorer.promises import Assumptions, majorities
from zabspec.fast_election import liveness as of_election
from zabspec.paper import liveness as of_paper
from zabspec.promises import Eventually
from zabspec.zab import liveness as of_zab


def _names(actions: Iterable[Callable[..., Any]]) -> frozenset[str]:
    return frozenset(action.__name__ for action in actions)


OF_PAPER = Assumptions(
    weak=_names(of_paper.WEAKLY_FAIR),
    strong=_names(of_paper.STRONGLY_FAIR),
    faults=_names(of_paper.FAULTS),
    may_be_taken=of_paper.may_be_taken,
    may_stay_up=majorities,
)

PROMISED: Mapping[str, tuple[Eventually, ...]] = {
    "paper": of_paper.EVENTUALLY,
    "zab": of_zab.EVENTUALLY,
    "fast_election": of_election.EVENTUALLY,
}

ASSUMED: Mapping[str, Assumptions] = {
    "zab": Assumptions(
        weak=_names(of_zab.WEAKLY_FAIR),
        strong=_names(of_zab.STRONGLY_FAIR),
        faults=_names(of_zab.FAULTS),
        may_be_taken=of_zab.may_be_taken,
        may_stay_up=majorities,
    ),
    "fast_election": replace(OF_PAPER, weak=_names(of_election.WEAKLY_FAIR), strong=frozenset()),
}


def promised(spec: str) -> tuple[Eventually, ...]:
    """What must happen in the end, of a spec by its name; of others, what the paper's promises."""
    return PROMISED.get(spec, of_paper.EVENTUALLY)


def assumed(spec: str) -> Assumptions:
    """What is assumed for that."""
    return ASSUMED.get(spec, OF_PAPER)
