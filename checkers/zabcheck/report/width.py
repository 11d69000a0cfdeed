"""How wide a page is, and how text is broken to fit it."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import TextIO

WIDTH = 80
"""Columns of a page where there is no terminal to ask: in a pipe, in a file."""

NARROWEST = 40
"""Columns of the narrowest page that anything is laid out for."""


def width_of(stream: TextIO) -> int:
    """Returns how many columns a page on a stream has.

    A terminal is asked, or the environment variable COLUMNS where it is set; any other stream has `WIDTH`.
    """
    if not stream.isatty():
        return WIDTH
    return max(NARROWEST, shutil.get_terminal_size((WIDTH, 24)).columns)


def wrapped(text: str, width: int, indent: int = 0, hanging: int | None = None) -> list[str]:
    """Returns a paragraph as lines of at most `width` columns.

    Args:
        text: the paragraph; white space in it counts as one blank.
        width: of the page, in columns.
        indent: blanks before the first line.
        hanging: blanks before all other lines; as many as before the first if None.
    """
    first, others = " " * indent, " " * (indent if hanging is None else hanging)
    return textwrap.wrap(
        " ".join(text.split()),
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_on_hyphens=False,  # a name that is broken cannot be copied
    )


def paragraphs(text: str, width: int, indent: int = 0) -> list[str]:
    """Returns the paragraphs of a docstring as lines of at most `width` columns, without blank lines."""
    return [line for each in text.split("\n\n") for line in wrapped(each, width, indent)]


def packed(texts: Iterable[str], width: int, separator: str = ", ") -> list[str]:
    """Returns short texts as lines, as many in each as there is room for; a long text has its own line."""
    lines: list[str] = []
    for text in texts:
        if lines and len(lines[-1]) + len(separator) + len(text) <= width:
            lines[-1] += f"{separator}{text}"
        else:
            lines.append(text)
    return lines


def fitted(lines: Sequence[str], width: int) -> list[str]:
    """Returns the lines, those that are too long broken into several; the rest is indented by 4 more."""
    fits: list[str] = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        fits += [line] if len(line) <= width else wrapped(line, width, indent, indent + 4)
    return fits
