"""A myth: a claim, a scenario in which it can be refuted, and what is seen then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from zabcheck.explorer.model import Model, as_property
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Verdict
from zabcheck.models.service import model as service
from zabcheck.models.service.model import Scenario
from zabcheck.models.zab import model as zab
from zabcheck.models.zab.bounds import Bounds
from zabspec.service.requests import Body
from zabspec.tree import Create, Write

NODE: tuple[Write, ...] = (Create("/p", b"a"),)
"""What is there at the beginning, if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Myth:
    """A claim that is false, or not quite true.

    Attributes:
        name: as it is asked for.
        ids: the numbers of the claims that it refutes, as in `claims`.
        claim: it, in our words.
        truth: what is so instead.
        scenario: in which it is refuted: clients and servers, or bounds of ZAB 1.0.
        is_refuted: of a run, and as many clients as it has parameters of type `Cid`: whether it shows that.
    """

    name: str
    ids: tuple[str, ...]
    claim: str
    truth: str
    scenario: Scenario | Bounds
    is_refuted: Callable[..., bool]


def menus(  # noqa: PLR0913 - a scenario has as many sides
    *asked: tuple[Body, ...],
    sends: tuple[int, ...],
    setup: tuple[Write, ...] = NODE,
    servers: int = 1,
    at: tuple[int, ...] = (),
    waiting: int = 1,
    disconnects: int = 0,
    expiries: int = 0,
    deposals: int = 0,
) -> Scenario:
    """A scenario: what each client may ask for, and how often.

    Args:
        asked: by client.
        sends: by client, how many requests.
        setup: what has been written before.
        servers: how many.
        at: by client, its server; server 0 for all if not given.
        waiting: how many requests of a client may be without a reply.
        disconnects: how many connections may be lost.
        expiries: how many sessions may expire.
        deposals: how often a leader may be deposed.
    """
    places = at or (0,) * len(asked)
    return Scenario(
        name="",
        story="",
        servers=servers,
        setup=setup,
        at=places,
        menus=asked,
        sends=sends,
        waiting=waiting,
        disconnects=disconnects,
        expiries=expiries,
        deposals=deposals,
    )


def model_of(myth: Myth) -> Model:
    """The scenario of a myth, in which it is a violation to refute it."""
    if isinstance(myth.scenario, Bounds):
        model, seen = zab.model(myth.scenario), as_property(myth.is_refuted)
    else:
        model, seen = service.model(myth.scenario), service.as_property(myth.is_refuted, elsewhere=False)
    opposite = replace(seen, name=myth.name, sentence=myth.claim, predicate=partial(_is_not, seen.predicate))
    return replace(model, always=(opposite,))


def refutation(myth: Myth) -> tuple[Model, Verdict]:
    """The shortest run that refutes a myth, as the trace of the verdict; and the model it is a run of."""
    model = model_of(myth)
    return model, search(model, Options())


def _is_not(predicate: Callable[..., bool], *arguments: Any) -> bool:
    return not predicate(*arguments)
