"""A server's disk: what it writes, what it finds again, and how its tree is kept in step with that.

ZooKeeper: SyncRequestProcessor, ZKDatabase, FileTxnSnapLog.
"""

from __future__ import annotations

from zabspec.histories import History, Txn, Zxid, after, last_zxid, up_to
from zabspec.parts import replace
from zabspec.zab.state import Server, Snapshot, SyncMode


def applied(server: Server, *txns: Txn) -> Server:
    """Returns a server after it applied transactions to its tree.

    ZooKeeper: ZKDatabase.processTxn and addCommittedProposal.
    """
    if not txns:
        return server
    return replace(
        server,
        tree=(*server.tree, *txns),
        processed=txns[-1].zxid,
        committed_log=(*server.committed_log, *txns),
    )


def durable(server: Server) -> History:
    """Returns the history that a server would find if it started now: snapshot, then later records."""
    return (*server.snapshot.tree, *after(server.log, server.snapshot.zxid))


def synced(server: Server) -> Server:
    """Returns a server after everything that waited has been written and is on disk."""
    return replace(server, log=(*server.log, *server.unsynced), unsynced=())


def shut_down(server: Server) -> Server:
    """Returns a server after it stopped serving without a crash; it keeps its tree.

    What waits is written first. Then the transactions that the log has beyond the tree are applied, or the
    server would vote with less than it has (ZOOKEEPER-2845). A tree that came from a leader and is not on
    disk is thrown away (ZOOKEEPER-3642, ZOOKEEPER-5094).

    ZooKeeper: ZooKeeperServer.shutdown, ZKDatabase.fastForwardDataBase.
    """
    stopped = synced(server)
    if server.sync_mode in (SyncMode.TRUNC, SyncMode.SNAP):
        return loaded(stopped, stopped.log)
    return applied(stopped, *after(stopped.log, stopped.processed))


def loaded(server: Server, found: History) -> Server:
    """Returns a server after it read its disk and found these records.

    The records after its snapshot are applied, committed or not, and can be sent to other servers.

    ZooKeeper: QuorumPeer.loadDataBase, FileTxnSnapLog.restore.
    """
    read = replace(server, log=found, unsynced=())
    later = after(found, server.snapshot.zxid)
    processed = last_zxid(later) if later else server.snapshot.zxid
    return replace(read, tree=durable(read), processed=processed, committed_log=later)


def truncated(server: Server, zxid: Zxid) -> Server | None:
    """Returns a server after it truncated its log after a zxid, None if it cannot.

    It cannot if its snapshot has transactions after that zxid, or if no record has that zxid. Departure: D28.

    ZooKeeper: ZKDatabase.truncateLog, FileTxnLog.truncate.
    """
    cut = loaded(server, up_to(server.log, zxid))
    return cut if cut.processed == zxid else None


def with_snapshot(server: Server) -> Server:
    """Returns a server after it wrote its whole tree as a snapshot; its records stay where they are.

    ZooKeeper: ZooKeeperServer.takeSnapshot, FileTxnSnapLog.save.
    """
    return replace(server, snapshot=Snapshot(server.tree, server.processed))
