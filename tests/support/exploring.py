"""What the exhaustive tests share: one search to its end, and what there is to say about it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from zabcheck.cli.check import picture_of
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.models.registry import Instance, build, in_words
from zabcheck.report import verdict as report
from zabcheck.report.progress import seconds
from zabcheck.traces.files import Expect, save

WORKERS = 2
NUMBERS = ("servers", "transactions", "timeouts", "restarts")


@dataclass(frozen=True, slots=True)
class Explored:
    """An instance, how it was explored and what came of it."""

    instance: Instance
    options: Options
    verdict: Verdict

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many states: distinct, generated, depth."""
        counts = self.verdict.counts
        return counts.distinct, counts.generated, counts.depth

    @property
    def title(self) -> str:
        """The instance with its bounds, in words."""
        told = in_words(self.instance)
        return f"{told}, without symmetry" if self.options.symmetry is False else told

    @property
    def line(self) -> str:
        """What was proved, in one line."""
        counts = self.verdict.counts
        return (
            f"{self.verdict.outcome.name}  {self.title}: {counts.distinct:,} distinct states, "
            f"{counts.generated:,} generated, depth {counts.depth}; {seconds(counts.seconds)}"
        )

    def failure(self, directory: Path) -> str:
        """What to show of a search that did not pass: the run that shows why, and where it is kept."""
        model = build(self.instance)
        lines = report.in_words(self.verdict, model, self.options, self.title)
        trace = self.verdict.trace
        if trace is not None:
            lines = [picture_of(model, trace, Expect.VIOLATED), "", *lines]
            lines.append(f"  zab replay {save(trace, directory)}")
        return "\n".join(lines)


def short(bounds: Any) -> str:
    """Returns bounds as an id for pytest: `3-2-1-0`, and what is out of the ordinary."""
    words = [str(getattr(bounds, name)) for name in NUMBERS]
    for each in fields(bounds):
        value = getattr(bounds, each.name)
        if each.name not in NUMBERS and value != each.default:
            words.append(each.name if value is True else f"{each.name}{value}")
    return "-".join(words)


def explored(
    instance: Instance, progress: Callable[[Counts], None] | None = None, *, symmetry: bool | None = None
) -> Explored:
    """Explores an instance to its end."""
    options = Options(symmetry=symmetry, workers=WORKERS, trusted=True)  # smaller bounds are searched without
    return Explored(instance, options, search(build(instance), options, progress))


def check_passed(found: Explored, directory: Path) -> None:
    """Fails with the run that shows why, unless all was explored and all held."""
    if found.verdict.outcome != Outcome.PASSED:
        raise AssertionError(found.failure(directory))


def tell(proved: Callable[[str], None], text: str, indent: str = "") -> None:
    """Has a sentence shown when all tests have run, in lines that fit."""
    for line in textwrap.wrap(text, 99, initial_indent=indent, subsequent_indent=f"{indent}  "):
        proved(line)
