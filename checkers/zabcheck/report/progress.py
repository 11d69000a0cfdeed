"""How far a search has come, while it runs: live on a terminal, a line every few seconds anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from zabcheck.explorer.verdicts import Counts

EVERY = 5.0
"""Seconds between two lines where there is no terminal."""


@contextmanager
def progress(stream: TextIO, title: str) -> Iterator[Callable[[Counts], None]]:
    """Shows the counts of a search on a stream while the context lasts.

    Args:
        stream: the stream; what is shown live is erased at the end.
        title: what is being explored; not printed where the search ends before the first line.

    Yields:
        The function that the search calls with its counts, as often as it likes.
    """
    if stream.isatty():
        with _live(stream, title) as show:
            yield show
    else:
        yield _Lines(stream, title)


def in_words(counts: Counts) -> str:
    """Returns `251,332 states, 20,433 a second, depth 43, 1,234 to go, 312 MB, 12 s`."""
    rate = counts.distinct / counts.seconds if counts.seconds else 0.0
    return (
        f"{counts.distinct:,} states, {rate:,.0f} a second, depth {counts.depth}, "
        f"{counts.frontier:,} to go, {megabytes(counts.memory)}, {seconds(counts.seconds)}"
    )


def megabytes(size: int) -> str:
    """Returns a number of bytes as `312 MB`."""
    return f"{size / 1e6:,.0f} MB"


def seconds(duration: float) -> str:
    """Returns a duration in seconds as `0.42 s`, `12 s`, `3 min 20 s` or `2 h 5 min`."""
    if duration < 10:
        return f"{duration:.2g} s"
    whole = round(duration)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class _Lines:
    """The title and then a line every few seconds, by the search's own clock."""

    def __init__(self, stream: TextIO, title: str) -> None:
        self._stream = stream
        self._title = title
        self._told = 0.0

    def __call__(self, counts: Counts) -> None:
        if counts.seconds - self._told >= EVERY:
            if not self._told:
                print(f"{self._title}:", file=self._stream)
            self._told = counts.seconds
            print(f"  {in_words(counts)}", file=self._stream, flush=True)


@contextmanager
def _live(stream: TextIO, title: str) -> Iterator[Callable[[Counts], None]]:
    from rich.console import Console  # noqa: PLC0415 - slow to import, and only wanted here
    from rich.live import Live  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    def table(counts: Counts) -> Table:
        rate = counts.distinct / counts.seconds if counts.seconds else 0.0
        shown = Table(title=title, title_justify="left", box=None, padding=(0, 3, 0, 0))
        for name in ("states", "a second", "depth", "to go", "memory", "time"):
            shown.add_column(name, justify="right", min_width=8)
        shown.add_row(
            f"[bold]{counts.distinct:,}[/]",
            f"{rate:,.0f}",
            f"{counts.depth}",
            f"{counts.frontier:,}",
            megabytes(counts.memory),
            seconds(counts.seconds),
        )
        return shown

    console = Console(file=stream)
    with Live(table(Counts(0, 0, 0)), console=console, transient=True, auto_refresh=False) as live:
        yield lambda counts: live.update(table(counts), refresh=True)
