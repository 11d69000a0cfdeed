"""Who may do what: access control lists, and the identities that a connection has shown.

Schemes: world, auth, digest, ip and super; x509 identities come from a TLS certificate. SASL is left out.

ZooKeeper: ZooKeeperServer.checkACL, PrepRequestProcessor.fixupACL, server/auth.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha1
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from zabserver.service.node import OPEN, Ace, Acl
from zabserver.wire.protocol import Err, Perm, Refused

AUTHENTICATED = frozenset({b"digest", b"x509", b"sasl"})
"""The schemes whose ids `auth` stands for."""


class Id(NamedTuple):
    """An identity of a connection."""

    scheme: bytes
    id: bytes


SUPER = Id(b"super", b"")
"""Bypasses every list."""


def is_allowed(acl: Acl, perm: int, ids: Iterable[Id]) -> bool:
    """Whether a connection with these identities has a permission on a node with this list."""
    if acl is OPEN or not acl:
        return True
    for perms, scheme, name in acl:
        if perms & perm and scheme == b"world" and name == b"anyone":
            return True
    known = tuple(ids)
    if any(scheme == b"super" for scheme, _ in known):
        return True
    return any(
        perms & perm and any(scheme == each.scheme and matches(scheme, each.id, name) for each in known)
        for perms, scheme, name in acl
    )


def check(acl: Acl, perm: int, ids: Iterable[Id]) -> None:
    """Judges whether a connection has a permission.

    Raises:
        Refused: NO_AUTH, it has not.
    """
    if acl is not OPEN and not is_allowed(acl, perm, ids):
        raise Refused(Err.NO_AUTH)


def matches(scheme: bytes, shown: bytes, wanted: bytes) -> bool:
    """Whether an identity is one that an entry means; for ip, an address in a network."""
    if scheme != b"ip":
        return shown == wanted
    try:
        return ip_address(shown.decode()) in ip_network(wanted.decode(), strict=False)
    except ValueError:
        return False


def fixed(acl: Acl, ids: Iterable[Id]) -> Acl:
    """The list that is stored for one that a client gave: without doubles, `auth` replaced by its identities.

    Raises:
        Refused: INVALID_ACL, the list is empty or has an entry that means nobody.
    """
    if acl is OPEN or acl == OPEN:
        return OPEN
    entries: dict[Ace, None] = {}
    for ace in acl:
        if ace.scheme == b"auth":
            own = [Ace(ace.perms, each.scheme, each.id) for each in ids if each.scheme in AUTHENTICATED]
            if not own:
                raise Refused(Err.INVALID_ACL)
            entries.update(dict.fromkeys(own))
        elif is_valid(ace.scheme, ace.id):
            entries[ace] = None
        else:
            raise Refused(Err.INVALID_ACL)
    if not entries:
        raise Refused(Err.INVALID_ACL)
    return tuple(entries)


def is_valid(scheme: bytes, name: bytes) -> bool:
    """Whether an entry for this id may be in a list."""
    match scheme:
        case b"world":
            return name == b"anyone"
        case b"digest":
            return name.count(b":") == 1
        case b"ip":
            try:
                ip_network(name.decode(), strict=False)
            except ValueError:
                return False
            return True
        case b"x509":
            return b"=" in name
    return False


def digest_id(credentials: bytes) -> Id:
    """The identity that `user:password` shows."""
    user = credentials.partition(b":")[0]
    return Id(b"digest", user + b":" + b64encode(sha1(credentials, usedforsecurity=False).digest()))


def masked(acl: Acl, ids: Iterable[Id]) -> Acl:
    """The list as it is shown to a connection: without the ADMIN permission it does not see digests."""
    if is_allowed(acl, Perm.ADMIN, ids):
        return acl
    return tuple(
        Ace(perms, scheme, name.partition(b":")[0] + b":x")
        if scheme == b"digest"
        else Ace(perms, scheme, name)
        for perms, scheme, name in acl
    )
