"""The settings of a server that decide how requests of clients are served.

ZooKeeper: system properties of ZooKeeperServer, PrepRequestProcessor and DigestAuthenticationProvider.
"""

from __future__ import annotations

from dataclasses import dataclass

from zabserver.service.acl import Id
from zabserver.wire.protocol import MAX_BUFFER


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings from zoo.cfg that decide how requests of clients are served.

    Attributes:
        extended_types: True if nodes may have a time to live (`extendedTypesEnabled`).
        enforce_quota: True if hard quotas are enforced (`enforceQuota`).
        skip_acl: True if access control lists are ignored (`skipACL`).
        digests: True if each transaction carries the digest of the tree after it (`digest.enabled`).
        reconfig: True if clients may change the members of the ensemble (`reconfigEnabled`).
        max_buffer: the longest request, in bytes (`jute.maxbuffer`).
        super_id: the digest identity of the superuser, who bypasses access control; None if there is none
            (`DigestAuthenticationProvider.superDigest`).
    """

    extended_types: bool = False
    enforce_quota: bool = False
    skip_acl: bool = False
    digests: bool = True
    reconfig: bool = False
    max_buffer: int = MAX_BUFFER
    super_id: Id | None = None
