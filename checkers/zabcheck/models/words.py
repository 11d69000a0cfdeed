"""The specs whose runs can be drawn as space-time diagrams, each with its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zabcheck.explorer.verdicts import Trace
from zabcheck.models.drawing import Words
from zabcheck.models.fast_election import words as election_words
from zabcheck.models.paper import words as paper_words
from zabcheck.models.service import words as service_words
from zabcheck.models.zab import words as zab_words
from zabspec import fast_election, paper, zab, zab_elected
from zabspec.service.seen import Run

WORDS: Mapping[type, Callable[[Sequence[Any]], Words]] = {
    paper.State: paper_words.words_for,
    zab.State: zab_words.words_for,
    zab_elected.State: election_words.both_words_for,
    fast_election.State: lambda _: election_words.ElectionWords(),
    service_words.View: lambda _: service_words.ServiceWords(),
}
"""By the class of a spec's state: takes the states of a run, and returns the words for the run."""


def drawable(trace: Trace) -> tuple[Trace, Words] | None:
    """Returns a run as it is drawn, with its words; None if there are no diagrams of its spec."""
    if isinstance(_state(trace, 0), Run):
        trace = service_words.viewed(trace)
    words = WORDS.get(type(_state(trace, 0)))
    if words is None:
        return None
    return trace, words([_state(trace, index) for index in range(len(trace.steps))])


def _state(trace: Trace, index: int) -> Any:
    world = trace.steps[index].world
    return getattr(world, "protocol", world)
