"""A leader's part in reconfigurations: whose quorums it needs, and who leads afterwards.

A leader that votes in the next ensemble at the same address goes on. Otherwise it designates the voter with
the longest log, with the commit of the reconfiguration, and commits nothing after that: the designated leader
does. It stays until no quorum is connected any more, since a quorum has received that commit then, and
follows the designated leader.

ZooKeeper: Leader.tryToCommit, commitAndActivate, informAndActivate, getDesignatedLeader, isQuorumSynced.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from zabserver.wire.jute import LONG
from zabserver.wire.quorum import Kind
from zabserver.zab.configuration import designated, reached_by
from zabserver.zab.ensemble import Ensemble
from zabserver.zab.handler import Stage
from zabserver.zab.history import Entry
from zabserver.zab.role import Reassigned

if TYPE_CHECKING:
    from zabserver.zab.leader import Leader


class Succession:
    """The part of a leader that deals with reconfigurations.

    Args:
        leader: the leader.

    Attributes:
        successor: the id of the leader; another server once an ensemble is committed that this one must not
            lead.
    """

    def __init__(self, leader: Leader) -> None:
        self.leader = leader
        self.peer = leader.peer
        self.successor = leader.peer.me
        self._before: Ensemble | None = None
        self._until = 0  # everything up to this zxid needs a quorum of that, too

    @property
    def is_over(self) -> bool:
        """True if another server leads from now on, and this one commits nothing more."""
        return self.successor != self.peer.me

    # Voters.

    def reached(self, marks: Mapping[int, int]) -> int:
        """Returns the last zxid that may be committed.

        From a reconfiguration on, quorums of both ensembles are needed; for what was proposed before its
        commit even after that, because a server that has not received the commit votes as in the previous
        ensemble.

        Args:
            marks: the last zxid that each server has acknowledged.
        """
        peer = self.peer
        reached = reached_by(peer.ensemble, marks)
        if peer.is_reconfiguring and reached >= peer.last_seen.version:
            reached = max(min(reached, reached_by(peer.last_seen, marks)), peer.last_seen.version - 1)
        if self._before is not None:
            earlier = reached_by(self._before, marks)
            if earlier < self._until:
                return min(reached, earlier)
            self._before = None
        return reached

    def can_commit(self, present: Collection[int]) -> bool:
        """True if the servers present can commit all that is proposed; if not, another leader may be able to.

        ZooKeeper waits for ever.
        """
        return self._before is None or self._before.is_quorum(present)

    def ready_voters(self) -> set[int]:
        """Returns the ids of this server and of the followers that are synchronized."""
        followers = (each for each in self.leader.handlers.values() if not each.is_observer)
        return {self.peer.me} | {each.sid for each in followers if each.stage == Stage.BROADCAST}

    def _count_voters(self) -> None:
        for handler in self.leader.handlers.values():
            handler.is_voter = not handler.is_observer and handler.sid in self.peer.ensemble.voters

    # The life of an ensemble.

    def label(self, epoch: int) -> None:
        """Gives an initial ensemble a version, so that it beats those of servers that join.

        ZooKeeper: Leader.lead (ZOOKEEPER-1783).
        """
        ensemble = self.peer.ensemble
        if self.peer.rules.settings.reconfig and ensemble.version == self.peer.last_seen.version == 0:
            self.peer.see(replace(ensemble, version=epoch << 32))

    def of_new_leader(self, is_serving: bool) -> Ensemble:
        """Returns the ensemble to send with NEWLEADER, which UPTODATE declares committed.

        ZooKeeper sends a proposed one, too; then a learner takes for committed what may never be.

        Args:
            is_serving: True if a quorum has acknowledged a NEWLEADER; if not, a quorum of the last ensemble
                seen has to.
        """
        return self.peer.ensemble if is_serving else self.peer.last_seen

    def complete(self, ready: Collection[int]) -> None:
        """Commits the last ensemble seen, which a quorum of it has acknowledged with NEWLEADER.

        Args:
            ready: the servers that have.
        """
        if self.peer.is_reconfiguring:
            self.successor = self._designated(ready)
            self.install()

    def propose(self, ensemble: Ensemble) -> None:
        """Records an ensemble about to be proposed: from now on a quorum of it is needed, too."""
        self.peer.see(ensemble)

    def tell(self, entry: Entry, last: int) -> None:
        """Sends everyone the commit of a reconfiguration and the leader that it designates.

        Args:
            entry: the reconfiguration.
            last: the last zxid that is proposed.
        """
        zxid, payload = entry
        self._before, self._until = (self.peer.ensemble if last > zxid else None), last
        handlers = self.leader.handlers.values()
        self.successor = self._designated({each.sid for each in handlers if each.acknowledged >= zxid})
        body = LONG.pack(self.successor)
        for handler in handlers:
            if handler.stage < Stage.SYNCHRONIZATION:
                continue
            if handler.is_observer:
                handler.send(Kind.INFORM_AND_ACTIVATE, zxid, body + payload)
            else:
                handler.send(Kind.COMMIT_AND_ACTIVATE, zxid, body)

    def install(self) -> None:
        """Activates the last ensemble seen."""
        self.peer.install(self.peer.last_seen, self.successor)
        self._count_voters()

    def hand_over(self) -> None:
        """Waits until no quorum is connected any more: then this server follows the designated leader.

        Raises:
            Reassigned: the wait is over.
        """
        handlers = self.leader.handlers.values()
        here = {each.sid for each in handlers if each.stage >= Stage.READY and not each.is_observer}
        if not self.peer.ensemble.is_quorum(here):
            raise Reassigned(self.successor)

    def _designated(self, have: Collection[int]) -> int:
        """Returns the leader of the next ensemble, chosen from the servers that have acknowledged it."""
        handlers = self.leader.handlers.values()
        marks = {each.sid: each.acknowledged for each in handlers if each.sid in have}
        return designated(self.peer.me, self.peer.ensemble, self.peer.last_seen, marks)
