"""A run for people: a space-time diagram where the spec has servers and channels, else a list of changes."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TextIO

from zabcheck.explorer.verdicts import Trace
from zabcheck.report.happenings import protocol_of
from zabcheck.report.spacetime import ASCII, UNICODE, Ending, again, spacetime
from zabcheck.traces.differences import differences, shown
from zabspec import fast_election, paper, zab
from zabspec.service.seen import Run

WIDTH = 99

DRAWN = (paper.State, zab.State, fast_election.State, Run)
"""The states of which there are diagrams; of others, lists of changes."""


def picture(
    trace: Trace,
    ending: Ending | None = None,
    *,
    marks: Mapping[int, Sequence[str]] | None = None,
    ascii_only: bool = False,
) -> str:
    """Draws a run of any spec.

    Args:
        trace: the run.
        ending: what it is shown for; it stands at the end.
        marks: by the number of a step, what went wrong with it; shown in a space-time diagram.
        ascii_only: draw with ASCII characters alone.
    """
    if isinstance(protocol_of(trace.steps[0].world), DRAWN):
        return spacetime(trace, ending, marks=marks, ascii_only=ascii_only)
    return _listing(trace, ending, ascii_only)


def is_ascii_only(stream: TextIO) -> bool:
    """Whether a stream can show no more than ASCII."""
    try:
        for glyphs in (
            UNICODE.shaft,
            UNICODE.right,
            UNICODE.event,
            UNICODE.dash,
            UNICODE.broken,
            UNICODE.good,
            UNICODE.loop,
        ):
            glyphs.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def _listing(trace: Trace, ending: Ending | None, ascii_only: bool) -> str:
    """A line for each step, and under it the variables that it changed."""
    glyphs = ASCII if ascii_only else UNICODE
    lines = []
    for index, step in enumerate(trace.steps):
        if index and trace.loop == index - 1:
            lines.append(f"{glyphs.loop} from here on, for ever")
        arguments = ", ".join(map(str, step.arguments))
        lines.append(f"{index:4}  {f'{step.action}({arguments})' if index else 'the initial world'}")
        for each in differences(trace.steps[index - 1].world, step.world) if index else ():
            lines += textwrap.wrap(
                f"{each.place}: {shown(each.one)} {glyphs.sends} {shown(each.other)}",
                WIDTH,
                initial_indent=" " * 8,
                subsequent_indent=" " * 12,
            )
    if trace.loop is not None:
        lines.append(again(trace, glyphs))
    return "\n".join([*lines, *(ending.lines(glyphs) if ending else ())])
