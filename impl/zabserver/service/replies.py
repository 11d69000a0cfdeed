"""The bodies of replies to requests that write, made from what their transactions came to.

ZooKeeper: FinalRequestProcessor, MultiResponse.
"""

from __future__ import annotations

from zabserver.service.tree import Done
from zabserver.wire.jute import INT, data
from zabserver.wire.protocol import Err, Op

MULTI_END = INT.pack(-1) + b"\x01" + INT.pack(-1)
"""The header behind the last part of a multi."""
WITH_STAT = frozenset({Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL})
"""The operations that create a node and are answered with its Stat."""


def reply_body(done: Done, op: int) -> bytes:
    """Returns the body of the reply to a request, from the outcome of its transaction."""
    if done.error:
        return b""
    if done.parts is not None:
        return b"".join(map(_part, done.parts)) + MULTI_END
    if op in WITH_STAT:
        return data(done.path) + done.stat
    if op == Op.CREATE:
        return data(done.path)
    if op == Op.RECONFIG:
        return data(done.data) + done.stat
    return done.stat


def error_part(code: int) -> bytes:
    """Returns one failed part of the reply to a multi."""
    return INT.pack(Op.ERROR) + b"\0" + INT.pack(code) + INT.pack(code)


def _part(done: Done) -> bytes:
    """Returns one part of the reply to a multi."""
    if done.op == Op.ERROR:
        return error_part(done.error)
    op = Op.CREATE2 if done.op in WITH_STAT else done.op
    return INT.pack(op) + b"\0" + INT.pack(Err.OK) + reply_body(done, done.op)
