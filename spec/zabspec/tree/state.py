"""Znodes, the tree of them, and what a client is shown of a znode.

A tree is a value: nothing in it is changed in place, and two trees with equal nodes are equal.

ZooKeeper: DataTree, DataNode, StatPersisted, Stat.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag

from zabspec.parts import replace


class Perm(IntFlag):
    """The permissions that an entry of an access control list can give. ZooKeeper: ZooDefs.Perms."""

    READ = 1
    WRITE = 2
    CREATE = 4
    DELETE = 8
    ADMIN = 16


ALL = Perm.READ | Perm.WRITE | Perm.CREATE | Perm.DELETE | Perm.ADMIN


@dataclass(frozen=True, slots=True, order=True)
class Id:
    """An identity: one that a connection has shown, or one that an entry of an access control list means."""

    scheme: str
    id: str


@dataclass(frozen=True, slots=True, order=True)
class Ace:
    """One entry of an access control list: permissions, and the identity that has them."""

    perms: Perm
    id: Id


Acl = tuple[Ace, ...]

ANYONE = Id("world", "anyone")
OPEN: Acl = (Ace(ALL, ANYONE),)
READABLE: Acl = (Ace(Perm.READ, ANYONE),)


@dataclass(frozen=True, slots=True)
class Node:
    """A znode.

    Attributes:
        data: None if it was created without data.
        acl: its access control list.
        czxid, mzxid, pzxid: the zxids of its creation, of the last change of its data, and of the last
            transaction that created or deleted a child.
        ctime, mtime: when it was created and when its data was last changed, in milliseconds since 1970.
        version: counts changes of its data.
        cversion: how many children were ever created under it; clients are shown another number (`stat_of`).
        aversion: counts changes of its access control list.
        owner: the session that owns an ephemeral node, else 0.
        is_container: True if it is deleted when its last child is gone.
        ttl: how long it lives unchanged and without children, in milliseconds; None for ever.
    """

    data: bytes | None = b""
    acl: Acl = OPEN
    czxid: int = 0
    mzxid: int = 0
    pzxid: int = 0
    ctime: int = 0
    mtime: int = 0
    version: int = 0
    cversion: int = 0
    aversion: int = 0
    owner: int = 0
    is_container: bool = False
    ttl: int | None = None


@dataclass(frozen=True, slots=True)
class Stat:
    """What a client is shown of a node, apart from its data and its access control list."""

    czxid: int
    mzxid: int
    ctime: int
    mtime: int
    version: int
    cversion: int
    aversion: int
    owner: int
    data_length: int
    children: int
    pzxid: int


@dataclass(frozen=True, slots=True)
class Tree:
    """All znodes, each with its path, in the order of the paths."""

    paths: tuple[str, ...]
    nodes: tuple[Node, ...]


ROOT = "/"
RESERVED = ("/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota")
"""The nodes that exist from the beginning and cannot be deleted."""


def initial() -> Tree:
    """Returns the tree of a server that has never run."""
    plain = Node()
    return Tree(RESERVED, (plain, plain, replace(plain, acl=READABLE, aversion=-1), plain))


def node_at(tree: Tree, path: str) -> Node | None:
    """Returns the node at a path, None if there is none. The empty path is the root's too."""
    path = path or ROOT
    at = bisect_left(tree.paths, path)
    return tree.nodes[at] if at < len(tree.paths) and tree.paths[at] == path else None


def with_node(tree: Tree, path: str, node: Node) -> Tree:
    """Returns the tree with a node put at a path, new or in the place of the node there."""
    at = bisect_left(tree.paths, path)
    is_there = at < len(tree.paths) and tree.paths[at] == path
    after = at + is_there
    return Tree((*tree.paths[:at], path, *tree.paths[after:]), (*tree.nodes[:at], node, *tree.nodes[after:]))


def without_node(tree: Tree, path: str) -> Tree:
    """Returns the tree without the node at a path."""
    at = tree.paths.index(path)
    return Tree((*tree.paths[:at], *tree.paths[at + 1 :]), (*tree.nodes[:at], *tree.nodes[at + 1 :]))


def parent_of(path: str) -> str:
    """Returns the path of the parent of a node other than the root."""
    return path[: path.rindex("/")] or ROOT


def children_of(tree: Tree, path: str) -> tuple[str, ...]:
    """Returns the names of a node's children, sorted; ZooKeeper promises no order."""
    start = path if path == ROOT else path + "/"
    below = (each[len(start) :] for each in descendants_of(tree, path))
    return tuple(name for name in below if "/" not in name)


def descendants_of(tree: Tree, path: str) -> Iterator[str]:
    """Yields the paths of all nodes below a node, sorted."""
    start = path if path == ROOT else path + "/"
    return (each for each in tree.paths if each.startswith(start) and each != ROOT)


def ephemerals_of(tree: Tree, session: int) -> tuple[str, ...]:
    """Returns the paths of the nodes that a session owns, sorted."""
    return tuple(
        path for path, node in zip(tree.paths, tree.nodes, strict=True) if node.owner == session != 0
    )


def stat_of(tree: Tree, path: str) -> Stat:
    """Returns what a client is shown of the node at a path.

    Its `cversion` counts the children that were created and the children that were deleted.

    ZooKeeper: DataNode.copyStat.
    """
    node = node_at(tree, path)
    assert node is not None
    children = len(children_of(tree, path))
    return Stat(
        czxid=node.czxid,
        mzxid=node.mzxid,
        ctime=node.ctime,
        mtime=node.mtime,
        version=node.version,
        cversion=2 * node.cversion - children,
        aversion=node.aversion,
        owner=node.owner,
        data_length=len(node.data or b""),
        children=children,
        pzxid=node.pzxid,
    )
