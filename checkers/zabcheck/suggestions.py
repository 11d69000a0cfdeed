"""What to say of a name that does not exist: the names that may have been meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

FEW = 10
"""Up to this many names are listed; of more, only those that are close to what was asked for."""

CLOSE = 0.7
"""How much of a name must be alike, from 0 to 1, for it to be suggested."""


def unknown(kind: str, name: str, known: Iterable[str], where: str = "", of: str = "") -> str:
    """Returns one line about a name that is not among those known.

    Args:
        kind: what the name should be of, such as `mutant`.
        name: the name.
        known: the names that exist.
        where: the command that lists them, such as `zab mutants --list`, for when none is close.
        of: what the names belong to, such as ` of spec 'paper'`, with the blank before it.
    """
    names = list(dict.fromkeys(known))
    start = f"no {kind} {name!r}{of}"
    close = _close(name.lower(), names)
    if close:
        return f"{start}: did you mean {' or '.join(close)}?"
    if not names:
        return f"{start}: there are none"
    if len(names) <= FEW or not where:
        return f"{start}: one of {', '.join(names)}"
    return f"{start}: `{where}` lists them"


def _close(asked: str, names: list[str]) -> list[str]:
    """Returns the names that are most like what was asked for, at most three."""
    alike = {name: _likeness(asked, name.lower()) for name in names}
    best = max(alike.values(), default=0.0)
    if best < CLOSE:
        return []
    return [name for name in sorted(names, key=lambda name: -alike[name]) if alike[name] > best - 0.05][:3]


def _likeness(asked: str, name: str) -> float:
    if len(asked) > 2 and name.startswith(asked):
        return 1.0
    return SequenceMatcher(None, asked, name).ratio()
