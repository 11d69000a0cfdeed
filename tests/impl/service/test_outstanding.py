"""Transactions prepared on top of others that are not applied yet, or that were taken back."""

from __future__ import annotations

from struct import Struct

from hypothesis import given, settings
from hypothesis import strategies as some

from zabserver.service.node import OPEN
from zabserver.service.prepare import Preparer, Request
from zabserver.service.settings import Settings
from zabserver.service.tree import Tree
from zabserver.service.txns import ErrorTxn, Record, encode_acl
from zabserver.wire.jute import INT, Reader, data
from zabserver.wire.protocol import Op

SESSION = 0x1000
ANY = INT.pack(-1)
PART = Struct(">i?i")
"""Type, end mark and error before each part of a multi."""
END = PART.pack(-1, True, -1)

PATHS = some.sampled_from([b"/a", b"/b", b"/a/x", b"/a/y", b"/b/x", b"/zookeeper/z"]).map(data)
CONTENT = some.sampled_from([b"", b"xyz", b"abcd", None]).map(data)
FLAGS = some.sampled_from([0, 0, 1, 2]).map(INT.pack)
ACL = some.just(encode_acl(OPEN))
VERSIONS = some.sampled_from([-1, -1, 0, 1]).map(INT.pack)


def a_request(op: int, *parts: some.SearchStrategy[bytes]) -> some.SearchStrategy[tuple[int, bytes]]:
    """Returns a strategy for requests of one type with a body made of parts."""
    return some.tuples(some.just(op), some.tuples(*parts).map(b"".join))


PARTS = some.one_of(
    a_request(Op.CREATE, PATHS, CONTENT, ACL, FLAGS),
    a_request(Op.CREATE, PATHS, CONTENT, ACL, FLAGS),
    a_request(Op.DELETE, PATHS, VERSIONS),
    a_request(Op.SET_DATA, PATHS, CONTENT, VERSIONS),
)


def as_multi(parts: list[tuple[int, bytes]]) -> tuple[int, bytes]:
    """Returns a multi with these parts."""
    return Op.MULTI, b"".join(PART.pack(op, False, -1) + body for op, body in parts) + END


BEGINNING = [
    ((Op.CREATE, data(path) + data(b"") + encode_acl(OPEN) + INT.pack(0)), 0)
    for path in (b"/a", b"/b", b"/a/x")
]
REQUESTS = some.one_of(
    PARTS,
    some.lists(PARTS, max_size=5).map(as_multi),
    a_request(Op.SET_ACL, PATHS, ACL, VERSIONS),
    some.just((Op.CLOSE_SESSION, b"")),
    some.sampled_from([(Op.MULTI, b""), (Op.CREATE, b"\0")]),  # malformed
)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(some.lists(some.tuples(REQUESTS, some.integers(0, 3)), min_size=15, max_size=40))
def test_each_digest_is_that_of_the_tree_however_late_it_is_applied(
    requests: list[tuple[tuple[int, bytes], int]],
) -> None:
    """A transaction describes the tree after it is applied; applying each at once gives the same."""
    late, early = Tree(), Tree()
    lagging, prompt = (Preparer(tree, lambda _: None, Settings()) for tree in (late, early))
    waiting: list[Record] = []

    def apply(count: int) -> None:
        for record in waiting[:count]:
            late.apply(record)
            if type(record.txn) is not ErrorTxn:
                assert record.digest == late.measured_digest()
        if count and waiting:
            lagging.outstanding.on_applied(waiting[:count][-1].zxid)
        del waiting[:count]

    for zxid, ((op, body), count) in enumerate(BEGINNING + requests, 1):
        records = [
            each.prepare(Request(SESSION, zxid, op, Reader(body), ()), zxid, 1000 + zxid)
            for each in (lagging, prompt)
        ]
        assert records[0] == records[1]
        early.apply(records[1])
        prompt.outstanding.on_applied(zxid)
        waiting.append(records[0])
        apply(count)
    apply(len(waiting))
    assert lagging.outstanding.digest == late.measured_digest() == early.measured_digest()
