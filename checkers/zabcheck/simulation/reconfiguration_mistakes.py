"""Mistakes that the cores might make when members join, leave or change between voter and observer.

Each function does what the one in its place does, but for one thing.
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
"""Joiners of an ensemble that shows these mistakes: with one of three voters they are a quorum."""


def reached_in_old_ensemble(self: Succession, marks: Mapping[int, int]) -> int:
    """A reconfiguration is committed by a quorum of the ensemble before it alone."""
    return reached_by(self.peer.ensemble, marks)


def has_quorum_of_old_ensemble(self: Election, reports: dict[int, Report], report: Report) -> bool:
    """A leader is elected by a quorum of the committed ensemble alone."""
    return self.ensemble.is_quorum([sid for sid, each in reports.items() if report.agrees_with(each)])


def reached_in_new_ensemble(self: Succession, marks: Mapping[int, int]) -> int:
    """A reconfiguration is committed by a quorum of the ensemble after it alone."""
    return reached_by(self.peer.last_seen, marks)


def saves_committed_ensemble_only(self: MemoryDisk, committed: Ensemble, last_seen: Ensemble) -> None:
    """An ensemble that was proposed is not on disk, and forgotten in a crash."""
    self.ensembles = (committed, committed)


def tells_proposed_ensemble(self: Succession, is_serving: bool) -> Ensemble:
    """NEWLEADER tells an ensemble that is only proposed, and the learner takes it for committed."""
    return self.peer.last_seen


def reached_in_new_ensemble_after_commit(self: Succession, marks: Mapping[int, int]) -> int:
    """What was proposed before a reconfiguration was committed needs no quorum of the ensemble before it."""
    self._before = None
    return _reached(self, marks)


_reached = Succession.reached


def keeps_its_ensemble(self: Peer) -> None:
    """A server that looks for a leader does not take over a later ensemble from a notification."""


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
