"""A run as a space-time diagram in plain text: a column for each server, time downwards.

A message is an arrow, drawn where it is received; `@7` says that step 7 sent it. The line under a server's
name is heavy while it leads, thin while it follows, dotted while it looks; beside it stands what changed.

What is the same for all specs of servers and channels is here; what they call things is in `words`,
`zab_words` and `election_words`. A server that is down, or refuses to start, has hardly a line.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar, Protocol

from zabcheck.explorer.verdicts import Trace, TraceStep
from zabcheck.models.fast_election import words as election_words
from zabcheck.models.paper import words as paper_words
from zabcheck.models.service import words as service_words
from zabcheck.models.zab import words as zab_words
from zabcheck.report.happenings import Flight, Happening, happenings, protocol_of
from zabspec import fast_election, zab, zab_elected
from zabspec.fast_election.state import Mode
from zabspec.service.seen import Run
from zabspec.zab.state import Role

MARGIN = 6
"""Columns for the numbers of the steps."""

WIDTH = 99
"""Of the whole diagram with three servers; with more it is wider, so that each column can be read."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that lines are drawn with."""

    lines: dict[int, str]
    crossings: dict[int, str]
    shaft: str
    right: str
    left: str
    event: str
    dash: str
    broken: str
    good: str
    sends: str
    loop: str


UNICODE = Glyphs(
    lines={Role.LOOKING: "┊", Role.FOLLOWING: "│", Role.LEADING: "┃", Role.STOPPED: "·"},
    crossings={Role.LOOKING: "┼", Role.FOLLOWING: "┼", Role.LEADING: "╂", Role.STOPPED: "─"},
    shaft="─",
    right="▶",
    left="◀",
    event="●",
    dash="╌",
    broken="✗",
    good="✓",
    sends="→",
    loop="↺",
)
ASCII = Glyphs(
    lines={Role.LOOKING: ":", Role.FOLLOWING: "|", Role.LEADING: "#", Role.STOPPED: "."},
    crossings={Role.LOOKING: "+", Role.FOLLOWING: "+", Role.LEADING: "#", Role.STOPPED: "-"},
    shaft="-",
    right=">",
    left="<",
    event="*",
    dash="-",
    broken="X",
    good="+",
    sends="->",
    loop="^",
)


class Words(Protocol):
    """How a spec's servers, messages and actions are told in a few words; see `words.Words`."""

    notation: ClassVar[str]
    breaking: ClassVar[frozenset[str]]

    def actor(self, step: TraceStep, /) -> int:
        """The server that a step is a step of."""

    def deed(self, step: TraceStep, /, *, is_seen: bool) -> list[str]:
        """What the server did, where that is not seen otherwise."""

    def message(self, message: Any, /) -> str:
        """A message."""

    def changes(self, before: Any, after: Any, /) -> list[str]:
        """What changed in a server."""

    def standing(self, server: Any, /) -> list[str]:
        """All that matters of a server at one time."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What a run is shown for.

    Attributes:
        text: `prefix_consistency is violated`.
        sentence: what the property says.
        servers: the servers that it is about, where it is one about particular servers.
        is_good: whether it is what one hopes for.
        who: what they are called, if they are not servers.
    """

    text: str
    sentence: str = ""
    servers: tuple[int, ...] = ()
    is_good: bool = False
    who: str = "server"

    def lines(self, glyphs: Glyphs) -> list[str]:
        """The last lines of a picture."""
        where = " and ".join(f"{self.who} {sid}" for sid in self.servers)
        mark = glyphs.good if self.is_good else glyphs.broken
        lines = ["", f"{mark} {self.text}{f', at {where}' if where else ''}"]
        for paragraph in self.sentence.split("\n\n"):
            words = " ".join(paragraph.split())
            lines += textwrap.wrap(words, WIDTH - 4, initial_indent="  ", subsequent_indent="  ")
        return lines


class _Page:
    """The lines of a diagram, and where the columns are."""

    def __init__(self, names: Sequence[str], glyphs: Glyphs, least: int = 24) -> None:
        size = len(names)
        self.glyphs = glyphs
        self.names = names
        self.step = max(least, (WIDTH - MARGIN) // max(size, 2))
        self.at = [MARGIN + self.step * sid for sid in range(size)]
        self.width = MARGIN + self.step * size
        self.lines: list[str] = []

    def row(self, roles: Sequence[int], label: str = "") -> list[str]:
        """A row of cells with the servers' lines in it."""
        cells = [*f"{label:>{MARGIN - 2}}".ljust(self.width)]
        for place, role in zip(self.at, roles, strict=True):
            cells[place] = self.glyphs.lines[role]
        return cells

    def add(self, cells: list[str]) -> None:
        self.lines.append("".join(cells).rstrip())

    def bar(self, text: str) -> str:
        """A line across the page."""
        glyphs = self.glyphs
        return f"{glyphs.broken:>{MARGIN - 2}} {glyphs.dash} {text} ".ljust(self.width - 2, glyphs.dash)

    def texts(self, told: Sequence[Sequence[str]]) -> list[list[str]]:
        """What is told of each server, broken into lines that fit its column."""
        room = self.step - 3
        return [[line for each in texts for line in textwrap.wrap(each, room)] for texts in told]


def spacetime(
    trace: Trace,
    ending: Ending | None = None,
    *,
    marks: Mapping[int, Sequence[str]] | None = None,
    ascii_only: bool = False,
) -> str:
    """Draws a run of `paper`, `zab`, `zab_elected`, `fast_election` or `service`, all of `zabspec`.

    Args:
        trace: the run.
        ending: what it is shown for; it stands at the end.
        marks: by the number of a step, what went wrong with it; it stands below the step.
        ascii_only: draw with ASCII characters alone.

    Returns:
        The lines of the diagram, without a newline at the end; 99 columns wide with two or three servers.
    """
    if isinstance(protocol_of(trace.steps[0].world), Run):
        trace = service_words.viewed(trace)
    states = [protocol_of(step.world) for step in trace.steps]
    glyphs = ASCII if ascii_only else UNICODE
    words = _words_for(states)
    is_view = isinstance(states[0], service_words.View)
    page = _Page(names_of(states[0]), glyphs, 30 if is_view else 24)
    happened, left = happenings(trace)
    _head(page, states[0], words)
    for happening in happened:
        if trace.loop is not None and happening.number == trace.loop + 1:
            page.lines.append(f"{glyphs.loop} from here on, for ever")
        _draw(page, happening, words)
        page.lines += [page.bar(text) for text in (marks or {}).get(happening.number, ())]
    _foot(page, states[-1], words, left)
    if trace.loop is not None:
        page.lines.append(again(trace, glyphs))
    page.lines += ending.lines(glyphs) if ending else []
    return "\n".join(page.lines)


def roles_of(state: Any) -> list[int]:
    """What line each server has."""
    if isinstance(state, fast_election.State):
        return [_LINES[server.mode] for server in state.servers]
    if isinstance(state, zab_elected.State):
        pairs = zip(state.servers, state.election.servers, strict=True)
        return [Role.STOPPED if voting.mode == Mode.DOWN else server.role for server, voting in pairs]
    return [server.role for server in state.servers]


def servers_of(state: Any) -> Sequence[Any]:
    """The servers, with what they are in an election that goes on beside the rest."""
    if isinstance(state, zab_elected.State):
        pairs = zip(state.servers, state.election.servers, strict=True)
        return [election_words.Both(server, voting) for server, voting in pairs]
    servers: Sequence[Any] = state.servers
    return servers


def names_of(state: Any) -> Sequence[str]:
    """What stands above each column."""
    if isinstance(state, service_words.View):
        return state.names
    observers = getattr(state, "observers", ())
    return [f"{'observer' if sid in observers else 'server'} {sid}" for sid in range(len(state.servers))]


_LINES = {
    Mode.DOWN: Role.STOPPED,
    Mode.LOOKING: Role.LOOKING,
    Mode.FOLLOWING: Role.FOLLOWING,
    Mode.LEADING: Role.LEADING,
    Mode.OBSERVING: Role.FOLLOWING,
}


def _words_for(states: Sequence[Any]) -> Words:
    if isinstance(states[0], service_words.View):
        return service_words.ServiceWords()
    if isinstance(states[0], fast_election.State):
        return election_words.ElectionWords()
    if isinstance(states[0], zab_elected.State):
        return election_words.BothWords(zab_words.words_for(states))
    if isinstance(states[0], zab.State):
        return zab_words.words_for(states)
    return paper_words.words_for(states)


def again(trace: Trace, glyphs: Glyphs) -> str:
    """How a lasso goes on."""
    assert trace.loop is not None
    if trace.loop == len(trace.steps) - 1:
        return f"{glyphs.loop} and so it stays for ever"
    return f"{glyphs.loop} and again from step {trace.loop + 1}"


def _draw(page: _Page, happening: Happening, words: Words) -> None:
    """One step: an arrow if a message is received, and what changed."""
    before, after = protocol_of(happening.before), protocol_of(happening.step.world)
    was, now = roles_of(before), roles_of(after)
    told = page.texts(_told(page, happening, words))
    cells = page.row(was, str(happening.number))
    covered: range = range(0)
    if happening.received is not None:
        covered = _arrow(page, cells, happening.received, was, words)
    elif happening.step.action == "connection_times_out":
        covered = _broken(page, cells, happening.step.arguments)
    else:
        broken = happening.step.action in words.breaking
        cells[page.at[words.actor(happening.step)]] = page.glyphs.broken if broken else page.glyphs.event
    first = [[] if sid in covered else lines[:1] for sid, lines in enumerate(told)]
    _write(page, cells, first)
    rest = [lines[len(done) :] for lines, done in zip(told, first, strict=True)]
    for index in range(max(map(len, rest))):
        _write(page, page.row(now), [lines[index : index + 1] for lines in rest])


def _write(page: _Page, cells: list[str], lines: Sequence[Sequence[str]]) -> None:
    """Adds a row with at most one line of text in each column."""
    for place, texts in zip(page.at, lines, strict=True):
        for text in texts:
            cells[place + 2 : place + 2 + len(text)] = text
    page.add(cells)


def _told(page: _Page, happening: Happening, words: Words) -> list[list[str]]:
    """What is told of each server: what it did, what changed, what it sent and what it lost."""
    before, after = protocol_of(happening.before), protocol_of(happening.step.world)
    told = [
        _packed(page, words.changes(*pair))
        for pair in zip(servers_of(before), servers_of(after), strict=True)
    ]
    actor = words.actor(happening.step)
    is_seen = happening.received is not None or bool(happening.sent)
    told[actor][:0] = words.deed(happening.step, is_seen=is_seen)
    for message, flights in groupby(happening.sent, key=lambda flight: flight.message):
        receivers = " ".join(_called(page, flight.receiver) for flight in flights)
        told[actor].append(f"{page.glyphs.sends} {receivers}: {words.message(message)}")
    for flight in happening.lost:
        told[flight.receiver].append(f"lost: {words.message(flight.message)} @{flight.sent}")
    return told


def _called(page: _Page, sid: int) -> str:
    """Who a message goes to: the number alone where there are only servers."""
    return str(sid) if all("client" not in name for name in page.names) else page.names[sid]


def _packed(page: _Page, texts: Sequence[str]) -> list[str]:
    """Short texts, as many on a line as there is room for."""
    lines: list[str] = []
    for text in texts:
        if lines and len(lines[-1]) + len(text) + 2 <= page.step - 3:
            lines[-1] += f", {text}"
        else:
            lines.append(text)
    return lines


def _arrow(page: _Page, cells: list[str], flight: Flight, roles: Sequence[int], words: Words) -> range:
    """Draws a message into a row; returns the columns whose text it covers."""
    glyphs, start, end = page.glyphs, page.at[flight.sender], page.at[flight.receiver]
    low, high = sorted((flight.sender, flight.receiver))
    for place in range(page.at[low] + 1, page.at[high]):
        cells[place] = glyphs.shaft
    for sid in range(low + 1, high):
        cells[page.at[sid]] = glyphs.crossings[roles[sid]]
    near = start + 1 if start < end else start - page.step + 1
    _label(page, cells, near, f"{words.message(flight.message)} @{flight.sent}")
    cells[end + (-1 if start < end else 1)] = glyphs.right if start < end else glyphs.left
    cells[end] = glyphs.event
    return range(low, high)


def _broken(page: _Page, cells: list[str], arguments: Sequence[int]) -> range:
    """Draws a connection that times out; returns the columns whose text it covers."""
    low, high = sorted(arguments[:2])
    for place in range(page.at[low] + 2, page.at[high] - 1, 2):
        cells[place] = page.glyphs.shaft
    _label(page, cells, page.at[low] + 1, f"{page.glyphs.broken} timeout {page.glyphs.broken}")
    return range(low, high)


def _label(page: _Page, cells: list[str], start: int, text: str) -> None:
    """Writes into the middle of the space between two lines."""
    room = page.step - 7
    text = text if len(text) <= room else f"{text[: room - 2]}.."
    place = start + (page.step - 1 - len(text) - 2) // 2
    cells[place : place + len(text) + 2] = f" {text} "


def _head(page: _Page, state: Any, words: Words) -> None:
    lines = page.glyphs.lines
    told_of = ("leads", "follows", "looks")
    if isinstance(state, service_words.View):
        told_of = ("server", "client", "client without a connection")
    roles_told = zip((Role.LEADING, Role.FOLLOWING, Role.LOOKING), told_of, strict=True)
    legend = "  ".join(f"{lines[role]} {told}" for role, told in roles_told)
    page.lines += [f"{legend};  {words.notation};  @7: sent in step 7", ""]
    cells = [*"step".ljust(page.width)]
    for name, place in zip(page.names, page.at, strict=True):
        cells[place : place + len(name)] = name
    page.add(cells)
    roles = roles_of(state)
    told = page.texts([words.standing(server) for server in servers_of(state)])
    for index in range(max(map(len, told))):
        _write(page, page.row(roles, "0" if index == 0 else ""), [lines[index : index + 1] for lines in told])


def _foot(page: _Page, state: Any, words: Words, left: Sequence[Flight]) -> None:
    """How all servers stand in the end, and what is on its way to them."""
    roles = roles_of(state)
    told = [words.standing(server) for server in servers_of(state)]
    for flight in left:
        told[flight.receiver].append(f"to come: {words.message(flight.message)} @{flight.sent}")
    lines = page.texts(told)
    for index in range(max(map(len, lines))):
        label = "end" if index == 0 else ""
        _write(page, page.row(roles, label), [each[index : index + 1] for each in lines])
