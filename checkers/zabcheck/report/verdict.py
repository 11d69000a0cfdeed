"""Puts a verdict in words: what was proved within which bounds, or what went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from zabcheck.explorer.model import Model, Property
from zabcheck.explorer.options import Options, uses_symmetry
from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.report.progress import megabytes, seconds
from zabcheck.report.width import WIDTH, wrapped


def in_words(verdict: Verdict, model: Model, options: Options, title: str, width: int = WIDTH) -> list[str]:
    """Returns the lines that are printed at the end of a search.

    Args:
        verdict: what the search found.
        model: what was explored, with the properties that were checked.
        options: how it was explored.
        title: what was explored, and the bounds, in words.
        width: columns of the page; no line is longer.
    """
    tell = {
        Outcome.PASSED: _passed,
        Outcome.VIOLATED: _violated,
        Outcome.VACUOUS: _vacuous,
        Outcome.OUT_OF_BUDGET: _out_of_budget,
    }[verdict.outcome]
    return _laid_out(verdict, title, [*tell(verdict, model, options), _cost(verdict.counts)], width)


def liveness_in_words(verdict: Verdict, title: str, width: int = WIDTH) -> list[str]:
    """Returns the lines that are printed at the end of a search for a fair run that violates something.

    Args:
        verdict: what the search found.
        title: what was explored, and the bounds, in words.
        width: columns of the page; no line is longer.
    """
    counts = verdict.counts
    told = {
        Outcome.PASSED: [
            f"Held in every fair run through the {counts.distinct:,} states within these bounds: "
            f"{', '.join(verdict.checked)}.",
            "A violation would be a run without end, in which every fair step has its turn and one of these "
            "never comes about; it would be drawn here and kept as a trace.",
        ],
        Outcome.VIOLATED: [f"{verdict.property} is violated by a fair run, {verdict.note}."],
        Outcome.VACUOUS: [f"{verdict.property} proves nothing: {verdict.note}."],
        Outcome.OUT_OF_BUDGET: [f"Undecided: {verdict.note}."],
    }[verdict.outcome]
    if verdict.outcome != Outcome.OUT_OF_BUDGET:
        told.append(f"{counts.distinct:,} states, {counts.generated - 1:,} steps between them")
    return _laid_out(verdict, title, told, width)


def _laid_out(verdict: Verdict, title: str, told: Sequence[str], width: int) -> list[str]:
    heading = verdict.outcome.name.replace("_", " ")
    paragraphs = [line for paragraph in told for line in wrapped(paragraph, width, 2, 4)]
    return [*wrapped(f"{heading}: {title}", width, hanging=2), *paragraphs]


def _passed(verdict: Verdict, model: Model, options: Options) -> list[str]:
    counts = verdict.counts
    lines = [
        f"Every state within these bounds was explored: {counts.distinct:,} distinct states"
        f"{_up_to(model, options)}, {counts.generated:,} generated, depth {counts.depth}."
    ]
    if model.always:
        lines.append(f"Held in every state: {_names(model.always)}.")
    if model.every_step:
        lines.append(f"Held on every step: {_names(model.every_step)}.")
    if model.sometimes:
        lines.append(f"Reached, so the properties had a chance to fail: {_names(model.sometimes)}.")
    lines.append("A violation would be drawn here, with the run that leads to it, and kept as a trace.")
    if verdict.note:
        lines.append(f"{verdict.note[0].upper()}{verdict.note[1:]}.")
    return lines


def _violated(verdict: Verdict, _: Model, options: Options) -> list[str]:
    steps = len(verdict.trace.steps) - 1 if verdict.trace is not None else 0
    shortest = ", and no shorter run does it" if options.kind == "bfs" and not options.reduce else ""
    note = f" ({verdict.note})" if verdict.note else ""
    return [f"{verdict.property} is violated after {steps} step{'s' * (steps != 1)}{shortest}{note}."]


def _vacuous(verdict: Verdict, model: Model, options: Options) -> list[str]:
    return [
        f"Nothing was violated in {verdict.counts.distinct:,} distinct states{_up_to(model, options)}, all "
        f"there are within these bounds; but {verdict.property} was never reached, so this proves little.",
        *(f"{each.name}: {each.sentence}" for each in model.sometimes if each.name == verdict.property),
        "Explore it with larger bounds, or check only the properties of interest.",
    ]


def _out_of_budget(verdict: Verdict, _: Model, __: Options) -> list[str]:
    counts = verdict.counts
    return [
        f"Undecided: {verdict.note or 'the search ended early'}.",
        f"Nothing was violated in the {counts.distinct:,} distinct states found so far "
        f"({counts.generated:,} generated, depth {counts.depth}, {counts.frontier:,} still to go)."
        if counts.distinct
        else f"Nothing was violated in {counts.generated:,} steps, the longest run {counts.depth} states.",
    ]


def _up_to(model: Model, options: Options) -> str:
    told = []
    if uses_symmetry(model, options):
        told.append(f"up to the names of the {model.who_plural}")
    if options.reduce:
        told.append("up to the order of steps that commute")
    return f" {' and '.join(told)}" if told else ""


def _names(properties: Sequence[Property]) -> str:
    return ", ".join(each.name for each in properties)


def _cost(counts: Counts) -> str:
    rate = (
        f", {counts.distinct / counts.seconds:,.0f} states a second"
        if counts.seconds and counts.distinct
        else ""
    )
    return f"{seconds(counts.seconds)}{rate}, {megabytes(counts.memory)}"
