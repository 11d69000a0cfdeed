"""What stands below the picture of a run: what the run shows, and why that is so."""

from __future__ import annotations

from dataclasses import dataclass

from zabcheck.report.glyphs import Glyphs
from zabcheck.report.width import WIDTH, fitted, paragraphs, wrapped


@dataclass(frozen=True, slots=True)
class Ending:
    """What a run shows.

    Attributes:
        text: `prefix_consistency is violated`.
        sentence: what the property says.
        servers: the servers for which the property is violated or reached; empty for a property of the whole.
        is_good: whether the run reaches something, rather than violates it.
        who: what `servers` are called, if they are not servers.
        reasons: why the property is violated, line by line; a line that begins with blanks belongs to the
            last one that does not.
    """

    text: str
    sentence: str = ""
    servers: tuple[int, ...] = ()
    is_good: bool = False
    who: str = "server"
    reasons: tuple[str, ...] = ()

    def lines(self, glyphs: Glyphs, width: int = WIDTH) -> list[str]:
        """Returns the last lines of a picture, of at most `width` columns."""
        where = " and ".join(f"{self.who} {sid}" for sid in self.servers)
        mark = glyphs.good if self.is_good else glyphs.broken
        lines = ["", *wrapped(f"{mark} {self.text}{f', at {where}' if where else ''}", width, hanging=4)]
        lines += paragraphs(self.sentence, width, indent=2)
        return [*lines, *fitted([f"  {reason}" for reason in self.reasons], width)]
