"""What of a spec ever happens within bounds: actions, messages, decisions how to synchronize, recoveries.

An action that no instance takes, or a message that none sends, is checked by none. A model is explored with
steps that note what they are taken for. The explorer runs a step once for each combination of what it reads,
not once for each world, so this costs next to nothing; and what a note is made of is read like anything else
that a step reads, so none is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from typing import Any, get_args

from zabcheck.explorer.fast.explore import Explorer
from zabcheck.explorer.limits import Progress
from zabcheck.explorer.model import Model, Step
from zabcheck.explorer.options import Options
from zabcheck.explorer.verdicts import Counts, Outcome
from zabcheck.models.bounds import Bounds
from zabcheck.models.fast_election.coverage import ENDINGS, ending
from zabcheck.models.instances import Instance, build
from zabcheck.models.zab.coverage import DECISIONS, FROM_FILES, RECOVERIES, decision, recoveries
from zabcheck.models.zab.model import begun
from zabspec import fast_election, paper, zab
from zabspec.fast_election import properties as election_properties
from zabspec.fast_election.state import Mode, Notification
from zabspec.paper import properties
from zabspec.paper.state import Message as PaperMessage
from zabspec.zab import properties as zab_properties
from zabspec.zab.state import Message as ZabMessage


class Group(IntEnum):
    """What kind of thing happens."""

    ACTION = 0
    MESSAGE = 1
    DECISION = 2
    RECOVERY = 3
    SITUATION = 4  # a `sometimes` of the spec
    ENDING = 5


Row = tuple[Group, str]

EVERYTHING: Mapping[str, tuple[Row, ...]] = {
    "paper": (
        *((Group.ACTION, action.__name__) for action in paper.NEXT),
        *((Group.MESSAGE, message.__name__) for message in get_args(PaperMessage)),
        *((Group.SITUATION, each.__name__) for each in properties.SOMETIMES),
    ),
    "zab": (
        *((Group.ACTION, action.__name__) for action in zab.NEXT),
        *((Group.MESSAGE, message.__name__) for message in get_args(ZabMessage)),
        *((Group.DECISION, each) for each in (*DECISIONS, *FROM_FILES)),
        *((Group.RECOVERY, each) for each in RECOVERIES),
        *((Group.SITUATION, each.__name__) for each in zab_properties.SOMETIMES),
    ),
    "fast_election": (
        *((Group.ACTION, action.__name__) for action in fast_election.NEXT),
        *((Group.MESSAGE, f"Notification, {mode.name}") for mode in Mode if mode != Mode.DOWN),
        *((Group.ENDING, each) for each in ENDINGS),
        *((Group.SITUATION, each.__name__) for each in election_properties.SOMETIMES),
    ),
}
"""By spec, all that should happen somewhere."""

UNREACHED: Mapping[Row, str] = {
    **{
        (Group.DECISION, each): "needs a learner with a transaction that the leader's list skips "
        "(ZOOKEEPER-4925)"
        for each in DECISIONS
        if each.startswith("TRUNC and DIFF")
    },
    (Group.ENDING, "leads by reports of another round"): "nobody believes of itself what is of another round",
    (Group.ENDING, "observes too early"): "two voters agree on the better of two; needs a third voter",
}
"""What a spec provides for and never does, and why.

By ZooKeeper's rule, TRUNC is followed by more only where the learner's last transaction is not in the
leader's list and a later one *of the same epoch* is; of another epoch, the leader sends SNAP. Histories of
one epoch are prefixes of each other, so that takes a list with a hole.
"""


@dataclass(frozen=True, slots=True)
class Extent:
    """How far to explore a spec.

    Attributes:
        bounds: how far.
        begun: begin where one transaction is delivered and another one proposed; of the spec "zab" alone.
    """

    bounds: Bounds
    begun: bool = False


EXTENTS: Mapping[str, tuple[Extent, ...]] = {
    "paper": (
        Extent(Bounds(servers=3, transactions=1, timeouts=1, restarts=0, epochs=3)),
        Extent(Bounds(servers=3, transactions=1, timeouts=0, restarts=1, epochs=2, give_up=True)),
        Extent(Bounds(servers=3, transactions=0, timeouts=2, restarts=0, epochs=3)),
    ),
    "zab": (
        Extent(Bounds(servers=3, transactions=1, timeouts=0, restarts=1, epochs=2)),
        Extent(Bounds(servers=3, transactions=1, timeouts=1, restarts=0, epochs=2)),
        Extent(Bounds(servers=2, transactions=2, timeouts=1, restarts=1, epochs=3)),
        Extent(Bounds(servers=3, transactions=3, timeouts=1, restarts=0, epochs=1), begun=True),
        Extent(Bounds(servers=3, transactions=2, timeouts=0, restarts=0, epochs=2, partitions=1), begun=True),
        Extent(Bounds(servers=3, transactions=2, timeouts=1, restarts=0, epochs=1, observers=1)),
        Extent(Bounds(servers=2, transactions=2, timeouts=1, restarts=1, epochs=3, disk="files")),
    ),
    "fast_election": (
        Extent(Bounds(servers=3, transactions=0, timeouts=1)),
        Extent(Bounds(servers=3, transactions=0, timeouts=0, restarts=1, early=1)),
        Extent(Bounds(servers=3, transactions=0, timeouts=1, observers=1)),
    ),
}
"""By spec, what together should show all of it; each is explored within seconds."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What happens within one extent.

    Attributes:
        counts: of the search.
        is_complete: whether all of it was explored; if not, more may happen than is noted.
        happened: what does, in no order.
    """

    counts: Counts
    is_complete: bool
    happened: frozenset[Row]


def coverage(
    spec: str, extent: Extent, options: Options | None = None, progress: Progress | None = None
) -> Coverage:
    """Explores a spec, breadth-first and in this process, and notes what happens.

    Args:
        spec: one of those in `EVERYTHING`.
        extent: how far.
        options: when to give up.
        progress: called with the counts so far, about once a second.

    Raises:
        ValueError: the extent is of another spec, or its bounds leave no room for what it begins with.
    """
    situations = tuple(name for group, name in EVERYTHING[spec] if group == Group.SITUATION)
    model = build(Instance(spec, extent.bounds, properties=situations))
    happened: set[Row] = set()
    explorer = Explorer(
        noting(begun(model) if extent.begun else model, happened),
        replace(options or Options(), workers=1),
        progress,
    )
    verdict = explorer.run()
    happened.update((Group.SITUATION, name) for name in explorer.expansion.reached)
    for kind in explorer.compiled.layout.kinds.values():
        if kind.heads is not None:
            happened.update((Group.MESSAGE, _message(message)) for queue in kind.values for message in queue)
    is_complete = verdict.outcome != Outcome.OUT_OF_BUDGET
    return Coverage(verdict.counts, is_complete, frozenset(happened))


def noting(model: Model, happened: set[Row]) -> Model:
    """The model with steps that put into `happened` what they are taken for."""
    tellers: Mapping[str, Callable[..., Iterator[Row]]] = {"zab": _zab, "fast_election": _election}
    told = tellers.get(model.name, _nothing)
    steps = tuple(replace(step, apply=partial(_noted, step, told, happened)) for step in model.steps)
    return replace(model, steps=steps)


def _noted(
    step: Step, told: Callable[..., Iterator[Row]], happened: set[Row], world: Any, *arguments: int
) -> Any:
    after = step.apply(world, *arguments)
    if after is not None:
        happened.add((Group.ACTION, step.action))
        happened.update(told(step, world.protocol, after.protocol, *arguments))
    return after


def _message(message: Any) -> str:
    """What kind of message it is."""
    if isinstance(message, Notification):
        return f"Notification, {message.mode.name}"
    return type(message).__name__


def _election(
    step: Step, before: fast_election.State, after: fast_election.State, *arguments: Any
) -> Iterator[Row]:
    found = ending(step.action, before, after, *arguments)
    if found is not None:
        yield Group.ENDING, found


def _nothing(*_: Any) -> Iterator[Row]:
    return iter(())


def _zab(step: Step, before: zab.State, after: zab.State, *arguments: Any) -> Iterator[Row]:
    if step.action == zab.leader_syncs_learner.__name__:
        yield Group.DECISION, decision(before, *arguments)
    for each in recoveries(step.action, before, after, *arguments):
        yield Group.RECOVERY, each
