"""Builds a model from a spec that is written as the specs of `zabspec` are: a list of action functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from inspect import Parameter, signature
from itertools import permutations, product
from typing import Any, get_type_hints

from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.model import Model, Property, State, Step, as_property
from zabcheck.explorer.promises import Assumptions, Promise, eventually
from zabcheck.explorer.running import shown
from zabspec.parts import Sid

Action = Callable[..., State | None]
"""An action: takes a state and the arguments, and returns the next state, or None where it is disabled."""

Predicate = Callable[..., bool]

_NOTHING_ASSUMED = Assumptions()


def model_of(  # noqa: PLR0913 - a model has this many parts, and all but three are optional
    name: str,
    initial: State,
    actions: Iterable[Action],
    *,
    processes: int,
    always: Sequence[Predicate | Property] = (),
    every_step: Sequence[Predicate | Property] = (),
    sometimes: Sequence[Predicate | Property] = (),
    eventually: Sequence[Predicate | Promise] = (),
    fairness: Assumptions = _NOTHING_ASSUMED,
    choices: Mapping[str, Iterable[int]] | None = None,
    symmetry: bool = False,
    who: str = "process",
) -> Model:
    """Returns the model of a spec.

    An action is a function of the state and of whatever the spec leaves open: which process acts, which value
    it proposes. It returns the next state, or None where it is disabled. The model tries every action with
    every choice of arguments: different process ids for the parameters annotated `Sid`, both values for a
    `bool`, all members of an `IntEnum`, and for any other parameter what `choices` gives.

    Args:
        name: a name for the spec.
        initial: the state in which every run begins: a frozen dataclass.
        actions: the functions, in the order in which they are tried; each is named after its function.
        processes: how many processes there are; their ids are 0 to `processes - 1`.
        always: predicates of (state, *sids) that hold in every state, for every choice of processes.
        every_step: predicates of (before, after, *sids) that hold of every step, and of one that changes
            nothing.
        sometimes: predicates of (state, *sids) that hold in some state for some choice of processes; if one
            does not, the model shows less than was meant, and the verdict is VACUOUS.
        eventually: what `check_liveness` checks: predicates of (state, *sids), or results of `eventually()`.
        fairness: the assumptions that liveness rests on; unless given, no action is fair.
        choices: by the name of a parameter, the whole numbers that it takes.
        symmetry: True if process ids are nothing but names: states that differ only by a renaming of
            processes are then counted once.
        who: what a process is called in reports.

    Raises:
        SpecError: there are no actions or no processes, or it is not clear which values a parameter takes.
    """
    if processes < 1:
        raise SpecError(f"{name}: {processes} processes: at least 1 is needed")
    functions = [_function(f"{name}: actions", action) for action in actions]
    steps = tuple(step for action in functions for step in _steps(action, processes, choices or {}))
    if not steps:
        raise SpecError(f"{name}: no action can be taken: there are none, or they need more processes")
    _check_names(name, fairness, steps)
    return Model(
        name,
        initial,
        steps,
        processes,
        always=_properties(f"{name}: always", always),
        every_step=_properties(f"{name}: every_step", every_step),
        sometimes=_properties(f"{name}: sometimes", sometimes),
        symmetry=symmetry,
        who=who,
        eventually=tuple(_promise(f"{name}: eventually", each) for each in eventually),
        fairness=fairness,
    )


def _check_names(name: str, fairness: Assumptions, steps: Iterable[Step]) -> None:
    """Checks that assumptions are about actions that the model has."""
    known = {step.action for step in steps}
    for each in sorted(fairness.weak | fairness.strong | fairness.free | fairness.faults):
        if each not in known:
            raise SpecError(f"{name}: its fairness names an action {each!r}, which the model does not have")


def _steps(action: Action, processes: int, choices: Mapping[str, Iterable[int]]) -> Iterator[Step]:
    """Yields an action with every choice of arguments."""
    hints = get_type_hints(action)
    names = list(signature(action).parameters)[1:]
    are_ids = tuple(hints.get(name) is Sid for name in names)
    values = [
        [None] if is_id else _values(action, name, hints, choices)
        for name, is_id in zip(names, are_ids, strict=True)
    ]
    for sids in permutations(range(processes), sum(are_ids)):
        for others in product(*values):
            waiting = iter(sids)
            arguments = tuple(next(waiting) if each is None else each for each in others)
            yield Step(action.__name__, arguments, action, are_ids=are_ids)


def _values(
    action: Action, name: str, hints: Mapping[str, Any], choices: Mapping[str, Iterable[int]]
) -> Sequence[int]:
    """Returns the values of a parameter that is not a process id."""
    hint = hints.get(name)
    if name in choices:
        found = tuple(choices[name])
    elif hint is bool:
        found = (False, True)
    elif isinstance(hint, type) and issubclass(hint, IntEnum):
        found = tuple(hint)
    else:
        raise SpecError(
            f"action {action.__name__}: no values for its parameter {name!r}: annotate it Sid, bool or an "
            "IntEnum, or name it in `choices`"
        )
    if not found or not all(isinstance(each, int) for each in found):
        raise SpecError(
            f"action {action.__name__}: the values of its parameter {name!r} are not whole numbers"
        )
    if signature(action).parameters[name].kind is not Parameter.POSITIONAL_OR_KEYWORD:
        raise SpecError(f"action {action.__name__}: its parameter {name!r} does not stand for one argument")
    return found


def _properties(name: str, given: Sequence[Predicate | Property]) -> tuple[Property, ...]:
    return tuple(each if isinstance(each, Property) else as_property(_function(name, each)) for each in given)


def _promise(name: str, given: Predicate | Promise) -> Promise:
    return given if isinstance(given, Promise) else eventually(_function(name, given))


def _function(name: str, given: Any) -> Callable[..., Any]:
    """Returns what is given, if it is a function with annotations that can be resolved."""
    if not callable(given) or not hasattr(given, "__name__"):
        raise SpecError(f"{name}: {shown(given)} is not a function")
    try:
        get_type_hints(given)
    except NameError as error:
        raise SpecError(
            f"{name}: {given.__name__}: its annotations cannot be resolved: {error}; define its types at "
            "module level"
        ) from error
    function: Callable[..., Any] = given
    return function
