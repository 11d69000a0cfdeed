"""A run as a space-time diagram in plain text: a column for each server, time downwards.

A message is an arrow, drawn where it is received; `@7` says that step 7 sent it. The text of a message stands
on its arrow, or beside the receiver where the arrow is too short. The line under the name of a server shows
its role, as the legend has it; beside the line stands what changed.

What is the same for all specs of servers and channels is here; what they call things is said by the spec's
words: see `zabcheck.models.drawing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from zabcheck.explorer.verdicts import Trace
from zabcheck.models.drawing import Line, Words
from zabcheck.report.ending import Ending
from zabcheck.report.glyphs import Glyphs
from zabcheck.report.happenings import Flight, Happening, happenings, protocol_of
from zabcheck.report.page import MARGIN, Page
from zabcheck.report.width import fitted, packed


def spacetime(
    trace: Trace, words: Words, ending: Ending | None, marks: Mapping[int, Sequence[str]], page: Page
) -> list[str]:
    """Draws a run.

    Args:
        trace: the run, as it is drawn.
        words: the words for it.
        ending: what the run shows; stands at the end.
        marks: by the number of a step, what went wrong with it; stands below the step.
        page: an empty page to draw on.

    Returns:
        The lines of the diagram, none longer than the page is wide.
    """
    states = [protocol_of(step.world) for step in trace.steps]
    happened, left = happenings(trace, words)
    _head(page, states[0], words)
    for happening in happened:
        if trace.loop is not None and happening.number == trace.loop + 1:
            page.lines.append(f"{page.glyphs.loop} from here on, for ever")
        _draw(page, happening, words)
        page.lines += [line for text in marks.get(happening.number, ()) for line in page.bar(text)]
    _foot(page, states[-1], words, left)
    if trace.loop is not None:
        page.lines.append(again(trace, page.glyphs))
    above = [*_legend(page, words), *page.legend(), ""]
    return [*above, *page.lines, *(ending.lines(page.glyphs, page.width) if ending else [])]


def again(trace: Trace, glyphs: Glyphs) -> str:
    """Returns the line that says how a run without end goes on."""
    assert trace.loop is not None
    if trace.loop == len(trace.steps) - 1:
        return f"{glyphs.loop} and so it stays for ever"
    return f"{glyphs.loop} and again from step {trace.loop + 1}"


def _legend(page: Page, words: Words) -> list[str]:
    lines = [f"{page.glyphs.lines[line]} {told}" for line, told in words.legend.items()]
    told = [*lines[:-1], f"{lines[-1]};", f"{words.notation};", "@7: sent in step 7"]
    return fitted(packed(told, page.width, "  "), page.width)


def _head(page: Page, state: Any, words: Words) -> None:
    """Draws the names of the columns, and the state of each server at the beginning."""
    names = (page.abbreviated(name).ljust(page.step) for name in page.names)
    page.lines.append(f"{'step':{MARGIN}}{''.join(names)}".rstrip())
    _standing(page, words.lines(state), [words.standing(part) for part in words.parts(state)], "0")


def _foot(page: Page, state: Any, words: Words, left: Sequence[Flight]) -> None:
    """Draws the state of each server at the end, and the messages in flight to it."""
    told = [words.standing(part) for part in words.parts(state)]
    for flight in left:
        told[flight.receiver].append(f"to come: {words.message(flight.message)} @{flight.sent}")
    _standing(page, words.lines(state), told, "end")


def _standing(page: Page, lines: Sequence[Line], told: Sequence[Sequence[str]], label: str) -> None:
    fitted = page.fitted(told)
    for index in range(max(map(len, fitted))):
        page.add(page.row(lines, label if index == 0 else ""), [each[index : index + 1] for each in fitted])


def _draw(page: Page, happening: Happening, words: Words) -> None:
    """Draws one step: an arrow if a message is received, and what changed."""
    step = happening.step
    was, now = words.lines(protocol_of(happening.before)), words.lines(protocol_of(step.world))
    told = _told(page, happening, words)
    cells = page.row(was, str(happening.number))
    covered: range = range(0)
    if happening.received is not None:
        covered = _arrow(page, cells, happening.received, was)
        text = f"{words.message(happening.received.message)} @{happening.received.sent}"
        if not _is_labelled(page, cells, happening.received, text):
            sender = _called(page, happening.received.sender, words)
            message = words.message(happening.received.message)
            told[happening.received.receiver].insert(0, f"{page.glyphs.receives} {sender}: {message}")
    elif step.action in words.severing:
        covered = _broken(page, cells, step.arguments)
    else:
        is_broken = step.action in words.breaking
        cells[page.at[words.actor(step)]] = page.glyphs.broken if is_broken else page.glyphs.event
    fitted = page.fitted(told)
    first = [[] if column in covered else lines[:1] for column, lines in enumerate(fitted)]
    page.add(cells, first)
    rest = [lines[len(done) :] for lines, done in zip(fitted, first, strict=True)]
    for index in range(max(map(len, rest))):
        page.add(page.row(now), [lines[index : index + 1] for lines in rest])


def _told(page: Page, happening: Happening, words: Words) -> list[list[str]]:
    """Returns the texts beside each server: what it did, what changed, what it sent, what was lost."""
    before, after = protocol_of(happening.before), protocol_of(happening.step.world)
    told = [
        page.packed(words.changes(*pair))
        for pair in zip(words.parts(before), words.parts(after), strict=True)
    ]
    actor = words.actor(happening.step)
    is_seen = happening.received is not None or bool(happening.sent)
    told[actor][:0] = words.deed(happening.step, is_seen=is_seen)
    for message, flights in groupby(happening.sent, key=lambda flight: flight.message):
        receivers = " ".join(_called(page, flight.receiver, words) for flight in flights)
        told[actor].append(f"{page.glyphs.sends} {receivers}: {words.message(message)}")
    for flight in happening.lost:
        told[flight.receiver].append(f"lost: {words.message(flight.message)} @{flight.sent}")
    return told


def _called(page: Page, column: int, words: Words) -> str:
    return str(column) if words.is_numbered else page.names[column]


def _arrow(page: Page, cells: list[str], flight: Flight, lines: Sequence[Line]) -> range:
    """Draws an arrow into a row; returns the columns whose text it covers."""
    glyphs, start, end = page.glyphs, page.at[flight.sender], page.at[flight.receiver]
    low, high = sorted((flight.sender, flight.receiver))
    for place in range(page.at[low] + 1, page.at[high]):
        cells[place] = glyphs.shaft
    for column in range(low + 1, high):
        cells[page.at[column]] = glyphs.crossings[lines[column]]
    cells[end + (-1 if start < end else 1)] = glyphs.right if start < end else glyphs.left
    cells[end] = glyphs.event
    return range(low, high)


def _is_labelled(page: Page, cells: list[str], flight: Flight, text: str) -> bool:
    """Writes a text, or else the step that sent the message, on an arrow; True if it is the text."""
    start = page.at[flight.sender]
    near = start + 1 if flight.sender < flight.receiver else start - page.step + 1
    if len(text) <= _label_room(page):
        _label(page, cells, near, text)
        return True
    _label(page, cells, near, f"@{flight.sent}")
    return False


def _broken(page: Page, cells: list[str], arguments: Sequence[int]) -> range:
    """Draws a connection that times out; returns the columns whose text the line covers."""
    low, high = sorted(arguments[:2])
    broken = page.glyphs.broken
    for place in range(page.at[low] + 2, page.at[high] - 1, 2):
        cells[place] = page.glyphs.shaft
    texts = (f"{broken} timeout {broken}", "timeout", broken)
    _label(page, cells, page.at[low] + 1, next(each for each in texts if len(each) <= _label_room(page)))
    return range(low, high)


def _label_room(page: Page) -> int:
    """Returns the length of the longest text on an arrow between two neighbours."""
    return page.step - 7


def _label(page: Page, cells: list[str], start: int, text: str) -> None:
    """Writes a text into the middle of the space between two lines, which begins at `start`."""
    place = start + (page.step - 1 - len(text) - 2) // 2
    cells[place : place + len(text) + 2] = f" {text} "
