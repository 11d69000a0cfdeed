"""What can be explored, by name, and how that is written down in a trace file.

An `Instance` says which spec within which bounds, with which mistake put in and which properties asked;
`build` makes the model of it. Settings are the same as plain JSON values, checked by `from_settings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any, get_type_hints

from zabcheck.explorer.model import Model
from zabcheck.models import bounds as any_bounds
from zabcheck.models.broadcast.entry import SPEC as BROADCAST
from zabcheck.models.fast_election.entry import SPEC as FAST_ELECTION
from zabcheck.models.mutant import Mutant, apply
from zabcheck.models.paper.entry import SPEC as PAPER
from zabcheck.models.service.entry import SPEC as SERVICE
from zabcheck.models.spec import Spec
from zabcheck.models.zab.entry import SPEC as ZAB
from zabcheck.suggestions import unknown

SPECS: Mapping[str, Spec] = {each.name: each for each in (PAPER, BROADCAST, ZAB, FAST_ELECTION, SERVICE)}
"""The specs by name."""

MUTANTS: Mapping[str, Mutant] = {each.name: each for spec in SPECS.values() for each in spec.mutants}
"""All mutants by name, those of a spec together."""

MISTAKES: Mapping[str, Mutant] = {
    name: mistake for spec in SPECS.values() for name, mistake in spec.mistakes.items()
}
"""All that can be put in, by name: the mutants, and mistakes that break nothing within reach."""

OWNERS: Mapping[str, Spec] = {name: spec for spec in SPECS.values() for name in spec.mistakes}
"""The spec that each of `MISTAKES` is put into."""

WHEN_BOUNDS_WERE_SHARED: Mapping[str, Any] = {
    **{"servers": 3, "transactions": 2, "timeouts": 1, "restarts": 0, "epochs": None, "numbered": False},
    **{"restart_needs_timeout": False, "give_up": False, "partitions": 0, "observers": 0, "weights": ""},
    **{"weightless": 0, "unlike": False, "early": 0, "capacity": 1, "rounds": 2, "election": "abstract"},
    **{"synchronization": "fine", "disk": "sequence", "scenario": "", "bookkeeping": False},
}
"""The bounds that older trace files give for every spec, with the values by which a spec ignored them."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One thing to explore.

    Attributes:
        spec: its name, one of `SPECS`.
        bounds: how far; of the class that the spec has for them. None for its defaults.
        mutant: the name of the mistake put in, None for the spec as it is.
        properties: the names of those to be checked; None for all, each `sometimes` where it can come up.
    """

    spec: str = PAPER.name
    bounds: Any = None
    mutant: str | None = None
    properties: tuple[str, ...] | None = field(default=None)

    def __post_init__(self) -> None:
        if self.bounds is None and self.spec in SPECS:
            object.__setattr__(self, "bounds", SPECS[self.spec].bounds())


def spec_named(name: str) -> Spec:
    """Returns a spec.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in SPECS:
        raise ValueError(unknown("spec", name, SPECS))
    return SPECS[name]


def instance_of(mistake: str, properties: tuple[str, ...] | None = None) -> Instance:
    """Returns the instance in which a mistake shows.

    Args:
        mistake: its name, one of `OWNERS`.
        properties: the names of those to be checked, None for all.
    """
    spec = OWNERS[mistake]
    return Instance(spec.name, MISTAKES[mistake].bounds, mistake, properties)


def property_names(name: str) -> tuple[str, ...]:
    """Returns the names of all properties of a spec in its default grain: always, every step, sometimes.

    Raises:
        ValueError: there is no such spec.
    """
    spec = spec_named(name)
    return spec.properties(spec.bounds()).names


def build(instance: Instance) -> Model:
    """Returns the model of an instance, with its properties.

    Raises:
        ValueError: the instance names something that there is not, or has bounds that do not fit together.
    """
    check(instance)
    spec = SPECS[instance.spec]
    actions = spec.actions(instance.bounds)
    mistake = None if instance.mutant is None else MISTAKES[instance.mutant]
    model = spec.model(instance.bounds, actions if mistake is None else apply(mistake, actions))
    if mistake is not None and mistake.begun:
        assert spec.begun is not None, f"{spec.name} does not say where to begin {mistake.name}"
        model = spec.begun(model)
    properties = spec.properties(instance.bounds)

    def is_chosen(name: str) -> bool:
        if instance.properties is not None:
            return name in instance.properties
        return spec.is_asked(instance.bounds, name)

    groups = (properties.always, properties.every_step, properties.sometimes)
    always, every_step, sometimes = (tuple(p for p in group if is_chosen(p.name)) for group in groups)
    return replace(
        model, always=always, every_step=every_step, sometimes=sometimes, settings=as_settings(instance)
    )


def with_all_properties(instance: Instance) -> Instance:
    """Returns the instance with every property of its spec asked, whatever can come up within its bounds."""
    return replace(instance, properties=spec_named(instance.spec).properties(instance.bounds).names)


def in_words(instance: Instance) -> str:
    """Returns an instance as a title: `paper, 3 servers, 2 transactions, 1 timeout, no restarts`."""
    told = [instance.spec, *any_bounds.in_words(instance.bounds)]
    if instance.mutant is not None:
        told.append(f"mutant {instance.mutant}")
    return ", ".join(told)


def as_settings(instance: Instance) -> dict[str, Any]:
    """Returns an instance as JSON values; `from_settings` takes them back."""
    chosen = instance.properties
    return {
        "spec": instance.spec,
        **asdict(instance.bounds),
        "mutant": instance.mutant,
        "properties": None if chosen is None else list(chosen),
    }


def from_settings(settings: Mapping[str, Any]) -> Instance:
    """Returns the instance that settings describe; what they leave out has its default.

    Raises:
        ValueError: a setting is unknown, of the wrong type or impossible; one line that names it.
    """
    name = settings.get("spec", PAPER.name)
    _check_type("spec", name, str)
    spec = spec_named(name)
    hints = {"spec": str, **get_type_hints(spec.bounds), "mutant": str | None, "properties": list | None}
    given = {}
    for key, value in settings.items():
        if key not in hints:
            _check_ignored(spec, key, value)
            continue
        if value is None and hints[key] is int and WHEN_BOUNDS_WERE_SHARED.get(key, 0) is None:
            continue  # an older file says that there is no bound, where the spec always has one
        _check_type(key, value, hints[key])
        given[key] = value
    chosen = given.get("properties")
    if chosen is not None and not all(isinstance(each, str) for each in chosen):
        raise ValueError(f"setting 'properties' is {chosen!r}, which is no list of names")
    bounds = spec.bounds(
        **{each.name: given[each.name] for each in fields(spec.bounds) if each.name in given}
    )
    instance = Instance(name, bounds, given.get("mutant"), None if chosen is None else tuple(chosen))
    check(instance)
    return instance


def check(instance: Instance) -> None:
    """Checks whether an instance can be built.

    Raises:
        ValueError: it cannot; one line that says what is wrong.
    """
    spec = spec_named(instance.spec)
    if not isinstance(instance.bounds, spec.bounds):
        raise ValueError(f"the bounds are not those of the spec {spec.name!r}: {instance.bounds!r}")
    spec.check(instance.bounds)
    if instance.mutant is not None and instance.mutant not in spec.mistakes:
        where = f"zab mutants --list --spec {spec.name}"
        raise ValueError(unknown("mutant", instance.mutant, spec.mistakes, where, f" of spec {spec.name!r}"))
    names = spec.properties(instance.bounds).names
    where = f"zab properties {spec.name}"
    for name in instance.properties or ():
        if name not in names:
            raise ValueError(unknown("property", name, names, where, f" of spec {spec.name!r}"))


@cache
def bounds_by_name() -> Mapping[str, Mapping[str, Field[Any]]]:
    """Returns the bounds of all specs: by the name of a bound, by the name of a spec, the field."""
    found: dict[str, dict[str, Field[Any]]] = {}
    for spec in SPECS.values():
        for each in fields(spec.bounds):
            found.setdefault(each.name, {})[spec.name] = each
    return found


def _check_ignored(spec: Spec, name: str, value: Any) -> None:
    """Lets pass what an older trace file says of another spec's bounds, if the value says nothing."""
    of = tuple(bounds_by_name().get(name, ()))
    if not of and name not in WHEN_BOUNDS_WERE_SHARED:
        every = ["spec", *(each.name for each in fields(spec.bounds)), "mutant", "properties"]
        raise ValueError(unknown("setting", name, every))
    if name not in WHEN_BOUNDS_WERE_SHARED or value != WHEN_BOUNDS_WERE_SHARED[name]:
        raise ValueError(f"{name} is not for the spec {spec.name!r}, but for {' and '.join(map(repr, of))}")


def _check_type(name: str, value: Any, hint: Any) -> None:
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ValueError(f"setting {name!r} is {value!r}, which is no {_in_words(hint)}")


def _in_words(hint: Any) -> str:
    words = {int: "whole number", bool: "true or false", str: "text", int | None: "whole number or null"}
    return words.get(hint, "text or null" if hint == str | None else "list or null")
