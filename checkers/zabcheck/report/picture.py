"""A run for people: a space-time diagram where the spec has servers and channels, else a list of changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zabcheck.explorer.verdicts import Trace
from zabcheck.models.words import drawable
from zabcheck.report.ending import Ending
from zabcheck.report.glyphs import ASCII, UNICODE, Glyphs
from zabcheck.report.page import Page, least_width
from zabcheck.report.spacetime import again, spacetime
from zabcheck.report.width import WIDTH, wrapped
from zabcheck.traces.differences import Difference, differences, shown


def picture(
    trace: Trace,
    ending: Ending | None = None,
    *,
    marks: Mapping[int, Sequence[str]] | None = None,
    ascii_only: bool = False,
    width: int = WIDTH,
) -> str:
    """Draws a run of any spec.

    Where there are too many servers for a diagram of this width, the first line says which width is needed,
    and the run is listed instead.

    Args:
        trace: the run.
        ending: what the run shows; stands at the end.
        marks: by the number of a step, what went wrong with it; shown below the step.
        ascii_only: draw with ASCII characters alone.
        width: columns of the page; no line is longer.

    Returns:
        The lines, without a newline at the end.
    """
    glyphs = ASCII if ascii_only else UNICODE
    drawn = drawable(trace)
    if drawn is None:
        return "\n".join(_listing(trace, ending, marks or {}, glyphs, width))
    diagram, words = drawn
    first = diagram.steps[0].world
    names = words.names(getattr(first, "protocol", first))
    needed = least_width(len(names))
    if width < needed:
        told = f"{len(names)} columns need a width of {needed}; here are the steps alone"
        return "\n".join([*wrapped(told, width), "", *_listing(trace, ending, marks or {}, glyphs, width)])
    return "\n".join(spacetime(diagram, words, ending, marks or {}, Page(names, glyphs, width)))


def _listing(
    trace: Trace, ending: Ending | None, marks: Mapping[int, Sequence[str]], glyphs: Glyphs, width: int
) -> list[str]:
    """Returns a line for each step, and under it the variables that it changed."""
    lines = []
    for index, step in enumerate(trace.steps):
        if index and trace.loop == index - 1:
            lines.append(f"{glyphs.loop} from here on, for ever")
        arguments = ", ".join(map(str, step.arguments))
        told = f"{step.action}({arguments})" if index else "the initial world"
        first, *others = wrapped(told, width, 6, 8)
        lines += [f"{index:4}{first[4:]}", *others]
        for each in differences(trace.steps[index - 1].world, step.world) if index else ():
            lines += wrapped(_change(each, glyphs), width, 8, 12)
        for text in marks.get(index, ()):
            lines += wrapped(f"{glyphs.broken} {text}", width, 6, 8)
    if trace.loop is not None:
        lines.append(again(trace, glyphs))
    return [*lines, *(ending.lines(glyphs, width) if ending else [])]


def _change(difference: Difference, glyphs: Glyphs) -> str:
    """Returns a change in words: what a set gains and loses, and of anything else both values."""
    one, other = difference.one, difference.other
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        changes = [f"{sign} {shown(part)}" for sign, part in (("-", one - other), ("+", other - one)) if part]
        return f"{difference.place}: {', '.join(changes)}"
    return f"{difference.place}: {shown(one)} {glyphs.sends} {shown(other)}"
