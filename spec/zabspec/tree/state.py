"""Znodes, the tree of them, and what a client is shown of one.

A tree is a value: nothing in it is changed in place, and two that hold the same are equal.

ZooKeeper: DataTree, DataNode, StatPersisted, Stat.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag

from zabspec.parts import replace


class Perm(IntFlag):
    """What an entry of an access control list allows. ZooKeeper: ZooDefs.Perms."""

    READ = 1
    WRITE = 2
    CREATE = 4
    DELETE = 8
    ADMIN = 16


ALL = Perm.READ | Perm.WRITE | Perm.CREATE | Perm.DELETE | Perm.ADMIN


@dataclass(frozen=True, slots=True, order=True)
class Id:
    """An identity: of a connection, or the one that an entry of a list means."""

    scheme: str
    id: str


@dataclass(frozen=True, slots=True, order=True)
class Ace:
    """One entry of an access control list: what is allowed, and to whom."""

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
        data: None where it was created with none.
        czxid, mzxid, pzxid: of its creation, the last change of its data, the last child that came or went.
        ctime, mtime: of the first two, in milliseconds since 1970.
        version: counts changes of its data.
        cversion: how many children were ever created; clients are shown another number (`stat_of`).
        aversion: counts changes of its list.
        owner: the session of an ephemeral node, else 0.
        is_container: whether it goes when its last child is gone.
        ttl: how long it stays unchanged without children, in milliseconds; None for ever.
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
    """What a client is shown of a node."""

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
"""The nodes that are there from the beginning, and stay."""


def initial() -> Tree:
    """The tree of a server that has never run."""
    plain = Node()
    return Tree(RESERVED, (plain, plain, replace(plain, acl=READABLE, aversion=-1), plain))


def node_at(tree: Tree, path: str) -> Node | None:
    """The node at a path, None if there is none. The empty path is the root's too."""
    path = path or ROOT
    at = bisect_left(tree.paths, path)
    return tree.nodes[at] if at < len(tree.paths) and tree.paths[at] == path else None


def with_node(tree: Tree, path: str, node: Node) -> Tree:
    """The tree with a node put at a path, new or in the place of the one there."""
    at = bisect_left(tree.paths, path)
    is_there = at < len(tree.paths) and tree.paths[at] == path
    after = at + is_there
    return Tree((*tree.paths[:at], path, *tree.paths[after:]), (*tree.nodes[:at], node, *tree.nodes[after:]))


def without_node(tree: Tree, path: str) -> Tree:
    """The tree without the node at a path."""
    at = tree.paths.index(path)
    return Tree((*tree.paths[:at], *tree.paths[at + 1 :]), (*tree.nodes[:at], *tree.nodes[at + 1 :]))


def parent_of(path: str) -> str:
    """The path of the parent of a node that is not the root."""
    return path[: path.rindex("/")] or ROOT


def children_of(tree: Tree, path: str) -> tuple[str, ...]:
    """The names of a node's children, sorted; ZooKeeper promises no order."""
    start = path if path == ROOT else path + "/"
    below = (each[len(start) :] for each in descendants_of(tree, path))
    return tuple(name for name in below if "/" not in name)


def descendants_of(tree: Tree, path: str) -> Iterator[str]:
    """The paths of all that is below a node, sorted."""
    start = path if path == ROOT else path + "/"
    return (each for each in tree.paths if each.startswith(start) and each != ROOT)


def ephemerals_of(tree: Tree, session: int) -> tuple[str, ...]:
    """The paths of the nodes that a session owns, sorted."""
    return tuple(
        path for path, node in zip(tree.paths, tree.nodes, strict=True) if node.owner == session != 0
    )


def stat_of(tree: Tree, path: str) -> Stat:
    """What a client is shown of the node at a path.

    Its `cversion` counts children that came and children that went.

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
