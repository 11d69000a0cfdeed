"""The one way into the searches: which of them explores a model is an option like any other."""

from __future__ import annotations

from collections.abc import Callable

from zabcheck.explorer.fast.explore import explore
from zabcheck.explorer.model import Model
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import depth_first
from zabcheck.explorer.verdicts import Counts, Verdict
from zabcheck.explorer.walk import random_walks

__all__ = ["KINDS", "Options", "search"]

KINDS = {"bfs": explore, "dfs": depth_first, "walk": random_walks}
"""The searches by `Options.kind`."""


def search(model: Model, options: Options, progress: Callable[[Counts], None] | None = None) -> Verdict:
    """Explores a model.

    Args:
        model: what to explore.
        options: how, and when to give up.
        progress: called with the counts so far, now and then.

    Returns:
        What was found. An interrupt (Ctrl-C) is out of budget, with the note "interrupted".

    Raises:
        ValueError: there is no such kind of search.
    """
    if options.kind not in KINDS:
        raise ValueError(f"no search {options.kind!r}: one of {', '.join(KINDS)}")
    return KINDS[options.kind](model, options, progress)
