"""What the exhaustive tests share: one search to its end, and what there is to say about it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zabcheck.cli.check import in_words, picture_of
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.models.bounds import Bounds
from zabcheck.models.instances import Instance, build
from zabcheck.report import verdict as report
from zabcheck.report.progress import seconds
from zabcheck.traces.files import Expect, save

WORKERS = 2


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
        bounds = self.instance.bounds
        told = [in_words(self.instance)]
        if bounds.numbered and not self.instance.bookkeeping:
            told.append("each request with a value of its own")
        if bounds.restart_needs_timeout:
            told.append("a restart only while a timeout is left")
        if self.options.symmetry is False:
            told.append("without symmetry")
        return ", ".join(told)

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


def short(bounds: Bounds) -> str:
    """Bounds as an id for pytest: `3-2-1-0`, and what is out of the ordinary."""
    told = [bounds.servers, bounds.transactions, bounds.timeouts, bounds.restarts]
    words = [*map(str, told), *([] if bounds.epochs is None else [f"epochs{bounds.epochs}"])]
    words += [f"partitions{bounds.partitions}"] if bounds.partitions else []
    words += [name for name in ("numbered", "restart_needs_timeout", "give_up") if getattr(bounds, name)]
    return "-".join(words)


def explored(
    instance: Instance, progress: Callable[[Counts], None] | None = None, *, symmetry: bool | None = None
) -> Explored:
    """Explores an instance to its end."""
    options = Options(symmetry=symmetry, workers=WORKERS)
    return Explored(instance, options, search(build(instance), options, progress))


def check_passed(found: Explored, directory: Path) -> None:
    """Fails with the run that shows why, unless all was explored and all held."""
    if found.verdict.outcome != Outcome.PASSED:
        raise AssertionError(found.failure(directory))


def tell(proved: Callable[[str], None], text: str, indent: str = "") -> None:
    """Has a sentence shown when all tests have run, in lines that fit."""
    for line in textwrap.wrap(text, 99, initial_indent=indent, subsequent_indent=f"{indent}  "):
        proved(line)
