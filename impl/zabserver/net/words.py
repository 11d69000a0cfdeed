"""Four-letter words: what an operator types into a socket, and the text that comes back.

ZooKeeper: FourLetterCommands, server/command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zabserver.net.server import Server

VERSION = "3.9.0-zabkit"


def _ruok(_: Server) -> str:
    return "imok"


def _isro(_: Server) -> str:
    return "rw"


def _srvr(server: Server) -> str:
    service = server.service
    lines = [
        f"Zookeeper version: {VERSION}, built on 2026-11-21",
        "Latency min/avg/max: 0/0.0/0",
        f"Received: {sum(each.received for each in service.connections)}",
        f"Sent: {sum(each.sent for each in service.connections)}",
        f"Connections: {len(service.connections)}",
        f"Outstanding: {service.outstanding}",
        f"Zxid: 0x{service.tree.zxid:x}",
        "Mode: standalone",
        f"Node count: {service.tree.count}",
    ]
    return "\n".join(lines) + "\n"


WORDS: dict[str, Callable[[Server], str]] = {"ruok": _ruok, "isro": _isro, "srvr": _srvr}


def answer_word(server: Server, word: str) -> str:
    """The answer to a four-letter word."""
    allowed = server.options.words
    if "*" not in allowed and word not in allowed:
        return f"{word} is not executed because it is not in the whitelist.\n"
    return WORDS[word](server)
