"""The catalogue: what can be explored, by name, and how that is written down in a trace file.

An `Instance` says which spec within which bounds, with which mistake put in and which properties asked;
`build` makes the model of it. Settings are the same as plain JSON values, checked by `from_settings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, get_type_hints

from zabcheck.explorer.model import Model, Property, as_property
from zabcheck.models.bounds import DISKS, ELECTIONS, SYNCHRONIZATIONS, Bounds
from zabcheck.models.broadcast import model as broadcast
from zabcheck.models.fast_election import model as fast_election
from zabcheck.models.fast_election.mutants import MUTANTS as OF_ELECTION
from zabcheck.models.mutant import Mutant, apply
from zabcheck.models.paper import model as paper
from zabcheck.models.paper import mutants, zab_tla
from zabcheck.models.paper.liveness_mutants import LIVENESS_MUTANTS
from zabcheck.models.paper.refinement import refines_broadcast
from zabcheck.models.service import model as service
from zabcheck.models.service.mutants import SERVICE_MUTANTS
from zabcheck.models.service.scenarios import SCENARIO, SCENARIOS
from zabcheck.models.zab import grains
from zabcheck.models.zab import model as zab
from zabcheck.models.zab import refinement as zab_refinement
from zabcheck.models.zab.catalogue.bugs import BUGS
from zabcheck.models.zab.elected_mutants import MUTANTS as OF_ZAB_ELECTED
from zabcheck.models.zab.file_mutants import LOG_READ_ACROSS_SNAPSHOT
from zabcheck.models.zab.liveness_mutants import ZAB_LIVENESS_MUTANTS
from zabcheck.models.zab.mutants import HARMLESS, ZAB_MUTANTS
from zabcheck.models.zab.quorum_mutants import QUORUM_MUTANTS
from zabspec.broadcast import properties as broadcast_properties
from zabspec.fast_election import NEXT as OF_FAST_ELECTION
from zabspec.fast_election import properties as election_properties
from zabspec.paper import NEXT as OF_PAPER
from zabspec.paper import properties
from zabspec.quorums import smallest
from zabspec.service import NEXT as OF_SERVICE
from zabspec.zab import properties as zab_properties
from zabspec.zab_elected import properties as zab_elected_properties

SPECS = ("paper", "broadcast", "zab", "fast_election", "service")

ALL_MUTANTS: tuple[Mutant, ...] = (
    *mutants.MUTANTS,
    *LIVENESS_MUTANTS,
    *BUGS,
    *QUORUM_MUTANTS,
    *ZAB_MUTANTS,
    *ZAB_LIVENESS_MUTANTS,
    *OF_ELECTION,
    *OF_ZAB_ELECTED,
    *SERVICE_MUTANTS,
)
MUTANTS: Mapping[str, Mutant] = {each.name: each for each in ALL_MUTANTS}
"""All mutants by name: of the paper, those that break a safety property, then those that break liveness; of
ZAB 1.0, the bugs that ZooKeeper had, then mistakes about who counts, then others, then those that break
liveness; of Fast Leader Election, again first safety; of ZAB 1.0 with that in it;
of the service."""

MISTAKES: Mapping[str, Mutant] = {
    **MUTANTS,
    **{each.name: each for each in (*HARMLESS, LOG_READ_ACROSS_SNAPSHOT)},
}
"""All that can be put in by name: the mutants, what breaks nothing, and what breaks something too far off."""

FOR_SOME: Mapping[str, tuple[str, ...]] = {
    "restart_needs_timeout": ("paper",),
    "give_up": ("paper", "zab"),
    "partitions": ("zab",),
    "observers": ("zab", "fast_election"),
    "weights": ("zab",),
    "scenario": ("service",),
}
"""Of `Bounds`, what is not for all specs, and which it is for."""

_ELECTION = "the spec 'fast_election'"
_VOTES = "the spec 'zab' with election 'votes'"
OF_VOTES: Mapping[str, str] = {
    "weightless": _ELECTION,
    "unlike": _ELECTION,
    "early": f"{_ELECTION}, or {_VOTES}",
    "capacity": _ELECTION,
    "rounds": _VOTES,
}
"""Of `Bounds`, what is for elections by votes alone, and where."""

ONLY_UNDISTURBED: Mapping[str, Sequence[str]] = {
    "fast_election": fast_election.ONLY_UNDISTURBED,
    "zab": ("leader_could_be_elected", "leader_has_best_vote"),
}
"""By spec, the properties that may fail once a server has crashed or decided too early."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One thing to explore.

    Attributes:
        spec: one of `SPECS`.
        bounds: how far.
        bookkeeping: keep beside the state what Zab.tla keeps in it, so that counts compare with TLC's.
        mutant: the name of the mistake put in, None for the spec as it is.
        properties: the names of those to be checked; None for all, each `sometimes` where it can be reached.
    """

    spec: str = "paper"
    bounds: Bounds = field(default_factory=Bounds)
    bookkeeping: bool = False
    mutant: str | None = None
    properties: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Least:
    """The least bounds within which something is reached; any that allow as much of each reach it too.

    Attributes:
        servers: at least so many.
        transactions: at least so many.
        faults: at least so many timeouts, restarts and partitions together.
        epochs: at least so many, where they are bounded.
        restarts: of the faults, at least so many must be restarts.
        partitions: of the faults, at least so many must be partitions.
        timeouts: of the faults, at least so many must be timeouts.
        observers: beside those servers, at least so many observers.
    """

    servers: int
    transactions: int
    faults: int
    epochs: int = 3
    restarts: int = 0
    partitions: int = 0
    timeouts: int = 0
    observers: int = 0


REACHED_WITHIN: Mapping[str, Mapping[str, Least]] = {
    "paper": {
        "leader_is_established": Least(2, 0, 0, 1),
        "everyone_delivers": Least(2, 1, 0, 1),
        "another_server_leads_too": Least(3, 0, 0, 1),
        "follower_joins_during_broadcast": Least(3, 0, 0, 1),
        "proposal_is_had_already": Least(3, 1, 0, 2),
        "history_comes_from_follower": Least(2, 1, 1),
        "logged_transaction_is_replaced": Least(3, 1, 1),
        "earlier_epoch_is_delivered": Least(2, 1, 1),
        "logged_transaction_is_delivered_elsewhere": Least(2, 1, 1),
        "epoch_is_refused": Least(3, 0, 2),
    },
    "broadcast": {
        "two_primaries_at_once": Least(2, 0, 0, 2),
        "everyone_delivers": Least(1, 1, 0, 1),
        "transaction_comes_too_late": Least(1, 1, 0, 2),
    },
    "zab": {
        "leader_is_established": Least(2, 0, 0, 1),
        "everyone_delivers": Least(2, 1, 0, 1),
        "another_server_leads_too": Least(3, 0, 1, 2),
        "learner_joins_during_broadcast": Least(3, 0, 0, 1),
        "learner_gets_diff": Least(3, 1, 0, 1),
        "learner_gets_trunc": Least(2, 1, 1, 2),
        "learner_applies_after_trunc": Least(3, 1, 1, 2),
        "learner_gets_snap": Least(3, 0, 0, 1),
        "history_is_adopted": Least(3, 1, 0, 1),
        "epoch_is_promised_again": Least(2, 0, 1, 2),
        "leader_is_not_up_to_date": Least(3, 0, 1, 2),
        "leader_delivers_before_writing": Least(3, 1, 0, 1),
        "server_refuses_to_start": Least(3, 1, 1, 2, restarts=1),
        "leader_is_cut_off": Least(3, 0, 1, 2, partitions=1),
        "deposed_leader_proposes": Least(3, 1, 1, 2, partitions=1),
        "message_outlasts_partition": Least(2, 0, 1, 1, partitions=1),
        "observer_delivers": Least(2, 1, 0, 1, observers=1),
    },
    "fast_election": {
        "leader_is_followed_by_all": Least(2, 0, 0),
        "two_lead_in_one_round": Least(3, 0, 0),
        "two_lead_in_two_rounds": Least(3, 0, 1, timeouts=1),
        "latecomer_hears_of_leader": Least(3, 0, 0),
        "voters_have_gone_on": Least(3, 0, 1),
        "decides_against_quorum": Least(3, 0, 0),
    },
}
"""Where each `sometimes` of a spec is reached; elsewhere it is left out unless it is asked for by name."""

NOWHERE = Least(9, 9, 9)

REACHED_BY_VOTES: Mapping[str, Least] = {
    "leader_is_established": Least(2, 0, 0, 1),
    "everyone_delivers": Least(2, 1, 0, 1),
    "latecomer_finds_established_leader": Least(3, 0, 0, 1),
    "leader_is_elected_by_past_votes": NOWHERE,
}
"""The same of the spec "zab" with election "votes"; what is not in it is asked for by name alone."""

HIDDEN_IN_ONE_STEP = frozenset(
    {
        "learner_gets_diff",
        "learner_gets_trunc",
        "learner_applies_after_trunc",
        "learner_gets_snap",
        "history_is_adopted",
        "server_refuses_to_start",
    }
)
"""Each `sometimes` of "zab" that is on the way through synchronization."""


def build(instance: Instance) -> Model:
    """The model of an instance, with its properties.

    Raises:
        ValueError: the instance names something that there is not, or has bounds that nothing fits in.
    """
    check(instance)
    bounds = instance.bounds
    if instance.spec == "broadcast":
        model = broadcast.model(bounds)
    elif instance.spec == "zab":
        model = _zab(instance)
    elif instance.spec == "fast_election":
        mutant = instance.mutant
        actions = OF_FAST_ELECTION if mutant is None else apply(MISTAKES[mutant], OF_FAST_ELECTION)
        model = fast_election.model(fast_election.ensemble(bounds), actions)
    elif instance.spec == "service":
        mutant = instance.mutant
        actions = OF_SERVICE if mutant is None else apply(MISTAKES[mutant], OF_SERVICE)
        model = service.model(SCENARIOS[bounds.scenario or SCENARIO], actions)
    elif instance.bookkeeping:
        model = zab_tla.model(bounds)
    elif instance.mutant is not None:
        model = paper.model(bounds, apply(MISTAKES[instance.mutant], OF_PAPER))
    else:
        model = paper.model(bounds)
    always, every_step, sometimes = (_chosen(group, instance) for group in _groups(instance))
    return replace(
        model, always=always, every_step=every_step, sometimes=sometimes, settings=as_settings(instance)
    )


def _zab(instance: Instance) -> Model:
    """The model of ZAB 1.0, or of one of its mutants from where that is looked for."""
    actions = grains.actions(instance.bounds)
    if instance.mutant is None:
        return grains.model(instance.bounds, actions)
    mutant = MISTAKES[instance.mutant]
    model = grains.model(instance.bounds, apply(mutant, actions))
    return zab.begun(model) if mutant.begun else model


def property_names(spec: str, election: str = "abstract") -> tuple[str, ...]:
    """The names of all properties of a spec: always, every step, sometimes.

    Args:
        spec: one of `SPECS`.
        election: of "zab", in which grain.

    Raises:
        ValueError: there is no such spec.
    """
    if spec not in SPECS:
        raise ValueError(f"no spec {spec!r}: one of {', '.join(SPECS)}")
    asked = Instance(spec, Bounds(election=election))
    return tuple(each.name for group in _groups(asked) for each in group)


def as_settings(instance: Instance) -> dict[str, Any]:
    """An instance as JSON values; `from_settings` takes them back."""
    chosen = instance.properties
    bounds = asdict(instance.bounds)
    if instance.spec != "service":
        del bounds["scenario"]  # files were written before there were any
    if bounds["disk"] == DISKS[0]:
        del bounds["disk"]  # so were these
    return {
        "spec": instance.spec,
        **bounds,
        "bookkeeping": instance.bookkeeping,
        "mutant": instance.mutant,
        "properties": None if chosen is None else list(chosen),
    }


def from_settings(settings: Mapping[str, Any]) -> Instance:
    """The instance that settings describe; what they leave out has its default.

    Raises:
        ValueError: a setting is unknown, of the wrong type or impossible; one line that names it.
    """
    hints = {"spec": str, "bookkeeping": bool, "mutant": str | None, "properties": list | None}
    hints.update(get_type_hints(Bounds))
    for name, value in settings.items():
        if name not in hints:
            raise ValueError(f"no setting {name!r}: one of {', '.join(hints)}")
        if not isinstance(value, hints[name]) or (isinstance(value, bool) and hints[name] is not bool):
            raise ValueError(f"setting {name!r} is {value!r}, which is no {_in_words(hints[name])}")
    chosen = settings.get("properties")
    if chosen is not None and not all(isinstance(each, str) for each in chosen):
        raise ValueError(f"setting 'properties' is {chosen!r}, which is no list of names")
    bounds = {each.name: settings[each.name] for each in fields(Bounds) if each.name in settings}
    others = {name: settings[name] for name in ("spec", "bookkeeping", "mutant") if name in settings}
    properties_ = None if chosen is None else tuple(chosen)
    instance = Instance(bounds=Bounds(**bounds), properties=properties_, **others)
    check(instance)
    return instance


def check(instance: Instance) -> None:
    """Judge whether an instance can be built.

    Raises:
        ValueError: it cannot; one line that says what is wrong.
    """
    bounds = instance.bounds
    names = property_names(instance.spec, bounds.election)
    _check_bounds(instance.spec, bounds)
    _check_grains(instance.spec, bounds)
    _check_votes(instance.spec, bounds)
    if instance.mutant is not None and (instance.bookkeeping or instance.spec == "broadcast"):
        raise ValueError(
            "a mutant is of the spec 'paper', 'zab', 'fast_election' or 'service', without bookkeeping"
        )
    known = [each.name for each in MISTAKES.values() if each.spec == instance.spec]
    if instance.mutant is not None and instance.mutant not in known:
        raise ValueError(f"no mutant {instance.mutant!r}: one of {', '.join(known)}")
    if instance.bookkeeping and (instance.spec != "paper" or bounds.give_up):
        raise ValueError("bookkeeping is for the spec 'paper', where no one gives up")
    for name in instance.properties or ():
        if name not in names:
            raise ValueError(f"no property {name!r} of spec {instance.spec!r}: one of {', '.join(names)}")


def _check_bounds(spec: str, bounds: Bounds) -> None:
    if bounds.servers < 1:
        raise ValueError(f"{bounds.servers} servers: at least 1 is needed")
    for name in ("transactions", "timeouts", "restarts", "epochs", "partitions", "observers"):
        value = getattr(bounds, name)
        if value is not None and value < 0:
            raise ValueError(f"{value} {name}: not a number of {name}")
    for name, specs in FOR_SOME.items():
        if spec not in specs and getattr(bounds, name):
            raise ValueError(
                f"{name} is for the spec{'s'[: len(specs) - 1]} {' and '.join(map(repr, specs))}"
            )
    if spec == "zab":
        zab.quorums(bounds)
    if spec == "service":
        _check_scenario(bounds)


def _check_grains(spec: str, bounds: Bounds) -> None:
    """Judge what chooses a grain of ZAB 1.0."""
    for name, choices in (("election", ELECTIONS), ("synchronization", SYNCHRONIZATIONS), ("disk", DISKS)):
        if getattr(bounds, name) not in choices:
            raise ValueError(f"no {name} {getattr(bounds, name)!r}: one of {', '.join(choices)}")
        if spec != "zab" and getattr(bounds, name) != choices[0]:
            raise ValueError(f"{name} is for the spec 'zab'")
    if bounds.election == "votes" and bounds.disk != DISKS[0]:
        raise ValueError("disk 'files' is not for election 'votes'")
    if bounds.election == "votes" and bounds.partitions:
        raise ValueError("partitions are not for election 'votes', whose own connections they would cut too")


def _check_scenario(bounds: Bounds) -> None:
    """Judge what is for the service: a scenario, and nothing else."""
    for each in fields(Bounds):
        if each.name != "scenario" and getattr(bounds, each.name) != each.default:
            raise ValueError(f"{each.name} is not for the spec 'service', where a scenario says all")
    if bounds.scenario and bounds.scenario not in SCENARIOS:
        raise ValueError(f"no scenario {bounds.scenario!r}: one of {', '.join(SCENARIOS)}")


def _check_votes(spec: str, bounds: Bounds) -> None:
    """Judge what is for elections alone."""
    here = _ELECTION if spec == "fast_election" else _VOTES if bounds.election == "votes" else "neither"
    for each in fields(Bounds):
        where = OF_VOTES.get(each.name, here)
        if here not in where and getattr(bounds, each.name) != each.default:
            raise ValueError(f"{each.name} is for {where}")
    if spec == "fast_election" and (bounds.epochs is not None or bounds.numbered):
        raise ValueError("epochs and numbered are not for the spec 'fast_election', where nothing is logged")
    for name in ("observers", "weightless", "early"):
        if getattr(bounds, name) < 0:
            raise ValueError(f"{getattr(bounds, name)} {name}: not a number of servers")
    if bounds.capacity < 1:
        raise ValueError(f"capacity {bounds.capacity}: at least 1 is needed")
    if bounds.observers + bounds.weightless >= bounds.servers:
        raise ValueError(
            f"{bounds.servers} servers, {bounds.observers} observers and {bounds.weightless} weightless: "
            "nobody is left to elect"
        )


def _groups(instance: Instance) -> tuple[tuple[Property, ...], ...]:
    """Always, every step and sometimes."""
    spec = instance.spec
    if spec == "zab" and instance.bounds.election == "votes":
        every_step = (*zab_properties.EVERY_STEP, zab_refinement.refines_broadcast)
        return (
            _as_properties((*zab_properties.ALWAYS, *zab_elected_properties.ALWAYS)),
            _as_properties((*every_step, *zab_elected_properties.EVERY_STEP)),
            _as_properties((*zab_properties.SOMETIMES, *zab_elected_properties.SOMETIMES)),
        )
    if spec == "broadcast":
        return (
            _as_properties(broadcast_properties.ALWAYS),
            _as_properties(broadcast_properties.EVERY_STEP),
            _as_properties(broadcast_properties.SOMETIMES),
        )
    if spec == "service":
        return service.ALWAYS, service.EVERY_STEP, service.SOMETIMES
    if spec == "fast_election":
        return (
            _as_properties(election_properties.ALWAYS),
            _as_properties(election_properties.EVERY_STEP),
            _as_properties(election_properties.SOMETIMES),
        )
    if spec == "zab":
        return (
            _as_properties(zab_properties.ALWAYS),
            _as_properties((*zab_properties.EVERY_STEP, zab_refinement.refines_broadcast)),
            _as_properties(zab_properties.SOMETIMES),
        )
    return (
        _as_properties(properties.ALWAYS),
        _as_properties((*properties.EVERY_STEP, refines_broadcast)),
        _as_properties(properties.SOMETIMES),
    )


def _as_properties(predicates: Sequence[Callable[..., bool]]) -> tuple[Property, ...]:
    return tuple(as_property(each) for each in predicates)


def _chosen(group: tuple[Property, ...], instance: Instance) -> tuple[Property, ...]:
    """Those asked for by name; otherwise all that have enough servers, and can be reached if they must be."""
    if instance.properties is not None:
        return tuple(each for each in group if each.name in instance.properties)
    return tuple(each for each in group if _within(each.name, instance))


def _within(name: str, instance: Instance) -> bool:
    """Whether a `sometimes` can be reached within the bounds, or another property must hold."""
    bounds = instance.bounds
    if instance.spec == "service":
        is_sometimes = name in [each.name for each in service.SOMETIMES]
        return not is_sometimes or name in SCENARIOS[bounds.scenario or SCENARIO].sometimes
    if bounds.synchronization == "one-step" and name in HIDDEN_IN_ONE_STEP:
        return False
    reached = REACHED_WITHIN[instance.spec]
    if bounds.election == "votes":
        reached = {**dict.fromkeys(reached, NOWHERE), **REACHED_BY_VOTES}
    least = reached.get(name)
    if least is None:
        is_disturbed = bool(bounds.restarts or bounds.early)
        return not is_disturbed or name not in ONLY_UNDISTURBED.get(instance.spec, ())
    faults = bounds.timeouts if bounds.restart_needs_timeout else bounds.timeouts + bounds.restarts
    faults += bounds.partitions
    return (
        _deciding(instance) >= least.servers
        and bounds.observers >= least.observers
        and bounds.transactions >= least.transactions
        and faults >= least.faults
        and bounds.restarts >= least.restarts
        and bounds.partitions >= least.partitions
        and bounds.timeouts >= least.timeouts
        and (bounds.epochs is None or bounds.epochs >= least.epochs)
    )


def _deciding(instance: Instance) -> int:
    """How many servers count."""
    bounds = instance.bounds
    if instance.spec == "zab":
        return len({sid for quorum in smallest(zab.quorums(bounds)) for sid in quorum})
    return bounds.servers - bounds.observers - bounds.weightless


def _in_words(hint: Any) -> str:
    words = {int: "whole number", bool: "true or false", str: "text", int | None: "whole number or null"}
    return words.get(hint, "text or null" if hint == str | None else "list or null")
