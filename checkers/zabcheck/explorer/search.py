"""The one way into the searches: which of them explores a model is an option like any other."""

from __future__ import annotations

from zabcheck.explorer.limits import Progress
from zabcheck.explorer.model import Model
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import depth_first
from zabcheck.explorer.verdicts import Verdict
from zabcheck.explorer.walk import random_walks


def search(model: Model, options: Options | None = None, progress: Progress | None = None) -> Verdict:
    """Explores a model.

    Args:
        model: what to explore.
        options: how, and when to give up; None for a breadth-first search without limits.
        progress: called with the counts so far, about once a second.

    Returns:
        PASSED if every reachable world was explored, every property held and every `sometimes` was reached;
        VIOLATED with a trace if some property does not hold; VACUOUS if a `sometimes` was not reached; and
        OUT_OF_BUDGET if a limit was reached, or the search was interrupted (Ctrl-C).

    Raises:
        SpecError: the model cannot be explored, or not in this way.
    """
    options = options or Options()
    match options.kind:
        case "bfs":
            from zabcheck.explorer.fast.explore import explore  # noqa: PLC0415 - numpy takes long to load

            return explore(model, options, progress)
        case "dfs":
            return depth_first(model, options, progress)
        case _:
            return random_walks(model, options, progress)
