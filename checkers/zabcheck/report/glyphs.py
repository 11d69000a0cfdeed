"""The characters that runs are drawn with, in Unicode and in plain ASCII."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from zabcheck.models.drawing import Line


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that lines and arrows are drawn with.

    Attributes:
        lines: a column's line, by its kind.
        crossings: where an arrow crosses a column's line.
        shaft: the shaft of an arrow.
        right: the head of an arrow to the right.
        left: the head of an arrow to the left.
        event: a step in a column.
        dash: a line across the page.
        broken: a crash, a closed connection, a violation.
        good: a property that is reached.
        sends: before the receiver of a message that is sent.
        receives: before the sender of a message that is received.
        loop: where a run without end starts again.
    """

    lines: Mapping[Line, str]
    crossings: Mapping[Line, str]
    shaft: str
    right: str
    left: str
    event: str
    dash: str
    broken: str
    good: str
    sends: str
    receives: str
    loop: str


UNICODE = Glyphs(
    lines={Line.DOTTED: "┊", Line.THIN: "│", Line.HEAVY: "┃", Line.FAINT: "·"},
    crossings={Line.DOTTED: "┼", Line.THIN: "┼", Line.HEAVY: "╂", Line.FAINT: "─"},
    shaft="─",
    right="▶",
    left="◀",
    event="●",
    dash="╌",
    broken="✗",
    good="✓",
    sends="→",
    receives="←",
    loop="↺",
)
ASCII = Glyphs(
    lines={Line.DOTTED: ":", Line.THIN: "|", Line.HEAVY: "#", Line.FAINT: "."},
    crossings={Line.DOTTED: "+", Line.THIN: "+", Line.HEAVY: "#", Line.FAINT: "-"},
    shaft="-",
    right=">",
    left="<",
    event="*",
    dash="-",
    broken="X",
    good="+",
    sends="->",
    receives="<-",
    loop="^",
)


def is_ascii_only(stream: TextIO) -> bool:
    """True if a stream cannot show the Unicode characters of a diagram."""
    drawn = (*UNICODE.lines.values(), *UNICODE.crossings.values(), UNICODE.shaft, UNICODE.right, UNICODE.left)
    marks = (UNICODE.event, UNICODE.dash, UNICODE.broken, UNICODE.good, UNICODE.sends, UNICODE.receives)
    try:
        "".join((*drawn, *marks, UNICODE.loop)).encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False
