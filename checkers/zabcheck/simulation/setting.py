"""What a simulated run starts from: the ensemble, its rules, and the mistake put into the cores, if any.

A run of a setting with joiners may be reconfigured: clients may ask for any of its members to join, to leave
or to change between voter and observer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from zabserver.service.settings import Settings
from zabserver.zab.ensemble import Ensemble, Member, ensemble_from_text
from zabserver.zab.role import Rules

TICK, INIT, SYNC = 1000, 10, 5
"""`tickTime` in milliseconds, `initLimit` and `syncLimit` in ticks."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run starts from.

    Attributes:
        voters, observers: how many of each the first ensemble has; ids are given in this order, from 1.
        history: how many recent transactions a leader keeps to synchronize learners with.
        size_factor: how large a log may be, as a part of the snapshot, to be sent instead of it (`Rules`).
        mistake: the name of the mistake put into the cores (`zabcheck.simulation.mistakes`); "" for none.
        joiners: how many more servers run that are not members of the first ensemble.
    """

    voters: int = 3
    observers: int = 0
    history: int = 500
    size_factor: float = 0.33
    mistake: str = ""
    joiners: int = 0

    @property
    def size(self) -> int:
        """How many servers there are, joiners included."""
        return self.voters + self.observers + self.joiners

    @property
    def rules(self) -> Rules:
        """The rules that all servers go by."""
        return Rules(
            tick=TICK,
            init=INIT,
            sync=SYNC,
            history=self.history,
            size_factor=self.size_factor,
            settings=Settings(reconfig=True, skip_acl=True) if self.joiners else Settings(),
        )

    @property
    def ensemble(self) -> Ensemble:
        """The first ensemble."""
        first = range(1, self.voters + self.observers + 1)
        if not self.joiners:
            return Ensemble({sid: Member(sid, "host", 2888, 3888, sid > self.voters) for sid in first})
        return ensemble_of(first, [sid for sid in first if sid > self.voters])

    def ensemble_of_joiner(self, sid: int) -> Ensemble:
        """The ensemble that a joiner is configured with: the first one, and itself as a participant."""
        first = self.ensemble
        return ensemble_of([*first.members, sid], first.observers)

    def as_json(self) -> dict[str, Any]:
        """The setting as it stands in a file; `joiners` is left out where there are none."""
        document = asdict(self)
        if not self.joiners:
            del document["joiners"]
        return document


def ensemble_of(members: Iterable[int], observers: Collection[int] = ()) -> Ensemble:
    """Returns the ensemble of these members, each at an address of its own, at version 0."""
    return ensemble_from_text("\n".join(line(sid, is_observer=sid in observers) for sid in members))


def line(sid: int, is_observer: bool = False) -> str:
    """Returns what zoo.cfg says of a member."""
    kind = "observer" if is_observer else "participant"
    return f"server.{sid}=h{sid}:2888:3888:{kind};{2180 + sid}"
