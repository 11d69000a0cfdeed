"""What the registry knows of Fast Leader Election."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from zabcheck.explorer.model import Model, Step
from zabcheck.models.fast_election import model as bounded
from zabcheck.models.fast_election.bounds import Bounds, check
from zabcheck.models.fast_election.coverage import ENDINGS, ending
from zabcheck.models.fast_election.mutants import MUTANTS
from zabcheck.models.fast_election.words import ElectionWords
from zabcheck.models.happenings import Extent, Group, Happenings, Row
from zabcheck.models.mutant import Action
from zabcheck.models.spec import Room, Spec, as_properties
from zabspec import fast_election
from zabspec.fast_election import properties
from zabspec.fast_election.liveness import EVENTUALLY
from zabspec.fast_election.state import Mode, Notification

REACHED_WITHIN = {
    properties.leader_is_followed_by_all: Room(2, 0, 0),
    properties.two_lead_in_one_round: Room(3, 0, 0),
    properties.two_lead_in_two_rounds: Room(3, 0, 1, timeouts=1),
    properties.latecomer_hears_of_leader: Room(3, 0, 0),
    properties.voters_have_gone_on: Room(3, 0, 1),
    properties.decides_against_quorum: Room(3, 0, 0),
}
"""The least room in which each `sometimes` comes up."""

_LEAST = {situation.__name__: least for situation, least in REACHED_WITHIN.items()}
PROPERTIES = as_properties(properties.ALWAYS, properties.EVERY_STEP, properties.SOMETIMES)


def room(bounds: Bounds) -> Room:
    """Returns the room that bounds leave."""
    return Room(
        bounds.servers - bounds.observers - bounds.weightless,
        transactions=0,
        faults=bounds.timeouts + bounds.restarts,
        restarts=bounds.restarts,
        timeouts=bounds.timeouts,
        observers=bounds.observers,
    )


def is_asked(bounds: Bounds, name: str) -> bool:
    """True for a `sometimes` that there is room for, and for another property that must hold."""
    if name in _LEAST:
        return room(bounds).has_room_for(_LEAST[name])
    return bounds.is_undisturbed or name not in bounded.ONLY_UNDISTURBED


def model(bounds: Bounds, actions: Sequence[Action]) -> Model:
    """Returns the model."""
    return bounded.model(bounded.ensemble(bounds), actions)


def _told(
    step: Step, before: fast_election.State, after: fast_election.State, *arguments: Any
) -> Iterator[Row]:
    found = ending(step.action, before, after, *arguments)
    if found is not None:
        yield Group.ENDING, found


def _message(notification: Notification) -> str:
    return f"Notification, {notification.mode.name}"


HAPPENINGS = Happenings(
    everything=(
        *((Group.ACTION, action.__name__) for action in fast_election.NEXT),
        *((Group.MESSAGE, f"Notification, {mode.name}") for mode in Mode if mode != Mode.DOWN),
        *((Group.ENDING, each) for each in ENDINGS),
        *((Group.SITUATION, each.__name__) for each in properties.SOMETIMES),
    ),
    extents=(
        Extent(Bounds(servers=3, timeouts=1)),
        Extent(Bounds(servers=3, timeouts=0, restarts=1, early=1)),
        Extent(Bounds(servers=3, timeouts=1, observers=1)),
    ),
    unreached={
        (Group.ENDING, "leads by reports of another round"): "nobody believes of itself what is of another "
        "round",
        (Group.ENDING, "observes too early"): "two voters agree on the better of two; needs a third voter",
    },
    told=_told,
    message=_message,
)

SPEC = Spec(
    name="fast_election",
    bounds=Bounds,
    actions=lambda _: fast_election.NEXT,
    model=model,
    properties=lambda _: PROPERTIES,
    is_asked=is_asked,
    check=check,
    mutants=MUTANTS,
    eventually=EVENTUALLY,
    live={},
    happenings=HAPPENINGS,
    words={fast_election.State: lambda _: ElectionWords()},
)
