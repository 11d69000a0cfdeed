"""Explores every reachable state of a protocol, and shows a run where something goes wrong.

A protocol is a frozen dataclass for its state and a function for each action. An action takes the state, and
returns the next one, or None where it is disabled::

    @dataclass(frozen=True)
    class State:
        holder: Sid | None            # ids of processes are annotated Sid
        waiting: Row[bool]            # a Row has one part for each process

    def process_asks(state: State, process: Sid) -> State | None:
        \"\"\"A process asks for the lock.\"\"\"
        return None if state.waiting[process] else replace(state, waiting=state.waiting.put(process, True))

    def process_gets_lock(state: State, process: Sid) -> State | None:
        if state.holder is not None or not state.waiting[process]:
            return None
        return replace(state, holder=process)

A property is a predicate; its parameters annotated `Sid` stand for every choice of different processes::

    def lock_was_asked_for(state: State, process: Sid) -> bool:
        return state.holder != process or state.waiting[process]

    NEXT = [process_asks, process_gets_lock]
    start = State(None, Row([False] * 3))
    lock = model_of("lock", start, NEXT, processes=3, always=[lock_was_asked_for])
    verdict = search(lock)            # a Verdict: its outcome, its counts, and a trace if it is VIOLATED

`Sid`, `Row`, `Queue` and `replace` come from `zabspec.parts`. `check_liveness` checks what must eventually
happen. Where process ids are nothing but names, `symmetry=True` makes the search smaller.
"""

from __future__ import annotations

from zabcheck.explorer.building import Action, model_of
from zabcheck.explorer.derived import derived
from zabcheck.explorer.errors import NotSymmetricError, SpecError
from zabcheck.explorer.limits import Progress
from zabcheck.explorer.liveness import check_liveness
from zabcheck.explorer.model import Local, Model, Property, Step, as_property
from zabcheck.explorer.options import Options
from zabcheck.explorer.promises import Assumptions, Eventually, assume, eventually, everyone, majorities
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome, Trace, TraceStep, Verdict

__all__ = [
    "Action",
    "Assumptions",
    "Counts",
    "Eventually",
    "Local",
    "Model",
    "NotSymmetricError",
    "Options",
    "Outcome",
    "Progress",
    "Property",
    "SpecError",
    "Step",
    "Trace",
    "TraceStep",
    "Verdict",
    "as_property",
    "assume",
    "check_liveness",
    "derived",
    "eventually",
    "everyone",
    "majorities",
    "model_of",
    "search",
]
