"""Ports of this machine that are unused, for servers started together."""

from __future__ import annotations

import socket


def free_ports(count: int) -> list[int]:
    """Returns different ports of 127.0.0.1 that are unused now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
