"""Multis whose parts create by one operation and with the flag of another: our replies are Apache's."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from zabcheck.servers.session import Session
from zabserver.testing import ZooKeeper
from zabspec import tree
from zabspec.tree import Op

if TYPE_CHECKING:
    from conftest import Apache

pytestmark = pytest.mark.apache

OPS = (Op.CREATE, Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL)
FLAGS = (*range(-1, 9), 1 << 30)
TTLS = (-1, 0, 5 * 10**8, 2**40)
MULTIS = {
    "alone": lambda odd: (odd,),
    "after": lambda odd: (tree.Create("/before"), odd),
    "before": lambda odd: (odd, tree.Create("/after"), tree.Delete("/after")),
    "after one refused": lambda odd: (tree.Delete("/nothing"), odd),
}


def answers(port: int) -> dict[tuple[object, ...], object]:
    """Returns the reply to each multi, and the nodes afterwards."""
    session = Session("127.0.0.1", port)
    found: dict[tuple[object, ...], object] = {}
    for (name, multi), op, flag, ttl in itertools.product(MULTIS.items(), OPS, FLAGS, TTLS):
        if op != Op.CREATE_TTL and ttl != -1:
            continue
        session.call(tree.Create("/odd"))
        reply = session.call(tree.Multi(multi(tree.Create("/odd/a", b"x", flag=flag, ttl=ttl, op=op)))).reply
        left = session.call(tree.GetChildren("/odd")).reply
        found[name, op.name, flag, ttl] = (without_times(reply), getattr(left, "names", None))
        for path in [*(f"/odd/{child}" for child in getattr(left, "names", ())), "/odd", "/before"]:
            session.call(tree.Delete(path))
    session.call(tree.CloseSession())
    return found


def without_times(reply: object) -> object:
    """Returns a reply without stats, which differ between two servers."""
    parts = getattr(reply, "parts", None)
    if parts is None:
        return reply
    return tuple((type(part).__name__, getattr(part, "error", getattr(part, "path", None))) for part in parts)


def test_apache_answers_odd_multis_alike(apache: Apache) -> None:
    with ZooKeeper() as server:
        ours = answers(server.port)
    theirs = answers(apache.port)
    assert {each: (ours[each], theirs[each]) for each in ours if ours[each] != theirs[each]} == {}
