"""`zab log` and `zab snapshot`: print transaction logs and snapshots, ours or Apache's, one item a line.

Exit codes: 0 if everything was read; 1 if a file is damaged, after printing what can be read; 2 if a file
cannot be opened.

ZooKeeper: LogFormatter, SnapshotFormatter, TxnLogToolkit.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zabserver.net.disk.recovery import name_of_snapshot, pieces_of_snapshot, read_log
from zabserver.service.node import Acl, Node, ttl_of
from zabserver.service.txns import (
    CheckTxn,
    CloseSessionTxn,
    CreateSessionTxn,
    CreateTxn,
    DeleteTxn,
    ErrorTxn,
    MultiTxn,
    Record,
    SetAclTxn,
    SetDataTxn,
    Txn,
    decode_record,
)
from zabserver.storage.logs import Corrupt, Tail
from zabserver.storage.snapshots import Snapshot, decode_snapshot
from zabserver.wire.jute import Malformed
from zabserver.wire.protocol import Err, Op

NAMES = {
    Op.CREATE: "create",
    Op.CREATE2: "create2",
    Op.CREATE_CONTAINER: "createContainer",
    Op.CREATE_TTL: "createTTL",
    Op.DELETE: "delete",
    Op.DELETE_CONTAINER: "deleteContainer",
    Op.SET_DATA: "setData",
    Op.RECONFIG: "reconfig",
}
LONGEST = 40
"""Most bytes of data shown for a node."""


def add_log(commands: Any) -> None:
    """Adds `zab log` to a parser's subcommands."""
    _add(commands, "log", "print transaction logs, ours or Apache's", log_lines, "a log, such as log.1")


def add_snapshot(commands: Any) -> None:
    """Adds `zab snapshot` to a parser's subcommands."""
    _add(
        commands,
        "snapshot",
        "print snapshots, ours or Apache's",
        snapshot_lines,
        "a snapshot, such as snapshot.0",
    )


def _add(commands: Any, name: str, words: str, lines: Callable[[Path], Iterator[str]], example: str) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=words,
        description=f"{words[0].upper()}{words[1:]}, one item a line. Exit codes: 0 if everything was read; "
        "1 if a file is damaged (what can be read is printed); 2 if a file cannot be opened.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=example)
    parser.set_defaults(run=lambda arguments: show(name, arguments.files, lines))


def show(command: str, files: Sequence[Path], lines: Callable[[Path], Iterator[str]]) -> int:
    """Prints files and returns the exit code."""
    worst = 0
    try:
        for path in files:
            if len(files) > 1:
                print(f"# {path}")
            try:
                for line in lines(path):
                    print(line)
            except (Corrupt, Malformed) as error:
                sys.stdout.flush()
                print(f"zab {command}: {error}", file=sys.stderr)
                worst = max(worst, 1)
            except OSError as error:
                sys.stdout.flush()
                print(f"zab {command}: {path}: {error.strerror}", file=sys.stderr)
                worst = 2
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return worst


def log_lines(path: Path) -> Iterator[str]:
    """Yields a line for each transaction: zxid, time, session, cxid, and what it does; a comment for a
    truncated end.

    Raises:
        Corrupt: the file is damaged, or the checksum of its last entry is wrong.
        OSError: the file cannot be read.
    """
    tails: list[Tail] = []
    for entry in read_log(path, tails.append):
        try:
            record = decode_record(entry.payload)
        except Malformed as error:
            raise Corrupt(str(path), entry.offset, str(error)) from None
        yield record_line(record)
    for tail in tails:
        if tail.is_rotten:
            raise Corrupt(tail.name, tail.offset, tail.what)
        yield f"# {tail}"


def record_line(record: Record) -> str:
    """Returns the line for a transaction."""
    session = record.session & 0xFFFFFFFFFFFFFFFF
    start = f"0x{record.zxid:x} {when(record.time)} 0x{session:x} {record.cxid}"
    digest = "" if record.digest is None else f" digest={record.digest:x}"
    return f"{start} {in_words(record.txn)}{digest}"


def in_words(txn: Txn) -> str:  # noqa: PLR0911 - one case for each type
    """Returns what a transaction does, in words."""
    match txn:
        case CreateTxn(op, path, content, acl, ephemeral, cversion, ttl):
            kind = " ephemeral" if ephemeral else f" ttl={ttl}" if op == Op.CREATE_TTL else ""
            what = f"data={shown(content)} acl={listed(acl)} cversion={cversion}"
            return f"{NAMES[op]} {text(path)}{kind} {what}"
        case DeleteTxn(op, path):
            return f"{NAMES[op]} {text(path)}"
        case SetDataTxn(op, path, content, version):
            return f"{NAMES[op]} {text(path)} data={shown(content)} version={version}"
        case SetAclTxn(_, path, acl, version):
            return f"setACL {text(path)} acl={listed(acl)} version={version}"
        case CheckTxn(_, path, version):
            return f"check {text(path)} version={version}"
        case ErrorTxn(_, code):
            return f"error {named(code)}"
        case MultiTxn(_, parts):
            return "multi [" + "; ".join(map(in_words, parts)) + "]"
        case CreateSessionTxn(_, timeout):
            return f"createSession timeout={timeout}"
        case CloseSessionTxn(_, paths):
            return "closeSession" + "".join(f" {text(path)}" for path in paths or ())


def snapshot_lines(path: Path) -> Iterator[str]:
    """Yields a line for each session and each node of a snapshot, up to the first damage.

    Raises:
        Corrupt: the file is damaged; raised after what can be read.
        OSError: the file cannot be read.
    """
    snapshot, pieces = Snapshot(), []
    damage: Corrupt | None = None
    try:
        for piece in pieces_of_snapshot(path):
            pieces.append(piece)
    except Corrupt as error:
        damage = error
    try:
        decode_snapshot(b"".join(pieces), name_of_snapshot(path), snapshot)
    except Corrupt as error:
        damage = damage or error
    for session, timeout in snapshot.sessions.items():
        yield f"session 0x{session & 0xFFFFFFFFFFFFFFFF:x} timeout={timeout}"
    for name, node in snapshot.nodes:
        yield node_line(name, node)
    if snapshot.digest is not None:
        zxid, digest = snapshot.digest
        yield f"digest zxid=0x{zxid:x} {digest:x}"
    if damage is not None:
        raise damage


def node_line(path: bytes, node: Node) -> str:
    """Returns the line for a node."""
    ttl = ttl_of(node.owner)
    owner = f"ttl={ttl}" if ttl is not None else f"owner=0x{node.owner & 0xFFFFFFFFFFFFFFFF:x}"
    zxids = f"czxid=0x{node.czxid:x} mzxid=0x{node.mzxid:x} pzxid=0x{node.pzxid:x}"
    versions = f"version={node.version} cversion={node.cversion} aversion={node.aversion}"
    times = f"ctime={when(node.ctime)} mtime={when(node.mtime)}"
    return f"{text(path)} data={shown(node.data)} acl={listed(node.acl)} {zxids} {times} {versions} {owner}"


def when(milliseconds: int) -> str:
    """Returns a time in UTC, or the number itself if no calendar has that time."""
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return str(milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def shown(content: bytes | None) -> str:
    """Returns data as one word: printable ASCII as it is, other bytes escaped, long data cut with its
    length.
    """
    if content is None:
        return "null"
    start = repr(content[:LONGEST])[1:]
    return start if len(content) <= LONGEST else f"{start}...({len(content)} bytes)"


def text(path: bytes) -> str:
    """Returns a path as one line of text."""
    return path.decode(errors="backslashreplace")


def listed(acl: Acl) -> str:
    """Returns an access control list as one word."""
    return ",".join(f"{text(ace.scheme)}:{text(ace.id)}:{ace.perms}" for ace in acl) or "none"


def named(code: int) -> str:
    """Returns the name of an error code, if it has one."""
    try:
        return f"{Err(code).name}({code})"
    except ValueError:
        return str(code)
