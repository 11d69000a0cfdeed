"""The actions of atomic broadcast: primaries broadcast, the log grows, servers deliver.

Paper: Junqueira, Reed, Serafini, DSN 2011, section III.
"""

from __future__ import annotations

from zabspec.broadcast.state import State
from zabspec.histories import Txn, Zxid, follows, last_zxid
from zabspec.parts import Sid, replace


def earlier_epochs_close(state: State, epoch: int) -> State | None:
    """From now on no transaction of an epoch before this one enters the log.

    Paper: section III, primary integrity. In ZAB this happens when a quorum has adopted an initial history.
    ZooKeeper: Leader.waitForNewLeaderAck.
    """
    if epoch <= state.epoch:
        return None
    return replace(state, epoch=epoch)


def primary_is_established(state: State, primary: Sid, epoch: int) -> State | None:
    """A server becomes the primary of an epoch once it has delivered all that the log has of earlier ones.

    Nothing more of those enters the log.

    Paper: section III, ready(e); primary integrity.
    ZooKeeper: Leader.startZkServer.
    """
    if not 0 < epoch <= state.epoch or epoch in tuple(state.primaries):
        return None
    earlier = tuple(txn for txn in state.log if txn.zxid.epoch < epoch)
    if state.delivered[primary][: len(earlier)] != earlier:
        return None
    return replace(state, primaries=state.primaries.put(primary, epoch))


def primary_broadcasts(state: State, primary: Sid, value: int) -> State | None:
    """A primary broadcasts a transaction, with the next zxid of its epoch.

    Paper: section III, abcast(<v, z>).
    ZooKeeper: Leader.propose.
    """
    epoch = state.primaries[primary]
    if epoch == 0:
        return None
    counters = [txn.zxid.counter for txn in (*state.log, *state.outstanding) if txn.zxid.epoch == epoch]
    txn = Txn(Zxid(epoch, max(counters, default=0) + 1), value)
    return replace(state, outstanding=state.outstanding | {txn})


def log_takes_transaction(state: State, epoch: int) -> State | None:
    """The next transaction of an epoch enters the log, and can no longer be lost.

    Paper: section III; in ZAB, a quorum has accepted the transaction.
    ZooKeeper: Leader.tryToCommit.
    """
    if epoch < state.epoch:
        return None
    last = last_zxid(state.log)
    of_epoch = (txn for txn in sorted(state.outstanding, key=_zxid) if txn.zxid.epoch == epoch)
    following = next((txn for txn in of_epoch if follows(txn.zxid, last)), None)
    if following is None:
        return None
    return replace(state, log=(*state.log, following), outstanding=state.outstanding - {following})


def server_delivers(state: State, server: Sid) -> State | None:
    """A server delivers the transaction of the log that comes after those it has delivered.

    Paper: section III, abdeliver(<v, z>).
    ZooKeeper: CommitProcessor, FinalRequestProcessor.
    """
    delivered = state.delivered[server]
    if state.log[: len(delivered)] != delivered or len(delivered) == len(state.log):
        return None
    return replace(state, delivered=state.delivered.put(server, state.log[: len(delivered) + 1]))


def primary_resigns(state: State, primary: Sid) -> State | None:
    """A primary stops being one; what it has broadcast may still enter the log.

    Paper: section III: a primary may crash at any time.
    ZooKeeper: Leader.shutdown.
    """
    if state.primaries[primary] == 0:
        return None
    return replace(state, primaries=state.primaries.put(primary, 0))


def transaction_is_lost(state: State, epoch: int) -> State | None:
    """The last outstanding transaction of an epoch that has no primary is lost: no server has it any more.

    Paper: section III: nothing is promised of a transaction that nobody has delivered.
    ZooKeeper: FileTxnLog.truncate.
    """
    of_epoch = [txn for txn in state.outstanding if txn.zxid.epoch == epoch]
    if not of_epoch or epoch in tuple(state.primaries):
        return None
    return replace(state, outstanding=state.outstanding - {max(of_epoch, key=_zxid)})


def server_restarts(state: State, server: Sid) -> State | None:
    """A server restarts: it has yet to deliver everything again, and is not a primary.

    Paper: section II.
    ZooKeeper: QuorumPeer.loadDataBase.
    """
    if not state.delivered[server] and state.primaries[server] == 0:
        return None
    return replace(state, delivered=state.delivered.put(server, ()), primaries=state.primaries.put(server, 0))


def _zxid(txn: Txn) -> Zxid:
    return txn.zxid
