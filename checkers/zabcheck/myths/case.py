"""Myths: a claim, a scenario in which a run refutes the claim, and how such a run is recognized."""

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
"""The writes before a scenario begins, by default: a node /p."""


@dataclass(frozen=True, slots=True)
class Myth:
    """A claim that is false, or not quite true.

    Attributes:
        name: its name on the command line.
        ids: the numbers of the claims that are refuted with it, as in `claims`.
        claim: the claim in our words.
        truth: what is true instead.
        scenario: where the claim is refuted: clients and servers, or bounds of ZAB 1.0.
        is_refuted: from a run, and as many clients as it has parameters of type `Cid`, to True if the run
            refutes the claim.
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
    """Returns a scenario: what each client may ask for, and how often.

    Args:
        asked: for each client, the requests that it may send.
        sends: for each client, how many requests it may send.
        setup: the writes before the scenario begins.
        servers: how many servers there are.
        at: for each client, its server; server 0 for all clients by default.
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
    """Returns the model of the scenario of a myth, in which a run that refutes the claim is a violation."""
    if isinstance(myth.scenario, Bounds):
        model, seen = zab.model(myth.scenario), as_property(myth.is_refuted)
    else:
        model, seen = service.model(myth.scenario), service.as_property(myth.is_refuted, elsewhere=False)
    opposite = replace(seen, name=myth.name, sentence=myth.claim, predicate=partial(_is_not, seen.predicate))
    return replace(model, always=(opposite,))


def refutation(myth: Myth) -> tuple[Model, Verdict]:
    """Returns the model of a myth, and a verdict whose trace is a shortest run that refutes the claim."""
    model = model_of(myth)
    return model, search(model, Options())


def _is_not(predicate: Callable[..., bool], *arguments: Any) -> bool:
    return not predicate(*arguments)
