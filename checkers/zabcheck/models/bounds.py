"""What bounds are made of, and how an action of a spec is kept within them.

A spec has no bounds. Each model has a `Bounds` of its own: a frozen dataclass whose fields are made by
`count`, `flag`, `choice` and `text`, which say what the field means, what values it takes, and how a title
puts it in words. The command line's options, the settings in a trace file and the checks of both are read off
these fields.

A wrapper such as `spending` takes an action, the bounds, and a world: a state of the protocol (`protocol`)
with what has been used of the bounds beside it (`budget`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from zabcheck.suggestions import unknown
from zabspec.parts import replace

T = TypeVar("T")

Say = Callable[[Any, Any], "str | None"]
"""From the value of a bound, and all bounds, to its place in a title; None if the title leaves it out."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What is known of one field of a `Bounds`.

    Attributes:
        help: what it means, for `--help`.
        say: puts a value in words.
        least: the smallest number allowed; None if the value is no number.
        choices: the values allowed; None for any.
    """

    help: str
    say: Say
    least: int | None = None
    choices: tuple[str, ...] | None = None


def count(default: int | None, help: str, say: Say | None = None, *, least: int = 0) -> Any:
    """A field that holds a whole number, `least` or more; None as its default means that there is no bound.

    Without `say`, a title says `3 servers`, `1 timeout`, `no restarts`, after the name of the field.
    """
    return field(default=default, metadata={"bound": Bound(help, say or _counted, least)})


def flag(help: str, say: str) -> Any:
    """A field that is true or false, and false by default; `say` stands in a title where it is true."""
    return field(default=False, metadata={"bound": Bound(help, lambda is_set, _: say if is_set else None)})


def choice(choices: Sequence[str], help: str, words: dict[str, str]) -> Any:
    """A field that holds one of some names, the first by default; `words` has those that a title mentions."""
    bound = Bound(help, lambda name, _: words.get(name), choices=tuple(choices))
    return field(default=choices[0], metadata={"bound": bound})


def text(help: str, say: Say) -> Any:
    """A field that holds text, empty by default."""
    return field(default="", metadata={"bound": Bound(help, say)})


def unless_zero(words: str) -> Say:
    """Words for a number, with `{}` in its place, that a title leaves out where the number is zero."""
    return lambda value, _: words.format(value) if value else None


def bound_of(each: Field[Any]) -> Bound:
    """What is known of a field."""
    found: Bound = each.metadata["bound"]
    return found


def in_words(bounds: Any) -> Iterator[str]:
    """Bounds in words, field by field: `3 servers`, `no timeouts`."""
    for each in fields(bounds):
        bound, value = bound_of(each), getattr(bounds, each.name)
        if bound.say is _counted:
            if value is not None:
                name = each.name.replace("_", " ")
                yield f"{value or 'no'} {name.removesuffix('s') if value == 1 else name}"
            continue
        said = bound.say(value, bounds)
        if said is not None:
            yield said


def check_values(bounds: Any) -> None:
    """Checks each value by itself.

    Raises:
        ValueError: a number is too small, or a name is none of the choices; one line that names it.
    """
    for each in fields(bounds):
        bound, value = bound_of(each), getattr(bounds, each.name)
        if bound.choices is not None and value not in bound.choices:
            raise ValueError(unknown(each.name, str(value), bound.choices, "zab check --help"))
        if bound.least is not None and value is not None and value < bound.least:
            name = each.name.replace("_", " ")
            raise ValueError(f"{value} {name}: at least {bound.least} is needed")


def _counted(*_: Any) -> str | None:
    raise AssertionError("in_words puts plain numbers in words, by the name of their field")


@dataclass(frozen=True, slots=True)
class Budget:
    """What has been used of the bounds: Zab.tla's `recorder` without the name of the last action."""

    timeouts: int = 0
    restarts: int = 0
    longest: int = 0  # the longest history when the last request was accepted (nTransaction)
    requests: int = 0
    highest_epoch: int = 0  # the highest promise when the last CEPOCH was processed (maxEpoch)


def unbounded(action: Callable[..., Any], _: Any, world: Any, *arguments: Any) -> Any:
    """Takes the action as it is."""
    after = action(world.protocol, *arguments)
    return None if after is None else replace(world, protocol=after)


def by_name(table: Mapping[Callable[..., Any], T]) -> dict[str, T]:
    """Returns a table of actions as one of their names.

    A mutant, or a finer grain, puts another function in an action's place, under the action's name.
    """
    return {action.__name__: value for action, value in table.items()}


def spending(name: str) -> Callable[..., Any]:
    """Returns a wrapper that allows an action while there is budget for it.

    Args:
        name: of the field of the bounds, and of the budget, that the action uses up one of.
    """

    def spend(action: Callable[..., Any], bounds: Any, world: Any, *arguments: Any) -> Any:
        used = getattr(world.budget, name)
        if used >= getattr(bounds, name):
            return None
        after = action(world.protocol, *arguments)
        if after is None:
            return None
        return replace(world, protocol=after, budget=replace(world.budget, **{name: used + 1}))

    return spend
