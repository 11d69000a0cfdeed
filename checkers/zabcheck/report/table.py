"""Tables in plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def aligned(table: Sequence[Sequence[str]], *, words: int) -> Iterator[str]:
    """The lines of a table.

    Args:
        table: its rows, the headings first, each with as many cells.
        words: how many columns, from the first, are aligned to the left; the others, numbers, to the right.
    """
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            cell.ljust(width) if index < words else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
