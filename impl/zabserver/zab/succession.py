"""A leader's part in reconfigurations: whose quorums it needs, and who leads after it.

A leader that votes in the next ensemble at the same address goes on. Otherwise it names the voter with most,
with the commit of the reconfiguration, and commits nothing after that: the one it named does. It stays until
no quorum is connected any more, so that a quorum has heard of it, and follows that one then.

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
    """What becomes of a leader by reconfigurations.

    Args:
        leader: whose part it is.

    Attributes:
        successor: who leads: another, once an ensemble is committed that this server is not to lead.
    """

    def __init__(self, leader: Leader) -> None:
        self.leader = leader
        self.peer = leader.peer
        self.successor = leader.peer.me
        self._before: Ensemble | None = None
        self._until = 0  # of all up to this zxid a quorum of that is needed, too

    @property
    def is_over(self) -> bool:
        """Whether another leads from now on, and this server commits nothing more."""
        return self.successor != self.peer.me

    # Voters.

    def reached(self, marks: Mapping[int, int]) -> int:
        """The last zxid that may be committed.

        From a reconfiguration on a quorum of both ensembles is needed; for what was proposed before its
        commit even after that: a server that does not know of the commit votes as in the ensemble before.

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
        """Whether there are quorums for all that is proposed; if not, another leader may do without.

        ZooKeeper waits for ever.
        """
        return self._before is None or self._before.is_quorum(present)

    def ready_voters(self) -> set[int]:
        """Who has all that is proposed, or gets it, and acknowledges it: this server, and followers."""
        followers = (each for each in self.leader.handlers.values() if not each.is_observer)
        return {self.peer.me} | {each.sid for each in followers if each.stage == Stage.BROADCAST}

    def _count_voters(self) -> None:
        for handler in self.leader.handlers.values():
            handler.is_voter = not handler.is_observer and handler.sid in self.peer.ensemble.voters

    # The way of an ensemble.

    def label(self, epoch: int) -> None:
        """An ensemble that was there from the start gets a version, to beat those of servers that join.

        ZooKeeper: Leader.lead (ZOOKEEPER-1783).
        """
        ensemble = self.peer.ensemble
        if self.peer.rules.settings.reconfig and ensemble.version == self.peer.last_seen.version == 0:
            self.peer.see(replace(ensemble, version=epoch << 32))

    def of_new_leader(self, is_serving: bool) -> Ensemble:
        """The ensemble that NEWLEADER tells, which UPTODATE says is committed.

        ZooKeeper tells one that is proposed, too, so that a learner takes for committed what may never be.

        Args:
            is_serving: whether a quorum has acknowledged a NEWLEADER; if not, that of the last ensemble will.
        """
        return self.peer.ensemble if is_serving else self.peer.last_seen

    def complete(self, ready: Collection[int]) -> None:
        """The last ensemble that this server has seen is committed: a quorum of it has said so.

        Args:
            ready: who has.
        """
        if self.peer.is_reconfiguring:
            self.successor = self._designated(ready)
            self.install()

    def propose(self, ensemble: Ensemble) -> None:
        """It is about to be proposed: it and what follows need a quorum of the next ensemble, too."""
        self.peer.see(ensemble)

    def tell(self, entry: Entry, last: int) -> None:
        """A reconfiguration is committed: all are told, and who leads from now on.

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
        """The last ensemble that this server has seen is the one that counts."""
        self.peer.install(self.peer.last_seen, self.successor)
        self._count_voters()

    def hand_over(self) -> None:
        """Another leads: once no quorum is here any more all have been told, and this server follows.

        Raises:
            Reassigned: that is so.
        """
        handlers = self.leader.handlers.values()
        here = {each.sid for each in handlers if each.stage >= Stage.READY and not each.is_observer}
        if not self.peer.ensemble.is_quorum(here):
            raise Reassigned(self.successor)

    def _designated(self, have: Collection[int]) -> int:
        """Who is to lead the next ensemble, of those that have what makes it."""
        handlers = self.leader.handlers.values()
        marks = {each.sid: each.acknowledged for each in handlers if each.sid in have}
        return designated(self.peer.me, self.peer.ensemble, self.peer.last_seen, marks)
