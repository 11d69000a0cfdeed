"""Quotas: how many nodes and bytes a subtree may have, and how many it has.

The limits of a subtree P are the data of /zookeeper/quota/P/zookeeper_limits, its usage the data of
zookeeper_stats beside it. Only the deepest subtree with limits is charged. Usage is updated as a side effect
that has no zxid and no version and triggers nothing. Soft limits are only logged; hard limits refuse
requests, where that is switched on.

ZooKeeper: Quotas, StatsTrack, DataTree.updateQuotaStat, ZooKeeperServer.checkQuota.
"""

from __future__ import annotations

from dataclasses import dataclass
from re import findall

from zabspec.parts import replace
from zabspec.tree.state import Tree, node_at, with_node

FOLDER = "/zookeeper/quota"
LIMITS = "/zookeeper_limits"
STATS = "/zookeeper_stats"
NO_LIMIT = -1


@dataclass(frozen=True, slots=True)
class Track:
    """Numbers of nodes and of bytes: used, or allowed."""

    count: int = NO_LIMIT
    size: int = NO_LIMIT
    hard_count: int = NO_LIMIT
    hard_size: int = NO_LIMIT


def encode(track: Track) -> bytes:
    """Returns the data of a node that holds limits or usage. ZooKeeper: StatsTrack.toString."""
    text = f"count={track.count},bytes={track.size}"
    if (track.hard_count, track.hard_size) != (NO_LIMIT, NO_LIMIT):
        text += f"=;byteHardLimit={track.hard_size};countHardLimit={track.hard_count}"
    return text.encode()


def decode(data: bytes | None) -> Track:
    """Returns the numbers in a node's data; one that is missing is no limit.

    ZooKeeper: StatsTrack(String).
    """
    found = dict(findall(r"(\w+)=(-?\d+)", (data or b"").decode(errors="replace")))
    return Track(
        int(found.get("count", NO_LIMIT)),
        int(found.get("bytes", NO_LIMIT)),
        int(found.get("countHardLimit", NO_LIMIT)),
        int(found.get("byteHardLimit", NO_LIMIT)),
    )


def subtree_of(tree: Tree, path: str) -> str | None:
    """Returns the deepest subtree with limits that contains a path, None if there is none."""
    while path:
        if node_at(tree, FOLDER + path + LIMITS) is not None:
            return path
        path = path[: path.rindex("/")]
    return None


def charged(tree: Tree, path: str, count: int, size: int) -> Tree:
    """Returns the tree with these numbers of nodes and bytes added to the usage of the subtree that has a
    path.
    """
    subtree = subtree_of(tree, path)
    place = None if subtree is None else FOLDER + subtree + STATS
    stats = None if place is None else node_at(tree, place)
    if place is None or stats is None or (count, size) == (0, 0):
        return tree
    used = decode(stats.data)
    used = replace(used, count=used.count + count, size=used.size + size)
    return with_node(tree, place, replace(stats, data=encode(used)))


def measured(tree: Tree, subtree: str) -> Tree:
    """Returns the tree with the usage of a subtree counted anew; the subtree's top node counts too."""
    place = FOLDER + subtree + STATS
    stats = node_at(tree, place)
    if stats is None:
        return tree
    sizes = [
        len(node.data or b"")
        for path, node in zip(tree.paths, tree.nodes, strict=True)
        if path == subtree or path.startswith(subtree + "/")
    ]
    return with_node(tree, place, replace(stats, data=encode(Track(len(sizes), sum(sizes)))))


def is_exceeded(tree: Tree, path: str, count: int, size: int) -> bool:
    """True if these further nodes and bytes break a hard limit.

    The numbers may be negative, and the limit may be broken already.
    """
    subtree = subtree_of(tree, path)
    limits = None if subtree is None else node_at(tree, FOLDER + subtree + LIMITS)
    stats = None if subtree is None else node_at(tree, FOLDER + subtree + STATS)
    if limits is None or stats is None:
        return False
    allowed, used = decode(limits.data), decode(stats.data)
    too_many = count != 0 and NO_LIMIT < allowed.hard_count < used.count + count
    too_large = size != 0 and NO_LIMIT < allowed.hard_size < used.size + size
    return too_many or too_large
