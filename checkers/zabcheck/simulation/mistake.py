"""A mistake that the cores might make: what is put in the place of which of their functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Replacement = tuple[Any, str, Any]
"""A class or module, the name of one of its attributes, and what takes the attribute's place."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake.

    Attributes:
        name: its name in settings of runs.
        replacements: what is replaced while the mistake is planted.
        voters, observers, joiners: of an ensemble that shows the mistake.
    """

    name: str
    replacements: tuple[Replacement, ...]
    voters: int = 3
    observers: int = 0
    joiners: int = 0


def mistake(name: str, owner: Any, attribute: str, wrong: Callable[..., Any], **size: int) -> Mistake:
    """Returns a mistake that replaces one function."""
    return Mistake(name, ((owner, attribute, wrong),), **size)
