"""Many searches one after the other, each with its row of a table as soon as it is known."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.report.progress import progress

Item = TypeVar("Item")


def in_turn(
    items: Sequence[Item],
    title: Callable[[Item], str],
    search: Callable[[Item, Callable[[Counts], None]], Verdict],
) -> Iterator[tuple[Item, Verdict]]:
    """Yields each item with its verdict, as soon as it is known; an interrupt (Ctrl-C) ends the series.

    Args:
        items: what is searched.
        title: names an item; progress says which one is searched, and how many there are.
        search: searches one item; its second argument takes the progress of the search.
    """
    for number, item in enumerate(items, 1):
        with progress(sys.stderr, f"{number} of {len(items)}, {title(item)}") as show:
            try:
                verdict = search(item, show)
            except KeyboardInterrupt:
                return
        if is_interrupted(verdict):
            return
        yield item, verdict


def is_interrupted(verdict: Verdict) -> bool:
    """True if a search was ended by Ctrl-C."""
    return verdict.outcome == Outcome.OUT_OF_BUDGET and "interrupted" in verdict.note


def say_interrupted(left: int, total: int, what: str) -> int:
    """Prints how many searches of a series were not finished, and returns the exit code."""
    print(f"\nINTERRUPTED: {left} of {total} {what} not run, or not to the end")
    return Outcome.OUT_OF_BUDGET.exit_code
