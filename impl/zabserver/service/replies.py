"""The bodies of replies to requests that write, made from what their transactions came to.

ZooKeeper: FinalRequestProcessor, MultiResponse.
"""

from __future__ import annotations

from zabserver.service.tree import Outcome
from zabserver.wire.jute import INT, data
from zabserver.wire.protocol import Err, Op

MULTI_END = INT.pack(-1) + b"\x01" + INT.pack(-1)
"""The header behind the last part of a multi."""
WITH_STAT = frozenset({Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL})
"""The operations that create a node and are answered with its Stat."""


def reply_body(outcome: Outcome, op: int) -> bytes:
    """Returns the body of the reply to a request, from the outcome of its transaction."""
    if outcome.error:
        return b""
    if outcome.parts is not None:
        return b"".join(map(_part, outcome.parts)) + MULTI_END
    if op in WITH_STAT:
        return data(outcome.path) + outcome.stat
    if op == Op.CREATE:
        return data(outcome.path)
    if op == Op.RECONFIG:
        return data(outcome.data) + outcome.stat
    return outcome.stat


def error_part(code: int) -> bytes:
    """Returns one failed part of the reply to a multi."""
    return INT.pack(Op.ERROR) + b"\0" + INT.pack(code) + INT.pack(code)


def _part(outcome: Outcome) -> bytes:
    """Returns one part of the reply to a multi."""
    if outcome.op == Op.ERROR:
        return error_part(outcome.error)
    op = Op.CREATE2 if outcome.op in WITH_STAT else outcome.op
    return INT.pack(op) + b"\0" + INT.pack(Err.OK) + reply_body(outcome, outcome.op)
