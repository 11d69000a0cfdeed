"""What holds of an ensemble whose members change, whatever happens to them.

one_ensemble_a_version    all servers that serve know the same ensemble at a version
ensemble_has_quorums      an ensemble is taken for committed once quorums have it on disk: one of the ensemble
                          before it, and one of its own
epoch_has_quorums         a leader serves once quorums have acknowledged NEWLEADER: of the last ensemble that
                          was committed, and of each in the leader's history that was not
commit_has_quorums        a transaction is committed once quorums have it on disk: of the ensemble that was
                          committed when it was proposed, and of each that was proposed up to it
ensemble_is_of_history    a server that serves goes by no earlier ensemble than its last reconfiguration made

A new leader makes the ensemble that was last proposed to it the committed one with its NEWLEADER, even where
the reconfiguration itself was cut off its log, as in ZooKeeper. So an ensemble counts as on disk where it is
in the log, or in the file for proposed ensembles.

These stand in for the spec's sentence on quorums, `committed_is_kept`, which knows one ensemble for ever.

Follows: Shraer et al., "Dynamic Reconfiguration of Primary/Backup Clusters" (USENIX ATC 2012), section 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from zabcheck.simulation.judging import Violation
from zabcheck.simulation.mapping import Mapper, in_hex
from zabcheck.simulation.world import World
from zabserver.service.tree import CONFIG
from zabserver.wire.election import ServerState
from zabserver.zab.configuration import proposed_ensemble
from zabserver.zab.ensemble import Ensemble
from zabserver.zab.peer import Peer
from zabspec.histories import History, Txn
from zabspec.zab.disk import durable


@dataclass(slots=True)
class Reconfigurations:
    """Judges reconfigurations while a run goes on.

    Args:
        world: the servers.
        mapper: knows what each server has applied and has on disk.

    Attributes:
        ensembles: the text of the ensemble at each version, of all that a server has served with.
        committed: the last ensemble that a server took for committed.
    """

    world: World
    mapper: Mapper
    ensembles: dict[int, str] = field(default_factory=dict)
    committed: Ensemble = field(init=False)
    _epochs: set[int] = field(default_factory=set)
    _needed: dict[Txn, list[Ensemble]] = field(default_factory=dict)
    _proposed: dict[Txn, Ensemble | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing has happened yet."""
        self.committed = self.world.ensemble

    def on_member(self, sid: int, committed: int) -> None:
        """Judges a server that may have changed.

        Args:
            sid: its id.
            committed: how many transactions had been committed before the change.

        Raises:
            Violation: a property does not hold.
        """
        peer = self.world.members[sid].peer
        if peer is None:
            return
        if peer.ensemble.version > self.committed.version:
            self._on_ensemble(peer.ensemble)
        if peer.service is None:
            return
        version, text = peer.ensemble.version, peer.ensemble.text()
        if self.ensembles.setdefault(version, text) != text:
            raise Violation("one_ensemble_a_version", f"server {sid} has another one at {version:x}")
        applied = self.mapper.applied(sid)
        if peer.state == ServerState.LEADING:
            if peer.current_epoch not in self._epochs:
                self._on_leader(sid, peer.current_epoch)
            for txn in applied[committed:]:
                self._on_committed(txn)
            self._on_proposed(sid, peer.current_epoch, applied)
        self._check_ensemble(peer, applied)

    def is_known_to_all(self, sids: Iterable[int]) -> bool:
        """True if these servers know the same ensemble, and show it to clients."""
        peers = [peer for peer in self.world.peers() if peer.me in sids]
        return len({(peer.ensemble.version, peer.tree.nodes[CONFIG].data) for peer in peers}) == 1

    def _check_ensemble(self, peer: Peer, applied: History) -> None:
        version = self._last_ensemble(applied).version
        if peer.ensemble.version < version:
            what = f"server {peer.me} has applied version {version:x}, and goes by {peer.ensemble.version:x}"
            raise Violation("ensemble_is_of_history", what)

    def _on_ensemble(self, ensemble: Ensemble) -> None:
        """Judges an ensemble that a server takes for committed, the first to do so."""
        if not ensemble.has_the_same_members(self.committed):
            having = [sid for sid in self.world.members if self._has_on_disk(sid, ensemble)]
            what = f"the ensemble of version {ensemble.version:x}"
            self._check_quorums("ensemble_has_quorums", what, having, (self.committed, ensemble))
        self.committed = ensemble

    def _has_on_disk(self, sid: int, ensemble: Ensemble) -> bool:
        saved = self.world.members[sid].disk.ensembles or ()
        return ensemble in saved or ensemble in self._reconfigurations(durable(self.mapper.server(sid)))

    def _on_leader(self, sid: int, epoch: int) -> None:
        """Judges a server that serves as the leader of a new epoch."""
        self._epochs.add(epoch)
        earlier = [txn for txn in self._log(sid) if txn.zxid.epoch < epoch]
        pending = [each for each in self._reconfigurations(earlier) if each.version > self.committed.version]
        having = [each for each, member in self.world.members.items() if member.disk.current >= epoch]
        self._check_quorums("epoch_has_quorums", f"epoch {epoch}", having, (self.committed, *pending))

    def _on_committed(self, txn: Txn) -> None:
        """Judges a transaction that a leader has committed."""
        needed = self._needed.get(txn)
        if needed is not None:
            having = [sid for sid in self.world.members if txn in durable(self.mapper.server(sid))]
            self._check_quorums("commit_has_quorums", in_hex(txn.zxid), having, needed)

    def _on_proposed(self, sid: int, epoch: int, applied: History) -> None:
        """Notes of which ensembles quorums are needed for what a leader has proposed."""
        pending = [txn for txn in self._log(sid)[len(applied) :] if txn.zxid.epoch == epoch]
        if not pending or pending[-1] in self._needed:
            return
        needed = [max(self.committed, self._last_ensemble(applied), key=lambda each: each.version)]
        for txn in pending:
            ensemble = self._ensemble_of(txn)
            if ensemble is not None:
                needed.append(ensemble)
            self._needed.setdefault(txn, list(needed))

    def _check_quorums(self, name: str, what: str, having: Sequence[int], needed: Iterable[Ensemble]) -> None:
        for ensemble in needed:
            if not ensemble.is_quorum(having):
                voters = sorted(ensemble.voters)
                raise Violation(name, f"{what} is at servers {having}, no quorum of {voters}")

    def _log(self, sid: int) -> History:
        server = self.mapper.server(sid)
        return (*durable(server), *server.unsynced)

    def _last_ensemble(self, history: Sequence[Txn]) -> Ensemble:
        return ([self.world.ensemble, *self._reconfigurations(history)])[-1]

    def _reconfigurations(self, history: Sequence[Txn]) -> list[Ensemble]:
        return [each for each in map(self._ensemble_of, history) if each is not None]

    def _ensemble_of(self, txn: Txn) -> Ensemble | None:
        """Returns the ensemble that a transaction makes, if it is a reconfiguration."""
        if txn not in self._proposed:
            self._proposed[txn] = proposed_ensemble(self.mapper.payload(txn))
        return self._proposed[txn]
