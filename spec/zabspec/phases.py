"""The phases of ZAB, the same in the paper's grain and in ZooKeeper's.

Paper: Junqueira, Reed, Serafini, DSN 2011, section IV.
"""

from __future__ import annotations

from enum import IntEnum


class Phase(IntEnum):
    """The phase of the protocol that a server is in (ZooKeeper: QuorumPeer.ZabState)."""

    ELECTION = 0
    DISCOVERY = 1
    SYNCHRONIZATION = 2
    BROADCAST = 3
