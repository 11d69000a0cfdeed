"""Transactions, as logged and as sent between servers: one class for each type.

A transaction records the outcome of a request in absolute terms (this version, that count), so that it can be
applied again to a tree that contains it already.

ZooKeeper: zookeeper.jute (org.apache.zookeeper.txn), SerializeUtils.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

from zabserver.service.node import DIGEST_VERSION, OPEN, Ace, Acl
from zabserver.wire.jute import FALSE, INT, LONG, TRUE, Malformed, Reader, data, vector
from zabserver.wire.protocol import Op

HEADER = Struct(">qiqqi")
"""The header of a transaction: session, cxid, zxid, time in milliseconds since 1970, type."""
DIGEST = Struct(">iQ")
"""The end of a transaction if digests are enabled: version, and the digest of the tree after it."""


@dataclass(slots=True)
class CreateTxn:
    """A node is created; `op` is one of the four create operations.

    Attributes:
        ephemeral: True if the session in the header owns the node.
        parent_cversion: the number of children ever created under the parent, with this one; -1 if unknown.
        ttl: the time to live in milliseconds, for CREATE_TTL.
    """

    op: int
    path: bytes
    data: bytes | None
    acl: Acl
    ephemeral: bool
    parent_cversion: int
    ttl: int = 0

    def encode(self) -> bytes:
        """Returns the body."""
        start = data(self.path) + data(self.data) + encode_acl(self.acl)
        count = INT.pack(self.parent_cversion)
        if self.op == Op.CREATE_CONTAINER:
            return start + count
        if self.op == Op.CREATE_TTL:
            return start + count + LONG.pack(self.ttl)
        return start + (TRUE if self.ephemeral else FALSE) + count


@dataclass(slots=True)
class DeleteTxn:
    """A node is deleted; `op` is delete or deleteContainer."""

    op: int
    path: bytes

    def encode(self) -> bytes:
        """Returns the body."""
        return data(self.path)


@dataclass(slots=True)
class SetDataTxn:
    """A node's data and version are set; `op` is setData or reconfig."""

    op: int
    path: bytes
    data: bytes | None
    version: int

    def encode(self) -> bytes:
        """Returns the body."""
        return data(self.path) + data(self.data) + INT.pack(self.version)


@dataclass(slots=True)
class SetAclTxn:
    """A node's access control list and its version are set."""

    op: int
    path: bytes
    acl: Acl
    version: int

    def encode(self) -> bytes:
        """Returns the body."""
        return data(self.path) + encode_acl(self.acl) + INT.pack(self.version)


@dataclass(slots=True)
class CheckTxn:
    """A version was as expected; occurs only in a multi."""

    op: int
    path: bytes
    version: int

    def encode(self) -> bytes:
        """Returns the body."""
        return data(self.path) + INT.pack(self.version)


@dataclass(slots=True)
class ErrorTxn:
    """A request was refused with an error code."""

    op: int
    code: int

    def encode(self) -> bytes:
        """Returns the body."""
        return INT.pack(self.code)


@dataclass(slots=True)
class CreateSessionTxn:
    """A session is opened, with a timeout in milliseconds."""

    op: int
    timeout: int

    def encode(self) -> bytes:
        """Returns the body."""
        return INT.pack(self.timeout)


@dataclass(slots=True)
class CloseSessionTxn:
    """A session is closed, and these nodes are deleted; None where an old server logged no list."""

    op: int
    paths: Sequence[bytes] | None

    def encode(self) -> bytes:
        """Returns the body."""
        return b"" if self.paths is None else vector(map(data, self.paths))


@dataclass(slots=True)
class MultiTxn:
    """Several transactions in one, or as many errors."""

    op: int
    parts: Sequence[Txn]

    def encode(self) -> bytes:
        """Returns the body."""
        return vector(INT.pack(part.op) + data(part.encode()) for part in self.parts)


Txn = (
    CreateTxn
    | DeleteTxn
    | SetDataTxn
    | SetAclTxn
    | CheckTxn
    | ErrorTxn
    | CreateSessionTxn
    | CloseSessionTxn
    | MultiTxn
)


@dataclass(slots=True)
class Record:
    """A transaction with its header, as logged (ZooKeeper: TxnHeader and Record).

    Attributes:
        session: the session of the request; 0 for requests of the server itself.
        cxid: the client's number for the request.
        zxid: the zxid.
        time: the time, in milliseconds since 1970.
        txn: the body.
        digest: the digest of the tree after the transaction; None if digests are disabled.
    """

    session: int
    cxid: int
    zxid: int
    time: int
    txn: Txn
    digest: int | None = None

    def encode(self) -> bytes:
        """Returns the payload of a log entry, which is also that of a PROPOSAL."""
        start = HEADER.pack(self.session, self.cxid, self.zxid, self.time, self.txn.op) + self.txn.encode()
        if self.digest is None:
            return start
        return start + DIGEST.pack(DIGEST_VERSION, self.digest)


def zxid_of(payload: bytes) -> int:
    """Returns the zxid in the header of a transaction."""
    zxid: int = LONG.unpack_from(payload, 12)[0]
    return zxid


def decode_record(payload: bytes) -> Record:
    """Returns the transaction in the payload of a log entry.

    Raises:
        Malformed: the payload is not a transaction, or one of unknown type.
    """
    if len(payload) < HEADER.size:
        raise Malformed(f"a transaction of {len(payload)} bytes has no complete header")
    session, cxid, zxid, time, op = HEADER.unpack_from(payload)
    reader = Reader(payload, HEADER.size)
    txn = decode_txn(op, reader)
    digest = None
    if len(payload) - reader.at >= DIGEST.size:
        digest = DIGEST.unpack_from(payload, reader.at)[1]
    return Record(session, cxid, zxid, time, txn, digest)


def decode_txn(op: int, reader: Reader) -> Txn:  # noqa: PLR0911 - one case for each type
    """Returns the body of a transaction.

    Args:
        op: the type.
        reader: at the beginning of the body.

    Raises:
        Malformed: the type is unknown, or the body does not match it.
    """
    match op:
        case Op.SET_DATA | Op.RECONFIG:
            return SetDataTxn(op, reader.string(), reader.data(), reader.int32())
        case Op.CREATE | Op.CREATE2 | Op.CREATE_CONTAINER | Op.CREATE_TTL:
            return _decode_create(op, reader)
        case Op.DELETE | Op.DELETE_CONTAINER:
            return DeleteTxn(op, reader.string())
        case Op.SET_ACL:
            return SetAclTxn(op, reader.string(), decode_acl(reader), reader.int32())
        case Op.CHECK:
            return CheckTxn(op, reader.string(), reader.int32())
        case Op.ERROR:
            return ErrorTxn(op, reader.int32())
        case Op.CREATE_SESSION:
            return CreateSessionTxn(op, reader.int32())
        case Op.CLOSE_SESSION:
            return CloseSessionTxn(op, None if reader.is_at_end else reader.vector(reader.string))
        case Op.MULTI:
            return MultiTxn(op, reader.vector(lambda: _decode_part(reader)))
    raise Malformed(f"a transaction of unknown type {op}")


def _decode_create(op: int, reader: Reader) -> CreateTxn:
    path, content, acl = reader.string(), reader.data(), decode_acl(reader)
    ephemeral = reader.flag() if op in (Op.CREATE, Op.CREATE2) else False
    count = -1 if reader.is_at_end else reader.int32()
    return CreateTxn(op, path, content, acl, ephemeral, count, reader.int64() if op == Op.CREATE_TTL else 0)


def _decode_part(reader: Reader) -> Txn:
    op = reader.int32()
    if op == Op.MULTI:
        raise Malformed("a multi inside a multi")
    return decode_txn(op, Reader(reader.string()))


def encode_acl(acl: Acl) -> bytes:
    """Returns the encoding of an access control list."""
    return _OPEN if acl is OPEN or acl == OPEN else _encode_acl(acl)


def decode_acl(reader: Reader) -> Acl:
    """Reads an access control list."""
    if reader.buffer.startswith(_OPEN, reader.at):  # nearly always so
        reader.at += len(_OPEN)
        return OPEN
    return tuple(reader.vector(lambda: Ace(reader.int32(), reader.string(), reader.string())))


def _encode_acl(acl: Acl) -> bytes:
    return vector(INT.pack(perms) + data(scheme) + data(name) for perms, scheme, name in acl)


_OPEN = _encode_acl(OPEN)
