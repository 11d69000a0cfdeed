"""Shortens runs that violate a property: leaves out events, many at once and then one by one.

What is left of a run without some of its events is a run as well, for an event that cannot happen does
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from zabcheck.simulation.events import Event
from zabcheck.simulation.replaying import Replayed, replayed
from zabcheck.simulation.setting import Setting


def shrunk(setting: Setting, events: Sequence[Event], most: int = 2000) -> tuple[Event, ...]:
    """Returns a part of a run that violates the same property, and from which no event can be left out.

    Args:
        setting: what the run starts from.
        events: the events of the run.
        most: the largest number of trials, after which the shortest run so far is returned.

    Raises:
        ValueError: the run violates no property.
    """
    first = replayed(setting, events)
    violation, kept = first.violation, _taken(first)
    if violation is None:
        raise ValueError("this run violates no property")
    size = max(1, len(kept) // 2)
    while most > 0:
        is_shorter = False
        at = len(kept)
        while at > 0 and most > 0:
            begin = max(0, at - size)
            most -= 1
            again = replayed(setting, (*kept[:begin], *kept[at:]))
            happened, found = _taken(again), again.violation
            if found is not None and found.property == violation.property and len(happened) < len(kept):
                kept, is_shorter = happened, True
            at = min(begin, len(kept))
        if size == 1 and not is_shorter:
            break
        size = max(1, size // 2)
    return kept


def _taken(result: Replayed) -> tuple[Event, ...]:
    return tuple(event for event, _ in result.events)
