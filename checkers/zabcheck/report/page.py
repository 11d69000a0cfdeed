"""The page of a space-time diagram: where its columns are, and how text is made to fit them.

A page has the same number of columns of text for each server, as many as its width allows. A word that is
longer than a column is abbreviated, and the legend says what it stands for; nothing is cut off silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from zabcheck.models.drawing import Line
from zabcheck.report.glyphs import Glyphs
from zabcheck.report.width import packed, wrapped

MARGIN = 6
"""Text columns for the numbers of the steps."""

WIDEST = 36
"""Text columns of a server at most: wider ones would be harder to compare."""

NARROWEST = 10
"""Text columns of a server at least: in narrower ones most words would be abbreviated."""


def least_width(size: int) -> int:
    """Returns the width of the narrowest page on which `size` servers can be drawn."""
    return MARGIN + NARROWEST * size - 1


class Page:
    """The lines of a diagram, and where the columns are.

    Attributes:
        names: the headings of the columns.
        glyphs: the characters to draw with.
        width: of the page, in text columns.
        step: text columns from one server's line to the next.
        room: the longest text beside a server's line.
        hanging: by how much the second line of a text is indented.
        at: the text column in which each server's line is drawn.
        lines: the lines drawn so far.
        abbreviations: by word, the abbreviation used on this page.
    """

    def __init__(self, names: Sequence[str], glyphs: Glyphs, width: int) -> None:
        self.names = names
        self.glyphs = glyphs
        self.width = width
        self.step = min(WIDEST, (width - MARGIN + 1) // len(names))
        self.room = self.step - 3
        self.hanging = 2 if self.room >= 18 else 0
        self.at = [MARGIN + self.step * column for column in range(len(names))]
        self.lines: list[str] = []
        self.abbreviations: dict[str, str] = {}

    def row(self, lines: Sequence[Line], label: str = "") -> list[str]:
        """Returns a row of characters with the servers' lines in it."""
        cells = [*f"{label:>{MARGIN - 2}}".ljust(MARGIN + self.step * len(self.at))]
        for place, line in zip(self.at, lines, strict=True):
            cells[place] = self.glyphs.lines[line]
        return cells

    def add(self, cells: Sequence[str], texts: Sequence[Sequence[str]] | None = None) -> None:
        """Adds a row, with at most one line of text beside each server's line."""
        filled = [*cells]
        for place, lines in zip(self.at, texts or (), strict=False):
            for text in lines:
                filled[place + 2 : place + 2 + len(text)] = text
        self.lines.append("".join(filled).rstrip())

    def bar(self, text: str) -> list[str]:
        """Returns a line across the page with a text in it; several if the text is long."""
        glyphs, end = self.glyphs, MARGIN + self.step * len(self.at) - 2
        first, *others = wrapped(text, end - MARGIN - 2)
        start = f"{glyphs.broken:>{MARGIN - 2}} {glyphs.dash} "
        return [f"{start}{first} ".ljust(end, glyphs.dash), *(f"{' ' * len(start)}{each}" for each in others)]

    def fitted(self, told: Sequence[Sequence[str]]) -> list[list[str]]:
        """Returns the texts beside each server, broken into lines that fit its column."""
        return [[line for text in texts for line in self._lines(text)] for texts in told]

    def packed(self, texts: Sequence[str]) -> list[str]:
        """Returns short texts, as many on a line as a column has room for."""
        return packed(map(self.abbreviated, texts), self.room)

    def abbreviated(self, text: str) -> str:
        """Returns a text in which every word fits a column."""
        return " ".join(map(self._abbreviated, text.split()))

    def legend(self) -> list[str]:
        """Returns the lines that say what the abbreviations stand for."""
        told = [f"{short} = {word}" for word, short in sorted(self.abbreviations.items())]
        return packed(told, self.width, "  ")

    def _lines(self, text: str) -> list[str]:
        return wrapped(self.abbreviated(text), self.room, hanging=self.hanging)

    def _abbreviated(self, word: str) -> str:
        room = self.room - self.hanging
        if len(word) <= room:
            return word
        bare = word.rstrip(",:;.")
        end = word[len(bare) :]
        if bare not in self.abbreviations:
            taken = set(self.abbreviations.values())
            tails = ("." if number == 1 else f"{number}." for number in count(1))
            shorter = (f"{bare[: room - 1 - len(tail)]}{tail}" for tail in tails)
            self.abbreviations[bare] = next(each for each in shorter if each not in taken)
        return f"{self.abbreviations[bare]}{end}"
