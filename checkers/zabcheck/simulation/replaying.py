"""Runs a run again to its end: which events happen, and which of them violates what."""

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
    """The result of a run.

    Attributes:
        events: the events that happened, each with the time after it, in milliseconds since the start.
        violation: the violation that ended the run; None if there was none.
        is_at_end: True if all events had happened, and the ensemble was to recover or did.
    """

    events: tuple[tuple[Event, int], ...]
    violation: Violation | None
    is_at_end: bool


def replayed(setting: Setting, events: Sequence[Event]) -> Replayed:
    """Runs events with the mistake that the setting names, and then lets the ensemble recover.

    Raises:
        ValueError: the setting names an unknown mistake.
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
    """Returns True if a run has ended as its file says."""
    if file.expect == Expect.PASSED:
        return result.violation is None and len(result.events) > 0
    return result.violation is not None and result.violation.property == file.property


def words(file: RunFile, result: Replayed, with_events: bool = True) -> Iterator[str]:
    """Yields a run in words, one line for each event."""
    setting = file.setting
    sizes = ((setting.voters, "voters"), (setting.observers, "observers"), (setting.joiners, "joiners"))
    servers = ", ".join(f"{count} {kind}" for count, kind in sizes if count)
    yield f"{servers}; {f'mistake: {setting.mistake}' if setting.mistake else 'no mistake in the cores'}"
    if with_events:
        for number, (event, time) in enumerate(result.events, 1):
            yield f"{number:4}  {time:7} ms  {' '.join(map(str, event))}"
    if result.violation is None:
        yield "nothing is violated, and the ensemble recovers in the end"
    else:
        when = "while the ensemble recovers" if result.is_at_end else f"by event {len(result.events)}"
        yield f"{result.violation.property} is violated {when}: {result.violation.what}"
    wanted = f"{file.property} violated" if file.expect == Expect.VIOLATED else "nothing violated"
    yield f"{'as' if is_as_expected(file, result) else 'NOT as'} the file says: {wanted}"
