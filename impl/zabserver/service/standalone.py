"""The service of a standalone server, where a transaction is committed once it is on the server's own disk.

ZooKeeper: ZooKeeperServer, SyncRequestProcessor.
"""

from __future__ import annotations

from zabserver.service.primary import Primary
from zabserver.service.txns import Record


class Standalone(Primary):
    """A standalone server without its sockets and its disk.

    The shell appends to the log and sends what `turn` returns, and calls `on_synced` after each fsync.
    """

    def propose(self, record: Record) -> None:
        """Logs a transaction."""
        self._log.append(record.encode())

    def on_synced(self, zxid: int) -> None:
        """Commits everything up to a zxid, which is on disk."""
        self.commit(zxid)
