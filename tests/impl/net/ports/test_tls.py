"""TLS on the client port: clients without a certificate are refused, others are identified by their
subject.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from pathlib import Path

import pytest

from places import LOCALHOST_PEM
from zabserver.testing import ZooKeeper

PEM = LOCALHOST_PEM
"""A key and its self-signed certificate: CN=localhost, O=Zabkit, C=CH."""
CONNECT = struct.pack(">iiqiqi16s?", 45, 0, 0, 10_000, 0, 16, bytes(16), False)
WHO_AM_I = struct.pack(">iii", 8, 1, 107)


def settings(**more: str) -> dict[str, str]:
    return {
        "secureClientPort": "0",
        "secureClientPortAddress": "127.0.0.1",
        "ssl.keyStore.location": str(PEM),
        "ssl.trustStore.location": str(PEM),
        **{f"ssl.{name}": value for name, value in more.items()},
    }


def answered(port: int, shown: Path | None) -> bytes:
    """Requests a session and the client's identity, and returns everything received."""
    context = ssl.create_default_context(cafile=PEM)
    if shown is not None:
        context.load_cert_chain(shown)
    with (
        socket.create_connection(("127.0.0.1", port), 10) as wire,
        context.wrap_socket(wire, server_hostname="localhost") as secure,
    ):
        secure.sendall(CONNECT + WHO_AM_I)
        found = b""
        while len(found) < 41 + 24 or len(found) < 45 + struct.unpack_from(">i", found, 41)[0]:
            chunk = secure.recv(1000)
            if not chunk:
                break
            found += chunk
    return found


def test_a_client_is_known_by_its_certificate() -> None:
    with ZooKeeper(settings=settings()) as server:
        assert b"CN=localhost,O=Zabkit,C=CH" in answered(server.secure_port, PEM)


def test_a_client_without_a_certificate_stays_out() -> None:
    found = b""
    with ZooKeeper(settings=settings()) as server:
        # With TLS 1.3 it hears of it when it reads.
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            found = answered(server.secure_port, None)
        assert server.sessions == ()
    assert found == b""


def test_a_client_needs_no_certificate_where_none_is_wanted() -> None:
    with ZooKeeper(settings=settings(clientAuth="none")) as server:
        found = answered(server.secure_port, None)
    assert b"127.0.0.1" in found
    assert b"CN=" not in found


def test_bytes_that_are_no_tls_disturb_nobody() -> None:
    with ZooKeeper(settings=settings()) as server:
        with socket.create_connection(("127.0.0.1", server.secure_port), 10) as wire:
            wire.sendall(CONNECT)
            assert len(wire.recv(1000)) < 41  # an alert, or nothing
        assert answered(server.secure_port, PEM)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"keyStore.location": "/keys.jks"}, "only PEM files"),
        ({"keyStore.location": "/keys", "keyStore.type": "PKCS12"}, "only PEM files"),
        ({"keyStore.location": "/none.pem"}, "No such file"),
        ({"clientAuth": "perhaps"}, "one of none, want, need"),
    ],
)
def test_what_cannot_be_served_is_refused(more: dict[str, str], why: str) -> None:
    with pytest.raises((ValueError, OSError), match=why):
        ZooKeeper(settings=settings(**more)).start()
