"""What is wrong with a model or its spec, so that it cannot be explored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self


class SpecError(ValueError):
    """A model or its spec cannot be explored: one line that names the action or property and the mistake.

    It is neither a verdict nor a violation; the command line exits with 2.

    Attributes:
        row: the row of a block in which it occurred, while that is all that is known.
        reached: the number of a world and the index of a step from there, None for no step: how to get to
            the state in which it occurred; None once the message says so.
    """

    row: int | None = None
    reached: tuple[int, int | None] | None = None

    def after(self, run: Sequence[str]) -> Self:
        """Returns the error with the steps that lead to the state in which it occurred."""
        count = f"{len(run)} step{'s'[: len(run) != 1]}"
        where = f"after {count}: {', '.join(run)}" if run else "in the initial state"
        return type(self)(f"{self} ({where})")


class NotSymmetricError(SpecError):
    """Symmetry is declared, and an action or a property treats process ids as more than names."""
