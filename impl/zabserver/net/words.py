"""Four-letter words: what an operator types into a socket, and the text that comes back.

ZooKeeper: FourLetterCommands, server/command.
"""

from __future__ import annotations

import getpass
import os
import platform
import socket
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from zabserver.net.counts import counts
from zabserver.service.connection import Connection
from zabserver.service.watches import Watcher
from zabserver.wire.protocol import Op

if TYPE_CHECKING:
    from zabserver.net.server import Server

VERSION = "3.9.0"
"""Whose behaviour this is: clients look at it to know what they may ask for."""
BUILT = "2026-11-21 00:00 UTC"
NOT_ALLOWED = "{} is not executed because it is not in the whitelist.\n"

_SHORT = {
    Op.PING: "PING",
    Op.CREATE_SESSION: "SESS",
    Op.MULTI: "MULT",
    Op.MULTI_READ: "MLTR",
    Op.CREATE: "CREA",
    Op.DELETE: "DELE",
    Op.SET_DATA: "SETD",
    Op.RECONFIG: "RECO",
    Op.SET_ACL: "SETA",
    Op.CLOSE_SESSION: "CLOS",
    Op.SYNC: "SYNC",
    Op.CHECK: "CHEC",
    Op.EXISTS: "EXIS",
    Op.GET_DATA: "GETD",
    Op.SET_WATCHES: "SETW",
    Op.SET_WATCHES2: "STW2",
    Op.ADD_WATCH: "ADDW",
    Op.GET_ACL: "GETA",
    Op.GET_CHILDREN: "GETC",
    Op.GET_CHILDREN2: "GETC",
    Op.GET_ALL_CHILDREN_NUMBER: "GETACN",
    Op.CHECK_WATCHES: "CHKW",
    Op.REMOVE_WATCHES: "REMW",
    Op.WHO_AM_I: "HOMI",
    Op.GET_EPHEMERALS: "GETE",
}
"""What `cons` calls a connection's last operation."""


def answer_word(server: Server, word: str) -> str:
    """The answer to a four-letter word.

    Args:
        server: which is asked.
        word: one of `WORDS`.
    """
    allowed = server.options.words
    if "*" not in allowed and word not in allowed:
        return NOT_ALLOWED.format(word)
    return WORDS[word](server)


def ruok(_: Server) -> str:
    """The process runs."""
    return "imok"


def isro(_: Server) -> str:
    """Whether it takes writes."""
    return "rw"


def srvr(server: Server) -> str:
    """How it stands."""
    return _version() + _standing(server)


def stat(server: Server) -> str:
    """How it stands, and who is connected."""
    clients = "".join(f" {_client(each)}\n" for each in server.service.connections)
    return f"{_version()}Clients:\n{clients}\n{_standing(server)}"


def cons(server: Server) -> str:
    """Who is connected, with all that is known of them."""
    return "".join(f" {_client(each, _details(each))}\n" for each in server.service.connections) + "\n"


def _version() -> str:
    return f"Zookeeper version: {VERSION}-zabkit, built on {BUILT}\n"


def _standing(server: Server) -> str:
    service, latency = server.service, server.service.latency
    found = counts(server)
    return (
        f"Latency min/avg/max: {latency.least}/{latency.mean:.4f}/{latency.most}\n"
        f"Received: {found['packets_received']}\n"
        f"Sent: {found['packets_sent']}\n"
        f"Connections: {len(service.connections)}\n"
        f"Outstanding: {service.outstanding}\n"
        f"Zxid: 0x{service.tree.zxid:x}\n"
        "Mode: standalone\n"
        f"Node count: {service.tree.count}\n"
    )


def _client(connection: Connection, more: str = "") -> str:
    numbers = f"queued={connection.queued},recved={connection.received},sent={connection.sent}"
    interest = 0 if connection.session is None else 1
    return f"/{connection.host}:{connection.port}[{interest}]({numbers}{more})"


def _details(connection: Connection) -> str:
    if connection.session is None:
        return ""
    return (
        f",sid=0x{_unsigned(connection.session_id):x},lop={_SHORT.get(Op(connection.last_op), 'NA')}"
        f",est={connection.since},to={connection.session.timeout}"
        f",lcxid=0x{connection.last_cxid & 0xFFFFFFFF:x}"
        f",lzxid=0x{connection.last_zxid & 0xFFFFFFFFFFFFFFFF:x}"
    )


def conf(server: Server) -> str:
    """What it was told at its start."""
    options, sessions = server.options, server.service.sessions
    lines = {
        "clientPort": server.port.number,
        "secureClientPort": -1 if server.port.secure_number is None else server.port.secure_number,
        "dataDir": server.disk.data,
        "dataDirSize": server.disk.data_size,
        "dataLogDir": server.disk.logs,
        "dataLogSize": server.disk.log_size,
        "tickTime": options.tick,
        "maxClientCnxns": options.max_connections,
        "minSessionTimeout": sessions.least,
        "maxSessionTimeout": sessions.most,
        "clientPortListenBacklog": -1,
        "serverId": options.server_id,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def envi(_: Server) -> str:
    """Where it runs; the names are those that clients look for."""
    lines = {
        "zookeeper.version": f"{VERSION}-zabkit, built on {BUILT}",
        "host.name": socket.gethostname(),
        "java.version": f"none: Python {platform.python_version()}",
        "os.name": platform.system(),
        "os.arch": platform.machine(),
        "os.version": platform.release(),
        "user.name": getpass.getuser(),
        "user.home": os.path.expanduser("~"),
        "user.dir": os.getcwd(),
        "python.executable": sys.executable,
    }
    return "Environment:\n" + "".join(f"{name}={value}\n" for name, value in lines.items())


def mntr(server: Server) -> str:
    """Numbers, for a monitor."""
    lines = {"version": f"{VERSION}-zabkit, built on {BUILT}", "server_state": "standalone", **counts(server)}
    return "".join(f"zk_{name}\t{value}\n" for name, value in lines.items())


def dump(server: Server) -> str:
    """Sessions, when they expire, and their ephemeral nodes."""
    sessions, owners = server.service.sessions, server.service.tree.ephemerals
    slots: dict[int, list[int]] = {}
    for each in sessions.open.values():
        slots.setdefault(each.slot, []).append(each.id)
    lines = ["SessionTracker dump:", f"Session Sets ({len(slots)})/({len(sessions.open)}):"]
    for slot in sorted(slots):
        lines.append(f"{len(slots[slot])} expire at {slot}:")
        lines += (f"\t0x{_unsigned(each):x}" for each in slots[slot])
    lines += ["ephemeral nodes dump:", f"Sessions with Ephemerals ({len(owners)}):"]
    for owner, paths in owners.items():
        lines.append(f"0x{_unsigned(owner):x}:")
        lines += (f"\t{path.decode(errors='replace')}" for path in paths)
    lines += ["Connections dump:", f"Connections ({len(server.service.connections)})"]
    return "\n".join(lines) + "\n"


def wchs(server: Server) -> str:
    """How many watches there are."""
    data = server.service.tree.watches.data
    return (
        f"{len(data.by_watcher)} connections watching {len(data.by_path)} paths\nTotal watches:{data.count}\n"
    )


def wchp(server: Server) -> str:
    """Who watches each path."""
    by_path = server.service.tree.watches.data.by_path
    return "".join(f"{path.decode(errors='replace')}\n{''.join(_ids(by_path[path]))}" for path in by_path)


def wchc(server: Server) -> str:
    """Which paths each session watches."""
    found = ""
    for watcher, paths in server.service.tree.watches.data.by_watcher.items():
        found += f"{_id(watcher)}\n" + "".join(
            f"\t{path.decode(errors='replace')}\n" for path in sorted(paths)
        )
    return found


def _ids(watchers: dict[Watcher, int]) -> Iterator[str]:
    return (f"\t{_id(each)}\n" for each in watchers)


def _id(watcher: Watcher) -> str:
    assert isinstance(watcher, Connection)
    return f"0x{_unsigned(watcher.session_id):x}"


def dirs(server: Server) -> str:
    """How large its files are, in bytes."""
    return f"datadir_size: {server.disk.data_size}\nlogdir_size: {server.disk.log_size}\n"


def hash_(server: Server) -> str:
    """The digest of the tree, and the zxid it is of."""
    tree = server.service.tree
    digest = tree.measured_digest() if tree.digest is None else tree.digest
    return f"{tree.zxid:x}: {digest}\n"


def crst(server: Server) -> str:
    """Counts of connections begin anew."""
    for each in server.service.connections:
        each.received = each.sent = 0
    return "Connection stats reset.\n"


def srst(server: Server) -> str:
    """Counts of the server begin anew."""
    server.service.reset_counts()
    return "Server stats reset.\n"


WORDS: dict[str, Callable[[Server], str]] = {
    "ruok": ruok,
    "isro": isro,
    "srvr": srvr,
    "stat": stat,
    "cons": cons,
    "conf": conf,
    "envi": envi,
    "mntr": mntr,
    "dump": dump,
    "wchs": wchs,
    "wchp": wchp,
    "wchc": wchc,
    "dirs": dirs,
    "hash": hash_,
    "crst": crst,
    "srst": srst,
}
"""What answers each word."""


def _unsigned(session: int) -> int:
    return session & 0xFFFFFFFFFFFFFFFF
