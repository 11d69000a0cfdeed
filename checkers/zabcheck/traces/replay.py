"""Runs a trace again with today's spec: where it first differs, and what is violated where.

Every step of the trace is taken again from the world before it. The run goes on as long as each step is
enabled and leads to the world in the trace; the properties are checked on every world and step on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any

from zabcheck.explorer.loops import broken_by
from zabcheck.explorer.model import Model, Property, Step
from zabcheck.explorer.verdicts import Trace, TraceStep
from zabcheck.models.explanation import explanation
from zabcheck.report.ending import Ending
from zabcheck.traces.differences import Difference, differences, shown
from zabcheck.traces.files import Expect


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a run first differs from the trace.

    Attributes:
        index: the index of the step in the trace; 0 is the initial world.
        label: the action and its arguments: `leader_processes_ack(0, 1)`.
        reason: what is different, in words.
        variables: the variables that differ, with the trace's value and today's.
    """

    index: int
    label: str
    reason: str
    variables: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A property that a run begins to violate, or a `sometimes` that it reaches for the first time.

    Attributes:
        index: the index of the step at which this begins; one more than the last index for a liveness
            property, which the loop of a lasso violates.
        expect: whether the property is violated or reached.
        property: the name of the property.
        sentence: what the property says.
        servers: the servers for which the property is violated or reached; empty for a property of the whole.
        who: what `servers` are called, if they are not servers.
        reasons: why the property is violated, line by line, if it can say so.
    """

    index: int
    expect: Expect
    property: str
    sentence: str
    servers: tuple[int, ...]
    who: str = "server"
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """The result of running a trace again.

    Attributes:
        trace: the trace.
        expect: what the trace must end with.
        departure: where the run first differs from the trace; None if it is the same to the end.
        findings: the properties violated or reached, in the order of the steps.
    """

    trace: Trace
    expect: Expect
    departure: Departure | None
    findings: tuple[Finding, ...]

    @property
    def confirmation(self) -> Finding | None:
        """The finding for the sake of which the trace is kept; None if the run does not show it."""
        last = len(self.trace.steps) - (1 if self.trace.loop is None else 0)
        for each in self.findings:
            is_asked = each.property == self.trace.property and each.expect == self.expect
            if is_asked and (each.index == last or each.expect == Expect.REACHED):
                return each
        return None

    @property
    def is_as_expected(self) -> bool:
        """True if the run is the same to the end and ends as the trace says."""
        return self.departure is None and self.confirmation is not None


def replay(model: Model, trace: Trace, expect: Expect) -> Replay:
    """Runs a trace again.

    Args:
        model: the model built from the trace's settings with today's spec.
        trace: the trace.
        expect: what the trace must end with.
    """
    properties = _Properties(model)
    world = model.initial
    departure = _compared(0, "the initial world", trace.steps[0].world, world)
    properties.note(0, world)
    for index, step in enumerate(trace.steps[1:], 1):
        if departure is not None:
            break
        after = _after(model, world, step)
        if isinstance(after, str):
            departure = Departure(index, _label(step), after)
            break
        departure = _compared(index, _label(step), step.world, after)
        properties.note(index, after, world)
        world = after
    if departure is None and trace.loop is not None:
        departure = _loop(model, trace)
        if departure is None:
            properties.note_loop(trace)
    return Replay(trace, expect, departure, tuple(properties.findings))


def words(result: Replay, *, is_drawn: bool = False) -> list[str]:
    """Returns a replay in words, one line for each fact.

    Args:
        result: the replay.
        is_drawn: whether a picture stands above, whose ending already says why the property is violated.
    """
    steps = len(result.trace.steps) - 1
    lines = []
    for finding in result.findings:
        lines.append(f"{_where(result.trace, finding)}: {_found(finding)}")
        if not (is_drawn and finding == result.confirmation):
            lines += [f"  {reason}" for reason in finding.reasons]
    if result.departure is None:
        lines.append(f"all {steps} steps are the same with today's spec")
    else:
        departure = result.departure
        lines.append(f"first differs at step {departure.index}, {departure.label}: {departure.reason}")
        for each in departure.variables:
            lines.append(f"  {each.place} was {shown(each.one)}, is {shown(each.other)}")
    wanted = f"{result.trace.property} is {result.expect.name.lower()}"
    if result.is_as_expected:
        lines.append(f"as expected: {wanted}")
    else:
        lines.append(f"not as expected: the file says that {wanted}")
    return lines


def ending(result: Replay) -> Ending:
    """Returns what a picture of the run says at its end."""
    confirmed = result.confirmation
    if confirmed is None:
        return Ending(f"{result.trace.property} is said to be {result.expect.name.lower()}")
    text = f"{confirmed.property} is {confirmed.expect.name.lower()}"
    is_good = confirmed.expect == Expect.REACHED
    return Ending(text, confirmed.sentence, confirmed.servers, is_good, confirmed.who, confirmed.reasons)


def marks(result: Replay) -> dict[int, list[str]]:
    """Returns what a picture says below a step: what the step violates, unless that stands at the end."""
    told: dict[int, list[str]] = {}
    for each in result.findings:
        if each.expect == Expect.VIOLATED and each != result.confirmation:
            told.setdefault(each.index, []).append(_found(each))
    return told


def _after(model: Model, world: Any, step: TraceStep) -> Any:
    """Returns the world after a step with today's spec, or a sentence that says why there is none."""
    named = [each for each in model.steps if each.action == step.action]
    if not named:
        return f"there is no action {step.action!r} today"
    match: list[Step] = [each for each in named if each.arguments == step.arguments]
    if not match:
        return f"{step.action} does not take these arguments today"
    after = match[0].apply(world, *step.arguments)
    return "the action is not enabled today" if after is None else after


def _compared(index: int, label: str, stored: Any, today: Any) -> Departure | None:
    found = differences(stored, today)
    if not found:
        return None
    count = "1 variable differs" if len(found) == 1 else f"{len(found)} variables differ"
    return Departure(index, label, count, found)


def _loop(model: Model, trace: Trace) -> Departure | None:
    """Returns the departure at the end of a lasso, unless some step leads back to where its loop begins."""
    assert trace.loop is not None
    last, first = trace.steps[-1].world, trace.steps[trace.loop].world
    if last == first or any(step.apply(last, *step.arguments) == first for step in model.steps):
        return None
    return Departure(len(trace.steps) - 1, "the end", f"no step leads back to state {trace.loop} today")


class _Properties:
    """The properties of a model, checked on the worlds and steps of one run."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._violated: set[str] = set()
        self._reached: set[str] = set()
        self.findings: list[Finding] = []

    def note(self, index: int, world: Any, before: Any = None) -> None:
        """Checks them on a world, and on the step that led to the world from the one before."""
        state = self._model.state(world)
        violated = set()
        for each in self._model.always:
            servers = _choice(self._model, each, False, state)
            if servers is not None:
                violated.add(each.name)
                if each.name not in self._violated:
                    reasons = explanation(each.predicate, state, *servers)
                    self._find(index, Expect.VIOLATED, each, servers, tuple(reasons))
        self._violated = violated
        for each in self._model.every_step if before is not None else ():
            servers = _choice(self._model, each, False, self._model.state(before), state)
            if servers is not None:
                reasons = explanation(each.predicate, self._model.state(before), state, *servers)
                self._find(index, Expect.VIOLATED, each, servers, tuple(reasons))
        for each in self._model.sometimes:
            servers = _choice(self._model, each, True, state)
            if servers is not None and each.name not in self._reached:
                self._reached.add(each.name)
                self._find(index, Expect.REACHED, each, servers)

    def note_loop(self, trace: Trace) -> None:
        """Checks the liveness properties on a lasso."""
        for each in broken_by(self._model, trace):
            sentence = f"{each.property.sentence}\n\nHere, {each.note}."
            found = Finding(len(trace.steps), Expect.VIOLATED, each.property.name, sentence, ())
            self.findings.append(found)

    def _find(
        self,
        index: int,
        expect: Expect,
        found: Property,
        servers: tuple[int, ...],
        reasons: tuple[str, ...] = (),
    ) -> None:
        named = Finding(index, expect, found.name, found.sentence, servers, self._model.who, reasons)
        self.findings.append(named)


def _choice(model: Model, asked: Property, answer: bool, *states: Any) -> tuple[int, ...] | None:
    """Returns the first different servers for which a predicate has this answer; None if there are none."""
    for servers in permutations(range(model.size), asked.arity):
        if bool(asked.predicate(*states, *servers)) is answer:
            return servers
    return None


def _label(step: TraceStep) -> str:
    return f"{step.action}({', '.join(map(str, step.arguments))})"


def _found(finding: Finding) -> str:
    servers = " and ".join(f"{finding.who} {sid}" for sid in finding.servers)
    return f"{finding.property} is {finding.expect.name.lower()}{f' at {servers}' if servers else ''}"


def _where(trace: Trace, finding: Finding) -> str:
    if finding.index == len(trace.steps):
        return "going on for ever"
    if finding.index == 0:
        return "in the initial world"
    return f"step {finding.index}, {_label(trace.steps[finding.index])}"
