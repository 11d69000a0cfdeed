"""The limits of a search, and its reports of progress."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage
from time import perf_counter

from zabcheck.explorer.options import Options
from zabcheck.explorer.verdicts import Counts

Progress = Callable[[Counts], None]
"""Called about once a second with the counts so far."""


class OutOfBudgetError(Exception):
    """A search has reached one of its limits; the message says which."""


class Limits:
    """The limits of a search, and its clock.

    Args:
        options: `max_states` and `max_seconds` are enforced here; `max_depth` is left to the search.
        progress: called with the counts; None for no reports.

    Attributes:
        others: the resident memory of the search's other processes, in bytes; memory that they share with
            this process is counted again.
    """

    def __init__(self, options: Options, progress: Progress | None = None) -> None:
        self._options = options
        self._progress = progress
        self.others = 0
        self._began = perf_counter()
        self._told = self._began

    def counts(self, distinct: int, generated: int, depth: int, frontier: int = 0) -> Counts:
        """Returns the counts, with the time and memory used so far."""
        seconds = perf_counter() - self._began
        return Counts(distinct, generated, depth, frontier, seconds, resident_memory() + self.others)

    def check(self, distinct: int, generated: int, depth: int, frontier: int = 0) -> None:
        """Reports progress if a second has passed, and raises an error if a limit is reached.

        Raises:
            OutOfBudgetError: more distinct states were found, or more time has passed, than allowed.
        """
        now = perf_counter()
        if self._progress is not None and now - self._told >= 1.0:
            self._told = now
            self._progress(self.counts(distinct, generated, depth, frontier))
        most, longest = self._options.max_states, self._options.max_seconds
        if most is not None and distinct > most:
            raise OutOfBudgetError(f"more than {most:,} states")
        if longest is not None and now - self._began > longest:
            raise OutOfBudgetError(f"more than {longest:g} seconds")


def resident_memory() -> int:
    """Returns the resident memory of this process in bytes; its peak where the system has no /proc."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * getpagesize()
    except OSError:
        return getrusage(RUSAGE_SELF).ru_maxrss * 1024
