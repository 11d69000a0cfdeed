"""States of atomic broadcast in words, and the steps that were tried on the way from one state to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from zabcheck.models.broadcast.way import attempts
from zabcheck.models.paper.words import Words
from zabspec.broadcast import State


def no_way(start: State, goal: State) -> list[str]:
    """Returns why no steps of atomic broadcast lead from a state to another, line by line.

    Args:
        start: the state of atomic broadcast before the step of the finer spec.
        goal: the state after it.
    """
    words = _words_for(start, goal)
    lines = ["In terms of the spec broadcast, the step leads from", f"  {_told(start, words)}", "to"]
    lines += [f"  {_told(goal, words)}", "Steps of broadcast tried in between:"]
    reached: State = start
    for label, after in attempts(start, goal):
        if after is None:
            return [*lines, f"  {label} is not enabled: no step of broadcast leads on from there"]
        lines.append(f"  {label}: {'; '.join(new for _, new in _changes(reached, after, words))}")
        reached = after
    if reached == start:
        lines[-1] = "No step of broadcast makes such a change:"
    else:
        lines.append("No step of broadcast leads on from there:")
    return [*lines, *(f"  {new}, instead of {old}" for old, new in _changes(reached, goal, words))]


def _told(state: State, words: Words) -> str:
    """Returns a state in words; servers of which the same is so are named together."""
    told, servers = [*_facts(state, words).values()], _servers(state, words)
    for fact in dict.fromkeys(servers.values()):
        alike = [str(sid) for sid, each in servers.items() if each == fact]
        told.append(f"server{'s' * (len(alike) > 1)} {' '.join(alike)}: {fact}")
    return "; ".join(told)


def _changes(before: State, after: State, words: Words) -> Iterator[tuple[str, str]]:
    """Yields what was so before and is different after, with what is so then."""
    whole_before, whole_after = _facts(before, words), _facts(after, words)
    for place, fact in whole_after.items():
        if fact != whole_before[place]:
            yield whole_before[place], fact
    old, new = _servers(before, words), _servers(after, words)
    yield from ((old[sid], f"server {sid}: {fact}") for sid, fact in new.items() if fact != old[sid])


def _facts(state: State, words: Words) -> Mapping[str, str]:
    """Returns what is so of the whole, by the field of the state."""
    outstanding = sorted(state.outstanding, key=lambda txn: txn.zxid)
    return {
        "log": f"log {words.history(state.log)}",
        "outstanding": f"outstanding {' '.join(map(words.txn, outstanding)) or 'nothing'}",
        "epoch": f"epochs from {state.epoch} on",
    }


def _servers(state: State, words: Words) -> Mapping[int, str]:
    """Returns what is so of each server."""
    told = {}
    for sid, (delivered, primary) in enumerate(zip(state.delivered, state.primaries, strict=True)):
        is_primary = f", primary of epoch {primary}" if primary else ""
        told[sid] = f"delivered {words.history(delivered) if delivered else 'nothing'}{is_primary}"
    return told


def _words_for(*states: State) -> Words:
    """Returns the words for some states: values are shown only where two of them differ."""
    histories = [state.log for state in states] + [each for state in states for each in state.delivered]
    values = {txn.value for history in histories for txn in history}
    values |= {txn.value for state in states for txn in state.outstanding}
    return Words(values=len(values) > 1)
