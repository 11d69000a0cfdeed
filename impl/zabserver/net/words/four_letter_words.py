"""Four-letter words: commands that an operator sends to the client port, and their answers.

ZooKeeper: FourLetterCommands, server/command.
"""

from __future__ import annotations

import getpass
import os
import platform
import socket
import sys
import time
from collections.abc import Callable, Iterator

from zabserver.net.words.counts import counts
from zabserver.net.words.observed import Observed
from zabserver.net.words.traffic import Answered, Sizes
from zabserver.service.clients import Latency
from zabserver.service.connection import Connection
from zabserver.service.watches import Watcher
from zabserver.wire.protocol import Op

VERSION = "3.9.0"
"""The ZooKeeper release whose behaviour this server has; clients derive from it which operations they may
use.
"""
BUILT = "2026-11-21 00:00 UTC"
NOT_SERVING = "This ZooKeeper instance is not currently serving requests\n"
NOT_ALLOWED = "{} is not executed because it is not in the whitelist.\n"

_SHORT: dict[int, str] = {
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
"""The names that `cons` gives to operations."""


def answer_word(server: Observed, word: str, argument: bytes = b"") -> str:
    """Returns the answer to a four-letter word.

    Args:
        server: the server that was asked.
        word: one of `WORDS`.
        argument: the bytes after the word; `stmk` takes 8.
    """
    allowed = server.options.words
    if "*" not in allowed and word not in allowed:
        return NOT_ALLOWED.format(word)
    if not server.is_serving and word not in WITHOUT_LEADER:
        return NOT_SERVING
    if word == "stmk":
        server.port.trace_mask = int.from_bytes(argument[:8], "big", signed=True)
    return WORDS[word](server)


def ruok(_: Observed) -> str:
    """Returns `imok`: the process is running."""
    return "imok"


def isro(server: Observed) -> str:
    """Returns whether the server accepts writes: `rw`, `ro`, or `null` if it does not serve clients."""
    if server.service.is_read_only:
        return "ro"
    return "rw" if server.is_serving else "null"


def srvr(server: Observed) -> str:
    """Returns a summary of the server's state."""
    return _version() + _standing(server)


def stat(server: Observed) -> str:
    """Returns a summary of the server's state, and a line for each connection."""
    clients = "".join(f" {_client(each)}\n" for each in server.service.connections)
    return f"{_version()}Clients:\n{clients}\n{_standing(server)}"


def cons(server: Observed) -> str:
    """Returns a line with all details for each connection."""
    return (
        "".join(f" {_client(each, _details(server, each))}\n" for each in server.service.connections) + "\n"
    )


def _version() -> str:
    return f"Zookeeper version: {VERSION}-zabkit, built on {BUILT}\n"


def _standing(server: Observed) -> str:
    service, latency = server.service, server.service.latency
    found = counts(server)
    return (
        f"Latency min/avg/max: {latency.least}/{latency.mean:.4f}/{latency.most}\n"
        f"Received: {found['packets_received']}\n"
        f"Sent: {found['packets_sent']}\n"
        f"Connections: {len(service.connections)}\n"
        f"Outstanding: {service.outstanding}\n"
        f"Zxid: 0x{service.tree.zxid:x}\n"
        f"Mode: {server.mode}\n"
        f"Node count: {service.tree.count}\n"
    )


def _client(connection: Connection, more: str = "") -> str:
    numbers = f"queued={connection.queued},recved={connection.received},sent={connection.sent}"
    interest = 0 if connection.session is None else 1
    return f"/{connection.host}:{connection.port}[{interest}]({numbers}{more})"


def _details(server: Observed, connection: Connection) -> str:
    client = server.port.sockets.get(connection)
    if connection.session is None or client is None:
        return ""
    answered = client.answered
    return (
        f",sid=0x{_unsigned(connection.session_id):x},lop={_SHORT.get(connection.last_op, 'NA')}"
        f",est={connection.since},to={connection.session.timeout}"
        f"{f',lcxid=0x{connection.last_cxid:x}' if connection.last_cxid >= 0 else ''}"
        f",lzxid=0x{connection.last_zxid & 0xFFFFFFFFFFFFFFFF:x},lresp={answered.at}"
        f",llat={answered.last},minlat={answered.least},avglat={answered.mean},maxlat={answered.most}"
    )


def conf(server: Observed) -> str:
    """Returns the main settings of the server."""
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
        "clientPortListenBacklog": options.backlog,
        "serverId": options.server_id,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def envi(_: Observed) -> str:
    """Returns the environment of the process, under the names that clients look for."""
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


def mntr(server: Observed) -> str:
    """Returns all counts, for monitoring."""
    lines = {"version": f"{VERSION}-zabkit, built on {BUILT}", "server_state": server.mode, **counts(server)}
    lines |= server.more_counts()
    return "".join(f"zk_{name}\t{value}\n" for name, value in lines.items())


def dump(server: Observed) -> str:
    """Returns the sessions and connections by expiry time, and the ephemeral nodes of each session."""
    sessions, owners = server.service.sessions, server.service.tree.ephemerals
    connections = server.service.connections
    slots: dict[int, list[str]] = {}
    for each in sessions.open.values():
        slots.setdefault(each.slot, []).append(f"0x{_unsigned(each.id):x}")
    lines = ["SessionTracker dump:", f"Session Sets ({len(slots)})/({len(sessions.open)}):"]
    lines += _expiries(server, slots)
    lines += ["ephemeral nodes dump:", f"Sessions with Ephemerals ({len(owners)}):"]
    for owner, paths in owners.items():
        lines.append(f"0x{_unsigned(owner):x}:")
        lines += (f"\t{_text(path)}" for path in paths)
    slots = {}
    for connection in connections:
        name = f"ip: /{connection.host}:{connection.port} sessionId: 0x{_unsigned(connection.session_id):x}"
        slots.setdefault(_expiry(server, connection), []).append(name)
    lines += ["Connections dump:", f"Connections Sets ({len(slots)})/({len(connections)}):"]
    return "\n".join([*lines, *_expiries(server, slots)]) + "\n"


def _expiry(server: Observed, connection: Connection) -> int:
    """Returns when an idle connection is closed, in monotonic milliseconds: when its session expires, or,
    without a session, at the end of `connect_timeout`.
    """
    if connection.session is not None:
        return connection.session.slot
    return server.service.time + connection.since + server.options.connect_timeout - server.service.clock


def _expiries(server: Observed, slots: dict[int, list[str]]) -> Iterator[str]:
    """Yields what expires at each time, in Java's format."""
    for slot in sorted(slots):
        seconds = (server.service.clock + slot - server.service.time) / 1000
        at = time.strftime("%a %b %d %H:%M:%S %Z %Y", time.localtime(seconds))
        yield f"{len(slots[slot])} expire at {at}:"
        yield from (f"\t{each}" for each in slots[slot])


def wchs(server: Observed) -> str:
    """Returns the number of watches, of watching connections and of watched paths."""
    data = server.service.tree.watches.data
    return (
        f"{len(data.by_watcher)} connections watching {len(data.by_path)} paths\nTotal watches:{data.count}\n"
    )


def wchp(server: Observed) -> str:
    """Returns the sessions that watch each path."""
    by_path = server.service.tree.watches.data.by_path
    return "".join(f"{_text(path)}\n{''.join(_ids(by_path[path]))}" for path in by_path) + "\n"


def wchc(server: Observed) -> str:
    """Returns the paths that each session watches."""
    found = ""
    for watcher, paths in server.service.tree.watches.data.by_watcher.items():
        found += f"{_id(watcher)}\n" + "".join(f"\t{_text(path)}\n" for path in sorted(paths))
    return found + "\n"


def _ids(watchers: dict[Watcher, int]) -> Iterator[str]:
    return (f"\t{_id(each)}\n" for each in watchers)


def _id(watcher: Watcher) -> str:
    assert isinstance(watcher, Connection)
    return f"0x{_unsigned(watcher.session_id):x}"


def dirs(server: Observed) -> str:
    """Returns the size of snapshots and logs, in bytes."""
    return f"datadir_size: {server.disk.data_size}\nlogdir_size: {server.disk.log_size}\n"


def hash_(server: Observed) -> str:
    """Returns the digest of the tree, after its zxid."""
    tree = server.service.tree
    digest = tree.measured_digest() if tree.digest is None else tree.digest
    return f"{tree.zxid:x}: {digest}\n"


def crst(server: Observed) -> str:
    """Resets the counts of each connection, but not those of the server."""
    service = server.service
    for each in service.connections:
        service.received += each.received
        service.sent += each.sent
        each.received = each.sent = each.last_op = 0
        each.last_cxid = each.last_zxid = -1
    for client in server.port.sockets.values():
        client.answered = Answered()
    return "Connection stats reset.\n"


def srst(server: Observed) -> str:
    """Resets the counts of the server, but not those of each connection."""
    service = server.service
    service.latency = Latency()
    service.received = -sum(each.received for each in service.connections)
    service.sent = -sum(each.sent for each in service.connections)
    server.port.traffic.response_sizes = Sizes()
    return "Server stats reset.\n"


def gtmk(server: Observed) -> str:
    """Returns the trace mask, which has no effect here."""
    return str(server.port.trace_mask)


WORDS: dict[str, Callable[[Observed], str]] = {
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
    "gtmk": gtmk,
    "stmk": gtmk,
}
"""The function that answers each word."""

WITHOUT_LEADER = frozenset({"ruok", "isro", "conf", "envi", "dirs", "gtmk", "stmk"})
"""Words that a member of an ensemble answers even without a leader."""

ARGUMENT_LENGTHS = {"stmk": 8}
"""Number of bytes after a word that takes an argument."""


def _text(path: bytes) -> str:
    return path.decode(errors="replace")


def _unsigned(session: int) -> int:
    return session & 0xFFFFFFFFFFFFFFFF
