"""What each spec promises to happen in the end, and what is assumed for that: which steps are fair.

The sentences are in the specs: `zabspec.paper.liveness`, `zabspec.zab.liveness` and
`zabspec.fast_election.liveness`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from zabspec.fast_election import liveness as of_election
from zabspec.paper import liveness as of_paper
from zabspec.parts import Sid
from zabspec.promises import Eventually, Up
from zabspec.zab import liveness as of_zab


def _names(actions: Iterable[Callable[..., Any]]) -> frozenset[str]:
    return frozenset(action.__name__ for action in actions)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Which steps are owed a turn, and which are not taken any more.

    Attributes:
        weak: the names of the actions that are weakly fair.
        strong: the names of those that are strongly fair.
        free: the names of those that may be taken at any time, `may_be_taken` notwithstanding.
        faults: the names of those that nobody takes any more, be it up or not.
        may_be_taken: takes (state, up, action, servers), as that of `zabspec.paper.liveness` does.
    """

    weak: frozenset[str] = _names(of_paper.WEAKLY_FAIR)
    strong: frozenset[str] = _names(of_paper.STRONGLY_FAIR)
    free: frozenset[str] = frozenset()
    faults: frozenset[str] = _names(of_paper.FAULTS)
    may_be_taken: Callable[[Any, Up, str, tuple[Sid, ...]], bool] = of_paper.may_be_taken


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
    ),
    "fast_election": Assumptions(weak=_names(of_election.WEAKLY_FAIR), strong=frozenset()),
}


def promised(spec: str) -> tuple[Eventually, ...]:
    """What must happen in the end, of a spec by its name; of others, what the paper's promises."""
    return PROMISED.get(spec, of_paper.EVENTUALLY)


def assumed(spec: str) -> Assumptions:
    """What is assumed for that."""
    return ASSUMED.get(spec, Assumptions())
