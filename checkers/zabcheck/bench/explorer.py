"""Speed, memory and depth of the explorer, and what its reductions save.

The speed is measured on the parity instance, which has exactly the states that TLC finds for `Zab.tla`, with
the properties that stand for the ten invariants of `Zab.tla`. TLC runs beside it if it is there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from zabcheck.bench.tlc import Measured, Tlc, name_of
from zabcheck.explorer.limits import resident_memory
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.registry import Instance, build
from zabcheck.models.zab.instances import EXPLORED, instance

INVARIANTS = (
    *("phase_is_expected", "proposal_fits", "commit_fits", "acknowledgement_fits", "message_is_legal"),
    *("one_leader_in_an_epoch", "epoch_is_promised", "epoch_is_new", "prefix_consistency"),
    *("delivery_after_logging", "broadcast_before_logging", "agreement", "total_order"),
    *("local_primary_order", "global_primary_order", "primary_integrity"),
)
"""The properties that stand for the ten invariants of `Zab.tla`, ShouldNotBeTriggered first."""


SPEED = (
    (Bounds(2, 2, 2, 0), True),
    (Bounds(2, 2, 2, 1), True),
    (Bounds(3, 2, 1, 0), True),
    (Bounds(3, 2, 1, 0), False),
    (Bounds(3, 2, 0, 1), True),
)
DEPTH = (Bounds(3, 2, 2, 1), Bounds(3, 2, 1, 2), Bounds(4, 2, 2, 0), Bounds(3, 2, 2, 2), Bounds(3, 3, 2, 1))
MEMORY = Bounds(3, 3, 2, 2)
REDUCED = (Bounds(2, 2, 2, 0), Bounds(3, 2, 1, 0), Bounds(3, 2, 0, 1))
TEN_MILLION = 10_000_000


def speed(console: Console, tlc: Tlc | None = None) -> Table:
    """Measures distinct states a second, on the states of `Zab.tla`.

    Args:
        console: where progress is shown.
        tlc: what to run beside; None for nothing.

    Raises:
        SystemExit: TLC counts other states.
    """
    beside = f"TLC, {tlc.workers} worker{'s' * (tlc.workers > 1)}" if tlc else "TLC"
    table = Table(title="Speed: the parity instance, with the properties that stand for Zab.tla's invariants")
    for heading in ("servers, txns,\ntimeouts, restarts", "symmetry", "distinct", "generated", "depth"):
        table.add_column(heading, justify="right")
    for heading in ("one process", "two", beside, "ratio,\none process", "two"):
        table.add_column(f"{heading}\nstates/s" if "ratio" not in heading else heading, justify="right")
    for bounds, symmetry in SPEED:
        console.print(f"[dim]{name_of(bounds)}[/dim]", highlight=False)
        instance = Instance(bounds=replace(bounds, bookkeeping=True), properties=INVARIANTS)
        ours, both = (
            measured(search(build(instance), Options(symmetry=symmetry, workers=workers)))
            for workers in (1, 2)
        )
        theirs = tlc.run(bounds, symmetry=symmetry) if tlc else None
        if theirs is not None and counts(theirs) != counts(ours):
            raise SystemExit(f"{name_of(bounds)}: TLC counts {counts(theirs)}, we {counts(ours)}")
        ratios = (f"{each.rate / theirs.rate:.1f}" if theirs else "" for each in (ours, both))
        table.add_row(
            *(name_of(bounds), "yes" if symmetry else "no", *(f"{count:,}" for count in counts(ours))),
            *(f"{each.rate:,.0f}" if each else "" for each in (ours, both, theirs)),
            *ratios,
        )
    return table


def depth(console: Console) -> Table:
    """Explores the spec without `Zab.tla`'s bookkeeping, with every property and the refinement checked."""
    table = Table(title="Depth: every property checked, symmetry on, two processes")
    for heading in (
        "servers, txns,\ntimeouts, restarts",
        "verdict",
        "distinct",
        "generated",
        "depth",
        "time",
        "memory",
    ):
        table.add_column(heading, justify="right")
    for bounds in DEPTH:
        console.print(f"[dim]{name_of(bounds)}[/dim]", highlight=False)
        verdict = search(build(Instance(bounds=bounds)), Options(workers=2))
        found = verdict.counts
        table.add_row(
            *(name_of(bounds), verdict.outcome.name, f"{found.distinct:,}", f"{found.generated:,}"),
            *(str(found.depth), f"{found.seconds:,.0f} s", f"{found.memory / 1e6:,.0f} MB"),
        )
    return table


def memory(console: Console) -> Table:
    """Measures the memory that a state takes at ten million states: all that the search has allocated."""
    began = resident_memory()
    most = 0

    def watch(seen: object) -> None:
        nonlocal most
        most = max(most, resident_memory())

    console.print(f"[dim]{name_of(MEMORY)}, to ten million states[/dim]", highlight=False)
    model = build(Instance(bounds=MEMORY))
    verdict = search(model, Options(max_states=TEN_MILLION), watch)
    found = verdict.counts
    most = max(most, found.memory)
    table = Table(title="Memory: every property checked, one process")
    for heading in (
        "servers, txns,\ntimeouts, restarts",
        "distinct",
        "at the most",
        "bytes a state",
        "states/s",
    ):
        table.add_column(heading, justify="right")
    table.add_row(
        *(name_of(MEMORY), f"{found.distinct:,}", f"{most / 1e6:,.0f} MB"),
        *(f"{(most - began) / found.distinct:.0f}", f"{found.distinct / found.seconds:,.0f}"),
    )
    return table


def reductions(console: Console) -> Table:
    """Counts the distinct states with each reduction. Partial order depends on what the properties read."""
    table = Table(title="Reductions: distinct states")
    kinds: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
        ("Zab.tla's state,\nsymmetry", {"properties": ()}, {}),  # the one with bookkeeping
        ("without book-\nkeeping or symmetry", {"properties": ()}, {"symmetry": False}),
        ("no bookkeeping,\nsymmetry", {"properties": ()}, {}),
        ("partial order,\nno property", {"properties": ()}, {"reduce": True}),
        ("partial order,\nprefix_\nconsistency", {"properties": ("prefix_consistency",)}, {"reduce": True}),
        ("partial order,\nevery property", {}, {"reduce": True}),
    )
    for heading in ("servers, txns,\ntimeouts, restarts", *(name for name, _, _ in kinds)):
        table.add_column(heading, justify="right")
    for bounds in REDUCED:
        console.print(f"[dim]{name_of(bounds)}[/dim]", highlight=False)
        verdicts = (
            search(build(Instance(bounds=replace(bounds, bookkeeping=not number), **asked)), Options(**how))
            for number, (_, asked, how) in enumerate(kinds)
        )
        table.add_row(name_of(bounds), *(f"{measured(verdict).distinct:,}" for verdict in verdicts))
    return table


def faults(console: Console) -> Table:
    """Explores ZAB 1.0 with crashes and partitions to the end, with every property and the refinement.

    Raises:
        SystemExit: the counts differ from those that the tests pin.
    """
    table = Table(title="Faults: ZAB 1.0, 3 servers, 2 transactions, every property checked, symmetry on")
    for heading in ("crashes", "partitions", "epochs", "synchro-\nnization", "verdict", "distinct"):
        table.add_column(heading, justify="right")
    for heading in ("generated", "depth", "time", "memory"):
        table.add_column(heading, justify="right")
    for bounds, pinned in EXPLORED.items():
        most = 0

        def watch(_: Counts) -> None:
            nonlocal most
            most = max(most, resident_memory())

        verdict = search(build(instance(bounds)), Options(), watch)
        found = verdict.counts
        if (found.distinct, found.generated, found.depth) != pinned:
            raise SystemExit(f"{bounds}: {found}, and not {pinned} as pinned")
        row = (
            *(str(bounds.restarts), str(bounds.partitions), str(bounds.epochs)),
            *(bounds.synchronization, verdict.outcome.name),
            *(f"{found.distinct:,}", f"{found.generated:,}", str(found.depth)),
            *(f"{found.seconds:,.0f} s", f"{max(most, found.memory) / 1e6:,.0f} MB"),
        )
        console.print(f"[dim]{' | '.join(row)}[/dim]", highlight=False)
        table.add_row(*row)
    return table


def counts(found: Measured) -> tuple[int, int, int]:
    """Returns the counts that the explorer and TLC must agree on."""
    return found.distinct, found.generated, found.depth


def measured(verdict: Verdict) -> Measured:
    """Returns the counts of a search.

    Raises:
        SystemExit: the search has not passed.
    """
    if verdict.outcome != Outcome.PASSED:
        raise SystemExit(f"{verdict.outcome.name}: {verdict.property} {verdict.note}")
    found = verdict.counts
    return Measured(found.distinct, found.generated, found.depth, found.seconds)
