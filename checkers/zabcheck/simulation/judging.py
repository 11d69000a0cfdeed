"""Checks the spec's properties in the states that a world stands for.

Agreement, total order and local primary order follow from prefix consistency and from histories without gaps,
and their cost is the square of a history's length. They are checked at the end of a run, all others after
each step. A property of two servers reads only those and the channels between them, so it is checked again
only if one of these has changed. At the end of a run all properties are checked for all servers.
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

AT_END = (properties.agreement, properties.total_order, properties.local_primary_order)
AT_ONCE = tuple(each for each in properties.ALWAYS if each not in AT_END)
OF_ONE_ENSEMBLE = (properties.committed_is_kept, acknowledgement_fits)
"""Properties that hold only while the members are those of the first ensemble."""


class Violation(Exception):
    """A property does not hold.

    Args:
        property: the name of the property.
        what: what was found instead, in words.

    Attributes:
        property, what: as above.
    """

    def __init__(self, property: str, what: str) -> None:
        super().__init__(f"{property}: {what}")
        self.property = property
        self.what = what


class Judge:
    """Checks states and steps of a number of servers.

    Args:
        size: how many servers there are.
        is_reconfigured: True if the members of the ensemble may change.

    Attributes:
        reached: in how many states each of the spec's SOMETIMES held.
    """

    def __init__(self, size: int, is_reconfigured: bool = False) -> None:
        left_out = OF_ONE_ENSEMBLE if is_reconfigured else ()
        self._at_once = list(_choices([each for each in AT_ONCE if each not in left_out], size, 1))
        self._at_end = list(_choices(AT_END, size, 1))
        self._steps = list(_choices(properties.EVERY_STEP, size, 2))
        self._sometimes = list(_choices(properties.SOMETIMES, size, 1))
        self.reached: Counter[str] = Counter()

    def judge_step(self, before: State, after: State) -> None:
        """Checks a state, and the step that led to it.

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

    def judge_end(self, state: State) -> None:
        """Checks all properties of a state for all servers.

        Raises:
            Violation: a property does not hold.
        """
        for holds, servers in (*self._at_once, *self._at_end):
            if not holds(state, *servers):
                raise _violation(holds, servers)


def _different(before: State, after: State) -> set[tuple[Sid, ...]]:
    """Returns the pairs of servers of which one, or a channel between them, has changed."""
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
    """Yields each property with each choice of servers that it may be asked about."""
    for each in asked:
        for servers in permutations(
            range(size), len(signature(each, follow_wrapped=False).parameters) - states
        ):
            yield each, tuple(map(Sid, servers))


def _violation(holds: Any, servers: tuple[Sid, ...]) -> Violation:
    sentence = " ".join((holds.__doc__ or "").split("\n\n")[0].split())
    named = " and".join(f" {sid + 1}" for sid in servers)
    where = f" for server{named}" if servers else ""
    return Violation(holds.__name__, f"not true{where}: {sentence}")
