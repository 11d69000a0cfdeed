"""What a server writes, what it finds again, and how its tree is kept in step with that.

ZooKeeper: SyncRequestProcessor, ZKDatabase, FileTxnSnapLog.
"""

from __future__ import annotations

from zabspec.parts import replace
from zabspec.zab.state import History, Server, SyncMode, Txn, after, last_zxid


def applied(server: Server, *txns: Txn) -> Server:
    """The server after it applied transactions to its tree.

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


def synced(server: Server) -> Server:
    """The server after everything that waited was written and is on disk."""
    return replace(server, log=(*server.log, *server.unsynced), unsynced=())


def put_down(server: Server) -> Server:
    """The server after it stopped serving without a crash; it keeps its tree.

    What waits is written first. Then the tree gets what the log has beyond it, or the server would vote with
    less than it has (ZOOKEEPER-2845). A tree that came from a leader and is not on disk is thrown away
    (ZOOKEEPER-3642, ZOOKEEPER-5094).

    ZooKeeper: ZooKeeperServer.shutdown, ZKDatabase.fastForwardDataBase.
    """
    stopped = synced(server)
    if server.sync_mode in (SyncMode.TRUNC, SyncMode.SNAP):
        return loaded(stopped, stopped.log)
    return applied(stopped, *after(stopped.log, stopped.processed))


def loaded(server: Server, found: History) -> Server:
    """The server after it read its disk, where it found this; all of it is applied, committed or not.

    ZooKeeper: QuorumPeer.loadDataBase, FileTxnSnapLog.restore.
    """
    return replace(
        server, log=found, unsynced=(), tree=found, processed=last_zxid(found), committed_log=found
    )
