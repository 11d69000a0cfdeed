"""What the registry knows of the paper's ZAB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from zabcheck.explorer.model import Model
from zabcheck.models.happenings import Extent, Group, Happenings
from zabcheck.models.mutant import Action
from zabcheck.models.paper import model as bounded
from zabcheck.models.paper import zab_tla
from zabcheck.models.paper.bounds import Bounds, check
from zabcheck.models.paper.liveness_mutants import LIVENESS_MUTANTS
from zabcheck.models.paper.mutants import MUTANTS
from zabcheck.models.paper.refinement import refines_broadcast
from zabcheck.models.paper.words import words_for
from zabcheck.models.spec import UNBOUNDED, Room, Spec, as_properties
from zabspec import paper
from zabspec.paper import properties, witnesses
from zabspec.paper.liveness import EVENTUALLY
from zabspec.paper.state import Message

REACHED_WITHIN = {
    witnesses.leader_is_established: Room(2, 0, 0, 1),
    witnesses.everyone_delivers: Room(2, 1, 0, 1),
    witnesses.another_server_leads_too: Room(3, 0, 0, 1),
    witnesses.follower_joins_during_broadcast: Room(3, 0, 0, 1),
    witnesses.proposal_is_had_already: Room(3, 1, 0, 2),
    witnesses.history_comes_from_follower: Room(2, 1, 1),
    witnesses.logged_transaction_is_replaced: Room(3, 1, 1),
    witnesses.earlier_epoch_is_delivered: Room(2, 1, 1),
    witnesses.logged_transaction_is_delivered_elsewhere: Room(2, 1, 1),
    witnesses.epoch_is_refused: Room(3, 0, 2),
}
"""The least room in which each `sometimes` comes up."""

_LEAST = {situation.__name__: least for situation, least in REACHED_WITHIN.items()}


def room(bounds: Bounds) -> Room:
    """Returns the room that bounds leave."""
    restarts = 0 if bounds.restart_needs_timeout else bounds.restarts
    return Room(
        bounds.servers,
        bounds.transactions,
        faults=bounds.timeouts + restarts,
        epochs=UNBOUNDED if bounds.epochs is None else bounds.epochs,
        restarts=bounds.restarts,
        timeouts=bounds.timeouts,
    )


def is_asked(bounds: Bounds, name: str) -> bool:
    """True unless the property is a `sometimes` that needs more room."""
    return name not in _LEAST or room(bounds).has_room_for(_LEAST[name])


def model(bounds: Bounds, actions: Sequence[Action]) -> Model:
    """Returns the model, with the bookkeeping of Zab.tla where that is asked for."""
    if not bounds.bookkeeping:
        return bounded.model(bounds, actions)
    if actions is not paper.NEXT:
        raise ValueError("bookkeeping is for the spec as it is, not for a mutant")
    return zab_tla.model(bounds)


PROPERTIES = as_properties(
    properties.ALWAYS, (*properties.EVERY_STEP, refines_broadcast), properties.SOMETIMES
)

HAPPENINGS = Happenings(
    everything=(
        *((Group.ACTION, action.__name__) for action in paper.NEXT),
        *((Group.MESSAGE, message.__name__) for message in get_args(Message)),
        *((Group.SITUATION, each.__name__) for each in properties.SOMETIMES),
    ),
    extents=(
        Extent(Bounds(servers=3, transactions=1, timeouts=1, restarts=0, epochs=3)),
        Extent(Bounds(servers=3, transactions=1, timeouts=0, restarts=1, epochs=2, give_up=True)),
        Extent(Bounds(servers=3, transactions=0, timeouts=2, restarts=0, epochs=3)),
    ),
)

SPEC = Spec(
    name="paper",
    bounds=Bounds,
    actions=lambda _: paper.NEXT,
    model=model,
    properties=lambda _: PROPERTIES,
    is_asked=is_asked,
    check=check,
    mutants=(*MUTANTS, *LIVENESS_MUTANTS),
    eventually=EVENTUALLY,
    live={"give_up": True},
    happenings=HAPPENINGS,
    words={paper.State: words_for},
)
