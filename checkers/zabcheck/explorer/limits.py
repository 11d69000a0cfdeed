"""When a search gives up, and how it tells how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage
from time import perf_counter

from zabcheck.explorer.options import Options
from zabcheck.explorer.verdicts import Counts

Progress = Callable[[Counts], None]
"""Told about once a second how far a search has come."""


class OutOfBudgetError(Exception):
    """A search has reached one of its limits; its text says which."""


class Limits:
    """The limits of a search, and its clock.

    Args:
        options: of them `max_states` and `max_seconds`; `max_depth` is for the search to heed.
        progress: what to tell how far the search has come; None to tell nobody.

    Attributes:
        others: bytes that other processes of the search hold; what they share with this one counts again.
    """

    def __init__(self, options: Options, progress: Progress | None = None) -> None:
        self._options = options
        self._progress = progress
        self.others = 0
        self._began = perf_counter()
        self._told = self._began

    def counts(self, distinct: int, generated: int, depth: int, frontier: int = 0) -> Counts:
        """The counts, with the time and memory used so far."""
        seconds = perf_counter() - self._began
        return Counts(distinct, generated, depth, frontier, seconds, resident_memory() + self.others)

    def check(self, distinct: int, generated: int, depth: int, frontier: int = 0) -> None:
        """Tell the progress if it is time to, and give up if a limit is reached.

        Raises:
            OutOfBudgetError: more distinct states were found, or more time was used, than allowed.
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
    """Bytes of this process in memory now, or the most there ever were where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * getpagesize()
    except OSError:
        return getrusage(RUSAGE_SELF).ru_maxrss * 1024
