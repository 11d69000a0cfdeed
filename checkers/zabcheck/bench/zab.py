"""The speed of the explorer on ZAB 1.0, beside the plain search: `make bench ARGS=zab`.

The plain search (`zabcheck.explorer.plain`) runs the spec's code for every step. Tests compare the explorer
with it, so both must count the same states.
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from zabcheck.explorer import plain
from zabcheck.explorer.limits import resident_memory
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Verdict
from zabcheck.models.registry import Instance, build
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.instances import HELD

MEASURED = (
    Bounds(2, 2, 1, 1, epochs=3),
    Bounds(3, 2, 0, 0, epochs=1),
    Bounds(3, 1, 1, 0, epochs=2),
    Bounds(3, 1, 0, 1, epochs=2),
)
SLOW = 25_000
"""The plain search is left out for instances with more states than this: it would take minutes."""

HEADINGS = (
    "servers, txns,\ntimeouts, restarts",
    *("epochs", "verdict", "distinct", "generated", "depth", "time", "memory"),
    *("states/s", "without\nrefinement", "plain\nsearch", "ratio"),
)


def zab(console: Console) -> Table:
    """Measures distinct states a second, with symmetry, in one process."""
    table = Table(title="ZAB 1.0: every property checked, symmetry on, one process")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for bounds in MEASURED:
        name = f"({bounds.servers},{bounds.transactions},{bounds.timeouts},{bounds.restarts})"
        console.print(f"[dim]{name}[/dim]", highlight=False)
        table.add_row(name, *row(bounds))
    return table


def row(bounds: Bounds, slow: int = SLOW) -> tuple[str, ...]:
    """Measures one instance, and returns the cells of its row.

    Args:
        bounds: of the instance.
        slow: the plain search is left out if there are more states.

    Raises:
        SystemExit: the plain search counts other states.
    """
    most = 0

    def watch(_: Counts) -> None:
        nonlocal most
        most = max(most, resident_memory())

    verdict = search(build(Instance("zab", bounds, properties=HELD)), Options(), watch)
    found = verdict.counts
    unrefined = tuple(name for name in HELD if name != "refines_broadcast")
    faster = search(build(Instance("zab", bounds, properties=unrefined)), Options())
    beside: tuple[str, ...] = ("", "")
    if found.distinct <= slow:
        slowly = plain.breadth_first(build(Instance("zab", bounds, properties=HELD)), Options())
        if _counts(slowly) != _counts(verdict):
            raise SystemExit(f"{bounds}: the plain search counts {_counts(slowly)}, not {_counts(verdict)}")
        beside = (f"{_rate(slowly):,.0f}", f"{_rate(verdict) / _rate(slowly):.1f}")
    return (
        *(str(bounds.epochs), verdict.outcome.name, f"{found.distinct:,}", f"{found.generated:,}"),
        *(str(found.depth), f"{found.seconds:,.0f} s", f"{max(most, found.memory) / 1e6:,.0f} MB"),
        *(f"{_rate(verdict):,.0f}", f"{_rate(faster):,.0f}", *beside),
    )


def _counts(verdict: Verdict) -> tuple[int, int, int]:
    return verdict.counts.distinct, verdict.counts.generated, verdict.counts.depth


def _rate(verdict: Verdict) -> float:
    return verdict.counts.distinct / verdict.counts.seconds
