"""Quotas: limits on the nodes and bytes of a subtree, and its usage, kept under /zookeeper/quota.

The limits of a subtree P are the data of /zookeeper/quota/P/zookeeper_limits, and its usage is the data of
zookeeper_stats beside it. Usage is written directly into that node, without a new version or zxid and without
triggering watches. Only the deepest subtree with limits is charged.

ZooKeeper: Quotas, StatsTrack, PathTrie, DataTree.updateQuotaStat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zabserver.service.node import Node

ROOT = b"/zookeeper/quota"
LIMITS = b"/zookeeper_limits"
STATS = b"/zookeeper_stats"


@dataclass(frozen=True, slots=True)
class Track:
    """Limits or usage of a subtree (ZooKeeper: StatsTrack); a limit of -1 means none.

    Attributes:
        count: the number of nodes.
        size: the number of bytes of data.
        hard_count, hard_bytes: the limits that are enforced if `enforceQuota` is set.
    """

    count: int = -1
    size: int = -1
    hard_count: int = -1
    hard_bytes: int = -1

    def encode(self) -> bytes:
        """Returns the data of a limits or stats node."""
        text = f"count={self.count},bytes={self.size}"
        if self.hard_count != -1 or self.hard_bytes != -1:
            text += f"=;byteHardLimit={self.hard_bytes};countHardLimit={self.hard_count}"
        return text.encode()


def decode(data: bytes | None) -> Track:
    """Returns the numbers in a node's data; those that are missing or malformed are -1."""
    found = {}
    for part in (data or b"").replace(b"=;", b",").replace(b";", b",").split(b","):
        name, _, value = part.partition(b"=")
        try:
            found[name] = int(value)
        except ValueError:
            continue
    return Track(
        found.get(b"count", -1),
        found.get(b"bytes", -1),
        found.get(b"countHardLimit", -1),
        found.get(b"byteHardLimit", -1),
    )


class Limits:
    """The subtrees that have limits.

    Attributes:
        paths: the roots of those subtrees.
    """

    __slots__ = ("paths",)

    def __init__(self) -> None:
        self.paths: set[bytes] = set()

    def subtree_of(self, path: bytes) -> bytes | None:
        """Returns the deepest subtree with limits that contains a path; None if there is none."""
        if not self.paths or path == ROOT or path.startswith(b"/zookeeper/"):
            return None
        while path:
            if path in self.paths:
                return path
            path = path[: path.rindex(b"/")]
        return None

    def on_created(self, nodes: Mapping[bytes, Node], path: bytes, size: int) -> None:
        """Charges the creation of a node with `size` bytes of data."""
        if path.startswith(ROOT):
            self._on_quota_node_created(nodes, path)
        elif self.paths:
            self._charge(nodes, path, 1, size)

    def on_deleted(self, nodes: Mapping[bytes, Node], path: bytes, size: int) -> None:
        """Credits the deletion of a node with `size` bytes of data."""
        if path.startswith(ROOT) and path.endswith(LIMITS):
            self.paths.discard(path[len(ROOT) : -len(LIMITS)])
        elif self.paths:
            self._charge(nodes, path, -1, -size)

    def on_changed(self, nodes: Mapping[bytes, Node], path: bytes, size: int) -> None:
        """Charges a change of a node's data that adds `size` bytes."""
        self._charge(nodes, path, 0, size)

    def _on_quota_node_created(self, nodes: Mapping[bytes, Node], path: bytes) -> None:
        """Adds the subtree of a new limits node; measures the subtree of a new stats node."""
        if path.endswith(LIMITS):
            self.paths.add(path[len(ROOT) : -len(LIMITS)])
        elif path.endswith(STATS):
            measure(nodes, path[len(ROOT) : -len(STATS)])

    def _charge(self, nodes: Mapping[bytes, Node], path: bytes, count: int, size: int) -> None:
        subtree = self.subtree_of(path)
        stats = None if subtree is None else nodes.get(ROOT + subtree + STATS)
        if stats is not None:
            used = decode(stats.data)
            stats.data = Track(used.count + count, used.size + size).encode()

    def is_exceeded(self, nodes: Mapping[bytes, Node], path: bytes, count: int, size: int) -> bool:
        """True if `count` more nodes and `size` more bytes at a path would exceed a hard limit."""
        subtree = self.subtree_of(path)
        limits = None if subtree is None else nodes.get(ROOT + subtree + LIMITS)
        if subtree is None or limits is None:
            return False
        allowed = decode(limits.data)
        stats = nodes.get(ROOT + subtree + STATS)
        used = Track(0, 0) if stats is None else decode(stats.data)
        return (count > 0 and -1 < allowed.hard_count < used.count + count) or (
            size > 0 and -1 < allowed.hard_bytes < used.size + size
        )


def measure(nodes: Mapping[bytes, Node], subtree: bytes) -> None:
    """Measures the usage of a subtree and writes it to its stats node, if there is one."""
    stats = nodes.get(ROOT + subtree + STATS)
    if stats is None:
        return
    sizes: list[int] = []
    todo = [subtree]
    while todo:
        path = todo.pop()
        node = nodes.get(path)
        if node is not None:
            sizes.append(len(node.data or b""))
            todo += [path + b"/" + name for name in sorted(node.children)]
    stats.data = Track(len(sizes), sum(sizes)).encode()


def load(nodes: Mapping[bytes, Node]) -> Limits:
    """Returns the limits in a tree that was loaded, and measures the usage of each subtree."""
    limits = Limits()
    for path in sorted(nodes):
        if path.startswith(ROOT + b"/") and path.endswith(LIMITS):
            limits.paths.add(path[len(ROOT) : -len(LIMITS)])
    for subtree in sorted(limits.paths):
        measure(nodes, subtree)
    return limits
