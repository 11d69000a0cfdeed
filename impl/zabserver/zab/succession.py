"""A leader's part in reconfigurations: whose quorums it needs, and who leads after it.

A leader that votes in the next ensemble at the same address goes on. Otherwise it names the voter with most,
with the commit of the reconfiguration, and commits nothing after that: the one it named does. It stays until
no quorum is connected any more, so that a quorum has heard of it, and follows that one then.

ZooKeeper: Leader.tryToCommit, commitAndActivate, informAndActivate, getDesignatedLeader, isQuorumSynced.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from zabserver.wire.jute import LONG
from zabserver.wire.quorum import Kind
from zabserver.zab.configuration import designated
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

    @property
    def is_over(self) -> bool:
        """Whether another leads from now on, and this server commits nothing more."""
        return self.successor != self.peer.me

    # Voters.

    def votes(self, sid: int) -> bool:
        """Whether a server votes in an ensemble of which a quorum is needed."""
        return any(sid in each.voters for each in self.peer.ensembles)

    def ready_voters(self) -> set[int]:
        """Who has all that is proposed, or gets it, and acknowledges it: this server, and followers."""
        followers = (each for each in self.leader.handlers.values() if not each.is_observer)
        return {self.peer.me} | {each.sid for each in followers if each.stage == Stage.BROADCAST}

    def _count_voters(self) -> None:
        for handler in self.leader.handlers.values():
            handler.is_voter = not handler.is_observer and self.votes(handler.sid)

    # The way of an ensemble.

    def label(self, epoch: int) -> None:
        """An ensemble that was there from the start gets a version, to beat those of servers that join.

        ZooKeeper: Leader.lead (ZOOKEEPER-1783).
        """
        ensemble = self.peer.ensemble
        if self.peer.rules.settings.reconfig and ensemble.version == self.peer.last_seen.version == 0:
            self.peer.see(replace(ensemble, version=epoch << 32))

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
        self._count_voters()

    def tell(self, entry: Entry) -> None:
        """A reconfiguration is committed: all are told, and who leads from now on."""
        zxid, payload = entry
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
