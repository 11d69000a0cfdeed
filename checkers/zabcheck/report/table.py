"""Tables in plain text that are printed row by row."""

from __future__ import annotations

from collections.abc import Sequence

GAP = 2
"""Blanks between two columns."""


class Columns:
    """Columns of fixed widths, for a table that is printed row by row.

    A text that is wider than its column takes all of its line, and its row goes on below, in the next column.

    Attributes:
        widths: the width of each column, in characters.
        words: how many columns, from the first, are aligned to the left; the others, numbers, to the right.
    """

    def __init__(self, widths: Sequence[int], *, words: int, width: int) -> None:
        """Lays the columns out.

        Args:
            widths: the widths that would be wide enough for everything.
            words: how many columns are aligned to the left.
            width: columns of the page; the widest columns of words are made narrower until the table fits.
        """
        self.words = words
        fitting = [*widths]
        while sum(fitting) + GAP * (len(fitting) - 1) > width:
            widest = max(range(words), key=lambda column: fitting[column])
            fitting[widest] -= 1
        self.widths = tuple(fitting)

    def row(self, cells: Sequence[str]) -> str:
        """Returns a row: one line, or several where a text is too wide."""
        lines, line, start = [], "", 0
        for column, (cell, width) in enumerate(zip(cells, self.widths, strict=True)):
            if column and len(line) > start - GAP:
                lines.append(line)
                line = ""
            line = line.ljust(start) + (cell.ljust(width) if column < self.words else cell.rjust(width))
            line = line.rstrip() if len(line) > start + width else line
            start += width + GAP
        return "\n".join(each.rstrip() for each in [*lines, line])
