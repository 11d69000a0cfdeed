"""Access control lists: who may do what to a node.

Nothing is inherited: a node's own list decides, or its parent's list where a child is created or deleted. An
identity is what a connection has shown: its address (ip), a user and a hashed password (digest), the subject
of its certificate (x509), or that of an operator, who may do anything (super). SASL is left out: its ids
compare like those of x509.

ZooKeeper: ZooKeeperServer.checkACL, PrepRequestProcessor.fixupACL, server/auth.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha1
from ipaddress import ip_address, ip_network

from zabspec.parts import replace
from zabspec.tree.state import ANYONE, Ace, Acl, Id, Perm

AUTHENTICATED = ("digest", "x509")
"""The schemes whose ids an entry of the scheme `auth` stands for."""


def is_allowed(acl: Acl, perms: Perm, ids: Iterable[Id]) -> bool:
    """True if a caller with these identities has one of the permissions `perms` on a node with this list."""
    known = tuple(ids)
    if not acl or any(each.scheme == "super" for each in known):
        return True
    return any(
        ace.perms & perms and (ace.id == ANYONE or any(matches(each, ace.id) for each in known))
        for ace in acl
    )


def matches(shown: Id, wanted: Id) -> bool:
    """True if an identity is the one that an entry means; for addresses, if it is in the entry's network."""
    if shown.scheme != wanted.scheme:
        return False
    if wanted.scheme != "ip":
        return shown.id == wanted.id
    return ip_address(shown.id) in ip_network(wanted.id, strict=False)


def stored(acl: Acl, ids: Iterable[Id]) -> Acl | None:
    """Returns the list that a node gets for the list in a request, None if that list is refused.

    Equal entries are merged, and an entry of the scheme `auth` is replaced by the caller's identities; one of
    those may then be in the list twice. A list is refused if it is empty or an entry can match no identity.
    """
    known = tuple(ids)
    entries: list[Ace] = []
    for ace in dict.fromkeys(acl):
        if ace.id.scheme == "auth":
            own = [replace(ace, id=each) for each in known if each.scheme in AUTHENTICATED]
            if not own:
                return None
            entries += own
        elif is_valid(ace.id):
            entries.append(ace)
        else:
            return None
    return tuple(entries) or None


def is_valid(wanted: Id) -> bool:
    """True if an entry may name this identity."""
    match wanted.scheme:
        case "world":
            return wanted == ANYONE
        case "digest":
            return len(wanted.id.rstrip(":").split(":")) == 2
        case "ip":
            return _is_network(wanted.id)
        case "x509":
            return "=" in wanted.id
    return False


def _is_network(text: str) -> bool:
    _, slash, bits = text.partition("/")
    if slash and not bits.isdecimal():  # not a number of bits
        return False
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def shown(acl: Acl, ids: Iterable[Id]) -> Acl:
    """Returns the list as it is shown to a caller: without the ADMIN permission, password hashes are
    hidden.
    """
    if is_allowed(acl, Perm.ADMIN, ids):
        return acl
    return tuple(replace(ace, id=_masked(ace.id)) for ace in acl)


def _masked(identity: Id) -> Id:
    return Id("digest", identity.id.partition(":")[0] + ":x") if identity.scheme == "digest" else identity


def digest_id(user: str, password: str) -> Id:
    """Returns the identity that a user and a password show. ZooKeeper: DigestAuthenticationProvider."""
    both = f"{user}:{password}".encode()
    return Id("digest", f"{user}:{b64encode(sha1(both, usedforsecurity=False).digest()).decode()}")
