"""How a search is to be run: what to explore with, and when to give up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a search; what is explored is the model's own affair.

    Attributes:
        kind: "bfs" (breadth-first: shortest traces), "dfs" (depth-first) or "walk" (random).
        symmetry: count worlds that differ only in the names of servers once.
        reduce: partial-order reduction: of steps that commute, try one order.
        workers: how many processes explore.
        seed: of the random choices; the same seed gives the same search.
        walks: how many random walks; for "walk" alone.
        max_states: give up when more distinct states are found than this; None for no bound.
        max_seconds: give up when more time has passed than this, in seconds; None for no bound.
        max_depth: do not go further than so many steps from the initial world; None for no bound.
    """

    kind: str = "bfs"
    symmetry: bool = True
    reduce: bool = False
    workers: int = 1
    seed: int = 0
    walks: int = 1000
    max_states: int | None = None
    max_seconds: float | None = None
    max_depth: int | None = None
