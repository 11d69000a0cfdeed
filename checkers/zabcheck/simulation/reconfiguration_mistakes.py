"""Mistakes that the cores might make when members join, leave or change between voter and observer.

Each function does what the one that it replaces does, but for one thing, which its docstring names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zabcheck.simulation.disk import MemoryDisk
from zabcheck.simulation.mistake import Mistake, mistake
from zabserver.zab.configuration import reached_by
from zabserver.zab.election import Election, Report
from zabserver.zab.ensemble import Ensemble
from zabserver.zab.peer import Peer
from zabserver.zab.succession import Succession

JOINERS = 2
"""The number of joiners with which these mistakes show: with one of three voters they are a quorum."""


def reached_in_old_ensemble(self: Succession, marks: Mapping[int, int]) -> int:
    """A leader commits a reconfiguration with a quorum of the old ensemble alone."""
    return reached_by(self.peer.ensemble, marks)


def has_quorum_of_old_ensemble(self: Election, reports: dict[int, Report], report: Report) -> bool:
    """A server decides an election by a quorum of the committed ensemble alone."""
    return self.ensemble.is_quorum([sid for sid, each in reports.items() if report.agrees_with(each)])


def reached_in_new_ensemble(self: Succession, marks: Mapping[int, int]) -> int:
    """A leader commits a reconfiguration with a quorum of the new ensemble alone."""
    return reached_by(self.peer.last_seen, marks)


def saves_committed_ensemble_only(self: MemoryDisk, committed: Ensemble, last_seen: Ensemble) -> None:
    """A server does not write a proposed ensemble, and forgets it in a crash."""
    self.ensembles = (committed, committed)


def tells_proposed_ensemble(self: Succession, is_serving: bool) -> Ensemble:
    """A leader names a proposed ensemble in NEWLEADER, which the learner takes for committed."""
    return self.peer.last_seen


def reached_in_new_ensemble_after_commit(self: Succession, marks: Mapping[int, int]) -> int:
    """A leader commits earlier proposals without the old ensemble once the new one is committed."""
    self._before = None
    return _reached(self, marks)


_reached = Succession.reached


def keeps_its_ensemble(self: Peer) -> None:
    """A looking server does not take over a later ensemble from a notification."""


ALL: Sequence[Mistake] = (
    Mistake(
        "counts-old-quorum-only",
        (
            (Peer, "ensembles", property(lambda self: (self.ensemble,))),
            (Succession, "reached", reached_in_old_ensemble),
            (Election, "_has_quorum", has_quorum_of_old_ensemble),
        ),
        joiners=JOINERS,
    ),
    mistake("counts-new-quorum-only", Succession, "reached", reached_in_new_ensemble, joiners=JOINERS),
    mistake(
        "forgets-proposed-ensemble",
        MemoryDisk,
        "save_ensembles",
        saves_committed_ensemble_only,
        joiners=JOINERS,
    ),
    mistake("tells-proposed-ensemble", Succession, "of_new_leader", tells_proposed_ensemble, joiners=JOINERS),
    mistake(
        "drops-old-quorum-at-commit",
        Succession,
        "reached",
        reached_in_new_ensemble_after_commit,
        joiners=JOINERS,
    ),
    mistake("ignores-newer-ensembles", Peer, "_activate_newer_ensemble", keeps_its_ensemble, joiners=JOINERS),
)
