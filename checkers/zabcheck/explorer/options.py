"""How a search is to be run: what to explore with, and when to give up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.model import Model

KINDS = ("bfs", "dfs", "walk")
"""The kinds of search: see `Options.kind`."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to search, and when to give up; what is explored is up to the model.

    Attributes:
        kind: "bfs" (breadth-first: shortest traces), "dfs" (depth-first) or "walk" (random walks).
        symmetry: False to count worlds separately that differ only in the names of processes; None to count
            them once if the model declares that names do not matter (`Model.symmetry`). True is the same as
            None for such a model, and an error for any other.
        reduce: True for partial-order reduction: of steps that commute, only one order is tried.
        trusted: True to run each function of the spec once for what it reads, neither again nor compared with
            its renamings: faster, for a spec that a search has accepted before. For "bfs" alone.
        workers: how many processes of the operating system explore.
        seed: the seed of random choices; the same seed gives the same search.
        walks: how many random walks to take; for "walk" alone.
        max_states: give up when more distinct states are found than this; None for no limit.
        max_seconds: give up when more time has passed than this, in seconds; None for no limit.
        max_depth: go no further than this many steps from the initial world; None for no limit.
    """

    kind: str = "bfs"
    symmetry: bool | None = None
    reduce: bool = False
    trusted: bool = False
    workers: int = 1
    seed: int = 0
    walks: int = 1000
    max_states: int | None = None
    max_seconds: float | None = None
    max_depth: int | None = None

    def __post_init__(self) -> None:
        """Checks the values.

        Raises:
            SpecError: one of them is none that the option can have.
        """
        if self.kind not in KINDS:
            raise SpecError(f"no search {self.kind!r}: one of {', '.join(KINDS)}")
        if self.symmetry not in (True, False, None):
            raise SpecError(f"symmetry is {self.symmetry!r}: True, False or None")
        _check_number("workers", self.workers, least=1)
        _check_number("seed", self.seed)
        _check_number("walks", self.walks, least=0)
        _check_number("max_states", self.max_states, least=0, is_optional=True)
        _check_number("max_depth", self.max_depth, least=0, is_optional=True)
        _check_number("max_seconds", self.max_seconds, least=0, is_optional=True, is_whole=False)


def _check_number(
    name: str, value: Any, *, least: int | None = None, is_optional: bool = False, is_whole: bool = True
) -> None:
    if value is None and is_optional:
        return
    if isinstance(value, bool) or not isinstance(value, int if is_whole else int | float):
        raise SpecError(f"{name} is {value!r}, not a {'whole ' if is_whole else ''}number")
    if least is not None and value < least:
        raise SpecError(f"{name} is {value!r}: at least {least} is needed")


def uses_symmetry(model: Model, options: Options) -> bool:
    """True if a search with these options counts worlds once that differ only in the names of processes.

    Raises:
        SpecError: symmetry is asked for, and the model does not declare it.
    """
    if options.symmetry and not model.symmetry:
        raise SpecError(f"symmetry: {model.name} does not declare that process ids are only names")
    return model.symmetry and options.symmetry is not False
