"""TLS on the client port and between members, from ZooKeeper's `ssl.*` settings with PEM files.

Java key stores (JKS, PKCS12) are not supported. ZooKeeper takes PEM as well: `ssl.keyStore.type=PEM`, and one
file with the private key and its certificate chain.

ZooKeeper: X509Util, ClientX509Util, QuorumX509Util, X509AuthenticationProvider.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from zabserver.service.acl import Id

CLIENTS = "ssl."
MEMBERS = "ssl.quorum."
_NEED = {"none": ssl.CERT_NONE, "want": ssl.CERT_OPTIONAL, "need": ssl.CERT_REQUIRED}
_SHORT = {
    "commonName": "CN",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "streetAddress": "STREET",
    "domainComponent": "DC",
    "userId": "UID",
}
"""Short names of attributes in RFC 2253, which ACLs use in the name of a subject."""


def context_from(settings: Mapping[str, str], prefix: str = CLIENTS) -> ssl.SSLContext:
    """Returns a TLS context for accepted connections.

    Args:
        settings: names and values of zoo.cfg, without the prefix `zookeeper.`.
        prefix: prefix of the settings to use, `CLIENTS` or `MEMBERS`.

    Raises:
        ValueError: a setting is invalid, or names a Java key store.
        OSError: a file cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, settings, prefix)
    wanted = settings.get(f"{prefix}clientAuth", "need").lower()
    if wanted not in _NEED:
        raise ValueError(f"{prefix}clientAuth={wanted}: must be one of {', '.join(_NEED)}")
    context.verify_mode = _NEED[wanted]
    return context


def dialing_context(settings: Mapping[str, str], prefix: str = MEMBERS) -> ssl.SSLContext:
    """Returns a TLS context for outgoing connections.

    The other side's certificate is verified, and its host name too unless `hostnameVerification=false`.

    Args:
        settings: names and values of zoo.cfg, without the prefix `zookeeper.`.
        prefix: prefix of the settings to use.

    Raises:
        ValueError: a setting is invalid, or names a Java key store.
        OSError: a file cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = settings.get(f"{prefix}hostnameVerification", "true").lower() != "false"
    _load(context, settings, prefix)
    return context


def _load(context: ssl.SSLContext, settings: Mapping[str, str], prefix: str) -> None:
    """Loads the private key with its certificates, and the certificates that others are verified with."""
    for store in ("keyStore", "trustStore"):
        name = f"{prefix}{store}"
        kind = settings.get(f"{name}.type", "")
        location = settings.get(f"{name}.location", "")
        if kind.upper() not in ("", "PEM") or (location and not kind and not location.endswith(".pem")):
            raise ValueError(f"{name}.location={location}: only PEM files are supported ({name}.type=PEM)")
    key = settings.get(f"{prefix}keyStore.location")
    if key is None:
        needs = "secureClientPort" if prefix == CLIENTS else "sslQuorum"
        raise ValueError(
            f"{needs} needs {prefix}keyStore.location, a PEM file with a private key and certificates"
        )
    context.load_cert_chain(key, password=settings.get(f"{prefix}keyStore.password") or None)
    trusted = settings.get(f"{prefix}trustStore.location")
    if trusted is not None:
        context.load_verify_locations(trusted)


def identity_of(certificate: Mapping[str, Any] | None) -> Id | None:
    """Returns the identity that a client's certificate proves, its subject with the most specific part first.

    Args:
        certificate: as returned by `ssl.SSLSocket.getpeercert`; None or empty if there is none.
    """
    if not certificate:
        return None
    parts = [
        "+".join(f"{_SHORT.get(name, name)}={value}" for name, value in group)
        for group in reversed(certificate.get("subject", ()))
    ]
    return Id(b"x509", ",".join(parts).encode()) if parts else None
