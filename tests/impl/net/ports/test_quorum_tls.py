"""Members that use TLS with each other admit nobody else."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from places import LOCALHOST_PEM
from zabcheck.servers.members import Kind, Members
from zabcheck.servers.session import Session
from zabspec import tree

PEM = LOCALHOST_PEM
SETTINGS = {
    "sslQuorum": "true",
    "ssl.quorum.keyStore.location": str(PEM),
    "ssl.quorum.keyStore.type": "PEM",
    "ssl.quorum.trustStore.location": str(PEM),
    "ssl.quorum.trustStore.type": "PEM",
}


def test_members_talk_with_tls(tmp_path: Path) -> None:
    members = Members(
        tmp_path,
        dict.fromkeys((1, 2, 3), Kind.OURS),
        settings=SETTINGS | {"ssl.quorum.hostnameVerification": "false"},
    )
    with members:
        members.wait_until_serving()
        session = Session("127.0.0.1", members.client_ports[1])
        session.call(tree.Create("/a", b""))
        session.call(tree.CloseSession())
        for port in members.addresses[members.leader or 1]:
            with socket.create_connection(("127.0.0.1", port), 10) as plain:
                plain.sendall(b"\0" * 64)
                assert plain.recv(64) in (
                    b"",
                    b"\x15\x03\x01\x00\x02\x02\x46",
                )  # nothing but TLS's own refusal
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.load_verify_locations(PEM)
            with socket.create_connection(("127.0.0.1", port), 10) as plain:
                assert is_refused(context, plain)


def is_refused(context: ssl.SSLContext, plain: socket.socket) -> bool:
    """True if a connection without a client certificate is refused."""
    try:
        with context.wrap_socket(plain) as nameless:
            return nameless.recv(1) == b""
    except OSError:
        return True


def test_it_is_said_what_is_missing(tmp_path: Path) -> None:
    members = Members(tmp_path, dict.fromkeys((1, 2, 3), Kind.OURS), settings={"sslQuorum": "true"})
    members.start(1)
    assert members.processes[1].wait(60) == 2
    assert "sslQuorum needs ssl.quorum.keyStore.location" in members.said()
