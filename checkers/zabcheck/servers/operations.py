"""Random operations for Hypothesis, with few paths and values, so that they affect each other.

They include all requests of the protocol, valid or not: the reply to an invalid request is compared as well.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as some
from hypothesis.strategies import SearchStrategy

from zabcheck.servers.compare import Ask, Operation, Reconnect
from zabcheck.servers.encoding import Auth, Request, Sync
from zabspec import tree, watches
from zabspec.tree import Ace, Acl, Flag, Id, Op, Perm
from zabspec.tree.acl import digest_id
from zabspec.tree.state import OPEN

CLIENTS = 2
PATHS = ("/a", "/a", "/a/b", "/a/b", "/a/b/c", "/b")
WRONG_PATHS = ("/a/", "/a//b", "/./a", "/a/..", "/a\u0001")

ANYONE = Id("world", "anyone")
LISTS: tuple[Acl, ...] = (
    OPEN,
    (Ace(Perm.READ, ANYONE),),
    (Ace(Perm.READ | Perm.WRITE | Perm.ADMIN, ANYONE),),
    (Ace(Perm.CREATE | Perm.DELETE | Perm.ADMIN, ANYONE),),
    (Ace(Perm.READ | Perm.ADMIN, Id("auth", "")),),
    (Ace(Perm.WRITE, digest_id("u", "p")), Ace(Perm.READ | Perm.ADMIN, ANYONE)),
    (Ace(Perm.READ | Perm.ADMIN, Id("ip", "127.0.0.0/8")),),
    (Ace(Perm.READ, ANYONE), Ace(Perm.READ, ANYONE), Ace(Perm.ADMIN, ANYONE)),
    (),
    (Ace(Perm.READ, Id("nobody", "x")),),
    (Ace(Perm.READ, Id("world", "someone")),),
)


BEGINNING = (Ask(0, tree.Create("/a")), Ask(0, tree.Create("/a/b")))
"""Creates nodes to begin with."""


def paths() -> SearchStrategy[str]:
    """Draws paths, mostly valid ones."""
    return some.sampled_from(PATHS * 8 + WRONG_PATHS)


def contents() -> SearchStrategy[bytes | None]:
    """Draws data for a node."""
    return some.sampled_from((b"", b"x", b"yy", None))


def lists() -> SearchStrategy[Acl]:
    """Draws access control lists, mostly open ones."""
    return some.sampled_from((OPEN,) * 40 + LISTS)


def versions() -> SearchStrategy[int]:
    """Draws expected versions, mostly -1 for any."""
    return some.sampled_from((-1,) * 8 + (0, 1, 2))


def mixed(*choices: tuple[int, SearchStrategy[Any]]) -> SearchStrategy[Any]:
    """Draws from one of several strategies, with weights, which `one_of` does not have."""
    drawn = [each for weight, each in choices for _ in range(weight)]
    return some.integers(0, len(drawn) - 1).flatmap(lambda at: drawn[at])


def creates() -> SearchStrategy[tree.Create]:
    """Draws creations of all kinds of nodes, also by operations that do not fit the kind."""
    plain_flags = some.sampled_from((0,) * 8 + (1,) * 4 + (2, 3, 4, 9))
    plain_ops = some.sampled_from((Op.CREATE, Op.CREATE2))
    container = (some.just(Flag.CONTAINER), some.just(-1), some.just(Op.CREATE_CONTAINER))
    ttl_flags = some.sampled_from((Flag.TTL, Flag.TTL_SEQUENTIAL))
    brief = (ttl_flags, some.sampled_from((10**9, 10**9, 0, 2**40)), some.just(Op.CREATE_TTL))
    node = (tree.Create, paths(), contents(), lists())
    return mixed(
        (6, some.builds(*node, plain_flags, op=plain_ops)),
        (1, some.builds(*node, *container)),
        (1, some.builds(*node, *brief)),
    )


def parts() -> SearchStrategy[tree.Create | tree.Delete | tree.SetData | tree.Check]:
    """Draws parts of a multi."""
    return some.one_of(
        creates(),
        some.builds(tree.Delete, paths(), versions()),
        some.builds(tree.SetData, paths(), contents(), versions()),
        some.builds(tree.Check, paths(), versions()),
    )


def writes() -> SearchStrategy[tree.Write]:
    """Draws writes."""
    return mixed(
        (5, creates()),
        (3, some.builds(tree.Delete, paths(), versions())),
        (4, some.builds(tree.SetData, paths(), contents(), versions())),
        (1, some.builds(tree.SetAcl, paths(), lists(), versions())),
        (2, some.builds(tree.Multi, some.lists(parts(), max_size=4).map(tuple))),
        (1, some.builds(tree.CloseSession)),
    )


def often() -> SearchStrategy[bool]:
    """Draws True three times as often as False."""
    return some.sampled_from((True, True, True, False))


def node_reads() -> SearchStrategy[tree.GetData | tree.GetChildren]:
    """Draws parts of a multi that reads."""
    return some.one_of(some.builds(tree.GetData, paths()), some.builds(tree.GetChildren, paths()))


def reads() -> SearchStrategy[Request]:
    """Draws reads."""
    return mixed(
        (4, some.builds(tree.Exists, paths(), often())),
        (4, some.builds(tree.GetData, paths(), often())),
        (4, some.builds(tree.GetChildren, paths(), often(), some.booleans())),
        (1, some.builds(tree.GetAcl, paths())),
        (1, some.builds(tree.MultiRead, some.lists(node_reads(), min_size=1, max_size=3).map(tuple))),
        (1, some.builds(tree.GetEphemerals, some.sampled_from(("/", "/a", "/b")))),
        (1, some.builds(tree.GetAllChildrenNumber, paths())),
        (1, some.builds(tree.WhoAmI)),
        (1, some.builds(Sync, paths())),
    )


def about_watches() -> SearchStrategy[Request]:
    """Draws requests that register or remove watches."""
    return mixed(
        (3, some.builds(watches.AddWatch, some.sampled_from((*PATHS, "/")), some.booleans())),
        (1, some.builds(watches.RemoveWatches, some.sampled_from(PATHS), some.sampled_from((1, 2, 3)))),
        (1, some.builds(watches.CheckWatches, some.sampled_from(PATHS), some.sampled_from((1, 2, 3, 6)))),
    )


def operations() -> SearchStrategy[list[Operation]]:
    """Draws the operations of one run."""
    clients = some.integers(0, CLIENTS - 1)
    shown = some.builds(Auth, some.just("digest"), some.sampled_from((b"u:p", b"v:q")))
    asked = mixed((10, writes()), (8, reads()), (4, about_watches()), (1, shown))
    each = mixed((12, some.builds(Ask, clients, asked)), (1, some.builds(Reconnect, clients)))
    return some.lists(each, min_size=20, max_size=50).map(lambda steps: [*BEGINNING, *steps])
