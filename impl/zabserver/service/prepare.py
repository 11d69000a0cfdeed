"""Turns requests that write into transactions: ZooKeeper's checks in ZooKeeper's order, and the new versions.

Only a leader or a standalone server prepares. It checks a request against the tree as it will be once all
that it has prepared is applied (`Outstanding`). A request that is refused becomes an error transaction.

ZooKeeper: PrepRequestProcessor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zabserver.service import acl as acls
from zabserver.service.acl import Id
from zabserver.service.node import (
    CONTAINER,
    OPEN,
    TTL_MAX,
    Acl,
    is_session,
    parent_of,
    ttl_of,
)
from zabserver.service.outstanding import Outstanding
from zabserver.service.paths import check_path
from zabserver.service.settings import Settings
from zabserver.service.tree import CONFIG, UNDELETABLE, Tree, owner_of
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
    decode_acl,
)
from zabserver.wire.jute import Malformed, Reader
from zabserver.wire.protocol import Err, Op, Perm, Refused

FLAGS = {0: (False, False), 1: (True, False), 2: (False, True), 3: (True, True), 4: (False, False)}
"""For each create mode without a time to live: whether the node is ephemeral, whether it is sequential."""
TTL_FLAGS = {5: False, 6: True}
"""For each create mode with a time to live: whether the node is sequential."""
CONTAINER_FLAG = 4
TTL_WITHOUT = -1 << 32
"""A pseudo-operation: a part of a multi with a create mode from `TTL_FLAGS`, but without a time to live."""
OF_ANY_SESSION = frozenset({Op.CREATE_SESSION, Op.CLOSE_SESSION, Op.DELETE_CONTAINER, Op.RECONFIG})
"""Operations for which the session is not checked, or not first."""
MAX_VERSION = 0x7FFFFFFF


@dataclass(slots=True)
class Request:
    """A request that writes.

    Attributes:
        session: the id of the client's session; 0 for requests of the server itself.
        cxid: the client's number for the request.
        op: the operation.
        reader: the body, at its beginning.
        ids: the identities of the client.
        owner: the learner that forwarded the request; None if it came from a client of this server.
    """

    session: int
    cxid: int
    op: int
    reader: Reader
    ids: Sequence[Id]
    owner: object = None


class Preparer:
    """Turns requests into transactions, each on top of the ones before.

    Args:
        tree: the tree with everything applied so far.
        check_session: raises Refused unless a request may be made in its session.
        settings: the settings that decide how requests are served.
        reconfigured: returns the text of the ensemble that a reconfiguration makes at a zxid, or raises
            Refused. None for a standalone server.

    Attributes:
        outstanding: the changes of what is prepared and not yet applied.
    """

    def __init__(
        self,
        tree: Tree,
        check_session: Callable[[Request], None],
        settings: Settings,
        reconfigured: Callable[[Request, int], bytes] | None = None,
    ) -> None:
        self.tree = tree
        self.check_session = check_session
        self.settings = settings
        self.reconfigured = reconfigured
        self.outstanding = Outstanding(tree)
        self._by_op: dict[int, Callable[[Request, int, int], Txn]] = {
            Op.CREATE: self._create,
            Op.CREATE2: self._create,
            Op.CREATE_CONTAINER: self._create,
            Op.CREATE_TTL: self._create,
            Op.DELETE: self._delete,
            Op.DELETE_CONTAINER: self._delete_container,
            Op.SET_DATA: self._set_data,
            Op.SET_ACL: self._set_acl,
            Op.CHECK: self._check_version,
            Op.MULTI: self._multi,
            TTL_WITHOUT: self._refuse_malformed,
            Op.RECONFIG: self._reconfig,
            Op.CREATE_SESSION: self._create_session,
            Op.CLOSE_SESSION: self._close_session,
        }

    def prepare(self, request: Request, zxid: int, time: int) -> Record:
        """Returns the transaction for a request.

        Args:
            request: the request.
            zxid: the zxid of the transaction.
            time: the time of the transaction, in milliseconds since 1970.
        """
        txn: Txn
        try:
            op = request.op
            if op not in OF_ANY_SESSION:
                self.check_session(request)
            txn = self._by_op[op](request, zxid, time)
        except Refused as refused:
            txn = ErrorTxn(Op.ERROR, refused.code)
        except Malformed:
            txn = ErrorTxn(Op.ERROR, Err.MARSHALLING_ERROR)
        record = Record(request.session, request.cxid, zxid, time, txn)
        if self.settings.digests and type(txn) is not ErrorTxn:
            record.digest = self.outstanding.digest
        return record

    def _create_session(self, request: Request, _: int, __: int) -> Txn:
        return CreateSessionTxn(Op.CREATE_SESSION, request.reader.int32())

    def _refuse_malformed(self, _: Request, __: int, ___: int) -> Txn:
        """Refuses a create mode with a time to live in a request without one.

        ZooKeeper: the cast to CreateTTLRequest in PrepRequestProcessor.pRequest2TxnCreate fails.
        """
        raise Malformed("a create mode with a time to live in a request without one")

    def _reconfig(self, request: Request, zxid: int, time: int) -> Txn:
        """Prepares a reconfiguration, which sets the data of a node whose version never changes."""
        if not self.settings.reconfig:
            raise Refused(Err.RECONFIG_DISABLED)
        self.check_session(request)
        if self.reconfigured is None:
            raise Refused(Err.UNIMPLEMENTED)
        text = self.reconfigured(request, zxid)
        node = self.outstanding.find(CONFIG)
        self._check_acl(node.acl, Perm.WRITE, request.ids)
        self.outstanding.on_set_data(CONFIG, node, text, -1, zxid, time)
        return SetDataTxn(Op.RECONFIG, CONFIG, text, -1)

    def _multi(self, request: Request, zxid: int, time: int) -> Txn:
        """Prepares all parts, or none: if a part is refused, the changes of those before it are undone.

        A part with a create mode for a time to live, and without one, makes the whole request malformed.
        """
        parts = read_multi(request.reader)
        self.outstanding.begin()
        done: list[Txn] = []
        try:
            for op, reader in parts:
                part = Request(request.session, request.cxid, op, reader, request.ids)
                done.append(self._by_op[op](part, zxid, time))
        except Malformed:
            self.outstanding.undo()
            raise
        except Refused as refused:
            self.outstanding.undo()
            codes = [Err.OK] * len(done) + [refused.code]
            codes += [Err.RUNTIME_INCONSISTENCY] * (len(parts) - len(codes))
            return MultiTxn(Op.MULTI, [ErrorTxn(Op.ERROR, code) for code in codes])
        finally:
            self.outstanding.keep()
        return MultiTxn(Op.MULTI, done)

    def _create(self, request: Request, zxid: int, time: int) -> Txn:
        reader = request.reader
        op, path, data, acl = request.op, reader.string(), reader.data(), decode_acl(reader)
        flags = reader.int32()
        ttl = reader.int64() if op == Op.CREATE_TTL else -1
        ephemeral, sequential = self._mode(op, flags, ttl)
        if b"/" not in path or b"\0" in path:
            raise Refused(Err.BAD_ARGUMENTS)
        if acl is not OPEN:
            acl = acls.fixed(acl, request.ids)
        parent_path = parent_of(path)
        parent = self.outstanding.find(parent_path)
        if parent.acl is not OPEN:
            self._check_acl(parent.acl, Perm.CREATE, request.ids)
        if sequential:
            path += b"%010d" % parent.cversion
        check_path(path)
        if self.outstanding.get(path) is not None:
            raise Refused(Err.NODE_EXISTS)
        if is_session(parent.owner):
            raise Refused(Err.NO_CHILDREN_FOR_EPHEMERALS)
        if self.settings.enforce_quota:
            self._check_quota(path, 1, len(data or b""))
        cversion = parent.cversion + (parent.cversion < MAX_VERSION)
        txn = CreateTxn(op, path, data, acl, ephemeral, cversion, max(ttl, 0))
        self.outstanding.on_create(txn, owner_of(txn, request.session), parent_path, parent, zxid, time)
        return txn

    def _mode(self, op: int, flags: int, ttl: int) -> tuple[bool, bool]:
        """Returns whether a node is to be ephemeral, and whether sequential."""
        if op == Op.CREATE_TTL or flags in TTL_FLAGS:
            if flags not in TTL_FLAGS or op != Op.CREATE_TTL:
                raise Refused(Err.BAD_ARGUMENTS)
            if not self.settings.extended_types:
                raise Refused(Err.UNIMPLEMENTED)
            if not 0 < ttl <= TTL_MAX:
                raise Refused(Err.BAD_ARGUMENTS)
            return False, TTL_FLAGS[flags]
        if flags not in FLAGS:
            raise Refused(Err.BAD_ARGUMENTS)
        return FLAGS[flags]

    def _delete(self, request: Request, zxid: int, _: int) -> Txn:
        path, version = request.reader.string(), request.reader.int32()
        if not path.startswith(b"/") or b"\0" in path or path in UNDELETABLE:
            raise Refused(Err.BAD_ARGUMENTS)
        parent_path = parent_of(path)
        parent = self.outstanding.find(parent_path)
        if parent.acl is not OPEN:
            self._check_acl(parent.acl, Perm.DELETE, request.ids)
        node = self.outstanding.find(path)
        next_version(node.version, version)
        if node.child_count:
            raise Refused(Err.NOT_EMPTY)
        self.outstanding.on_delete(path, node, parent_path, parent, zxid)
        return DeleteTxn(Op.DELETE, path)

    def _delete_container(self, request: Request, zxid: int, _: int) -> Txn:
        path = request.reader.string()
        if not path.startswith(b"/") or b"\0" in path or path in UNDELETABLE:
            raise Refused(Err.BAD_ARGUMENTS)
        parent_path = parent_of(path)
        parent = self.outstanding.find(parent_path)
        node = self.outstanding.find(path)
        if node.child_count:
            raise Refused(Err.NOT_EMPTY)
        if node.owner != CONTAINER and ttl_of(node.owner) is None and node.owner != 0:
            raise Refused(Err.BAD_VERSION)
        self.outstanding.on_delete(path, node, parent_path, parent, zxid)
        return DeleteTxn(Op.DELETE_CONTAINER, path)

    def _set_data(self, request: Request, zxid: int, time: int) -> Txn:
        reader = request.reader
        path, data, version = reader.string(), reader.data(), reader.int32()
        node = self.outstanding.get(path)
        if node is None:
            check_path(path)
            raise Refused(Err.NO_NODE)
        if node.acl is not OPEN:
            self._check_acl(node.acl, Perm.WRITE, request.ids)
        if self.settings.enforce_quota:
            self._check_quota(path, 0, len(data or b"") - len(node.data or b""))
        version = next_version(node.version, version)
        self.outstanding.on_set_data(path, node, data, version, zxid, time)
        return SetDataTxn(Op.SET_DATA, path, data, version)

    def _set_acl(self, request: Request, zxid: int, _: int) -> Txn:
        reader = request.reader
        path, acl, version = reader.string(), decode_acl(reader), reader.int32()
        check_path(path)
        acl = acls.fixed(acl, request.ids)
        node = self.outstanding.find(path)
        self._check_acl(node.acl, Perm.ADMIN, request.ids)
        version = next_version(node.aversion, version)
        self.outstanding.on_set_acl(path, node, acl, version, zxid)
        return SetAclTxn(Op.SET_ACL, path, acl, version)

    def _check_version(self, request: Request, _: int, __: int) -> Txn:
        path, version = request.reader.string(), request.reader.int32()
        check_path(path)
        node = self.outstanding.find(path)
        self._check_acl(node.acl, Perm.READ, request.ids)
        return CheckTxn(Op.CHECK, path, next_version(node.version, version))

    def _close_session(self, request: Request, zxid: int, _: int) -> Txn:
        paths = self.outstanding.ephemerals_of(request.session)
        for path in paths:
            parent_path = parent_of(path)
            node, parent = self.outstanding.find(path), self.outstanding.find(parent_path)
            self.outstanding.on_delete(path, node, parent_path, parent, zxid)
        return CloseSessionTxn(Op.CLOSE_SESSION, paths)

    def _check_acl(self, acl: Acl, perm: int, ids: Sequence[Id]) -> None:
        if acl is not OPEN and not self.settings.skip_acl:
            acls.check(acl, perm, ids)

    def _check_quota(self, path: bytes, count: int, size: int) -> None:
        if self.tree.limits.is_exceeded(self.tree.nodes, path, count, size):
            raise Refused(Err.QUOTA_EXCEEDED)


def next_version(version: int, expected: int) -> int:
    """Returns the version after the present one, which must be the expected one; -1 expects any.

    ZooKeeper skips -1, since that expects any version.

    Raises:
        Refused: BAD_VERSION, it is not the expected version.
    """
    if expected not in (-1, version):
        raise Refused(Err.BAD_VERSION)
    if version == MAX_VERSION:
        return -MAX_VERSION - 1
    return 0 if version == -2 else version + 1


CREATES = frozenset({Op.CREATE, Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL})
PARTS = CREATES | {Op.DELETE, Op.SET_DATA, Op.CHECK}
"""The operations that may be parts of a multi that writes."""


def read_multi(reader: Reader) -> list[tuple[int, Reader]]:
    """Returns the parts of a multi that writes: the operation and body of each.

    Raises:
        Malformed: the request is not a multi, or has a part that it may not have.
    """
    parts: list[tuple[int, Reader]] = []
    while True:
        op, done, _ = reader.int32(), reader.flag(), reader.int32()
        if done:
            return parts
        if op not in PARTS:
            raise Malformed(f"operation {op} in a multi")
        body = Reader(reader.buffer, reader.at)
        flag = _skip_part(op, reader)
        parts.append((_op_in_multi(op, flag) if op in CREATES else op, body))


def _op_in_multi(op: int, flag: int) -> int:
    """Returns the operation that creates a node in a multi, which only the create mode decides.

    ZooKeeper: Op.Create.getOpcode.
    """
    if flag in TTL_FLAGS:
        return Op.CREATE_TTL if op == Op.CREATE_TTL else TTL_WITHOUT
    return Op.CREATE_CONTAINER if flag == CONTAINER_FLAG else Op.CREATE


def _skip_part(op: int, reader: Reader) -> int:
    """Skips the body of a part and returns its create mode; for other parts, a number without meaning."""
    reader.data()
    if op in (Op.DELETE, Op.CHECK):
        return reader.int32()
    reader.data()
    if op == Op.SET_DATA:
        return reader.int32()
    decode_acl(reader)
    flag = reader.int32()
    if op == Op.CREATE_TTL:
        reader.int64()
    return flag
