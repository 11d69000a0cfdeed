"""Access control lists, and the identities that a client has authenticated as.

Schemes: world, auth, digest, ip, super, and x509 from TLS certificates. SASL is not supported.

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
"""The schemes whose identities replace an `auth` entry."""


class Id(NamedTuple):
    """An identity of a client: a scheme and an id."""

    scheme: bytes
    id: bytes


SUPER = Id(b"super", b"")
"""The identity that bypasses every access control list."""


def is_allowed(acl: Acl, perm: int, ids: Iterable[Id]) -> bool:
    """True if an access control list grants a permission to one of these identities."""
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
    """Checks that an access control list grants a permission to one of these identities.

    Raises:
        Refused: NO_AUTH, it does not.
    """
    if acl is not OPEN and not is_allowed(acl, perm, ids):
        raise Refused(Err.NO_AUTH)


def matches(scheme: bytes, shown: bytes, wanted: bytes) -> bool:
    """True if an identity matches an entry: it is equal or, for ip, an address in the entry's network."""
    if scheme != b"ip":
        return shown == wanted
    try:
        return ip_address(shown.decode()) in ip_network(wanted.decode(), strict=False)
    except ValueError:
        return False


def fixed(acl: Acl, ids: Iterable[Id]) -> Acl:
    """Returns the list to store for one from a client: no duplicates, `auth` replaced by its identities.

    Args:
        acl: the list that the client sent.
        ids: the identities of the client.

    Raises:
        Refused: INVALID_ACL, the list is empty, or an entry is invalid or stands for no identity.
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
    """True if a list may have an entry with this scheme and id."""
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
    """Returns the digest identity for the credentials `user:password`."""
    user = credentials.partition(b":")[0]
    return Id(b"digest", user + b":" + b64encode(sha1(credentials, usedforsecurity=False).digest()))


def masked(acl: Acl, ids: Iterable[Id]) -> Acl:
    """Returns the list to show to a client: without ADMIN permission it does not see the digests."""
    if is_allowed(acl, Perm.ADMIN, ids):
        return acl
    return tuple(
        Ace(perms, scheme, name.partition(b":")[0] + b":x")
        if scheme == b"digest"
        else Ace(perms, scheme, name)
        for perms, scheme, name in acl
    )
