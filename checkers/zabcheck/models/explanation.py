"""Properties that can say why a state or step violates them, at the end of a picture and in `zab replay`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Explain = Callable[..., list[str]]
"""Takes what its property takes, where that is violated; returns lines of text, some of them indented."""

Predicate = TypeVar("Predicate", bound=Callable[..., bool])

_EXPLAINED: dict[Callable[..., bool], Explain] = {}


def explained_by(explain: Explain) -> Callable[[Predicate], Predicate]:
    """Returns a decorator for the predicate of a property whose violations `explain` explains."""

    def explained(predicate: Predicate) -> Predicate:
        _EXPLAINED[predicate] = explain
        return predicate

    return explained


def explanation(predicate: Callable[..., bool], *arguments: Any) -> list[str]:
    """Returns why a predicate is false of its arguments, line by line; nothing if it has no explanation."""
    explain = _EXPLAINED.get(predicate)
    return [] if explain is None else explain(*arguments)
