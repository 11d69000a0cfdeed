"""Shorter runs that break the same property: events are left out, many at once and then one by one.

What is left of a run without some of its events is a run, for an event that cannot happen does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from zabcheck.simulation.judging import Violation
from zabcheck.simulation.run import Event, Run, Setting


def outcome(setting: Setting, events: Sequence[Event]) -> tuple[Violation | None, tuple[Event, ...]]:
    """What is broken by a run that goes to its end, and the events that happened until then."""
    run: Run | None = None
    try:
        run = Run(setting)
        for event in events:
            run.do(event)
        run.finish()
    except Violation as violation:
        return violation, tuple(run.events) if run is not None else ()
    return None, tuple(run.events)


def shrunk(setting: Setting, events: Sequence[Event], most: int = 2000) -> tuple[Event, ...]:
    """A run that breaks the same property as this one, of which no event can be left out.

    Args:
        setting: of the run.
        events: that break a property.
        most: after how many trials to be content with what there is.

    Raises:
        ValueError: they break none.
    """
    violation, kept = outcome(setting, events)
    if violation is None:
        raise ValueError("this run breaks no property")
    size = max(1, len(kept) // 2)
    while most > 0:
        is_shorter = False
        at = len(kept)
        while at > 0 and most > 0:
            begin = max(0, at - size)
            most -= 1
            found, happened = outcome(setting, (*kept[:begin], *kept[at:]))
            if found is not None and found.property == violation.property and len(happened) < len(kept):
                kept, is_shorter = happened, True
            at = min(begin, len(kept))
        if size == 1 and not is_shorter:
            break
        size = max(1, size // 2)
    return kept
