"""What the registry knows of atomic broadcast."""

from __future__ import annotations

from zabcheck.models.bounds import check_values
from zabcheck.models.broadcast.bounds import Bounds
from zabcheck.models.broadcast.model import model
from zabcheck.models.spec import Room, Spec, as_properties
from zabspec import broadcast
from zabspec.broadcast import properties

REACHED_WITHIN = {
    properties.two_primaries_at_once: Room(2, 0, 0, 2),
    properties.everyone_delivers: Room(1, 1, 0, 1),
    properties.transaction_comes_too_late: Room(1, 1, 0, 2),
}
"""The least room in which each `sometimes` comes up."""

_LEAST = {situation.__name__: least for situation, least in REACHED_WITHIN.items()}
PROPERTIES = as_properties(properties.ALWAYS, properties.EVERY_STEP, properties.SOMETIMES)


def room(bounds: Bounds) -> Room:
    """Returns the room that bounds leave."""
    return Room(bounds.servers, bounds.transactions, bounds.timeouts + bounds.restarts, bounds.epochs)


def is_asked(bounds: Bounds, name: str) -> bool:
    """True unless the property is a `sometimes` that needs more room."""
    return name not in _LEAST or room(bounds).has_room_for(_LEAST[name])


SPEC = Spec(
    name="broadcast",
    bounds=Bounds,
    actions=lambda _: broadcast.NEXT,
    model=model,
    properties=lambda _: PROPERTIES,
    is_asked=is_asked,
    check=check_values,
)
