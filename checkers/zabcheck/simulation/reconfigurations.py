"""What holds of an ensemble whose members change, whatever happens to them.

one_ensemble_a_version    all servers that serve know the same ensemble at a version
epoch_has_quorums         a leader serves once quorums have acknowledged NEWLEADER: of the last ensemble that
                          was committed, and of each in the leader's history that was not
commit_has_quorums        a transaction is committed once it is on the disks of quorums: of the ensemble that
                          was committed when it was proposed, and of each that was proposed up to it
ensemble_is_of_history    a server that serves goes by the ensemble of the last reconfiguration in its tree

These stand in for the spec's sentence on quorums, `committed_is_kept`, which knows one ensemble for ever.

Follows: Shraer et al., "Dynamic Reconfiguration of Primary/Backup Clusters" (USENIX ATC 2012), section 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from zabcheck.simulation.judging import Violation
from zabcheck.simulation.mapping import Mapper
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
        ensembles: the text of the ensemble at each version that a server that serves has gone by.
    """

    world: World
    mapper: Mapper
    ensembles: dict[int, str] = field(default_factory=dict)
    _epochs: set[int] = field(default_factory=set)
    _needed: dict[Txn, list[Ensemble]] = field(default_factory=dict)
    _proposed: dict[Txn, Ensemble | None] = field(default_factory=dict)

    def on_member(self, sid: int, committed: Sequence[Txn]) -> None:
        """Judges a server that may have changed.

        Args:
            sid: its id.
            committed: what had been committed before the change.

        Raises:
            Violation: a property does not hold.
        """
        peer = self.world.members[sid].peer
        if peer is None or peer.service is None:
            return
        version, text = peer.ensemble.version, peer.ensemble.text()
        if self.ensembles.setdefault(version, text) != text:
            raise Violation("one_ensemble_a_version", f"{sid} knows another one at {version:x}")
        applied = self.mapper.applied(sid)
        if peer.state == ServerState.LEADING:
            if peer.current_epoch not in self._epochs:
                self._on_leader(sid, peer.current_epoch, committed)
            for txn in applied[len(committed) :]:
                self._on_committed(txn)
            self._on_proposed(sid, peer.current_epoch, applied)
        self._check_ensemble(peer, applied)

    def is_known_to_all(self, sids: Iterable[int]) -> bool:
        """True if these servers know the same ensemble, and show it to clients."""
        peers = [peer for peer in self.world.peers() if peer.me in sids]
        return len({(peer.ensemble.version, peer.tree.nodes[CONFIG].data) for peer in peers}) == 1

    def _check_ensemble(self, peer: Peer, applied: History) -> None:
        reconfigured = self._reconfigurations(applied)
        version = reconfigured[-1].version if reconfigured else None
        if version is not None and peer.ensemble.version != version:
            what = f"{peer.me} goes by {peer.ensemble.version:x}, and has applied {version:x}"
            raise Violation("ensemble_is_of_history", what)

    def _on_leader(self, sid: int, epoch: int, committed: Sequence[Txn]) -> None:
        """Judges a server that serves as the leader of a new epoch."""
        self._epochs.add(epoch)
        known = set(committed)
        begun = [txn for txn in self._log(sid) if txn.zxid.epoch < epoch and txn not in known]
        needed = [self._last_ensemble(committed), *self._reconfigurations(begun)]
        having = [each for each, member in self.world.members.items() if member.disk.current >= epoch]
        self._check_quorums("epoch_has_quorums", f"epoch {epoch}", having, needed)

    def _on_committed(self, txn: Txn) -> None:
        """Judges a transaction that a leader has committed."""
        needed = self._needed.get(txn)
        if needed is not None:
            having = [sid for sid in self.world.members if txn in durable(self.mapper.server(sid))]
            self._check_quorums("commit_has_quorums", str(txn.zxid), having, needed)

    def _on_proposed(self, sid: int, epoch: int, applied: History) -> None:
        """Notes of which ensembles quorums are needed for what a leader has proposed."""
        pending = [txn for txn in self._log(sid)[len(applied) :] if txn.zxid.epoch == epoch]
        if not pending or pending[-1] in self._needed:
            return
        needed = [self._last_ensemble(applied)]
        for txn in pending:
            ensemble = self._ensemble_of(txn)
            if ensemble is not None:
                needed.append(ensemble)
            self._needed.setdefault(txn, list(needed))

    def _check_quorums(self, name: str, what: str, having: Sequence[int], needed: Iterable[Ensemble]) -> None:
        for ensemble in needed:
            if not ensemble.is_quorum(having):
                voters = sorted(ensemble.voters)
                raise Violation(name, f"{what} is at {having}, which is no quorum of {voters}")

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
