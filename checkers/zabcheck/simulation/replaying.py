"""A run taken again, to its end: which events happen, and what is violated by which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zabcheck.simulation.events import Event
from zabcheck.simulation.files import Expect, RunFile
from zabcheck.simulation.judging import Violation
from zabcheck.simulation.mistakes import planted
from zabcheck.simulation.run import Run
from zabcheck.simulation.setting import Setting
from zabcheck.simulation.world import START


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a run.

    Attributes:
        events: those that happened, each with the time when it had, in milliseconds since the start.
        violation: what ended it; None if it came to its end.
        is_at_end: whether that was after the last event, while all was repaired.
    """

    events: tuple[tuple[Event, int], ...]
    violation: Violation | None
    is_at_end: bool


def replayed(setting: Setting, events: Sequence[Event]) -> Replayed:
    """Takes a run, with the mistake that its setting names.

    Raises:
        ValueError: there is no such mistake.
    """
    happened: list[tuple[Event, int]] = []
    is_at_end = False
    with planted(setting.mistake):
        try:
            run = Run(setting)
            for event in events:
                happened.append((event, run.world.time - START))
                if run.do(event):
                    happened[-1] = event, run.world.time - START
                else:
                    happened.pop()
            is_at_end = True
            run.finish()
        except Violation as violation:
            return Replayed(tuple(happened), violation, is_at_end)
    return Replayed(tuple(happened), None, is_at_end=True)


def is_as_expected(file: RunFile, result: Replayed) -> bool:
    """Whether a run ends as its file says."""
    if file.expect == Expect.PASSED:
        return result.violation is None and len(result.events) > 0
    return result.violation is not None and result.violation.property == file.property


def words(file: RunFile, result: Replayed, with_events: bool = True) -> Iterator[str]:
    """A run in words, a line for each event."""
    setting = file.setting
    members = f"{setting.voters} voters" + (f", {setting.observers} observers" if setting.observers else "")
    yield f"{members}; {setting.mistake or 'no mistake put in'}"
    if with_events:
        for number, (event, time) in enumerate(result.events, 1):
            yield f"{number:4}  {time:7} ms  {' '.join(map(str, event))}"
    if result.violation is None:
        yield "nothing is violated: all is repaired, and the ensemble recovers"
    else:
        when = "while all is repaired" if result.is_at_end else f"by event {len(result.events)}"
        yield f"{result.violation.property} is violated {when}: {result.violation.what}"
    wanted = f"{file.property} violated" if file.expect == Expect.VIOLATED else "nothing violated"
    yield f"{'as' if is_as_expected(file, result) else 'NOT as'} the file says: {wanted}"
