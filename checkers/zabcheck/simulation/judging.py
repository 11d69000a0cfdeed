"""Puts the spec's properties to the states that a world stands for.

Three sentences follow from prefix consistency and from histories without gaps, and cost the square of a
history's length: agreement, total order, local primary order. Those are judged where a run rests, all others
after every step; of two servers, if one of them or a channel between them has changed, for such a sentence
reads nothing else. Where a run rests, all are judged of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from inspect import signature
from itertools import permutations
from typing import Any

from zabspec.parts import Sid
from zabspec.zab import properties
from zabspec.zab.expected import acknowledgement_fits
from zabspec.zab.state import State

AT_REST = (properties.agreement, properties.total_order, properties.local_primary_order)
AT_ONCE = tuple(each for each in properties.ALWAYS if each not in AT_REST)
OF_ONE_ENSEMBLE = (properties.committed_is_kept, acknowledgement_fits)


class Violation(Exception):
    """A property does not hold.

    Args:
        property: its name.
        what: in words, what is so.
    """

    def __init__(self, property: str, what: str) -> None:
        super().__init__(f"{property}: {what}")
        self.property = property
        self.what = what


class Judge:
    """Judges states and steps of a number of servers.

    Args:
        size: how many.

    Attributes:
        reached: which of the spec's SOMETIMES came up, and in how many states.
    """

    def __init__(self, size: int, is_reconfigured: bool = False) -> None:
        left_out = OF_ONE_ENSEMBLE if is_reconfigured else ()
        self._at_once = list(_choices([each for each in AT_ONCE if each not in left_out], size, 1))
        self._at_rest = list(_choices(AT_REST, size, 1))
        self._steps = list(_choices(properties.EVERY_STEP, size, 2))
        self._sometimes = list(_choices(properties.SOMETIMES, size, 1))
        self.reached: Counter[str] = Counter()

    def judge_step(self, before: State, after: State) -> None:
        """Judges a state, and the step that led there.

        Raises:
            Violation: a property does not hold.
        """
        for holds, servers in self._steps:
            if not holds(before, after, *servers):
                raise _violation(holds, servers)
        different = _different(before, after)
        for holds, servers in self._at_once:
            if (len(servers) < 2 or servers in different) and not holds(after, *servers):
                raise _violation(holds, servers)
        for comes, servers in self._sometimes:
            if (len(servers) < 2 or servers in different) and comes(after, *servers):
                self.reached[comes.__name__] += 1

    def judge_rest(self, state: State) -> None:
        """Judges everything, also what costs more.

        Raises:
            Violation: a property does not hold.
        """
        for holds, servers in (*self._at_once, *self._at_rest):
            if not holds(state, *servers):
                raise _violation(holds, servers)


def _different(before: State, after: State) -> set[tuple[Sid, ...]]:
    """Pairs of servers of which one, or a channel between them, is not as it was."""
    sids = [Sid(sid) for sid in range(len(after.servers))]
    changed = [before.servers[sid] is not after.servers[sid] for sid in sids]
    return {
        (one, other)
        for one in sids
        for other in sids
        if changed[one]
        or changed[other]
        or before.network[one][other] != after.network[one][other]
        or before.network[other][one] != after.network[other][one]
    }


def _choices(
    asked: Iterable[Callable[..., bool]], size: int, states: int
) -> Iterable[tuple[Callable[..., bool], tuple[Sid, ...]]]:
    """Each property with each choice of servers that it is asked of."""
    for each in asked:
        for servers in permutations(
            range(size), len(signature(each, follow_wrapped=False).parameters) - states
        ):
            yield each, tuple(map(Sid, servers))


def _violation(holds: Any, servers: tuple[Sid, ...]) -> Violation:
    sentence = " ".join((holds.__doc__ or "").split("\n\n")[0].split())
    named = "".join(f" {sid + 1}" for sid in servers)
    return Violation(holds.__name__, f"not so of{named}: {sentence}" if servers else f"not so: {sentence}")
