"""The service of a server that stands alone: what is on its disk is committed.

ZooKeeper: ZooKeeperServer, SyncRequestProcessor.
"""

from __future__ import annotations

from zabserver.service.primary import Primary
from zabserver.service.txns import Record


class Standalone(Primary):
    """A server that stands alone, without its sockets and its disk.

    The shell takes what is to be logged and sent (`turn`), and says when the disk has it.
    """

    def propose(self, record: Record) -> None:
        """A transaction has its place: it is to be logged."""
        self._log.append(record.encode())

    def on_synced(self, zxid: int) -> None:
        """All up to a zxid is on disk: it is committed by that."""
        self.commit(zxid)
