"""What the subcommands print on: the terminal, pipe or file that standard output is."""

from __future__ import annotations

import sys
from pathlib import Path

from zabcheck.report.glyphs import is_ascii_only
from zabcheck.report.picture import picture
from zabcheck.report.width import width_of, wrapped
from zabcheck.traces.replay import Replay, ending, marks


def width() -> int:
    """Returns how many columns standard output has."""
    return width_of(sys.stdout)


def drawn(result: Replay, columns: int | None = None) -> str:
    """Returns the picture of a replayed run.

    Args:
        result: the replay.
        columns: the width of the page; that of standard output if None.
    """
    return picture(
        result.trace,
        ending(result),
        marks=marks(result),
        ascii_only=is_ascii_only(sys.stdout),
        width=width() if columns is None else columns,
    )


def say_kept(path: Path) -> None:
    """Prints where a trace was kept, in one line however long the path is, and how to run the trace again."""
    print(f"  kept as {path}\n  `zab replay` runs it again")


def say(text: str, indent: int = 0, hanging: int | None = None) -> None:
    """Prints a paragraph in lines that fit standard output.

    Args:
        text: the paragraph.
        indent: blanks before the first line.
        hanging: blanks before all other lines; two more than before the first if None.
    """
    lines = wrapped(text, width(), indent, indent + 2 if hanging is None else hanging)
    print("\n".join(lines), flush=True)
